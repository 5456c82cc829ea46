//! JSON through serde. `serde_json` limits the depth.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use session_types::base64;

use super::{Dict, Value, push};

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let (value, empty) = (self, "");
        Json { value, empty }.serialize(out)
    }
}

/// A value, and the text of empty bytes.
///
/// Requests encode empty bytes as an empty text, deployed nodes encode them as [`EMPTY_DATA`] in
/// answers.
pub(crate) struct Json<'a> {
    pub(crate) value: &'a Value,
    pub(crate) empty: &'static str,
}

/// The form of a message without bytes in JSON answers (protocol: storage-rpc, section 5.2).
pub(crate) const EMPTY_DATA: &str = "=";

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let empty = self.empty;
        match self.value {
            Value::Null => out.serialize_unit(),
            Value::Bool(value) => out.serialize_bool(*value),
            Value::Int(number) => out.serialize_i64(*number),
            Value::Uint(number) => out.serialize_u64(*number),
            Value::Float(number) => out.serialize_f64(*number),
            Value::Text(text) => out.serialize_str(text),
            Value::Bytes(bytes) if bytes.is_empty() => out.serialize_str(empty),
            Value::Bytes(bytes) => out.serialize_str(&base64::encode(bytes)),
            Value::List(items) => {
                let mut list = out.serialize_seq(Some(items.len()))?;
                for value in items {
                    list.serialize_element(&Json { value, empty })?;
                }
                list.end()
            }
            Value::Dict(entries) => {
                let mut dict = out.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    dict.serialize_entry(key, &Json { value, empty })?;
                }
                dict.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(Tree)
    }
}

struct Tree;

impl<'de> Visitor<'de> for Tree {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::int(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Uint(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.into()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut input: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = input.next_element()? {
            push(&mut items, item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut input: A) -> Result<Value, A::Error> {
        let entries = core::iter::from_fn(|| input.next_entry().transpose());
        entries.collect::<Result<Dict, _>>().map(Value::Dict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::ValueError;

    #[test]
    fn integers_keep_all_64_bits() {
        let text = br#"{"a":18446744073709551615,"b":-9223372036854775808}"#;
        let value = Value::from_json(text).unwrap();
        assert_eq!(value.get("a").unwrap().as_u64(), Some(u64::MAX));
        assert_eq!(value.get("b").unwrap().as_i64(), Some(i64::MIN));
        assert_eq!(value.to_json(), text);
    }

    #[test]
    fn the_last_of_two_equal_keys_counts() {
        let value = Value::from_json(br#"{"a":1,"a":2}"#).unwrap();
        assert_eq!(value.get("a"), Some(&Value::Uint(2)));
    }

    #[test]
    fn deep_nesting_is_an_error_and_no_overflow() {
        let deep = "[".repeat(100_000);
        assert_eq!(Value::from_json(deep.as_bytes()), Err(ValueError::Json));
        let deep = "{\"a\":".repeat(100_000);
        assert_eq!(Value::from_json(deep.as_bytes()), Err(ValueError::Json));
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for bad in ["", "{\"a\":1,}", "{}/*x*/", "nope", "{} {}"] {
            assert_eq!(Value::from_json(bad.as_bytes()), Err(ValueError::Json));
        }
        assert_eq!(Value::from_json(b"\"\xff\""), Err(ValueError::Json));
    }
}
