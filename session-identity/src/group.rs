//! A group as its admins hold it: one Ed25519 key pair, the same for all of them.
//!
//! The public key is the group's id, prefix 03. The secret signs the group's state, and other secrets
//! of the admins follow from it (protocol: identity, section 8.1).

use core::fmt;

use rand_core::CryptoRng;
use session_crypto::{Blake2b, Ed25519Secret, KeyError};
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::GroupId;

/// Name of the secret that the keys of messages follow from.
pub const KEY_SEED: &str = "SessionGroupKeySeed";
/// Name of the secret with which admins encrypt message keys for themselves.
pub const ADMIN_KEY: &str = "SessionGroupKeyAdminKey";
/// Name of the secret that the factors of subaccounts follow from.
pub const SUBACCOUNT_MASK: &str = "SessionGroupSubaccountMask";

/// The key pair of a group.
///
/// Wiped when dropped, never printed; it cannot be cloned.
///
/// ```
/// # use getrandom::{SysRng, rand_core::UnwrapErr};
/// # let rng = &mut UnwrapErr(SysRng);
/// use session_identity::Group;
///
/// let group = Group::generate(rng);
/// assert!(group.id().to_string().starts_with("03"));
/// // A promoted member gets the seed, and checks that it is this group's.
/// let promoted = Group::from_admin_key(group.ed25519().expose_seed(), group.id())?;
/// assert_eq!(promoted.id(), group.id());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub struct Group {
    secret: Ed25519Secret,
    id: GroupId,
}

// The secret wipes itself.
impl ZeroizeOnDrop for Group {}

impl Group {
    /// Founds a group: draws a seed of 32 bytes.
    #[must_use]
    pub fn generate(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        Self::from_secret(Ed25519Secret::generate(rng))
    }

    /// Takes the group's key pair.
    #[must_use]
    pub fn from_secret(secret: Ed25519Secret) -> Self {
        Self {
            id: GroupId::from_ed25519(&secret.public()),
            secret,
        }
    }

    /// Takes the admin key of a group as it was received or stored: the seed, 32 bytes, or the seed
    /// and the public key, 64 bytes.
    ///
    /// # Errors
    ///
    /// [`KeyError::Mismatch`] if it is another group's key or its halves do not belong together,
    /// [`KeyError::Length`] if it has another length.
    pub fn from_admin_key(bytes: &[u8], id: &GroupId) -> Result<Self, KeyError> {
        let secret = if let Ok(both) = <&[u8; 64]>::try_from(bytes) {
            Ed25519Secret::from_libsodium(both)?
        } else {
            let seed = bytes.try_into().map_err(|_| KeyError::Length {
                expected: Ed25519Secret::LENGTH,
                got: bytes.len(),
            })?;
            Ed25519Secret::from_seed(seed)
        };
        let group = Self::from_secret(secret);
        if group.id == *id {
            Ok(group)
        } else {
            Err(KeyError::Mismatch)
        }
    }

    /// The id, prefix `03`.
    #[must_use]
    pub const fn id(&self) -> &GroupId {
        &self.id
    }

    /// The key pair. Its X25519 form encrypts keys to members.
    #[must_use]
    pub const fn ed25519(&self) -> &Ed25519Secret {
        &self.secret
    }

    /// A secret of 32 bytes that every admin can derive: [`KEY_SEED`], [`ADMIN_KEY`] or
    /// [`SUBACCOUNT_MASK`]. Of a longer name the first 64 bytes count.
    #[must_use]
    pub fn derive(&self, name: &str) -> Zeroizing<[u8; 32]> {
        derive(&self.secret, name)
    }
}

/// `BLAKE2b-32(seed; key = name)`.
pub(crate) fn derive(group: &Ed25519Secret, name: &str) -> Zeroizing<[u8; 32]> {
    let hash = Blake2b::<32>::keyed_prefix(name.as_bytes());
    Zeroizing::new(hash.chain(group.expose_seed()).finalize())
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
