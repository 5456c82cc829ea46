//! The payload of the innermost layer for a server outside the network of nodes.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

pub mod v3;
pub mod v4;

/// A header of a request or a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The name, as it was written.
    pub name: String,
    /// The value. A number in the JSON of a response is kept as its digits.
    pub value: String,
}

impl Header {
    /// Returns the value of the header with this name, compared without case.
    #[must_use]
    pub fn find<'h>(headers: &'h [Self], name: &str) -> Option<&'h str> {
        let found = headers.iter().find(|header| header.is_named(name))?;
        Some(&found.value)
    }

    /// Returns whether the header has this name, compared without case.
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// Headers by name, compared without case: the last one of a name counts, in its own spelling.
pub(crate) struct HeaderMap<N, V>(BTreeMap<String, (N, V)>);

impl<N: AsRef<str> + Ord, V> HeaderMap<N, V> {
    pub(crate) const fn new() -> Self {
        Self(BTreeMap::new())
    }

    pub(crate) fn insert(&mut self, name: N, value: V) {
        let key = name.as_ref().to_ascii_lowercase();
        self.0.insert(key, (name, value));
    }

    /// Inserts a header unless there is one of this name.
    pub(crate) fn insert_missing(&mut self, name: N, value: V) {
        let key = name.as_ref().to_ascii_lowercase();
        self.0.entry(key).or_insert((name, value));
    }

    /// Removes the header of a name, which is given in lower case.
    pub(crate) fn remove(&mut self, lower_case: &str) {
        self.0.remove(lower_case);
    }

    /// Returns the headers in ascending order of their names as they are written.
    pub(crate) fn into_sorted(self) -> Vec<(N, V)> {
        let mut headers: Vec<_> = self.0.into_values().collect();
        headers.sort_by(|(left, _), (right, _)| left.cmp(right));
        headers
    }
}
