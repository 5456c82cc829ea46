//! Ed25519 signatures with one strict rule, and the way from Ed25519 keys to X25519 keys.
//!
//! A signature is accepted if and only if S < L, the public key is the canonical encoding of a
//! point that is not of small order, R is not of small order, and R equals the canonical encoding
//! of `[S]B - [k]A`, without any multiplication by the cofactor (protocol: identity, section 1.5).
//! That is what libsodium 1.0.18 does; the plain `verify` of common Rust crates accepts more.

use core::fmt;

use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::traits::IsIdentity;
use curve25519_dalek::{EdwardsPoint, Scalar};
use ed25519_dalek::SigningKey;
use ed25519_dalek::hazmat::ExpandedSecretKey;
use rand_core::CryptoRng;
use session_types::AccountId;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::scalar::{SecretScalar, sha512_scalar};
use crate::x25519::{X25519Public, X25519Secret};
use crate::{KeyError, SignatureError};

pub use session_types::{Ed25519Public, Ed25519Signature};

/// What can be done with an Ed25519 public key as received, once it is validated.
///
/// Each method validates the key. [`VerifyingKey`] keeps a key that was validated once.
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
        let point = decompress(self)?;
        if point.is_small_order() {
            return Err(KeyError::NotPrimeOrder);
        }
        Ok(VerifyingKey {
            public: *self,
            negative: -point,
        })
    }

    fn to_x25519(&self) -> Result<X25519Public, KeyError> {
        let point = to_point(self)?;
        Ok(X25519Public::from_bytes(point.to_montgomery().to_bytes()))
    }
}

/// Returns the point of a key, in the prime-order subgroup and not the identity.
pub(crate) fn to_point(key: &Ed25519Public) -> Result<EdwardsPoint, KeyError> {
    let point = decompress(key)?;
    require_prime_order(&point)?;
    Ok(point)
}

/// Decodes the canonical encoding of a point.
///
/// The encodings of x = 0 with the sign bit set are of points of order 1 and 2, which the callers
/// reject.
fn decompress(key: &Ed25519Public) -> Result<EdwardsPoint, KeyError> {
    if !is_canonical_y(key.as_bytes()) {
        return Err(KeyError::NotAPoint);
    }
    CompressedEdwardsY(key.to_bytes())
        .decompress()
        .ok_or(KeyError::NotAPoint)
}

/// Refuses points outside the prime-order subgroup, and the identity. Not constant time: for public
/// points.
pub(crate) fn require_prime_order(point: &EdwardsPoint) -> Result<(), KeyError> {
    if point.is_identity() || !is_torsion_free(point) {
        return Err(KeyError::NotPrimeOrder);
    }
    Ok(())
}

/// Whether the group's order L takes the point to the identity: `[L - 1]P = -P`.
///
/// `EdwardsPoint::is_torsion_free` says the same in constant time, which takes a fifth longer.
fn is_torsion_free(point: &EdwardsPoint) -> bool {
    let multiple =
        EdwardsPoint::vartime_double_scalar_mul_basepoint(&-Scalar::ONE, point, &Scalar::ZERO);
    multiple == -point
}

/// Whether the y-coordinate is below 2^255 - 19.
fn is_canonical_y(bytes: &[u8; 32]) -> bool {
    let [first, middle @ .., last] = bytes;
    !(last & 0x7f == 0x7f && *first >= 0xed && middle.iter().all(|byte| *byte == 0xff))
}

/// An Ed25519 public key that was validated, decompressed for many verifications.
#[derive(Clone)]
pub struct VerifyingKey {
    public: Ed25519Public,
    /// `-A`, which the check multiplies.
    negative: EdwardsPoint,
}

impl VerifyingKey {
    /// The key itself.
    #[must_use]
    pub const fn public(&self) -> Ed25519Public {
        self.public
    }

    /// Returns the X25519 public key of the same pair, as [`Ed25519PublicExt::to_x25519`].
    ///
    /// # Errors
    ///
    /// [`KeyError::NotPrimeOrder`] if the point is not in the prime-order subgroup.
    pub fn to_x25519(&self) -> Result<X25519Public, KeyError> {
        require_prime_order(&self.negative)?;
        // A point and its negative have the same u-coordinate.
        Ok(X25519Public::from_bytes(
            self.negative.to_montgomery().to_bytes(),
        ))
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

    /// Verifies a signature over the parts of a message, one after the other.
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
        // R is never decompressed: if it is the canonical encoding of the expected point, then it is
        // of small order exactly if that point is.
        if expected.compress().to_bytes() != r || expected.is_small_order() {
            return Err(SignatureError);
        }
        Ok(())
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::fmt_public(f, "VerifyingKey", self.public.as_bytes())
    }
}

/// Draws bytes that look like a signature and verify under no known key, to stand where others
/// send a signature: `[r]B || s` for random `r` and `s` (protocol: identity, section 1.5).
///
/// A receiver cannot tell it from a signature by a key that they do not know.
#[must_use]
pub fn decoy_signature(rng: &mut (impl CryptoRng + ?Sized)) -> Ed25519Signature {
    let (r, s) = (SecretScalar::generate(rng), SecretScalar::generate(rng));
    Ed25519Signature::from_parts(r.public().as_bytes(), s.expose_bytes())
}

