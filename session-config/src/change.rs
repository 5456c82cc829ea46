//! Change reports: the parts that all types share.

use alloc::vec::Vec;

use crate::data::{Dict, Value};

/// How an entry changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum How {
    /// It is new.
    Added,
    /// Its fields changed.
    Changed,
    /// It was removed.
    Removed,
}

/// Returns the keys of the dicts that differ between two dicts of dicts.
pub(crate) fn entries<'a>(
    before: Option<&'a Dict>,
    after: Option<&'a Dict>,
) -> impl Iterator<Item = (&'a [u8], How)> {
    let added = after.into_iter().flat_map(move |after| {
        after.iter().filter_map(move |(key, value)| {
            value.as_dict()?;
            match before.and_then(|before| before.dict(key)) {
                None => Some((key, How::Added)),
                Some(old) if value.as_dict() != Some(old) => Some((key, How::Changed)),
                Some(_) => None,
            }
        })
    });
    let removed = before.into_iter().flat_map(move |before| {
        before.iter().filter_map(move |(key, value)| {
            value.as_dict()?;
            let is_gone = after.and_then(|after| after.dict(key)).is_none();
            is_gone.then_some((key, How::Removed))
        })
    });
    added.chain(removed)
}

/// Returns the changes of a table whose keys differ.
pub(crate) fn fields<C: Copy>(before: &Dict, after: &Dict, table: &[(C, &[&[u8]])]) -> Vec<C> {
    let differs = |key: &&&[u8]| {
        let values: [Option<&Value>; 2] = [before.get(key), after.get(key)];
        values[0] != values[1]
    };
    table
        .iter()
        .filter(|(_, keys)| keys.iter().any(|key| differs(&key)))
        .map(|(change, _)| *change)
        .collect()
}
