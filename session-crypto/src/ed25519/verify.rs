//! Verification of signatures and validation of public keys.

use core::fmt;
use core::str::FromStr;

use curve25519_dalek::{EdwardsPoint, Scalar};
use ed25519_dalek::SigningKey;
use session_types::{AccountId, Ed25519Public, Ed25519Signature, X25519Public};

use crate::scalar::sha512_scalar;
use crate::{KeyError, SignatureError, point};

/// Operations on an Ed25519 public key as received.
///
/// Each method validates the key. [`VerifyingKey`] is a key that was validated once.
pub trait Ed25519PublicExt: sealed::Sealed {
    /// Verifies a signature of this key over `message`.
    ///
    /// Not constant-time: key, message and signature are public.
    ///
    /// # Errors
    ///
    /// [`SignatureError`] if the key is not usable or the signature does not verify.
    fn verify(&self, message: &[u8], signature: &Ed25519Signature) -> Result<(), SignatureError> {
        self.verify_parts(&[message], signature)
    }

    /// Verifies a signature over the concatenated parts of a message.
    ///
    /// # Errors
    ///
    /// [`SignatureError`] if the key is not usable or the signature does not verify.
    fn verify_parts(
        &self,
        message: &[&[u8]],
        signature: &Ed25519Signature,
    ) -> Result<(), SignatureError>;

    /// Validates and decompresses the key once, for many verifications.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if the bytes are not the canonical encoding of a point, or the point has small
    /// order.
    fn to_verifying_key(&self) -> Result<VerifyingKey, KeyError>;

    /// Returns the X25519 public key of the same pair (protocol: identity, section 1.3).
    ///
    /// # Errors
    ///
    /// [`KeyError`] if the bytes are not the canonical encoding of a point, or the point is not in
    /// the prime-order subgroup.
    fn to_x25519(&self) -> Result<X25519Public, KeyError>;

    /// Returns the id of the account with this key.
    ///
    /// The sender of a message is the account of a key whose signature was verified. An id from
    /// outside the encryption proves nothing.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if the key is not a valid account key, as for
    /// [`to_x25519`](Self::to_x25519).
    fn to_account_id(&self) -> Result<AccountId, KeyError> {
        self.to_x25519().map(|key| AccountId::from_x25519(&key))
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for session_types::Ed25519Public {}
}

impl Ed25519PublicExt for Ed25519Public {
    fn verify_parts(
        &self,
        message: &[&[u8]],
        signature: &Ed25519Signature,
    ) -> Result<(), SignatureError> {
        self.to_verifying_key()
            .map_err(|_| SignatureError)?
            .verify_parts(message, signature)
    }

    fn to_verifying_key(&self) -> Result<VerifyingKey, KeyError> {
        let point = point::decompress(self)?;
        if point.is_small_order() {
            return Err(KeyError::NotPrimeOrder);
        }
        Ok(VerifyingKey {
            public: *self,
            negative: -point,
        })
    }

    fn to_x25519(&self) -> Result<X25519Public, KeyError> {
        Ok(point::to_x25519(&point::of_ed25519(self)?))
    }
}

/// An Ed25519 public key that was validated, decompressed for many verifications.
#[derive(Clone)]
pub struct VerifyingKey {
    public: Ed25519Public,
    /// `-A`, which the check multiplies.
    negative: EdwardsPoint,
}

impl VerifyingKey {
    /// The key of a pair whose secret is known, in the prime-order subgroup for that reason.
    pub(super) fn of(secret: &SigningKey) -> Self {
        let key = secret.verifying_key();
        Self {
            public: Ed25519Public::from_bytes(key.to_bytes()),
            negative: -key.to_edwards(),
        }
    }

    /// Returns the key as received.
    #[must_use]
    pub const fn public(&self) -> Ed25519Public {
        self.public
    }

    /// Returns the bytes of the key.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.public.as_bytes()
    }