/// An Ed25519 key pair, kept as its 32-byte seed and its public key.
///
/// Wiped when dropped, never printed; it cannot be cloned.
pub struct Ed25519Secret(SigningKey);

// The signing key wipes itself.
impl ZeroizeOnDrop for Ed25519Secret {}

impl Ed25519Secret {
    /// Length of the seed in bytes.
    pub const LENGTH: usize = 32;
    /// Length in bytes of the form that libsodium uses: the seed, then the public key.
    pub const LIBSODIUM_LENGTH: usize = 64;

    /// Makes the key pair of a seed (RFC 8032). Constant time.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// Takes a 64-byte libsodium secret: the seed followed by the public key.
    ///
    /// # Errors
    ///
    /// [`KeyError::Mismatch`] if the public key is not that of the seed. A signature made with
    /// such a pair would give the secret away.
    pub fn from_libsodium(secret: &[u8; 64]) -> Result<Self, KeyError> {
        SigningKey::from_keypair_bytes(secret)
            .map(Self)
            .map_err(|_| KeyError::Mismatch)
    }

    /// Draws a seed of 32 bytes.
    #[must_use]
    pub fn generate(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        let secret = Self::from_seed(&seed);
        seed.zeroize();
        secret
    }

    /// The public key.
    #[must_use]
    pub fn public(&self) -> Ed25519Public {
        Ed25519Public::from_bytes(self.0.verifying_key().to_bytes())
    }

    /// The secret seed, for the caller's own store.
    #[must_use]
    pub fn expose_seed(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Signs `message` (RFC 8032, deterministic). Constant time in the secret.
    ///
    /// ```
    /// # use getrandom::{SysRng, rand_core::UnwrapErr};
    /// # let rng = &mut UnwrapErr(SysRng);
    /// use session_crypto::{Ed25519PublicExt, Ed25519Secret};
    ///
    /// let secret = Ed25519Secret::generate(rng);
    /// let signature = secret.sign(b"hello");
    /// assert!(secret.public().verify(b"hello", &signature).is_ok());
    /// assert!(secret.public().verify(b"Hello", &signature).is_err());
    /// ```
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Ed25519Signature {
        self.sign_parts(&[message])
    }

    /// Signs the parts of a message, one after the other. Constant time in the secret.
    #[must_use]
    pub fn sign_parts(&self, message: &[&[u8]]) -> Ed25519Signature {
        // Wipes itself.
        let expanded = ExpandedSecretKey::from(self.0.as_bytes());
        let mut r = sha512_scalar(&[&expanded.hash_prefix], message);
        let signature = finish_signature(&r, &expanded.scalar, &self.public(), message);
        r.zeroize();
        signature
    }

    /// The secret scalar `a`, modulo L, of which the public key is `[a]B`. Constant time.
    #[must_use]
    pub fn to_scalar(&self) -> SecretScalar {
        SecretScalar::from_scalar(self.0.to_scalar())
    }

    /// The X25519 secret of the same pair: the clamped scalar. Constant time.
    #[must_use]
    pub fn to_x25519(&self) -> X25519Secret {
        let mut scalar = curve25519_dalek::scalar::clamp_integer(self.0.to_scalar_bytes());
        let secret = X25519Secret::from_bytes(scalar);
        scalar.zeroize();
        secret
    }

    /// The X25519 public key of the same pair, without another multiplication.
    #[must_use]
    pub fn x25519_public(&self) -> X25519Public {
        X25519Public::from_bytes(self.0.verifying_key().to_montgomery().to_bytes())
    }
}

impl fmt::Debug for Ed25519Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ed25519Secret(..)")
    }
}

/// The signature with nonce `r`, by the key pair of `scalar` and `public`, over `message`.
///
/// `r` must be secret, uniform, and never the same for two messages.
pub(crate) fn finish_signature(
    r: &Scalar,
    scalar: &Scalar,
    public: &Ed25519Public,
    message: &[&[u8]],
) -> Ed25519Signature {
    let big_r = EdwardsPoint::mul_base(r).compress();
    let k = sha512_scalar(&[big_r.as_bytes(), public.as_bytes()], message);
    let s = r + k * scalar;
    Ed25519Signature::from_parts(big_r.as_bytes(), s.as_bytes())
}

#[cfg(test)]
mod tests {
    use curve25519_dalek::constants::EIGHT_TORSION;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_subgroup_check_is_that_of_the_library(scalar: [u8; 32]) {
            let point = EdwardsPoint::mul_base(&Scalar::from_bytes_mod_order(scalar));
            for torsion in EIGHT_TORSION {
                for point in [point + torsion, torsion] {
                    prop_assert_eq!(is_torsion_free(&point), point.is_torsion_free());
                }
            }
            prop_assert!(is_torsion_free(&point));
        }
    }
}
