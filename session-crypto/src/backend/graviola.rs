//! The operations of `graviola`, for processors that have what it needs.
//!
//! Its functions panic on another processor, so that each function here asks first.

use std::sync::OnceLock;

use graviola::key_agreement::x25519::{PublicKey, StaticPrivateKey};
use graviola::signing::eddsa::Ed25519SigningKey;
use session_types::X25519Public;
use zeroize::Zeroizing;

/// Returns whether the processor has what `graviola` needs. The processor is asked once.
#[cfg(target_arch = "x86_64")]
pub(crate) fn is_supported() -> bool {
    use std::arch::is_x86_feature_detected as has;
    // Valgrind executes ADX, but its processor does not name it. `graviola` reads the same variable.
    let has_adx = has!("adx") || option_env!("VALGRIND_BUG_494162").is_some();
    has_adx
        && has!("aes")
        && has!("pclmulqdq")
        && has!("avx2")
        && has!("bmi1")
        && has!("bmi2")
        && has!("ssse3")
}

/// Returns whether the processor has what `graviola` needs. The processor is asked once.
#[cfg(target_arch = "aarch64")]
pub(crate) fn is_supported() -> bool {
    use std::arch::is_aarch64_feature_detected as has;
    has!("neon") && has!("aes") && has!("pmull") && has!("sha2")
}

/// Returns the X25519 public key of a secret. Constant-time.
pub(crate) fn x25519_public(secret: &[u8; 32]) -> Option<[u8; 32]> {
    is_supported().then(|| StaticPrivateKey::from_array(secret).public_key().as_bytes())
}

/// Returns the output of X25519, all zero for a key of small order. Constant-time in the secret.
pub(crate) fn x25519(secret: &[u8; 32], peer: &X25519Public) -> Option<[u8; 32]> {
    if !is_supported() {
        return None;
    }
    let peer = PublicKey::from_array(peer.as_bytes());
    // Its only error is an output of zeros.
    let shared = StaticPrivateKey::from_array(secret).diffie_hellman(&peer);
    Some(shared.map_or([0; 32], |shared| shared.0))
}

/// The expanded key of an Ed25519 seed, made at the first signature. It zeroizes itself.
pub(crate) struct Signer(OnceLock<Option<Ed25519SigningKey>>);

impl Signer {
    pub(crate) const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// Signs the concatenated parts of a message. `seed` must always be the same. Constant-time.
    pub(crate) fn sign(&self, seed: &[u8; 32], message: &[&[u8]]) -> Option<[u8; 64]> {
        if !is_supported() {
            return None;
        }
        let key = self
            .0
            .get_or_init(|| Ed25519SigningKey::from_bytes(seed).ok());
        let key = key.as_ref()?;
        Some(match message {
            [message] => key.sign(message),
            parts => key.sign(&Zeroizing::new(parts.concat())),
        })
    }
}
