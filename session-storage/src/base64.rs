//! Base64 as storage servers read it (protocol: storage-rpc, section 2): the standard alphabet,
//! padding optional, and unused bits of the last character not looked at.
//!
//! Everything read here is public; secrets never pass through this module.

use alloc::string::String;
use alloc::vec::Vec;

use base64ct::{Base64, Encoding};

const INVALID: u8 = 0xff;

const fn table() -> [u8; 256] {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut values = [INVALID; 256];
    let mut index = 0u8;
    #[expect(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        reason = "computed when the crate is compiled, from 64 characters"
    )]
    while index < 64 {
        values[alphabet[index as usize] as usize] = index;
        index += 1;
    }
    values
}

static VALUES: [u8; 256] = table();

/// Reads base64; `None` if it is not. Line breaks and the `-_` alphabet are not.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let unpadded = match text {
        [head @ .., b'=', b'='] | [head @ .., b'='] if text.len().is_multiple_of(4) => head,
        _ => text,
    };
    let (groups, tail) = unpadded.as_chunks::<4>();
    if tail.len() == 1 {
        return None;
    }
    let mut bytes = Vec::with_capacity(groups.len().saturating_mul(3).saturating_add(2));
    let mut any = 0;
    let value = |character: &u8| {
        VALUES
            .get(usize::from(*character))
            .copied()
            .unwrap_or(INVALID)
    };
    for group in groups {
        let [a, b, c, d] = group.each_ref().map(value);
        any |= a | b | c | d;
        bytes.extend_from_slice(&[a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d]);
    }
    if let [a, b, rest @ ..] = tail {
        let (a, b) = (value(a), value(b));
        any |= a | b;
        bytes.push(a << 2 | b >> 4);
        if let [c] = rest {
            let c = value(c);
            any |= c;
            bytes.push(b << 4 | c >> 2);
        }
    }
    // Only an invalid character has the two high bits.
    (any & 0xc0 == 0).then_some(bytes)
}

/// Reads base64 of exactly `N` bytes.
pub(crate) fn decode_array<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    decode(text)?.try_into().ok()
}

/// Whether `text` consists of characters of the alphabet, without padding.
pub(crate) fn is_alphabet(text: &[u8]) -> bool {
    text.iter().all(|character| {
        VALUES
            .get(usize::from(*character))
            .is_some_and(|value| *value != INVALID)
    })
}

/// Writes padded base64.
pub(crate) fn encode(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_optional_and_trailing_bits_are_ignored() {
        assert_eq!(decode(b"YWJjZA").unwrap(), b"abcd");
        assert_eq!(decode(b"YWJjZA==").unwrap(), b"abcd");
        assert_eq!(decode(b"YWJjZB==").unwrap(), b"abcd");
        assert_eq!(decode(b"YWI=").unwrap(), b"ab");
        assert_eq!(decode(b"").unwrap(), b"");
    }

    #[test]
    fn what_is_not_base64_is_refused() {
        for bad in [
            "A", "AAAAA", "-_-_", "AAAA\n", "***", "YWJjZA=", "AAA==", "A===", "====", "é",
        ] {
            assert_eq!(decode(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn every_length_round_trips() {
        let bytes: Vec<u8> = (0..200u8).map(|byte| byte.wrapping_mul(37)).collect();
        for length in 0..bytes.len() {
            let part = &bytes[..length];
            assert_eq!(decode(encode(part).as_bytes()).unwrap(), part);
            let text = encode(part);
            let unpadded = text.trim_end_matches('=');
            assert_eq!(decode(unpadded.as_bytes()).unwrap(), part);
        }
    }
}
