//! Public keys as text.

use crate::base64;

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
    // The length is checked first, because the decoder skips a prefix `0x`.
    const_hex::decode_to_array(text).map_err(|_| KeyTextError::NotHex)
}

/// Parses hex, base64 (with or without padding) or base32z, as external servers do
/// (protocol: identity, section 5.2). Unused bits of the last character must be zero.
pub(crate) fn from_any(text: &str) -> Result<[u8; 32], KeyTextError> {
    let key = match text.len() {
        64 => return from_hex(text),
        43 | 44 => base64::decode(text.as_bytes()).and_then(|key| key.try_into().ok()),
        52 => from_base32z(text),
        _ => None,
    };
    key.ok_or(KeyTextError::NoEncoding)
}

const BASE32Z: &[u8; 32] = b"ybndrfg8ejkmcpqxot1uwisza345h769";

/// Five bits a character, most significant first.
fn from_base32z(text: &str) -> Option<[u8; 32]> {
    let mut key = [0u8; 32];
    let mut places = key.iter_mut();
    let mut bits = 0u32;
    let mut have = 0u32;
    for character in text.bytes() {
        let digit = BASE32Z.iter().position(|known| *known == character)?;
        bits = bits << 5 | u32::try_from(digit).ok()?;
        have = have.checked_add(5)?;
        if have >= 8 {
            have = have.checked_sub(8)?;
            *places.next()? = u8::try_from(bits >> have & 0xff).ok()?;
            bits &= 0xf;
        }
    }
    // 52 characters carry 260 bits: 4 are left over.
    (places.next().is_none() && bits == 0).then_some(key)
}
