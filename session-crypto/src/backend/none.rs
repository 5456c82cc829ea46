//! Stands for `graviola` where it is not built: nothing is supported.

use session_types::X25519Public;

pub(crate) const fn is_supported() -> bool {
    false
}

pub(crate) const fn x25519_public(_: &[u8; 32]) -> Option<[u8; 32]> {
    None
}

pub(crate) const fn x25519(_: &[u8; 32], _: &X25519Public) -> Option<[u8; 32]> {
    None
}

/// A key of Ed25519, which never exists here.
pub(crate) struct Signer;

impl Signer {
    pub(crate) const fn new() -> Self {
        Self
    }

    pub(crate) const fn sign(&self, _: &[u8; 32], _: &[&[u8]]) -> Option<[u8; 64]> {
        None
    }
}
