//! Numbers modulo the order L of the Ed25519 base point, and unclamped multiplication with them.
//!
//! Blinded ids, subaccounts and their signatures are made of these few operations (protocol:
//! identity, sections 1.4, 6 and 8). Nothing here clamps: a clamped factor would give every
//! blinded id another value.
//!
//! All of it is constant time in the scalars; points are public.

use core::fmt;

use curve25519_dalek::traits::IsIdentity;
use curve25519_dalek::{EdwardsPoint, Scalar};
use rand_core::CryptoRng;
use sha2::{Digest, Sha512};
use subtle::{Choice, ConditionallyNegatable};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::KeyError;
use crate::bytes::copy_prefix;
use crate::ed25519::{self, Ed25519Public, Ed25519Signature, finish_signature};

/// A secret number below L = 2^252 + 27742317777372353535851937790883648493.
///
/// Wiped when dropped, never printed; it cannot be cloned or compared.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SecretScalar(Scalar);

impl SecretScalar {
    /// Length in bytes.
    pub const LENGTH: usize = 32;

    /// Takes 32 bytes, little-endian, whose bit 255 is ignored, modulo L.
    ///
    /// No bit is set or cleared otherwise. `0` is taken here and refused where it is used.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        let mut low = *bytes;
        let [.., last] = &mut low;
        *last &= 0x7f;
        let scalar = Self(Scalar::from_bytes_mod_order(low));
        low.zeroize();
        scalar
    }

    /// Takes 64 bytes, little-endian, modulo L: `red` of the specification.
    #[must_use]
    pub fn from_wide_bytes(bytes: &[u8; 64]) -> Self {
        Self(Scalar::from_bytes_mod_order_wide(bytes))
    }

    /// `red(SHA-512(parts))`: the hash of the parts, one after the other, modulo L.
    #[must_use]
    pub fn from_sha512(parts: &[&[u8]]) -> Self {
        Self(sha512_scalar(parts, &[]))
    }

    /// Draws a number that is not 0, uniformly.
    #[must_use]
    pub fn generate(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let mut wide = Zeroizing::new([0; 64]);
        loop {
            rng.fill_bytes(wide.as_mut_slice());
            let scalar = Self::from_wide_bytes(&wide);
            // Happens with a broken generator only.
            if scalar.0 != Scalar::ZERO {
                return scalar;
            }
        }
    }

    pub(crate) fn from_scalar(scalar: Scalar) -> Self {
        Self(scalar)
    }

    /// The secret bytes: 32, little-endian, below L.
    #[must_use]
    pub fn expose_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// The product of two numbers.
    #[must_use]
    pub fn multiply(&self, other: &Self) -> Self {
        Self(self.0 * other.0)
    }

    /// The negative of the number if `negate`, else the number. No branch on `negate`.
    #[must_use]
    pub fn negate_if(mut self, negate: bool) -> Self {
        self.0.conditional_negate(Choice::from(u8::from(negate)));
        self
    }

    /// `[k]P`: a public key times this number, without clamping (protocol: identity, section 1.4).
    ///
    /// # Errors
    ///
    /// [`KeyError`] if the key is not the canonical encoding of a point of the prime-order
    /// subgroup, or if the product is the identity, which happens for the number 0 only.
    pub fn multiply_point(&self, point: &Ed25519Public) -> Result<Ed25519Public, KeyError> {
        self.multiply_checked(&ed25519::to_point(point)?)
    }

    /// `[k]B`: the public key of this number.
    ///
    /// # Errors
    ///
    /// [`KeyError::ZeroScalar`] if the number is 0.
    pub fn multiply_base(&self) -> Result<Ed25519Public, KeyError> {
        let bytes = refuse_identity(EdwardsPoint::mul_base(&self.0))?;
        Ok(Ed25519Public::from_bytes(*bytes))
    }

    /// `[k]B`, the identity included.
    pub(crate) fn public(&self) -> Ed25519Public {
        Ed25519Public::from_bytes(EdwardsPoint::mul_base(&self.0).compress().to_bytes())
    }

    /// `[k]P` as a secret: the bytes of a point that two keys share.
    pub(crate) fn shared_point(
        &self,
        point: &Ed25519Public,
    ) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        refuse_identity(ed25519::to_point(point)? * self.0)
    }

    /// `[k]P` for a point that is known to be in the prime-order subgroup.
    pub(crate) fn multiply_checked(&self, point: &EdwardsPoint) -> Result<Ed25519Public, KeyError> {
        let bytes = refuse_identity(point * self.0)?;
        Ok(Ed25519Public::from_bytes(*bytes))
    }

    /// Signs the parts of a message, one after the other, as the key pair of this number and of
    /// `public`, which must be [`multiply_base`](Self::multiply_base) of it.
    ///
    /// The signature verifies as any Ed25519 signature under `public`. `nonce` (the number `r` of
    /// the signature) must be secret, uniform and never the same for two messages: a keyed hash of
    /// `public` and the message. Whoever learns it learns the key.
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

/// The bytes of a point that is not the identity. Nothing else is left of it.
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

/// `red(SHA-512(head || message))`.
pub(crate) fn sha512_scalar(head: &[&[u8]], message: &[&[u8]]) -> Scalar {
    let mut hash = Sha512::new();
    for part in head.iter().chain(message) {
        hash.update(part);
    }
    let mut digest = hash.finalize();
    let mut wide = Zeroizing::new([0; 64]);
    copy_prefix(wide.as_mut_slice(), digest.as_slice());
    digest.as_mut_slice().zeroize();
    Scalar::from_bytes_mod_order_wide(&wide)
}
