//! What the TLS handshake of a QUIC connection says (protocol: quic, section 1).
//!
//! Both sides show raw public keys (RFC 7250) instead of certificates: an Ed25519 SubjectPublicKeyInfo, which
//! is a fixed prefix and the key.

use session_types::Ed25519Public;

/// ALPN of connections from clients to nodes.
pub const ALPN_CLIENT: &[u8] = b"oxenstorage";
/// ALPN of connections between nodes.
pub const ALPN_NODE: &[u8] = b"oxenstorage-sn";
/// ALPN of connections to the file server.
pub const ALPN_FILES: &[u8] = b"quic-files";

/// Beginning of a SubjectPublicKeyInfo with an Ed25519 key, in DER.
pub const SPKI_PREFIX: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];
/// Length of a SubjectPublicKeyInfo with an Ed25519 key, in bytes.
pub const SPKI_LENGTH: usize = 44;

/// The bytes are not a SubjectPublicKeyInfo with an Ed25519 key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected the SubjectPublicKeyInfo of an Ed25519 key")]
pub struct NotEd25519;

/// Encodes the SubjectPublicKeyInfo of a key.
#[must_use]
pub fn spki(key: &Ed25519Public) -> [u8; SPKI_LENGTH] {
    let mut spki = [0; SPKI_LENGTH];
    let bytes = SPKI_PREFIX.iter().chain(key.as_bytes());
    for (to, from) in spki.iter_mut().zip(bytes) {
        *to = *from;
    }
    spki
}

/// Returns the key in a SubjectPublicKeyInfo. Whether it is a valid point is not checked.
///
/// # Errors
///
/// [`NotEd25519`] if the bytes are anything but the prefix and 32 bytes.
pub fn key_of(spki: &[u8]) -> Result<Ed25519Public, NotEd25519> {
    let key = spki.strip_prefix(&SPKI_PREFIX).ok_or(NotEd25519)?;
    let key: [u8; 32] = key.try_into().map_err(|_| NotEd25519)?;
    Ok(Ed25519Public::from_bytes(key))
}
