//! Keys of known senders.

use alloc::collections::BTreeMap;
use core::fmt;

use super::Sender;
use crate::ed25519::Ed25519Public;

/// The keys of recent senders, decompressed, validated and converted.
///
/// For [`open_remembering`](super::open_remembering). It holds at most `capacity` keys of about 300
/// bytes each, and evicts the least recently used one. It contains no secret, but reveals who has
/// written to the account.
pub struct Senders {
    capacity: usize,
    /// Number of insertions.
    now: u64,
    known: BTreeMap<Ed25519Public, (u64, Sender)>,
}

impl Senders {
    /// Creates an empty list with room for `capacity` keys.
    #[must_use]
    pub const fn new(capacity: usize) -> Self {
        Self {
            capacity,
            now: 0,
            known: BTreeMap::new(),
        }
    }

    /// Returns the number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Returns whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    pub(super) fn get(&self, key: &Ed25519Public) -> Option<&Sender> {
        self.known.get(key).map(|(_, sender)| sender)
    }

    /// Inserts the sender of an opened message as the most recently used one.
    pub(super) fn insert(&mut self, sender: Sender) {
        if self.capacity == 0 {
            return;
        }
        let key = sender.verifier.public();
        if self.known.len() >= self.capacity && !self.known.contains_key(&key) {
            let oldest = self.known.iter().min_by_key(|(_, (used, _))| *used);
            if let Some(oldest) = oldest.map(|(key, _)| *key) {
                self.known.remove(&oldest);
            }
        }
        self.now = self.now.saturating_add(1);
        self.known.insert(key, (self.now, sender));
    }
}

impl fmt::Debug for Senders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Senders")
            .field("capacity", &self.capacity)
            .field("len", &self.known.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ed25519::Ed25519Secret;

    #[test]
    fn the_one_unused_for_longest_makes_way() {
        let key = |seed| Ed25519Secret::from_seed(&[seed; 32]).public();
        let mut senders = Senders::new(2);
        for (seed, known) in [
            (1, &[1][..]),
            (2, &[1, 2]),
            (1, &[1, 2]),
            (3, &[1, 3]),
            (2, &[2, 3]),
            (2, &[2, 3]),
            (1, &[1, 2]),
        ] {
            senders.insert(Sender::check(&key(seed)).unwrap());
            let now: alloc::vec::Vec<u8> = (1..=3)
                .filter(|seed| senders.get(&key(*seed)).is_some())
                .collect();
            assert_eq!(now, known);
            assert_eq!(senders.len(), known.len());
        }
    }
}
