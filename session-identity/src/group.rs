//! Groups: one Ed25519 key pair, which all admins of the group share.
//!
//! The public key is the group's id, prefix 03. The secret key signs the group's state, and other
//! secrets of the admins are derived from it (protocol: identity, section 8.1).

use core::fmt;

use rand_core::CryptoRng;
use session_crypto::{Blake2b, Ed25519Secret, KeyError};
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::GroupId;

/// Name of the secret from which message keys are derived.
pub const KEY_SEED: &[u8; 19] = b"SessionGroupKeySeed";
/// Name of the secret with which admins encrypt message keys for themselves.
pub const ADMIN_KEY: &[u8; 23] = b"SessionGroupKeyAdminKey";
/// Name of the secret from which the factors of subaccounts are derived.
pub const SUBACCOUNT_MASK: &[u8; 26] = b"SessionGroupSubaccountMask";

/// The key pair of a group.
///
/// Zeroized on drop, never printed; it cannot be cloned.
///
/// ```
/// # use getrandom::{SysRng, rand_core::UnwrapErr};
/// # let rng = &mut UnwrapErr(SysRng);
/// use session_identity::Group;
///
/// let group = Group::generate(rng);
/// assert!(group.id().to_string().starts_with("03"));
/// // A promoted member receives the seed, and checks that it belongs to this group.
/// let promoted = Group::from_admin_key(group.ed25519().expose_seed(), group.id())?;
/// assert_eq!(promoted.id(), group.id());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub struct Group {
    secret: Ed25519Secret,
    id: GroupId,
}

// The secret zeroizes itself.
impl ZeroizeOnDrop for Group {}

impl Group {
    /// Creates a group: generates a seed of 32 bytes.
    #[must_use]
    pub fn generate(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        Self::from_secret(Ed25519Secret::generate(rng))
    }

    /// Creates a group with the operating system's generator. Requires the feature `getrandom`.
    ///
    /// # Errors
    ///
    /// [`getrandom::Error`] if the generator fails.
    #[cfg(feature = "getrandom")]
    pub fn random() -> Result<Self, getrandom::Error> {
        Ed25519Secret::random().map(Self::from_secret)
    }

    /// Takes the group's key pair.
    #[must_use]
    pub fn from_secret(secret: Ed25519Secret) -> Self {
        Self {
            id: GroupId::from_ed25519(&secret.public()),
            secret,
        }
    }

    /// Takes the admin key of a group as received or stored: the seed, 32 bytes, or the seed and
    /// the public key, 64 bytes.
    ///
    /// # Errors
    ///
    /// [`KeyError::Mismatch`] if it is the key of another group or its halves do not match,
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

    /// Returns the id, prefix `03`.
    #[must_use]
    pub const fn id(&self) -> &GroupId {
        &self.id
    }

    /// Returns the key pair. Its X25519 form encrypts keys to members.
    #[must_use]
    pub const fn ed25519(&self) -> &Ed25519Secret {
        &self.secret
    }

    /// Derives a secret of 32 bytes that all admins share: [`KEY_SEED`], [`ADMIN_KEY`] or
    /// [`SUBACCOUNT_MASK`]. A name has 1 to 64 bytes, which is checked at compile time.
    #[must_use]
    pub fn derive<const K: usize>(&self, name: &[u8; K]) -> Zeroizing<[u8; 32]> {
        derive(&self.secret, name)
    }
}

/// Computes `BLAKE2b-32(seed; key = name)`.
pub(crate) fn derive<const K: usize>(group: &Ed25519Secret, name: &[u8; K]) -> Zeroizing<[u8; 32]> {
    let hash = Blake2b::<32>::keyed(name);
    Zeroizing::new(hash.chain(group.expose_seed()).finalize())
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
