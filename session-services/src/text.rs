//! Text forms of bytes: hex or base64, told apart by their length.

use session_types::{base64, hex};

/// Decodes `N` bytes from `2 * N` hex digits, or else from base64 with padding or without.
pub(crate) fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    match N.checked_mul(2) {
        Some(digits) if digits == text.len() => hex::decode(text),
        _ => base64::decode_array(text),
    }
}
