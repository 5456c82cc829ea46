//! Conversions from and to the types of `ed25519-dalek`.
//!
//! Public keys and signatures as received convert through their bytes.

use ed25519_dalek::SigningKey;

use super::{Ed25519PublicExt, Ed25519Secret, VerifyingKey};
use crate::KeyError;

impl From<SigningKey> for Ed25519Secret {
    fn from(key: SigningKey) -> Self {
        Self::of(key)
    }
}

impl From<&Ed25519Secret> for SigningKey {
    fn from(secret: &Ed25519Secret) -> Self {
        secret.key.clone()
    }
}

impl TryFrom<&ed25519_dalek::VerifyingKey> for VerifyingKey {
    type Error = KeyError;

    fn try_from(key: &ed25519_dalek::VerifyingKey) -> Result<Self, KeyError> {
        super::Ed25519Public::from_bytes(key.to_bytes()).to_verifying_key()
    }
}

/// The key of `ed25519-dalek` accepts more signatures: use its `verify_strict` only.
impl From<&VerifyingKey> for ed25519_dalek::VerifyingKey {
    fn from(key: &VerifyingKey) -> Self {
        Self::from(key.point())
    }
}
