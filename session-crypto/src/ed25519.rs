//! Ed25519 signatures with one strict rule, and the conversion of Ed25519 keys to X25519 keys.
//!
//! A signature is accepted if and only if S < L, the public key is the canonical encoding of a
//! point that does not have small order, R does not have small order, and R equals the canonical
//! encoding of `[S]B - [k]A`, without any multiplication by the cofactor (protocol: identity,
//! section 1.5). libsodium 1.0.18 has the same rule; the plain `verify` of common Rust crates
//! accepts more.

mod verify;

#[cfg(feature = "ed25519-dalek")]
mod dalek;

use core::fmt;

use ed25519_dalek::SigningKey;
use ed25519_dalek::hazmat::ExpandedSecretKey;
use rand_core::CryptoRng;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::KeyError;
use crate::backend::fast;
use crate::scalar::{SecretScalar, finish_signature, sha512_scalar};
use crate::x25519::{X25519Public, X25519Secret};

pub use session_types::{Ed25519Public, Ed25519Signature};
pub use verify::{Ed25519PublicExt, ParseKeyError, VerifyingKey};

/// Draws bytes that look like a signature and verify under no known key, for places where other
/// messages have a signature: `[r]B || s` for random `r` and `s` (protocol: identity, section 1.5).
///
/// Receivers cannot distinguish them from a signature by a key that they do not know.
#[must_use]
pub fn decoy_signature(rng: &mut (impl CryptoRng + ?Sized)) -> Ed25519Signature {
    let (r, s) = (SecretScalar::generate(rng), SecretScalar::generate(rng));
    Ed25519Signature::from_parts(r.public().as_bytes(), s.expose_bytes())
}

/// An Ed25519 key pair, kept as its 32-byte seed and its public key.
///
/// It is zeroized on drop and never printed, and is copied only by [`duplicate`](Self::duplicate).
pub struct Ed25519Secret {
    key: SigningKey,
    /// The same for a fast backend.
    signer: fast::Signer,
}

// Both keys zeroize themselves.
impl ZeroizeOnDrop for Ed25519Secret {}

impl Ed25519Secret {
    /// Length of the seed in bytes.
    pub const LENGTH: usize = 32;
    /// Length of libsodium's form in bytes: the seed, then the public key.
    pub const LIBSODIUM_LENGTH: usize = 64;

    /// Derives the key pair of a seed (RFC 8032). Constant-time.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self::of(SigningKey::from_bytes(seed))
    }

    /// Reads a 64-byte libsodium secret: the seed followed by the public key.
    ///
    /// # Errors
    ///
    /// [`KeyError::Mismatch`] if the public key does not match the seed. A signature by such a pair
    /// would reveal the secret.
    pub fn from_libsodium(secret: &[u8; 64]) -> Result<Self, KeyError> {
        SigningKey::from_keypair_bytes(secret)
            .map(Self::of)
            .map_err(|_| KeyError::Mismatch)
    }

    const fn of(key: SigningKey) -> Self {
        let signer = fast::Signer::new();
        Self { key, signer }
    }

    /// Draws a random seed of 32 bytes.
    #[must_use]
    pub fn generate(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let mut seed = Zeroizing::new([0; 32]);
        rng.fill_bytes(seed.as_mut_slice());
        Self::from_seed(&seed)
    }

    /// Draws a random seed from the operating system's generator. Requires the feature `getrandom`.
    ///
    /// # Errors
    ///
    /// [`getrandom::Error`] if the generator fails.
    #[cfg(feature = "getrandom")]
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(seed.as_mut_slice())?;
        Ok(Self::from_seed(&seed))
    }

    /// Copies the key pair; each copy is zeroized on its own. Unlike
    /// [`from_seed`](Self::from_seed) it multiplies nothing.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self::of(self.key.clone())
    }

    /// Returns the public key.
    #[must_use]
    pub fn public(&self) -> Ed25519Public {
        Ed25519Public::from_bytes(self.key.verifying_key().to_bytes())
    }

    /// Returns the public key, decompressed for many verifications. Nothing is computed.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey::of(&self.key)
    }

    /// Returns the secret seed, for storage by the caller.
    #[must_use]
    pub fn expose_seed(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// Signs `message` (RFC 8032, deterministic). Constant-time in the secret.
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

    /// Signs the concatenated parts of a message. Constant-time in the secret.
    #[must_use]
    pub fn sign_parts(&self, message: &[&[u8]]) -> Ed25519Signature {
        if let Some(signature) = self.signer.sign(self.key.as_bytes(), message) {
            return Ed25519Signature::from_bytes(signature);
        }
        // Zeroizes itself.
        let expanded = ExpandedSecretKey::from(self.key.as_bytes());
        let mut r = sha512_scalar(&[&expanded.hash_prefix], message);
        let signature = finish_signature(&r, &expanded.scalar, &self.public(), message);
        r.zeroize();
        signature
    }

    /// Returns the secret scalar `a` modulo L, whose public key is `[a]B`. Constant-time.
    #[must_use]
    pub fn to_scalar(&self) -> SecretScalar {
        SecretScalar::from_scalar(self.key.to_scalar())
    }

    /// Returns the X25519 secret of the same pair: the clamped scalar. Constant-time.
    #[must_use]
    pub fn to_x25519(&self) -> X25519Secret {
        let mut scalar = curve25519_dalek::scalar::clamp_integer(self.key.to_scalar_bytes());
        let secret = X25519Secret::from_bytes(scalar);
        scalar.zeroize();
        secret
    }

    /// Returns the X25519 public key of the same pair, without another multiplication.
    #[must_use]
    pub fn x25519_public(&self) -> X25519Public {
        X25519Public::from_bytes(self.key.verifying_key().to_montgomery().to_bytes())
    }
}

impl fmt::Debug for Ed25519Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ed25519Secret(..)")
    }
}
