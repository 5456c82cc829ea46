//! A dictionary that needs little memory.
//!
//! The sender of a body chooses its number of dictionaries. A tree or a hash table would need
//! hundreds of bytes for an entry that was sent in six; a sorted list needs only the size of its
//! entries.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::{Value, push};

type Entry = (String, Value);

/// A dictionary whose keys are in ascending byte order.
#[derive(Clone, PartialEq, Default)]
pub struct Dict(Vec<Entry>);

impl Dict {
    /// Creates an empty dictionary.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Wraps entries with ascending keys.
    pub(super) const fn from_ascending(entries: Vec<Entry>) -> Self {
        Self(entries)
    }

    /// Returns the number of entries.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there is no entry.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        let (_, value) = self.0.get(self.place(key).ok()?)?;
        Some(value)
    }

    /// Returns the value of a key for changes.
    #[must_use]
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        let place = self.place(key).ok()?;
        let (_, value) = self.0.get_mut(place)?;
        Some(value)
    }

    /// Sets the value of a key and returns the old one. An insertion moves all following entries;
    /// collect a large dictionary from an iterator instead.
    pub fn insert(&mut self, key: String, value: Value) -> Option<Value> {
        match self.place(&key) {
            Ok(place) => {
                let (_, old) = self.0.get_mut(place)?;
                Some(core::mem::replace(old, value))
            }
            Err(place) => {
                self.0.insert(place, (key, value));
                None
            }
        }
    }

    /// Returns the entries, ascending.
    pub fn iter(&self) -> Iter<'_> {
        self.0.iter().map(parts as fn(&Entry) -> (&String, &Value))
    }

    /// Returns the keys, ascending.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(|(key, _)| key.as_str())
    }

    /// Returns the values for changes, in the order of their keys.
    pub fn values_mut(&mut self) -> impl ExactSizeIterator<Item = &mut Value> {
        self.0.iter_mut().map(|(_, value)| value)
    }

    /// Returns the position of a key, or the position where it would be inserted.
    fn place(&self, key: &str) -> Result<usize, usize> {
        self.0
            .binary_search_by(|(known, _)| known.as_str().cmp(key))
    }
}

/// The entries of a [`Dict`].
type Iter<'a> =
    core::iter::Map<core::slice::Iter<'a, Entry>, fn(&'a Entry) -> (&'a String, &'a Value)>;

const fn parts((key, value): &Entry) -> (&String, &Value) {
    (key, value)
}

impl<'a> IntoIterator for &'a Dict {
    type Item = (&'a String, &'a Value);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// The last value of equal keys counts.
impl FromIterator<(String, Value)> for Dict {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(entries: I) -> Self {
        let mut all: Vec<Entry> = Vec::new();
        for entry in entries {
            push(&mut all, entry);
        }
        if !all.is_sorted_by(|(left, _), (right, _)| left < right) {
            // Stable: the last of equal keys stays the last.
            all.sort_by(|(left, _), (right, _)| left.cmp(right));
            all.dedup_by(|(later, value), (key, kept)| {
                let is_same = later == key;
                if is_same {
                    core::mem::swap(value, kept);
                }
                is_same
            });
        }
        Self(all)
    }
}

impl fmt::Debug for Dict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use proptest::prelude::*;

    #[test]
    fn one_entry_takes_the_room_of_one() {
        for text in [br#"{"":0}"#.as_slice(), br#"{"a":{"":0}}"#] {
            let Value::Dict(dict) = Value::from_json(text).unwrap() else {
                panic!("no dict");
            };
            assert_eq!(dict.0.capacity(), 1);
        }
        let Value::Dict(dict) = Value::from_bencode(b"d0:0:e").unwrap() else {
            panic!("no dict");
        };
        assert_eq!(dict.0.capacity(), 1);
    }

    proptest! {
        /// The dictionary behaves like the map of the standard library.
        #[test]
        fn it_is_a_map(
            entries in proptest::collection::vec(("[a-cé]{0,2}", any::<u64>()), 0..12),
            more in proptest::collection::vec(("[a-cé]{0,2}", any::<u64>()), 0..6),
        ) {
            let entries = entries.into_iter().map(|(key, number)| (key, Value::Uint(number)));
            let mut map: BTreeMap<String, Value> = entries.clone().collect();
            let mut dict: Dict = entries.collect();
            for (key, number) in more {
                prop_assert_eq!(dict.get(&key), map.get(&key));
                prop_assert_eq!(dict.get_mut(&key), map.get_mut(&key));
                let before = dict.insert(key.clone(), number.into());
                prop_assert_eq!(before, map.insert(key, number.into()));
            }
            prop_assert!(dict.iter().eq(map.iter()));
            prop_assert!(dict.keys().eq(map.keys().map(String::as_str)));
            prop_assert!(dict.values_mut().eq(map.values_mut()));
            prop_assert_eq!((dict.len(), dict.is_empty()), (map.len(), map.is_empty()));
        }
    }
}
