//! What stands in the innermost layer for a server outside the network of nodes.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

pub mod v3;
pub mod v4;

/// A header of a request or an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// Headers in ascending order of their names.
pub(crate) fn headers(map: BTreeMap<String, String>) -> Vec<Header> {
    let pairs = map.into_iter();
    pairs.map(|(name, value)| Header { name, value }).collect()
}
