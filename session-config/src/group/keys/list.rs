//! The list of keys, in the order of the protocol, with the names of the messages that gave them
//! (protocol: groups, section 5.5).

use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

use session_crypto::SymmetricKey;
use session_types::UnixMillis;
use subtle::ConstantTimeEq;

use crate::limits::{GROUP_KEY_AGE, MAX_GROUP_KEYS, MAX_KEY_MESSAGES};

/// A key of the group.
pub(super) struct Entry {
    pub(super) generation: u64,
    /// When the message that brought it was stored.
    pub(super) stored_at: UnixMillis,
    pub(super) key: SymmetricKey,
}

impl Entry {
    /// The order of the list. All members know these keys, and the order shows in what they store, so
    /// that the comparison has nothing to hide.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        let place = |entry: &Self| (entry.generation, entry.stored_at);
        place(self)
            .cmp(&place(other))
            .then_with(|| self.key.expose_bytes().cmp(other.key.expose_bytes()))
    }

    /// Returns whether this is the key of that generation, whenever it was stored.
    pub(super) fn is(&self, generation: u64, key: &SymmetricKey) -> bool {
        self.generation == generation && bool::from(self.key.ct_eq(key))
    }
}

/// Keys, oldest first, and the names of key messages by generation.
#[derive(Default)]
pub(super) struct KeyList {
    pub(super) entries: Vec<Entry>,
    pub(super) names: BTreeMap<u64, BTreeSet<String>>,
}

/// The list is full of keys that none of the rules drops.
pub(super) struct Full;

impl KeyList {
    pub(super) fn newest(&self) -> Option<&Entry> {
        self.entries.last()
    }

    /// Returns whether all keys of `new` have room.
    pub(super) fn has_room(&self, new: &[Entry]) -> Result<(), Full> {
        let is_new = |new: &&Entry| {
            !self
                .entries
                .iter()
                .any(|old| old.is(new.generation, &new.key))
        };
        let count = self
            .entries
            .len()
            .saturating_add(new.iter().filter(is_new).count());
        if count > MAX_GROUP_KEYS {
            Err(Full)
        } else {
            Ok(())
        }
    }

    /// Inserts a key that the message `name` brought. Returns whether the list changed.
    pub(super) fn insert(&mut self, new: Entry, name: &str) -> bool {
        if self
            .entries
            .iter()
            .any(|old| old.is(new.generation, &new.key))
        {
            return self.record(new.generation, name);
        }
        if let [first, .., last] = self.entries.as_slice()
            && new.order(first) == Ordering::Less
            && new.generation < first.generation
            && first.stored_at.saturating_add(GROUP_KEY_AGE) < last.stored_at
        {
            return false;
        }
        self.record(new.generation, name);
        let place = self
            .entries
            .partition_point(|old| old.order(&new) == Ordering::Less);
        self.entries.insert(place, new);
        self.expire();
        true
    }

    /// Notes a message of a generation, to keep it alive. Returns whether that is new.
    pub(super) fn record(&mut self, generation: u64, name: &str) -> bool {
        let count: usize = self.names.values().map(BTreeSet::len).sum();
        if count >= MAX_KEY_MESSAGES {
            return false;
        }
        self.names
            .entry(generation)
            .or_default()
            .insert(name.to_owned())
    }

    /// Drops generations that all members have moved on from. Only the times of storage count.
    pub(super) fn expire(&mut self) {
        if let Some(newest) = self.newest() {
            let newest = newest.stored_at;
            // The first entry of a generation has the lowest time of it.
            let mut starts = self.entries.iter().zip(self.entries.iter().skip(1));
            let keep = loop {
                match starts.next() {
                    None => break None,
                    Some((old, new)) if old.generation == new.generation => {}
                    Some((_, new)) if new.stored_at.saturating_add(GROUP_KEY_AGE) < newest => {}
                    Some((old, _)) => break Some(old.generation),
                }
            };
            let keep = keep.or_else(|| self.newest().map(|entry| entry.generation));
            self.entries.retain(|entry| Some(entry.generation) >= keep);
        }
        match self.entries.first() {
            Some(first) => self.names = self.names.split_off(&first.generation),
            None => self.names.clear(),
        }
    }
}
