//! Blinded keys: pseudonyms of an account, one for each community.
//!
//! A blinded key is the account's Ed25519 key times a factor, which is a hash of the community's
//! key. Prefix 15 hashes the community's key alone, prefix 25 the account id as well (protocol:
//! identity, section 6). All keys here are the 32 bytes behind the prefix; [`Blinding::prefix`] is
//! the byte in front.
//!
//! # The sign
//!
//! An account id does not reveal which of two Ed25519 keys, `A` or `-A`, the account has. A 25-key
//! does not depend on it. A 15-key computed from an account id is one of **two candidates**
//! ([`candidates15`]) and wrong for half of all accounts. That suffices to match a known key
//! against an account, but nothing must be sealed to it: use the key that the community server
//! names.

use core::fmt;

use curve25519_dalek::EdwardsPoint;
use session_types::AnyId;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::bytes::split_array;
use crate::ed25519::{Ed25519Public, Ed25519Secret, Ed25519Signature};
use crate::scalar::{SecretScalar, sha512_scalar};
use crate::sha512::sha512;
use crate::x25519::X25519Public;
use crate::{Blake2b, KeyError, point};

/// The byte in front of an account's X25519 key.
const ACCOUNT_PREFIX: u8 = 0x05;

/// The two kinds of blinding, named by the first byte of their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Blinding {
    /// 15: the factor depends on the community alone.
    Blind15,
    /// 25: the factor depends on the community and the account.
    Blind25,
}

impl Blinding {
    /// Returns the byte in front of the 32 bytes of a blinded key.
    #[must_use]
    pub const fn prefix(self) -> u8 {
        match self {
            Self::Blind15 => 0x15,
            Self::Blind25 => 0x25,
        }
    }

    /// Returns the kind of blinding of a prefix.
    #[must_use]
    pub const fn from_prefix(prefix: u8) -> Option<Self> {
        match prefix {
            0x15 => Some(Self::Blind15),
            0x25 => Some(Self::Blind25),
            _ => None,
        }
    }

    /// Returns the blinded key of an account with a known Ed25519 key, with its true sign.
    ///
    /// Not constant-time: keys are public.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if the account's key is not a point of the prime-order subgroup.
    pub fn key_of(
        self,
        account: &Ed25519Public,
        server: &X25519Public,
    ) -> Result<Ed25519Public, KeyError> {
        let point = point::of_ed25519(account)?;
        self.key_of_point(account, &point, &point::to_x25519(&point), server)
    }

    /// As [`key_of`](Self::key_of), for a key whose point and X25519 key are known.
    pub(crate) fn key_of_point(
        self,
        account: &Ed25519Public,
        point: &EdwardsPoint,
        x25519: &X25519Public,
        server: &X25519Public,
    ) -> Result<Ed25519Public, KeyError> {
        match self {
            Self::Blind15 => factor15(server).multiply_checked(point),
            Self::Blind25 => factor25(x25519, server).multiply_checked(&absolute(account, *point)),
        }
    }
}

/// Returns the one of `point` and `-point` whose encoding has the sign bit 0.
fn absolute(key: &Ed25519Public, point: EdwardsPoint) -> EdwardsPoint {
    if key.is_negative() { -point } else { point }
}

/// Returns the factor of prefix 15: `red(BLAKE2b-64(server))`.
///
/// `server` is the community's public key from its URL. It is hashed, not multiplied.
#[must_use]
pub fn factor15(server: &X25519Public) -> SecretScalar {
    let hash = Blake2b::<64>::new().chain(server.as_bytes()).finalize();
    SecretScalar::from_wide_bytes(&hash)
}

/// Returns the factor of prefix 25: `red(BLAKE2b-64(0x05 || account || server))`.
///
/// The holder of a negative Ed25519 key multiplies by the negated factor, as [`BlindedSecret`]
/// does.
#[must_use]
pub fn factor25(account: &X25519Public, server: &X25519Public) -> SecretScalar {
    let hash = Blake2b::<64>::new()
        .chain(&[ACCOUNT_PREFIX])
        .chain(account.as_bytes())
        .chain(server.as_bytes())
        .finalize();
    SecretScalar::from_wide_bytes(&hash)
}

