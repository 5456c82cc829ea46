//! Public keys as text.

use session_types::{X25519Public, hex};

/// The text is not a public key.
///
/// The texts are those of deployed nodes, which send them back to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyTextError {
    /// The text has 64 characters, and one of them is not a hex digit.
    #[error("Hex key data is invalid: data is not hex")]
    NotHex,
    /// The text has the wrong length.
    #[error("Hex key data is invalid: expected 64 hex digits, got {got} characters")]
    Length {
        /// Length of the text in bytes.
        got: usize,
    },
    /// The text is in none of the three encodings that servers accept.
    #[error("key is not 64 hex digits, 43 or 44 characters of base64, or 52 of base32z")]
    NoEncoding,
}

/// Parses exactly 64 hex digits of either case, as nodes do.
pub(crate) fn from_hex(text: &str) -> Result<[u8; 32], KeyTextError> {
    if text.len() != 64 {
        return Err(KeyTextError::Length { got: text.len() });
    }
    hex::decode(text).ok_or(KeyTextError::NotHex)
}

/// Parses hex, base64 (with or without padding) or base32z, as external servers do
/// (protocol: identity, section 5.2). Unused bits of the last character must be zero.
pub(crate) fn from_any(text: &str) -> Result<[u8; 32], KeyTextError> {
    if text.len() == 64 {
        return from_hex(text);
    }
    X25519Public::from_any_text(text)
        .map(X25519Public::to_bytes)
        .ok_or(KeyTextError::NoEncoding)
}
