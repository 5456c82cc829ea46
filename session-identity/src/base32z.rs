//! z-base-32 of 32-byte keys: 52 characters, most significant bit first.
//!
//! One of the three forms in which a community's key may be written (protocol: identity, section
//! 5.2). For public data: neither direction is constant time.

use alloc::string::String;

/// The digits for 0 to 31.
const DIGITS: &[u8; 32] = b"ybndrfg8ejkmcpqxot1uwisza345h769";

/// Length of the text of 32 bytes.
pub const TEXT_LENGTH: usize = 52;

/// Writes 32 bytes. The four unused bits of the last digit are zero.
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

/// Reads 32 bytes: 52 lower-case digits, with the four unused bits zero.
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
    // 260 bits: four are left, and they are zero.
    (bits & 0xf == 0).then_some(bytes)
}
