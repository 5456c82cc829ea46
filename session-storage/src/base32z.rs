//! The base32 of old node addresses.

use alloc::string::String;

const ALPHABET: &[u8; 32] = b"ybndrfg8ejkmcpqxot1uwisza345h769";

/// Writes base32z: five bits a character, from the high end; the last one is filled up with zeros.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut bits: u32 = 0;
    let mut held: u32 = 0;
    let mut push = |value: u32| {
        let index = usize::try_from(value & 31).unwrap_or(0);
        text.push(ALPHABET.get(index).copied().unwrap_or(b'y').into());
    };
    for byte in bytes {
        bits = bits << 8 | u32::from(*byte);
        held = held.saturating_add(8);
        while held >= 5 {
            held = held.saturating_sub(5);
            push(bits >> held);
        }
    }
    if held > 0 {
        push(bits << 5u32.saturating_sub(held));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_observed_address() {
        let key = "48257fb0160b3c9e12b7179161ef720159f3500ed085ef4b52aad483c808c570";
        let key: [u8; 32] = session_swarm::hex::decode(key).unwrap();
        assert_eq!(
            encode(&key),
            "jy1z9cysbc6jhrizn6esd551yfc9gwyq4nn66141imke81yeaiay"
        );
    }
}