/// Returns the two possible keys of prefix 15 of an account with a known X25519 key.
///
/// The second one has the other sign; neither order nor sign reveals the true one. For matching
/// only: see the [module](self).
///
/// # Errors
///
/// [`KeyError`] if the account's key is not a point of the prime-order subgroup.
pub fn candidates15(
    account: &X25519Public,
    server: &X25519Public,
) -> Result<[Ed25519Public; 2], KeyError> {
    let key = factor15(server).multiply_checked(&point::of_x25519(account)?)?;
    Ok([key, key.with_other_sign()])
}

/// Returns the key of prefix 25 of an account with a known X25519 key.
///
/// # Errors
///
/// [`KeyError`] if the account's key is not a point of the prime-order subgroup.
pub fn key25(account: &X25519Public, server: &X25519Public) -> Result<Ed25519Public, KeyError> {
    factor25(account, server).multiply_checked(&point::of_x25519(account)?)
}

/// Returns whether `blinded` may be the key of `account` in the community `server`.
///
/// # Errors
///
/// [`KeyError`] if the account's key is not a point of the prime-order subgroup.
pub fn matches(
    blinding: Blinding,
    account: &X25519Public,
    blinded: &Ed25519Public,
    server: &X25519Public,
) -> Result<bool, KeyError> {
    Ok(match blinding {
        Blinding::Blind15 => candidates15(account, server)?.contains(blinded),
        Blinding::Blind25 => key25(account, server)? == *blinded,
    })
}

/// An account's own blinded key pair in one community.
///
/// It is zeroized on drop and never printed, and cannot be cloned.
///
/// ```
/// # use getrandom::{SysRng, rand_core::UnwrapErr};
/// # let rng = &mut UnwrapErr(SysRng);
/// use session_crypto::{BlindedSecret, Blinding, Ed25519PublicExt, Ed25519Secret, X25519Secret};
///
/// let account = Ed25519Secret::generate(rng);
/// let server = X25519Secret::generate(rng).public();
/// let blinded = BlindedSecret::new(Blinding::Blind15, &account, &server)?;
/// let signature = blinded.sign(b"a post");
/// // Readers of the post see only the blinded key.
/// blinded.public().verify(b"a post", &signature)?;
/// assert_ne!(blinded.public(), account.public());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub struct BlindedSecret {
    blinding: Blinding,
    server: X25519Public,
    account: Ed25519Public,
    /// `a`, the account's scalar.
    account_scalar: SecretScalar,
    /// `ka`, the blinded scalar.
    scalar: SecretScalar,
    public: Ed25519Public,
    /// Key of the hash that derives the nonce of a signature.
    nonce_key: Zeroizing<[u8; 32]>,
}

// Every secret field zeroizes itself.
impl ZeroizeOnDrop for BlindedSecret {}

impl BlindedSecret {
    /// Derives the key pair (protocol: identity, section 6.4). Constant-time.
    ///
    /// # Errors
    ///
    /// [`KeyError::ZeroScalar`] if the factor is 0, which has a negligible probability.
    pub fn new(
        blinding: Blinding,
        account: &Ed25519Secret,
        server: &X25519Public,
    ) -> Result<Self, KeyError> {
        let a = account.to_scalar();
        let public = account.public();
        let (factor, nonce_key) = match blinding {
            Blinding::Blind15 => (factor15(server), nonce_key15(account)),
            Blinding::Blind25 => {
                let factor = factor25(&account.x25519_public(), server);
                let nonce_key = Blake2b::<32>::keyed(b"SessCommBlind25_seed")
                    .chain(account.expose_seed())
                    .finalize();
                (
                    factor.negate_if(public.is_negative()),
                    Zeroizing::new(nonce_key),
                )
            }
        };
        let scalar = factor.multiply(&a);
        Ok(Self {
            blinding,
            server: *server,
            account: public,
            account_scalar: a,
            public: scalar.multiply_base()?,
            scalar,
            nonce_key,
        })
    }

