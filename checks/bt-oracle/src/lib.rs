//! The common ground of the two implementations: a value, parsed by each.
//!
//! Known differences, all of them tested:
//!
//! - bendy takes one value from the beginning and leaves trailing bytes to its caller;
//! - bendy reads integers of any size, `session_proto::bt` those from -2^63 to 2^64-1;
//! - bendy's default depth is 2048, that of `session_proto::bt` is 64.

use bendy::decoding::{Decoder, Object};
use session_proto::bt;

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tree {
    /// An integer, in decimal.
    Int(String),
    /// A string.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Tree>),
    /// A dict, in the order of its bytes.
    Dict(Vec<(Vec<u8>, Tree)>),
}

/// Reads with bendy, to the end of the input.
pub fn read_bendy(bytes: &[u8], depth: usize) -> Option<Tree> {
    let mut decoder = Decoder::new(bytes).with_max_depth(depth);
    let tree = object(decoder.next_object().ok()??)?;
    match decoder.next_object() {
        Ok(None) => Some(tree),
        _ => None,
    }
}

fn object(object_: Object<'_, '_>) -> Option<Tree> {
    Some(match object_ {
        Object::Integer(digits) => Tree::Int(digits.to_owned()),
        Object::Bytes(bytes) => Tree::Bytes(bytes.to_vec()),
        Object::List(mut list) => {
            let mut items = Vec::new();
            while let Some(item) = list.next_object().ok()? {
                items.push(object(item)?);
            }
            Tree::List(items)
        }
        Object::Dict(mut dict) => {
            let mut entries = Vec::new();
            while let Some((key, value)) = dict.next_pair().ok()? {
                entries.push((key.to_vec(), object(value)?));
            }
            Tree::Dict(entries)
        }
    })
}

/// Reads with session-proto.
pub fn read_ours(bytes: &[u8]) -> Option<Tree> {
    bt::parse(bytes).ok().map(|value| tree(&value))
}

fn tree(value: &bt::Value<'_>) -> Tree {
    match value {
        bt::Value::Int(int) => Tree::Int(int.to_string()),
        bt::Value::Bytes(bytes) => Tree::Bytes(bytes.to_vec()),
        bt::Value::List(list) => Tree::List(list.iter().map(|item| tree(&item)).collect()),
        bt::Value::Dict(dict) => {
            let entries = dict.iter();
            Tree::Dict(entries.map(|e| (e.key.to_vec(), tree(&e.value))).collect())
        }
    }
}

/// Returns whether all integers of a value are in the range that `session_proto::bt` reads.
pub fn integers_fit(tree: &Tree) -> bool {
    match tree {
        Tree::Int(digits) => digits
            .parse::<i128>()
            .is_ok_and(|int| (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&int)),
        Tree::Bytes(_) => true,
        Tree::List(items) => items.iter().all(integers_fit),
        Tree::Dict(entries) => entries.iter().all(|(_, value)| integers_fit(value)),
    }
}
