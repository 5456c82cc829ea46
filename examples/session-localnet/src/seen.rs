//! What a node could see, written down as it saw it.
//!
//! Each node notes the address of whoever connects to it and every byte string that it holds in
//! clear: what it received, what it made of it with its own keys, what it sent on. The closing
//! table of the demo asks these notes; it does not know what the code is supposed to hide.

use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Notes kept by a node at most, in bytes; older ones make room.
const MAX_NOTES: usize = 8 * 1024 * 1024;

/// The notes of one node.
#[derive(Debug, Default)]
pub struct Seen {
    off: bool,
    notes: Mutex<Notes>,
}

#[derive(Debug, Default)]
struct Notes {
    addresses: BTreeSet<IpAddr>,
    bytes: VecDeque<Vec<u8>>,
    size: usize,
}

impl Seen {
    /// Notes that are not taken: for networks that nobody asks about them.
    pub fn off() -> Self {
        Self {
            off: true,
            ..Self::default()
        }
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes who connected.
    pub fn address(&self, address: IpAddr) {
        if !self.off {
            self.notes().addresses.insert(address);
        }
    }

    /// Notes bytes that the node holds in clear.
    pub fn bytes(&self, bytes: &[u8]) {
        if self.off {
            return;
        }
        let mut notes = self.notes();
        notes.size += bytes.len();
        notes.bytes.push_back(bytes.to_vec());
        while notes.size > MAX_NOTES
            && let Some(oldest) = notes.bytes.pop_front()
        {
            notes.size -= oldest.len();
        }
    }

    /// Whether anything came from this address, or it is written somewhere.
    pub fn knows_address(&self, address: IpAddr) -> bool {
        self.notes().addresses.contains(&address) || self.knows(address.to_string().as_bytes())
    }

    /// Whether these bytes occur in what was seen: as they are, in hex, or in base64 at any of its
    /// three alignments.
    pub fn knows(&self, secret: &[u8]) -> bool {
        let needles = forms(secret);
        let notes = self.notes();
        notes
            .bytes
            .iter()
            .any(|seen| needles.iter().any(|needle| contains(seen, needle)))
    }

    /// Whether anything was seen at all.
    pub fn is_empty(&self) -> bool {
        let notes = self.notes();
        notes.addresses.is_empty() && notes.bytes.is_empty()
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    !needle.is_empty()
        && haystack
            .windows(needle.len())
            .any(|window| window == needle)
}

/// The ways in which bytes can stand in a text.
fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = vec![
        secret.to_vec(),
        const_hex::encode(secret).into_bytes(),
        const_hex::encode_upper(secret).into_bytes(),
    ];
    for shift in 0..3 {
        forms.push(base64_core(secret, shift));
    }
    forms
}

/// The base64 characters that depend on `secret` alone when `shift` other bytes stand before it.
fn base64_core(secret: &[u8], shift: usize) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let first_bit = (6 - shift * 8 % 6) % 6;
    let bit = |index: usize| (secret[index / 8] >> (7 - index % 8)) & 1;
    (first_bit..secret.len() * 8)
        .step_by(6)
        .take_while(|start| start + 6 <= secret.len() * 8)
        .map(|start| {
            let value = (start..start + 6).fold(0u8, |value, index| value << 1 | bit(index));
            ALPHABET[usize::from(value)]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_bytes_raw_in_hex_and_in_base64() {
        let secret = b"a very secret text";
        // "x" and "xy" before the text, and none, in base64.
        let encoded = [
            "YSB2ZXJ5IHNlY3JldCB0ZXh0",
            "eGEgdmVyeSBzZWNyZXQgdGV4dA==",
            "eHlhIHZlcnkgc2VjcmV0IHRleHQ=",
        ];
        for text in encoded {
            let seen = Seen::default();
            assert!(!seen.knows(secret));
            seen.bytes(format!("{{\"data\":\"{text}\"}}").as_bytes());
            assert!(seen.knows(secret), "{text}");
            assert!(!seen.knows(b"another secret text"));
        }
        let seen = Seen::default();
        seen.bytes(const_hex::encode(secret).as_bytes());
        assert!(seen.knows(secret));
    }

    #[test]
    fn forgets_the_oldest_when_full() {
        let seen = Seen::default();
        seen.bytes(b"first");
        seen.bytes(&vec![0; MAX_NOTES]);
        assert!(!seen.knows(b"first"));
    }

    #[test]
    fn knows_addresses() {
        let seen = Seen::default();
        let address: IpAddr = "127.0.0.9".parse().unwrap();
        assert!(seen.is_empty() && !seen.knows_address(address));
        seen.address(address);
        assert!(seen.knows_address(address));
    }
}
