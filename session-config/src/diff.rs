//! Diffs: which places of the data a message changed.
//!
//! ```text
//! scalar assigned   ""      removed   "-"
//! set               [ [added …], [removed …] ]
//! dict              { key: diff … }
//! ```
//!
//! A diff names places; the values are in the data of the message. Diffs are kept as their encoding,
//! which is what messages repeat. Protocol: [config, section 4].
//!
//! [config, section 4]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/config.md#section-4

use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;

use session_proto::bt;

use crate::data::{DataError, Dict, Iter, Key, Scalar, Value, each_scalar, put_bytes, put_scalar};

/// The encoding of a diff that names nothing.
const EMPTY: &[u8] = b"de";

/// A diff that does not follow the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DiffError {
    /// A mark of a scalar that is neither empty nor `-`.
    #[error("mark of a scalar is neither empty nor a dash")]
    Mark,
    /// A set diff that is not two lists.
    #[error("diff of a set is not two lists")]
    SetDiff,
    /// A list of a set diff that is not a valid set.
    #[error(transparent)]
    Data(#[from] DataError),
    /// An integer, which a diff must not contain.
    #[error("integer in a diff")]
    Integer,
}

/// A valid diff, as its encoding.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Diff(Arc<[u8]>);

impl Diff {
    pub(crate) fn empty() -> Self {
        Self(EMPTY.into())
    }

    /// Reads a received diff.
    pub(crate) fn read(dict: bt::Dict<'_>) -> Result<Self, DiffError> {
        check(&mut dict.steps())?;
        Ok(Self(dict.raw().into()))
    }

    /// Returns the diff from `old` to `new`.
    pub(crate) fn between(old: &Dict, new: &Dict) -> Self {
        let mut out = Vec::new();
        if old == new {
            return Self::empty();
        }
        put_dict(&mut out, old.entries(), new.entries());
        Self(out.into())
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// Applies the diff to `data`; values come from `source`, the data of a message that carried it.
    pub(crate) fn apply(&self, data: &mut Dict, source: &Dict) {
        if let Ok(dict) = bt::parse_dict(&self.0) {
            apply(data, dict, source);
        }
    }
}

/// Checks the dict that has just begun. The parser has bounded the depth.
fn check(steps: &mut bt::Steps<'_>) -> Result<(), DiffError> {
    while let Some(bt::Step::Bytes(_)) = steps.next() {
        match steps.next() {
            Some(bt::Step::Bytes(b"" | b"-")) => {}
            Some(bt::Step::Bytes(_)) => return Err(DiffError::Mark),
            Some(bt::Step::Int(_)) => return Err(DiffError::Integer),
            Some(bt::Step::List) => check_set(steps)?,
            Some(bt::Step::Dict) => check(steps)?,
            Some(bt::Step::End) | None => break,
        }
    }
    Ok(())
}

/// Checks the diff of a set, whose list has just begun.
fn check_set(steps: &mut bt::Steps<'_>) -> Result<(), DiffError> {
    for _ in 0..2 {
        if steps.next() != Some(bt::Step::List) {
            return Err(DiffError::SetDiff);
        }
        each_scalar(steps, |_| ())?;
    }
    match steps.next() {
        Some(bt::Step::End) => Ok(()),
        _ => Err(DiffError::SetDiff),
    }
}

/// The two lists of a set diff: added, removed.
fn set_diff(list: bt::List<'_>) -> Option<(bt::List<'_>, bt::List<'_>)> {
    let mut lists = list.iter();
    let (added, removed) = (lists.next()?.as_list()?, lists.next()?.as_list()?);
    lists.next().is_none().then_some((added, removed))
}

fn apply(data: &mut Dict, diff: bt::Dict<'_>, source: &Dict) {
    for entry in diff {
        let key = entry.key;
        match (entry.value, source.get(key)) {
            (bt::Value::Bytes(b""), Some(value @ Value::Scalar(_))) => {
                data.insert(key, value.clone());
            }
            (bt::Value::Dict(diff), Some(Value::Dict(source))) => {
                data.keep_dict(key, |data| apply(data, diff, source));
            }
            (bt::Value::List(list), Some(Value::Set(_))) => {
                let Some((added, removed)) = set_diff(list) else {
                    continue;
                };
                data.change_set(key, |set| {
                    // The lists were checked when the diff was read.
                    let _ = each_scalar(&mut added.steps(), |item| set.insert(item.into()));
                    let _ = each_scalar(&mut removed.steps(), |item| set.remove(&item.into()));
                });
            }
            // Removed, or of another kind there: a later diff says what it is now.
            _ => data.remove(key),
        }
    }
}

fn put_dict(out: &mut Vec<u8>, old: Iter<'_>, new: Iter<'_>) {
    out.push(b'd');
    let (mut olds, mut news) = (old.peekable(), new.peekable());
    loop {
        let key = match (olds.peek(), news.peek()) {
            (Some((old, _)), Some((new, _))) => (*old).min(*new),
            (Some((key, _)), None) | (None, Some((key, _))) => *key,
            (None, None) => break,
        };
        let before = olds
            .next_if(|(other, _)| *other == key)
            .map(|(_, value)| value);
        let after = news
            .next_if(|(other, _)| *other == key)
            .map(|(_, value)| value);
        match (before, after) {
            (Some(before), Some(after)) if before.kind() == after.kind() => {
                put_change(out, key, before, after);
            }
            (_, Some(after)) => put_added(out, key, after),
            (Some(before), None) => put_removed(out, key, before),
            (None, None) => break,
        }
    }
    out.push(b'e');
}

/// Both are of the same kind.
fn put_change(out: &mut Vec<u8>, key: &Key, before: &Value, after: &Value) {
    match (before, after) {
        (Value::Dict(before), Value::Dict(after)) => {
            if before != after {
                put_bytes(out, key.as_slice());
                put_dict(out, before.entries(), after.entries());
            }
        }
        (Value::Set(before), Value::Set(after)) => {
            if before != after {
                put_bytes(out, key.as_slice());
                put_set(out, before.items(), after.items());
            }
        }
        (before, after) if before == after => {}
        _ => {
            put_bytes(out, key.as_slice());
            put_bytes(out, b"");
        }
    }
}

fn put_added(out: &mut Vec<u8>, key: &Key, value: &Value) {
    put_bytes(out, key.as_slice());
    match value {
        Value::Scalar(_) => put_bytes(out, b""),
        Value::Set(set) => put_set(out, &BTreeSet::new(), set.items()),
        Value::Dict(dict) => put_dict(out, Dict::default().entries(), dict.entries()),
    }
}

fn put_removed(out: &mut Vec<u8>, key: &Key, value: &Value) {
    put_bytes(out, key.as_slice());
    match value {
        Value::Scalar(_) => put_bytes(out, b"-"),
        Value::Set(set) => put_set(out, set.items(), &BTreeSet::new()),
        Value::Dict(dict) => put_dict(out, dict.entries(), Dict::default().entries()),
    }
}

fn put_set(out: &mut Vec<u8>, old: &BTreeSet<Scalar>, new: &BTreeSet<Scalar>) {
    out.push(b'l');
    for (one, other) in [(new, old), (old, new)] {
        out.push(b'l');
        for item in one.difference(other) {
            put_scalar(out, item);
        }
        out.push(b'e');
    }
    out.push(b'e');
}
