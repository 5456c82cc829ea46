//! Bencoding as storage servers read it: leniently.
//!
//! Their parser walks forward through a dictionary and never back. It skips a key that is not
//! greater than all keys before it, and it ignores trailing bytes. The canonical parser of
//! session-proto's `bt` would reject requests that the network accepts. The encoder is canonical.

use alloc::string::String;
use alloc::vec::Vec;

use super::{Dict, Value, push};

/// Maximum nesting depth.
const MAX_DEPTH: usize = 32;

pub(super) fn read(bytes: &[u8]) -> Option<Value> {
    read_value(&mut { bytes }, MAX_DEPTH)
}

/// Parses one value without trailing bytes.
pub(super) fn read_exact(mut bytes: &[u8]) -> Option<Value> {
    let value = read_value(&mut bytes, MAX_DEPTH)?;
    bytes.is_empty().then_some(value)
}

fn read_value(input: &mut &[u8], depth: usize) -> Option<Value> {
    match input.first()? {
        b'i' => read_int(input),
        b'l' => {
            skip(input);
            let depth = depth.checked_sub(1)?;
            let mut items = Vec::new();
            while *input.first()? != b'e' {
                push(&mut items, read_value(input, depth)?);
            }
            skip(input);
            Some(Value::List(items))
        }
        b'd' => {
            skip(input);
            let depth = depth.checked_sub(1)?;
            read_dict(input, depth).map(Value::Dict)
        }
        _ => read_bytes(input).map(|bytes| Value::Bytes(bytes.into())),
    }
}

fn read_dict(input: &mut &[u8], depth: usize) -> Option<Dict> {
    let mut entries = Vec::new();
    let mut highest: Option<&[u8]> = None;
    while *input.first()? != b'e' {
        let key = read_bytes(input)?;
        let value = read_value(input, depth)?;
        if highest.is_none_or(|highest| key > highest) {
            highest = Some(key);
            if let Ok(key) = core::str::from_utf8(key) {
                push(&mut entries, (key.into(), value));
            }
        }
    }
    skip(input);
    Some(Dict::from_ascending(entries))
}

/// Parses an integer.
pub(crate) fn read_int(input: &mut &[u8]) -> Option<Value> {
    read_mark(input, b'i')?;
    let text = take_until(input, b'e')?;
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let is_canonical = match digits {
        [b'0'] => digits.len() == text.len(),
        [first, rest @ ..] => (b'1'..=b'9').contains(first) && rest.iter().all(u8::is_ascii_digit),
        [] => false,
    };
    if !is_canonical {
        return None;
    }
    let text = core::str::from_utf8(text).ok()?;
    match text.parse() {
        Ok(number) => Some(Value::Uint(number)),
        Err(_) => text.parse().ok().map(Value::Int),
    }
}

/// Parses a string.
pub(crate) fn read_bytes<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take_until(input, b':')?;
    if length.is_empty() || length.len() > 9 || !length.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let length: usize = core::str::from_utf8(length).ok()?.parse().ok()?;
    let (bytes, rest) = input.split_at_checked(length)?;
    *input = rest;
    Some(bytes)
}

/// Returns the bytes before `end` and consumes both. Numbers are short, so the search is too.
fn take_until<'a>(input: &mut &'a [u8], end: u8) -> Option<&'a [u8]> {
    let length = input.iter().take(22).position(|byte| *byte == end)?;
    let (taken, rest) = input.split_at_checked(length)?;
    *input = rest;
    skip(input);
    Some(taken)
}

/// Consumes one byte if it is `mark`.
pub(crate) fn read_mark(input: &mut &[u8], mark: u8) -> Option<()> {
    *input = input.strip_prefix(&[mark])?;
    Some(())
}

fn skip(input: &mut &[u8]) {
    if let Some((_, rest)) = input.split_first() {
        *input = rest;
    }
}

pub(super) fn write(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => {}
        Value::Bool(value) => write_int(out, i64::from(*value)),
        Value::Int(number) => write_int(out, *number),
        Value::Uint(number) => write_int(out, *number),
        Value::Float(_) => write_int(out, 0u8),
        Value::Text(text) => write_bytes(out, text.as_bytes()),
        Value::Bytes(bytes) => write_bytes(out, bytes),
        Value::List(items) => {
            out.push(b'l');
            for item in items {
                write(out, item);
            }
            out.push(b'e');
        }
        Value::Dict(entries) => {
            out.push(b'd');
            for (key, value) in entries {
                if *value != Value::Null {
                    write_bytes(out, key.as_bytes());
                    write(out, value);
                }
            }
            out.push(b'e');
        }
    }
}

pub(crate) fn write_int(out: &mut Vec<u8>, number: impl core::fmt::Display) {
    out.extend_from_slice(alloc::format!("i{number}e").as_bytes());
}

pub(crate) fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    let mut length = String::new();
    // Writing to a string cannot fail.
    let _ = core::fmt::Write::write_fmt(&mut length, format_args!("{}:", bytes.len()));
    out.extend_from_slice(length.as_bytes());
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys(bytes: &[u8]) -> Vec<String> {
        read(bytes)
            .unwrap()
            .as_dict()
            .unwrap()
            .keys()
            .map(String::from)
            .collect()
    }

    #[test]
    fn keys_out_of_order_are_passed_over() {
        assert_eq!(keys(b"d1:ai1e1:zi2e1:mi3ee"), ["a", "z"]);
        assert_eq!(keys(b"d1:zi1e1:ai2e1:mi3ee"), ["z"]);
        let twice = read(b"d1:ai1e1:ai2ee").unwrap();
        assert_eq!(twice.get("a"), Some(&Value::Uint(1)));
    }

    #[test]
    fn bytes_behind_the_value_are_ignored() {
        assert_eq!(read(b"i5exyz"), Some(Value::Uint(5)));
    }

    #[test]
    fn broken_input_is_refused() {
        let bad: [&[u8]; 17] = [
            b"",
            b"i",
            b"ie",
            b"i-e",
            b"i-0e",
            b"i01e",
            b"i1",
            b"i99999999999999999999e",
            b"l",
            b"d",
            b"d1:ae",
            b"di1ei2ee",
            b"5:abc",
            b"-1:",
            b":",
            b"9999999999:a",
            b"4294967295:a",
        ];
        for bad in bad {
            assert_eq!(read(bad), None, "{}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn deep_nesting_is_an_error_and_no_overflow() {
        assert_eq!(read("l".repeat(1_000_000).as_bytes()), None);
        assert_eq!(read("d1:a".repeat(1_000_000).as_bytes()), None);
        let deepest = [b"l".repeat(MAX_DEPTH), b"e".repeat(MAX_DEPTH)].concat();
        assert!(read(&deepest).is_some());
    }

    fn tree() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<i64>().prop_map(Value::int),
            any::<u64>().prop_map(Value::Uint),
            proptest::collection::vec(any::<u8>(), 0..20).prop_map(Value::Bytes),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::List),
                proptest::collection::btree_map("[a-z@~]{0,4}", inner, 0..6)
                    .prop_map(|entries| Value::Dict(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value in tree()) {
            prop_assert_eq!(Value::from_bencode(&value.to_bencode()), Ok(value));
        }

        #[test]
        fn no_input_panics(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = read(&bytes);
        }
    }
}