    /// Returns the point of the key.
    #[cfg(feature = "ed25519-dalek")]
    pub(super) fn point(&self) -> EdwardsPoint {
        -self.negative
    }

    /// Returns the X25519 public key of the same pair, as [`Ed25519PublicExt::to_x25519`].
    ///
    /// # Errors
    ///
    /// [`KeyError::NotPrimeOrder`] if the point is not in the prime-order subgroup.
    pub fn to_x25519(&self) -> Result<X25519Public, KeyError> {
        point::require_prime_order(&self.negative)?;
        // A point and its negative have the same u-coordinate.
        Ok(point::to_x25519(&self.negative))
    }

    /// Verifies a signature, as [`Ed25519PublicExt::verify`].
    ///
    /// # Errors
    ///
    /// [`SignatureError`] if the signature does not verify.
    pub fn verify(
        &self,
        message: &[u8],
        signature: &Ed25519Signature,
    ) -> Result<(), SignatureError> {
        self.verify_parts(&[message], signature)
    }

    /// Verifies a signature over the concatenated parts of a message.
    ///
    /// # Errors
    ///
    /// [`SignatureError`] if the signature does not verify.
    pub fn verify_parts(
        &self,
        message: &[&[u8]],
        signature: &Ed25519Signature,
    ) -> Result<(), SignatureError> {
        let (r, s) = signature.parts();
        let s = Option::<Scalar>::from(Scalar::from_canonical_bytes(s)).ok_or(SignatureError)?;
        let k = sha512_scalar(&[&r, self.public.as_bytes()], message);
        let expected = EdwardsPoint::vartime_double_scalar_mul_basepoint(&k, &self.negative, &s);
        // R is never decompressed: if it is the canonical encoding of the expected point, then both
        // have small order or neither has.
        if expected.compress().to_bytes() != r || expected.is_small_order() {
            return Err(SignatureError);
        }
        Ok(())
    }
}

impl TryFrom<&Ed25519Public> for VerifyingKey {
    type Error = KeyError;

    fn try_from(key: &Ed25519Public) -> Result<Self, KeyError> {
        key.to_verifying_key()
    }
}

impl TryFrom<&[u8]> for VerifyingKey {
    type Error = KeyError;

    fn try_from(bytes: &[u8]) -> Result<Self, KeyError> {
        let bytes = crate::key_bytes(bytes)?;
        Ed25519Public::from_bytes(bytes).to_verifying_key()
    }
}

/// The text is not a verifying key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseKeyError {
    /// The text is not hex of the right length.
    #[error(transparent)]
    Text(#[from] session_types::ParseError),
    /// The key is not usable.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// Parses 64 hex digits of either case.
impl FromStr for VerifyingKey {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, ParseKeyError> {
        let key: Ed25519Public = text.parse()?;
        Ok(key.to_verifying_key()?)
    }
}

impl From<&VerifyingKey> for Ed25519Public {
    fn from(key: &VerifyingKey) -> Self {
        key.public
    }
}

impl AsRef<[u8]> for VerifyingKey {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl PartialEq for VerifyingKey {
    fn eq(&self, other: &Self) -> bool {
        self.public == other.public
    }
}

impl Eq for VerifyingKey {}

/// Writes 64 lower-case hex digits.
impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.public.fmt(f)
    }
}

impl fmt::LowerHex for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.public.fmt(f)
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({:x})", self.public)
    }
}

/// As [`Ed25519Public`].
#[cfg(feature = "serde")]
impl serde_core::Serialize for VerifyingKey {
    fn serialize<S: serde_core::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.public.serialize(serializer)
    }
}

/// As [`Ed25519Public`], and validates the key.
#[cfg(feature = "serde")]
impl<'de> serde_core::Deserialize<'de> for VerifyingKey {
    fn deserialize<D: serde_core::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let key = Ed25519Public::deserialize(deserializer)?;
        key.to_verifying_key()
            .map_err(serde_core::de::Error::custom)
    }
}