    /// Returns the kind of blinding.
    #[must_use]
    pub const fn blinding(&self) -> Blinding {
        self.blinding
    }

    /// Returns the blinded public key: the id without its prefix.
    #[must_use]
    pub const fn public(&self) -> Ed25519Public {
        self.public
    }

    /// Returns the id of this key pair: `15` or `25` and the public key.
    #[must_use]
    pub const fn id(&self) -> AnyId {
        AnyId::from_parts(self.blinding().prefix(), self.public().as_bytes())
    }

    /// Returns the account's own Ed25519 key, which is not blinded.
    #[must_use]
    pub const fn account(&self) -> &Ed25519Public {
        &self.account
    }

    /// Returns the community's key.
    #[must_use]
    pub const fn server(&self) -> &X25519Public {
        &self.server
    }

    /// Returns the blinded scalar `ka`.
    #[must_use]
    pub const fn scalar(&self) -> &SecretScalar {
        &self.scalar
    }

    /// Returns the scalar of the key shared with another blinded account: `a` for prefix 15, where
    /// both sides have the same factor, `ka` for prefix 25.
    pub(crate) const fn shared_scalar(&self) -> &SecretScalar {
        match self.blinding {
            Blinding::Blind15 => &self.account_scalar,
            Blinding::Blind25 => &self.scalar,
        }
    }

    /// Signs `message` with the blinded key. Deterministic; constant-time in the secret.
    ///
    /// Verify it with [`Ed25519PublicExt::verify`](crate::Ed25519PublicExt::verify) of the blinded
    /// public key.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Ed25519Signature {
        self.sign_parts(&[message])
    }

    /// Signs the concatenated parts of a message (protocol: identity, section 6.5). Constant-time
    /// in the secret.
    #[must_use]
    pub fn sign_parts(&self, message: &[&[u8]]) -> Ed25519Signature {
        let nonce = match self.blinding {
            Blinding::Blind15 => SecretScalar::from_scalar(sha512_scalar(
                &[self.nonce_key.as_slice(), self.public.as_bytes()],
                message,
            )),
            Blinding::Blind25 => {
                let mut hash = Blake2b::<64>::keyed(b"SessCommBlind25_sig")
                    .chain(self.nonce_key.as_slice())
                    .chain(self.public.as_bytes());
                for part in message {
                    hash.update(part);
                }
                SecretScalar::from_wide_bytes(&Zeroizing::new(hash.finalize()))
            }
        };
        self.scalar.sign_parts(&nonce, &self.public, message)
    }
}

/// Computes `SHA-512(seed || A)[32..64]`.
fn nonce_key15(account: &Ed25519Secret) -> Zeroizing<[u8; 32]> {
    let public = account.public();
    let hash = sha512([account.expose_seed().as_slice(), public.as_bytes()]);
    let (_, key) = split_array::<64, 32, 32>(&hash);
    Zeroizing::new(*key)
}

impl fmt::Debug for BlindedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlindedSecret(..)")
    }
}

/// Derives the key pair with which an account asks for new versions, prefix 07. It is unlinkable to
/// the account and the same for all its requests (protocol: identity, section 6.6). Constant-time.
#[must_use]
pub fn version_key(account: &Ed25519Secret) -> Ed25519Secret {
    let seed = Zeroizing::new(
        Blake2b::<32>::keyed(b"VersionCheckKey_sig")
            .chain(account.expose_seed())
            .finalize(),
    );
    Ed25519Secret::from_seed(&seed)
}

impl From<&BlindedSecret> for AnyId {
    fn from(secret: &BlindedSecret) -> Self {
        secret.id()
    }
}
