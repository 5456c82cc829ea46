//! z-base-32 of 32-byte keys: 52 characters, most significant bit first.
//!
//! One of the three text forms of a community's key (protocol: identity, section 5.2), and the
//! form of old node addresses. Not constant-time: for public bytes.

use alloc::string::String;

/// The digits for 0 to 31.
const DIGITS: &[u8; 32] = b"ybndrfg8ejkmcpqxot1uwisza345h769";

/// Length of the text form of 32 bytes, in characters.
pub const TEXT_LENGTH: usize = 52;

/// Encodes 32 bytes. The four unused bits of the last digit are zero.
#[must_use]
pub fn encode(bytes: &[u8; 32]) -> String {
    let mut text = String::with_capacity(TEXT_LENGTH);
    let mut bits = 0u32;
    let mut pending = 0u32;
    // One more byte of zeros, of which four bits are used.
    for byte in bytes.iter().chain(&[0]) {
        bits = (bits & 0xff) << 8 | u32::from(*byte);
        pending = pending.saturating_add(8);
        while pending >= 5 {
            pending = pending.saturating_sub(5);
            let digit = bits.wrapping_shr(pending) & 31;
            let digit = usize::try_from(digit).ok().and_then(|at| DIGITS.get(at));
            text.extend(digit.map(|digit| char::from(*digit)));
        }
    }
    text
}

/// Decodes 52 lower-case digits whose four unused bits are zero. Returns `None` for any other text.
#[must_use]
pub fn decode(text: &str) -> Option<[u8; 32]> {
    if text.len() != TEXT_LENGTH {
        return None;
    }
    let mut bytes = [0; 32];
    let mut out = bytes.iter_mut();
    let mut bits = 0u32;
    let mut pending = 0u32;
    for digit in text.bytes() {
        let value = DIGITS.iter().position(|other| *other == digit)?;
        bits = (bits & 0xff) << 5 | u32::try_from(value).ok()?;
        pending = pending.saturating_add(5);
        if pending >= 8 {
            pending = pending.saturating_sub(8);
            let [_, _, _, byte] = bits.wrapping_shr(pending).to_be_bytes();
            *out.next()? = byte;
        }
    }
    // 52 digits carry 260 bits: four are left over.
    (bits & 0xf == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_observed_address() {
        let key = "48257fb0160b3c9e12b7179161ef720159f3500ed085ef4b52aad483c808c570";
        let text = "jy1z9cysbc6jhrizn6esd551yfc9gwyq4nn66141imke81yeaiay";
        let key = crate::hex::decode(key).unwrap();
        assert_eq!(encode(&key), text);
        assert_eq!(decode(text), Some(key));
    }

    #[test]
    fn other_text_is_rejected() {
        let text = encode(&[0xff; 32]);
        assert!(decode(&text).is_some());
        for bad in [
            &text[1..],
            &text.to_ascii_uppercase(),
            &text.replacen('9', "l", 1),
            // An unused bit of the last digit is set.
            &[&encode(&[0; 32])[..51], "b"].concat(),
            "",
        ] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn it_round_trips(key: [u8; 32]) {
            prop_assert_eq!(decode(&encode(&key)), Some(key));
        }
    }
}
