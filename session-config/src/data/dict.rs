//! Dicts and sets.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::cmp::Ordering;
use core::fmt;

use super::entries::{Entries, Iter};
use super::text::{Scalar, Value};

/// Keys up to this length need no allocation of their own.
const INLINE: usize = 22;

/// A key of a dict.
#[derive(Clone)]
pub(crate) struct Key(Repr);

#[derive(Clone)]
enum Repr {
    Short { length: u8, bytes: [u8; INLINE] },
    Long(Box<[u8]>),
}

impl Key {
    pub(crate) fn new(key: &[u8]) -> Self {
        let mut bytes = [0; INLINE];
        match (u8::try_from(key.len()), bytes.get_mut(..key.len())) {
            (Ok(length), Some(room)) => {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "the room was cut to the length of the key"
                )]
                room.copy_from_slice(key);
                Self(Repr::Short { length, bytes })
            }
            _ => Self(Repr::Long(key.into())),
        }
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        match &self.0 {
            Repr::Short { length, bytes } => bytes.get(..usize::from(*length)).unwrap_or(bytes),
            Repr::Long(key) => key,
        }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_slice().cmp(other.as_slice())
    }
}

impl Borrow<[u8]> for Key {
    fn borrow(&self) -> &[u8] {
        self.as_slice()
    }
}

/// A dict: values under byte-string keys, in ascending order.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Dict(Arc<Entries>);

impl Dict {
    /// Takes entries whose keys strictly ascend.
    pub(super) fn from_ascending(entries: Vec<(Key, Value)>) -> Self {
        Self(Arc::new(Entries::from_ascending(entries)))
    }

    /// Returns the value of a key.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<&Value> {
        self.0.get(key)
    }

    /// Returns the dict under a key, if there is one.
    #[must_use]
    pub fn dict(&self, key: &[u8]) -> Option<&Self> {
        self.get(key).and_then(Value::as_dict)
    }

    /// Returns the integer under a key, if there is one.
    #[must_use]
    pub fn int(&self, key: &[u8]) -> Option<i64> {
        self.get(key).and_then(Value::as_int)
    }

    /// Returns the byte string under a key, if there is one.
    #[must_use]
    pub fn bytes(&self, key: &[u8]) -> Option<&[u8]> {
        self.get(key).and_then(Value::as_bytes)
    }

    /// Returns the set under a key, if there is one.
    #[must_use]
    pub fn set(&self, key: &[u8]) -> Option<&Set> {
        self.get(key).and_then(Value::as_set)
    }

    /// Returns the number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the entries in ascending order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Value)> {
        self.entries().map(|(key, value)| (key.as_slice(), value))
    }

    pub(crate) fn entries(&self) -> Iter<'_> {
        self.0.iter()
    }

    /// Sets the value of a key.
    pub fn insert(&mut self, key: &[u8], value: impl Into<Value>) {
        let value = value.into();
        if self.get(key) == Some(&value) {
            return;
        }
        Arc::make_mut(&mut self.0).insert(key, value);
    }

    /// Removes a key. Does nothing if it is absent.
    pub fn remove(&mut self, key: &[u8]) {
        if self.get(key).is_some() {
            Arc::make_mut(&mut self.0).remove(key);
        }
    }

    /// Changes the dict under a key, which is made if there is none, and stays if it ends empty.
    pub(crate) fn keep_dict<T>(&mut self, key: &[u8], change: impl FnOnce(&mut Self) -> T) -> T {
        let entries = Arc::make_mut(&mut self.0);
        if let Some(Value::Dict(dict)) = entries.get_mut(key) {
            return change(dict);
        }
        let mut dict = Self::default();
        let result = change(&mut dict);
        entries.insert(key, Value::Dict(dict));
        result
    }

    /// Changes the dict under a key, which is made if there is none, and removed if it ends empty.
    pub fn change_dict<T>(&mut self, key: &[u8], change: impl FnOnce(&mut Self) -> T) -> T {
        let result = self.keep_dict(key, change);
        if self.dict(key).is_some_and(Self::is_empty) {
            self.remove(key);
        }
        result
    }

    /// Changes the set under a key, which is made if there is none, and removed if it ends empty.
    pub fn change_set(&mut self, key: &[u8], change: impl FnOnce(&mut Set)) {
        // Absent: the set begins empty.
        let mut set = self.set(key).cloned().unwrap_or_default();
        // The tree lets go of its share, so that the set is changed in place.
        if let Some(Value::Set(place)) = Arc::make_mut(&mut self.0).get_mut(key) {
            *place = Set::default();
        }
        change(&mut set);
        if set.is_empty() {
            self.remove(key);
        } else {
            self.insert(key, Value::Set(set));
        }
    }

    fn has_empty(&self) -> bool {
        self.entries().any(|(_, value)| match value {
            Value::Dict(dict) => dict.is_empty() || dict.has_empty(),
            value => value.is_empty_container(),
        })
    }

    /// Removes every set and dict that is empty, or holds only such dicts.
    pub(crate) fn prune(&mut self) {
        if !self.has_empty() {
            return;
        }
        Arc::make_mut(&mut self.0).retain(|value| {
            if let Value::Dict(dict) = value {
                dict.prune();
            }
            !value.is_empty_container()
        });
    }
}

impl fmt::Debug for Dict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dict({} entries)", self.len())
    }
}

/// A set of integers and byte strings, integers first.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Set(Arc<BTreeSet<Scalar>>);

impl Set {
    pub(super) fn from_items(items: BTreeSet<Scalar>) -> Self {
        Self(Arc::new(items))
    }

    /// Returns whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether an element is in the set.
    #[must_use]
    pub fn contains(&self, item: &Scalar) -> bool {
        self.0.contains(item)
    }

    /// Returns the elements in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = &Scalar> {
        self.0.iter()
    }

    /// Adds an element.
    pub fn insert(&mut self, item: Scalar) {
        if !self.0.contains(&item) {
            Arc::make_mut(&mut self.0).insert(item);
        }
    }

    /// Removes an element.
    pub fn remove(&mut self, item: &Scalar) {
        if self.0.contains(item) {
            Arc::make_mut(&mut self.0).remove(item);
        }
    }

    pub(crate) fn items(&self) -> &BTreeSet<Scalar> {
        &self.0
    }
}

impl fmt::Debug for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Set({} elements)", self.0.len())
    }
}
