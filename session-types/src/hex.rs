//! Hexadecimal text: reads both cases, writes lower case.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Decodes exactly `2 * N` hex digits of either case. Returns `None` for any other text.
#[must_use]
pub fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    // `const_hex` would strip a leading `0x`; no text of the protocol has one.
    if text.len() != N.checked_mul(2)? || text.starts_with("0x") {
        return None;
    }
    const_hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}

/// Decodes any even number of hex digits of either case. Returns `None` for any other text.
#[must_use]
pub fn decode_vec(text: &str) -> Option<Vec<u8>> {
    if text.starts_with("0x") {
        return None;
    }
    const_hex::decode(text).ok()
}

/// Encodes bytes as lower-case hex.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    const_hex::encode(bytes)
}

/// Writes bytes as lower-case hex, without allocating.
///
/// # Errors
///
/// [`fmt::Error`] if the formatter fails.
pub fn write(f: &mut impl fmt::Write, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

/// Writes bytes as lower-case hex with the width and precision of the formatter.
pub(crate) fn pad(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    if f.width().is_none() && f.precision().is_none() {
        return write(f, bytes);
    }
    f.pad(&encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_cases_are_read_and_prefixes_are_not() {
        assert_eq!(decode::<2>("aBcD"), Some([0xab, 0xcd]));
        for bad in ["", "ab", "abcde", "abcdef", "0xab", "abcg", "ab d"] {
            assert_eq!(decode::<2>(bad), None, "{bad}");
        }
        assert_eq!(decode_vec(""), Some(Vec::new()));
        assert_eq!(decode_vec("00fF"), Some(alloc::vec![0, 0xff]));
        for bad in ["0", "0x00", "zz"] {
            assert_eq!(decode_vec(bad), None, "{bad}");
        }
        assert_eq!(encode(&[0, 0xfe]), "00fe");
    }

    #[test]
    fn width_and_precision_apply() {
        let key = crate::Ed25519Public::from_bytes([0xab; 32]);
        assert_eq!(std::format!("{key:.4}"), "abab");
        assert_eq!(std::format!("{key:>66}").len(), 66);
    }
}
