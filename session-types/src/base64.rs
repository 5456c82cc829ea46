//! Base64 of public bytes: the standard alphabet, padding optional.
//!
//! Not constant-time. Secrets must not pass through this module.

use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig as Config};

const UNPADDED: Config = GeneralPurposeConfig::new()
    .with_encode_padding(false)
    .with_decode_padding_mode(DecodePaddingMode::RequireNone);

static PADDED: GeneralPurpose = GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new());
static STRICT: GeneralPurpose = GeneralPurpose::new(&STANDARD, UNPADDED);
static LENIENT: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, UNPADDED.with_decode_allow_trailing_bits(true));

/// Encodes with padding.
#[must_use]
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    PADDED.encode(bytes)
}

/// Encodes without padding.
#[must_use]
pub fn encode_unpadded(bytes: impl AsRef<[u8]>) -> String {
    STRICT.encode(bytes)
}

/// Decodes text with complete padding or none. Unused bits of the last character must be zero.
/// Returns `None` for any other text, line breaks and the URL-safe alphabet included.
#[must_use]
pub fn decode(text: impl AsRef<[u8]>) -> Option<Vec<u8>> {
    STRICT.decode(without_padding(text.as_ref())).ok()
}

/// Decodes as [`decode`] does, but ignores unused bits of the last character, as storage servers
/// do (protocol: storage-rpc, section 2).
#[must_use]
pub fn decode_lenient(text: impl AsRef<[u8]>) -> Option<Vec<u8>> {
    LENIENT.decode(without_padding(text.as_ref())).ok()
}

/// Decodes exactly `N` bytes as [`decode`] does.
#[must_use]
pub fn decode_array<const N: usize>(text: impl AsRef<[u8]>) -> Option<[u8; N]> {
    decode(text)?.try_into().ok()
}

/// Decodes exactly `N` bytes as [`decode_lenient`] does.
#[must_use]
pub fn decode_array_lenient<const N: usize>(text: impl AsRef<[u8]>) -> Option<[u8; N]> {
    decode_lenient(text)?.try_into().ok()
}

/// Returns whether all characters belong to the alphabet. Padding does not.
#[must_use]
pub fn is_alphabet(text: &[u8]) -> bool {
    text.iter()
        .all(|character| character.is_ascii_alphanumeric() || matches!(character, b'+' | b'/'))
}

/// Strips padding if it is complete. Incomplete padding is left, and then rejected.
fn without_padding(text: &[u8]) -> &[u8] {
    match text {
        [bare @ .., b'=', b'='] | [bare @ .., b'='] if text.len().is_multiple_of(4) => bare,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_optional() {
        for text in ["YWJjZA", "YWJjZA=="] {
            assert_eq!(decode(text).unwrap(), b"abcd");
            assert_eq!(decode_array::<4>(text), Some(*b"abcd"));
            assert_eq!(decode_array::<5>(text), None);
        }
        assert_eq!(decode("YWI=").unwrap(), b"ab");
        assert_eq!(decode("").unwrap(), b"");
        assert_eq!(encode(b"abcd"), "YWJjZA==");
        assert_eq!(encode_unpadded(b"abcd"), "YWJjZA");
    }

    #[test]
    fn unused_bits_must_be_zero_unless_lenient() {
        for text in ["YWJjZB==", "QR", "QUJ=", "QUJ"] {
            assert_eq!(decode(text), None, "{text}");
            assert!(decode_lenient(text).is_some(), "{text}");
        }
        assert_eq!(decode_lenient("YWJjZB==").unwrap(), b"abcd");
        assert_eq!(decode_array_lenient("YWJjZB"), Some(*b"abcd"));
    }

    #[test]
    fn other_text_is_rejected() {
        for bad in [
            "A", "AAAAA", "-_-_", "AAAA\n", "***", "YWJjZA=", "AAA==", "A===", "=", "==", "====",
            "é", "QQ==QQ==", "QQQQ=", "AAAA!", "!!", "!!!",
        ] {
            assert_eq!(decode(bad), None, "{bad}");
            assert_eq!(decode_lenient(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_length_and_character_round_trips() {
        let bytes: Vec<u8> = (0..200u8).map(|byte| byte.wrapping_mul(37)).collect();
        for length in 0..bytes.len() {
            let part = &bytes[..length];
            for text in [encode(part), encode_unpadded(part)] {
                assert_eq!(decode(&text).unwrap(), part);
                assert_eq!(decode_lenient(&text).unwrap(), part);
            }
        }
        for byte in 0..=u8::MAX {
            let known = is_alphabet(&[byte]);
            assert_eq!(
                decode([b'A', b'A', b'A', byte]).is_some(),
                known || byte == b'='
            );
        }
    }
}
