//! Base64 in the standard alphabet, for ciphertexts and public keys.
//!
//! What passes through here is public, so tables may be used, which take a third of the time of
//! code that runs in constant time. Every text that is read is the only one for its bytes.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// In [`VALUES`]: not a character of the alphabet.
const NONE: u8 = 0xff;
/// The value of each character.
const VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let mut value = 0u8;
    while value < 64 {
        #[expect(
            clippy::indexing_slicing,
            reason = "evaluated when the crate is compiled"
        )]
        {
            values[ALPHABET[value as usize] as usize] = value;
        }
        value = value.saturating_add(1);
    }
    values
};

/// Six bits as a character.
fn character(bits: u32) -> u8 {
    let [.., low] = bits.to_be_bytes();
    ALPHABET
        .get(usize::from(low & 0x3f))
        .copied()
        .unwrap_or_default()
}

/// A character as six bits.
fn value(character: u8) -> u8 {
    VALUES.get(usize::from(character)).copied().unwrap_or(NONE)
}

/// Encodes with padding.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let (triples, rest) = bytes.as_chunks::<3>();
    let mut text = vec![b'='; bytes.len().div_ceil(3).saturating_mul(4)];
    let (quads, _) = text.as_chunks_mut::<4>();
    let mut quads = quads.iter_mut();
    for ([a, b, c], quad) in triples.iter().zip(&mut quads) {
        let bits = u32::from_be_bytes([0, *a, *b, *c]);
        *quad = [bits >> 18, bits >> 12, bits >> 6, bits].map(character);
    }
    if let Some([first, second, third, _]) = quads.next() {
        let bits = match rest {
            [a, b] => u32::from_be_bytes([0, *a, *b, 0]),
            [a] => u32::from_be_bytes([0, *a, 0, 0]),
            _ => 0,
        };
        *first = character(bits >> 18);
        *second = character(bits >> 12);
        if rest.len() == 2 {
            *third = character(bits >> 6);
        }
    }
    // All of it is ASCII.
    String::from_utf8(text).unwrap_or_default()
}

/// Decodes with or without padding. Anything that [`encode`] would not write, padding aside, is
/// refused.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let text = match text {
        [bare @ .., b'=', b'='] | [bare @ .., b'='] if text.len().is_multiple_of(4) => bare,
        _ => text,
    };
    let (quads, rest) = text.as_chunks::<4>();
    let left = match rest.len() {
        0 => 0usize,
        2 => 1,
        3 => 2,
        _ => return None,
    };
    let mut bytes = vec![0; quads.len().saturating_mul(3).saturating_add(left)];
    let (triples, last) = bytes.as_chunks_mut::<3>();
    let mut seen = 0;
    for (quad, triple) in quads.iter().zip(triples) {
        let [a, b, c, d] = quad.map(value);
        seen |= a | b | c | d;
        let [_, x, y, z] = join([a, b, c, d]);
        *triple = [x, y, z];
    }
    let mut values = rest.iter().map(|character| value(*character));
    let [a, b, c] = [(); 3].map(|()| values.next().unwrap_or_default());
    seen |= a | b | c;
    let [_, joined @ ..] = join([a, b, c, 0]);
    let (kept, beyond) = joined.split_at_checked(last.len())?;
    last.copy_from_slice(kept);
    // `NONE` is the only value with this bit.
    let valid = seen & 0x80 == 0 && beyond.iter().all(|unused| *unused == 0 || left == 0);
    valid.then_some(bytes)
}

/// Four times six bits as three bytes, after a zero.
fn join(values: [u8; 4]) -> [u8; 4] {
    let [a, b, c, d] = values.map(u32::from);
    (a << 18 | b << 12 | c << 6 | d).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64ct::{Base64, Base64Unpadded, Encoding};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_agrees_with_another_codec(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let text = encode(&bytes);
            prop_assert_eq!(&text, &Base64::encode_string(&bytes));
            prop_assert_eq!(decode(text.as_bytes()), Some(bytes.clone()));
            prop_assert_eq!(decode(text.trim_end_matches('=').as_bytes()), Some(bytes));
        }

        #[test]
        fn it_refuses_what_another_codec_refuses(text in "[A-Za-z0-9+/=_ \n-]{0,12}|[AQgw=]{0,8}") {
            let other = Base64::decode_vec(&text)
                .or_else(|_| Base64Unpadded::decode_vec(&text))
                .ok();
            prop_assert_eq!(decode(text.as_bytes()), other);
        }
    }

    #[test]
    fn characters_of_another_alphabet_do_not_hide_each_other() {
        for good in ["AAAA", "AAA", "AA"] {
            for places in 1u8..16 {
                let mut text = good.as_bytes().to_vec();
                for (place, character) in text.iter_mut().enumerate() {
                    if places >> place & 1 == 1 {
                        *character = b'!';
                    }
                }
                if text.contains(&b'!') {
                    assert_eq!(decode(&text), None, "{text:?}");
                }
            }
        }
    }

    #[test]
    fn unused_bits_are_zero_and_padding_is_complete() {
        for text in ["QQ==", "QQ", "QUI=", "QUI", ""] {
            assert!(decode(text.as_bytes()).is_some(), "{text}");
        }
        for text in [
            "QR==", "QR", "QUJ=", "QUJ", "Q", "QQ=", "QQQQ=", "=", "==", "====", "QQ==QQ==",
        ] {
            assert!(decode(text.as_bytes()).is_none(), "{text}");
        }
        for byte in 0..=255 {
            let known = ALPHABET.contains(&byte);
            assert_eq!(
                decode(&[b'A', b'A', b'A', byte]).is_some(),
                known || byte == b'='
            );
        }
    }
}
