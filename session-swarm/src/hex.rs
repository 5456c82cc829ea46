//! Hex without allocation.

use core::fmt;

/// Parses exactly `2 * N` hex digits of either case.
pub fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    // A `0x` in front would be taken off; nothing in the protocol has one.
    if text.len() != N.checked_mul(2)? || text.starts_with("0x") {
        return None;
    }
    const_hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}

/// Writes lower-case hex.
pub fn write(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    for byte in bytes {
        write!(f, "{byte:02x}")?;
    }
    Ok(())
}
