//! Public keys and signatures as received, before any validation.

use crate::bytes::byte_traits;
use crate::{base32z, base64, hex};

/// An Ed25519 public key as received, 32 bytes; not validated.
///
/// Any 32 bytes are accepted. `session-crypto` validates the key on use: a verifying key must be
/// the canonical encoding of a point that does not have small order
/// (protocol: identity, section 1.5).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ed25519Public([u8; 32]);

byte_traits!(Ed25519Public, 32, 64);

impl Ed25519Public {
    /// Returns whether the sign bit (bit 7 of byte 31) is set.
    #[must_use]
    pub const fn is_negative(&self) -> bool {
        self.0[31] & 0x80 != 0
    }

    /// Returns the key with the sign bit set or cleared.
    #[must_use]
    pub const fn with_sign(mut self, negative: bool) -> Self {
        self.0[31] &= 0x7f;
        self.0[31] |= (negative as u8) << 7;
        self
    }

    /// Returns the key with the opposite sign: that of `-A`, which has the same X25519 key.
    #[must_use]
    pub const fn with_other_sign(self) -> Self {
        self.with_sign(!self.is_negative())
    }
}

/// An X25519 public key as received: a u-coordinate, 32 bytes little-endian; not validated.
///
/// Any 32 bytes are accepted. A Diffie-Hellman with a key of small order fails in `session-crypto`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct X25519Public([u8; 32]);

byte_traits!(X25519Public, 32, 64);

impl X25519Public {
    /// Parses a key in any of the encodings that servers and community URLs use: 64 hex digits, 43
    /// characters of base64 (44 with padding), or 52 of base32z (protocol: identity, section 5.2).
    /// Unused bits of the last character must be zero. Returns `None` for any other text.
    #[must_use]
    pub fn from_any_text(text: &str) -> Option<Self> {
        let bytes = match text.len() {
            64 => hex::decode(text),
            43 | 44 => base64::decode_array(text),
            base32z::TEXT_LENGTH => base32z::decode(text),
            _ => None,
        };
        bytes.map(Self)
    }
}

/// An Ed25519 signature as received, R followed by S, 64 bytes; not verified.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ed25519Signature([u8; 64]);

byte_traits!(Ed25519Signature, 64, 128);

impl Ed25519Signature {
    /// Returns R, an encoded point, and S, a little-endian scalar, 32 bytes each.
    #[must_use]
    pub const fn parts(&self) -> ([u8; 32], [u8; 32]) {
        let (mut r, mut s) = ([0; 32], [0; 32]);
        let mut at = 0;
        #[expect(
            clippy::indexing_slicing,
            clippy::arithmetic_side_effects,
            reason = "the indices are below 32 and 64, the lengths of the arrays"
        )]
        while at < 32 {
            r[at] = self.0[at];
            s[at] = self.0[at + 32];
            at += 1;
        }
        (r, s)
    }

    /// Joins R, an encoded point, and S, a little-endian scalar.
    #[must_use]
    pub const fn from_parts(r: &[u8; 32], s: &[u8; 32]) -> Self {
        let mut bytes = [0; 64];
        let mut at = 0;
        #[expect(
            clippy::indexing_slicing,
            clippy::arithmetic_side_effects,
            reason = "the indices are below 32 and 64, the lengths of the arrays"
        )]
        while at < 32 {
            bytes[at] = r[at];
            bytes[at + 32] = s[at];
            at += 1;
        }
        Self(bytes)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use core::str::FromStr;

    use super::*;
    use crate::ParseError;

    #[test]
    fn text_is_hex_of_either_case() {
        let text = "3506f4a71324b7dd114eddbf4e311f39dde243e1f2cb97c40db1961f70ebaae8";
        let key = Ed25519Public::from_str(text).unwrap();
        assert_eq!(
            key,
            Ed25519Public::from_str(&text.to_ascii_uppercase()).unwrap()
        );
        assert_eq!(key.to_string(), text);
        assert_eq!(alloc::format!("{key:x}"), text);
        assert_eq!(key.as_ref(), &key.to_bytes());
        assert_eq!(
            Ed25519Public::from_str(&text[1..]),
            Err(ParseError::TextLength {
                expected: 64,
                got: 63
            })
        );
        assert_eq!(
            Ed25519Public::from_str(&text.replace('f', "g")),
            Err(ParseError::NotHex)
        );
        assert_eq!(
            Ed25519Public::from_str(&["0x", &text[2..]].concat()),
            Err(ParseError::NotHex)
        );
    }

    #[test]
    fn other_lengths_are_rejected() {
        for length in [0, 31, 33, 64] {
            let bytes = alloc::vec![7; length];
            assert_eq!(
                X25519Public::try_from(bytes.as_slice()),
                Err(ParseError::Length {
                    expected: 32,
                    got: length
                })
            );
        }
        assert!(X25519Public::try_from(&[7; 32][..]).is_ok());
    }

    #[test]
    fn the_sign_is_the_highest_bit() {
        let key = Ed25519Public::from_bytes([0xff; 32]);
        assert!(key.is_negative());
        assert_eq!(key.with_sign(false).as_bytes()[31], 0x7f);
        assert_eq!(key.with_other_sign().with_other_sign(), key);
    }

    #[test]
    fn a_key_is_read_in_any_encoding() {
        let key = X25519Public::from_bytes(core::array::from_fn(|at| u8::try_from(at).unwrap()));
        let padded = base64::encode(key);
        let unpadded = padded.trim_end_matches('=');
        let z = base32z::encode(key.as_bytes());
        for text in [&key.to_string(), padded.as_str(), unpadded, &z] {
            assert_eq!(X25519Public::from_any_text(text), Some(key), "{text}");
            // One character more or less, and another character.
            let cut = text.get(1..).unwrap();
            assert_eq!(X25519Public::from_any_text(cut), None, "{text}");
            assert_eq!(X25519Public::from_any_text(&[text, "0"].concat()), None);
            let other = text.replacen(|_: char| true, "!", 1);
            assert_eq!(X25519Public::from_any_text(&other), None, "{other}");
        }
        assert_eq!(X25519Public::from_any_text(""), None);
    }

    #[test]
    fn a_signature_is_its_two_halves() {
        let bytes = core::array::from_fn(|at| u8::try_from(at).unwrap());
        let signature = Ed25519Signature::from_bytes(bytes);
        let (r, s) = signature.parts();
        assert_eq!((r[0], r[31], s[0], s[31]), (0, 31, 32, 63));
        assert_eq!(Ed25519Signature::from_parts(&r, &s), signature);
    }
}
