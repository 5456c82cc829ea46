//! Scalars modulo the order L of the Ed25519 base point, and unclamped multiplication.
//!
//! Blinded ids, subaccounts and their signatures consist of these operations (protocol: identity,
//! sections 1.4, 6 and 8). Nothing here clamps: a clamped factor would change every blinded id.
//!
//! All operations are constant-time in the scalars; points are public.

use core::fmt;

use curve25519_dalek::traits::IsIdentity;
use curve25519_dalek::{EdwardsPoint, Scalar};
use rand_core::CryptoRng;
use session_types::{Ed25519Public, Ed25519Signature};
use subtle::{Choice, ConditionallyNegatable};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::KeyError;
use crate::point;
use crate::sha512::sha512;

/// A secret scalar below L = 2^252 + 27742317777372353535851937790883648493.
///
/// It is zeroized on drop and never printed, and cannot be cloned or compared.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SecretScalar(Scalar);

impl SecretScalar {
    /// Length in bytes.
    pub const LENGTH: usize = 32;

    /// Reduces 32 bytes, little-endian, modulo L. Bit 255 is ignored; no other bit is changed.
    ///
    /// 0 is accepted here and rejected on use.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        let mut low = *bytes;
        let [.., last] = &mut low;
        *last &= 0x7f;
        let scalar = Self(Scalar::from_bytes_mod_order(low));
        low.zeroize();
        scalar
    }

    /// Reduces 64 bytes, little-endian, modulo L: `red` of the specification.
    #[must_use]
    pub fn from_wide_bytes(bytes: &[u8; 64]) -> Self {
        Self(Scalar::from_bytes_mod_order_wide(bytes))
    }

    /// `red(SHA-512(parts))`: the hash of the concatenated parts, modulo L.
    #[must_use]
    pub fn from_sha512(parts: &[&[u8]]) -> Self {
        Self(sha512_scalar(parts, &[]))
    }

    /// Draws a uniformly random scalar that is not 0.
    #[must_use]
    pub fn generate(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let mut wide = Zeroizing::new([0; 64]);
        loop {
            rng.fill_bytes(wide.as_mut_slice());
            let scalar = Self::from_wide_bytes(&wide);
            // A retry happens with a broken generator only.
            if scalar.0 != Scalar::ZERO {
                return scalar;
            }
        }
    }

    pub(crate) fn from_scalar(scalar: Scalar) -> Self {
        Self(scalar)
    }

    /// Returns the 32 secret bytes, little-endian, below L.
    #[must_use]
    pub fn expose_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Returns the product of two scalars.
    #[must_use]
    pub fn multiply(&self, other: &Self) -> Self {
        Self(self.0 * other.0)
    }

    /// Negates the scalar if `negate` is set, without a branch.
    #[must_use]
    pub fn negate_if(mut self, negate: bool) -> Self {
        self.0.conditional_negate(Choice::from(u8::from(negate)));
        self
    }

    /// Returns `[k]P`: a public key times this scalar, without clamping (protocol: identity, section 1.4).
    ///
    /// # Errors
    ///
    /// [`KeyError`] if the key is not the canonical encoding of a point of the prime-order
    /// subgroup, or if the product is the identity, which happens for the scalar 0 only.
    pub fn multiply_point(&self, point: &Ed25519Public) -> Result<Ed25519Public, KeyError> {
        self.multiply_checked(&point::of_ed25519(point)?)
    }

    /// Returns `[k]B`: the public key of this scalar.
    ///
    /// # Errors
    ///
    /// [`KeyError::ZeroScalar`] if the scalar is 0.
    pub fn multiply_base(&self) -> Result<Ed25519Public, KeyError> {
        let bytes = refuse_identity(EdwardsPoint::mul_base(&self.0))?;
        Ok(Ed25519Public::from_bytes(*bytes))
    }

    /// Returns `[k]B`, the identity included.
    pub(crate) fn public(&self) -> Ed25519Public {
        Ed25519Public::from_bytes(EdwardsPoint::mul_base(&self.0).compress().to_bytes())
    }

    /// Returns `[k]P` as a secret: the encoding of a point that two keys share.
    pub(crate) fn shared_point(
        &self,
        point: &Ed25519Public,
    ) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        refuse_identity(point::of_ed25519(point)? * self.0)
    }

    /// Returns `[k]P` for a point of the prime-order subgroup.
    pub(crate) fn multiply_checked(&self, point: &EdwardsPoint) -> Result<Ed25519Public, KeyError> {
        let bytes = refuse_identity(point * self.0)?;
        Ok(Ed25519Public::from_bytes(*bytes))
    }

    /// Signs the concatenated parts of a message with the key pair of this scalar and of `public`,
    /// which must be its [`multiply_base`](Self::multiply_base).
    ///
    /// The signature verifies as any Ed25519 signature under `public`. `nonce` (the scalar `r` of the
    /// signature) must be secret, uniform and never the same for two messages: a keyed hash of
    /// `public` and the message. It reveals the key to everybody who learns it.
    #[must_use]
    pub fn sign_parts(
        &self,
        nonce: &Self,
        public: &Ed25519Public,
        message: &[&[u8]],
    ) -> Ed25519Signature {
        finish_signature(&nonce.0, &self.0, public, message)
    }
}

/// Encodes a point that is not the identity, and zeroizes it.
fn refuse_identity(mut point: EdwardsPoint) -> Result<Zeroizing<[u8; 32]>, KeyError> {
    let bytes = if point.is_identity() {
        Err(KeyError::ZeroScalar)
    } else {
        let mut compressed = point.compress();
        let bytes = Zeroizing::new(compressed.to_bytes());
        compressed.zeroize();
        Ok(bytes)
    };
    point.zeroize();
    bytes
}

impl fmt::Debug for SecretScalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretScalar(..)")
    }
}

/// Returns `red(SHA-512(head || message))`.
pub(crate) fn sha512_scalar(head: &[&[u8]], message: &[&[u8]]) -> Scalar {
    let digest = sha512(head.iter().chain(message).copied());
    Scalar::from_bytes_mod_order_wide(&digest)
}

/// Returns the signature over `message` with nonce `r`, by the key pair of `scalar` and `public`.
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
