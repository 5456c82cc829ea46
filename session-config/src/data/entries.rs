//! The entries of a dict: a sorted list while they are few, a tree when they are many.
//!
//! Most dicts are records of a few fields, of which a config has thousands.

use alloc::collections::{BTreeMap, btree_map};
use alloc::vec::Vec;
use core::slice;

use super::dict::Key;
use super::text::Value;

/// Maximum number of entries of a list.
const FEW: usize = 24;

/// Values under keys, in ascending order of the keys.
#[derive(Clone)]
pub(crate) enum Entries {
    Few(Vec<(Key, Value)>),
    Many(BTreeMap<Key, Value>),
}

impl Default for Entries {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl PartialEq for Entries {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl Eq for Entries {}

impl Entries {
    /// Takes entries whose keys strictly ascend.
    pub(super) fn from_ascending(entries: Vec<(Key, Value)>) -> Self {
        if entries.len() <= FEW {
            Self::Few(entries)
        } else {
            Self::Many(entries.into_iter().collect())
        }
    }

    fn place(entries: &[(Key, Value)], key: &[u8]) -> Result<usize, usize> {
        entries.binary_search_by(|(other, _)| other.as_slice().cmp(key))
    }

    pub(super) fn get(&self, key: &[u8]) -> Option<&Value> {
        match self {
            Self::Few(few) => {
                let place = Self::place(few, key).ok()?;
                few.get(place).map(|(_, value)| value)
            }
            Self::Many(many) => many.get(key),
        }
    }

    pub(super) fn get_mut(&mut self, key: &[u8]) -> Option<&mut Value> {
        match self {
            Self::Few(few) => {
                let place = Self::place(few, key).ok()?;
                few.get_mut(place).map(|(_, value)| value)
            }
            Self::Many(many) => many.get_mut(key),
        }
    }

    /// Sets the value of a key.
    pub(super) fn insert(&mut self, key: &[u8], value: Value) {
        if let Self::Few(few) = self {
            match Self::place(few, key) {
                Ok(place) => {
                    if let Some((_, old)) = few.get_mut(place) {
                        *old = value;
                    }
                    return;
                }
                Err(place) if few.len() < FEW => return few.insert(place, (Key::new(key), value)),
                Err(_) => *self = Self::Many(core::mem::take(few).into_iter().collect()),
            }
        }
        if let Self::Many(many) = self {
            match many.get_mut(key) {
                Some(old) => *old = value,
                None => drop(many.insert(Key::new(key), value)),
            }
        }
    }

    pub(super) fn remove(&mut self, key: &[u8]) {
        match self {
            Self::Few(few) => {
                if let Ok(place) = Self::place(few, key) {
                    few.remove(place);
                }
            }
            Self::Many(many) => drop(many.remove(key)),
        }
    }

    /// Keeps the entries whose value passes.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&mut Value) -> bool) {
        match self {
            Self::Few(few) => few.retain_mut(|(_, value)| keep(value)),
            Self::Many(many) => many.retain(|_, value| keep(value)),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Few(few) => few.len(),
            Self::Many(many) => many.len(),
        }
    }

    pub(crate) fn iter(&self) -> Iter<'_> {
        match self {
            Self::Few(few) => Iter::Few(few.iter()),
            Self::Many(many) => Iter::Many(many.iter()),
        }
    }
}

/// The entries in ascending order.
pub(crate) enum Iter<'a> {
    Few(slice::Iter<'a, (Key, Value)>),
    Many(btree_map::Iter<'a, Key, Value>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a Key, &'a Value);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Few(few) => few.next().map(|(key, value)| (key, value)),
            Self::Many(many) => many.next(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Lists and trees hold the same, whatever way they became what they are.
        #[test]
        fn entries_are_those_of_a_map(
            steps in proptest::collection::vec((0_u8..60, 0_u8..5, 0_i64..9), 0..200),
        ) {
            let (mut entries, mut map) = (Entries::default(), BTreeMap::new());
            for (key, act, int) in steps {
                let key = [key; 3];
                if act == 0 {
                    entries.remove(&key);
                    map.remove(&key);
                } else {
                    entries.insert(&key, Value::from(int));
                    map.insert(key, int);
                }
                let value = entries.get(&key).and_then(Value::as_int);
                prop_assert_eq!(value, map.get(&key).copied());
                prop_assert_eq!(entries.get_mut(&key).and_then(|value| value.as_int()), value);
            }
            let pairs = |entries: &Entries| -> Vec<_> {
                entries.iter().map(|(key, value)| (key.as_slice().to_vec(), value.as_int())).collect()
            };
            let expected: Vec<_> =
                map.iter().map(|(key, int)| (key.to_vec(), Some(*int))).collect();
            prop_assert_eq!(pairs(&entries), expected);
            prop_assert_eq!(entries.len(), map.len());
            let read = entries.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
            prop_assert!(Entries::from_ascending(read) == entries);
            entries.retain(|value| value.as_int() > Some(4));
            map.retain(|_, int| *int > 4);
            prop_assert_eq!(entries.len(), map.len());
        }
    }
}
