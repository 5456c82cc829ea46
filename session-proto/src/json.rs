//! JSON of servers, read strictly: an object is an object and not a list, and a list holds objects.
//!
//! ```
//! use session_proto::json::{self, Flag, JsonError};
//!
//! #[derive(serde::Deserialize)]
//! struct Fields {
//!     id: u64,
//!     #[serde(default)]
//!     admin: Flag,
//! }
//!
//! let fields: Fields = json::object(br#"{"id": 7, "admin": 1}"#)?;
//! assert_eq!((fields.id, fields.admin.get()), (7, true));
//! // `serde` alone would read a struct from a list too.
//! assert_eq!(json::object::<Fields>(b"[7, 1]").err(), Some(JsonError));
//! # Ok::<(), JsonError>(())
//! ```

use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// The bytes are not JSON, or JSON of another shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not JSON of the expected shape")]
pub struct JsonError;

/// Parses any value. Depth is limited to 128. Values may borrow from the bytes.
///
/// # Errors
///
/// [`JsonError`] if the bytes are not JSON of this shape, or something follows it.
pub fn value<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, JsonError> {
    serde_json::from_slice(bytes).map_err(|_| JsonError)
}

/// Parses an object.
///
/// # Errors
///
/// [`JsonError`] if the bytes are not an object of this shape.
pub fn object<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, JsonError> {
    value::<Object<T>>(bytes).map(|Object(fields)| fields)
}

/// Parses a list of objects.
///
/// # Errors
///
/// [`JsonError`] if the bytes are not a list of objects of this shape.
pub fn list<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<Vec<T>, JsonError> {
    let items: Vec<Object<T>> = value(bytes)?;
    Ok(items.into_iter().map(|Object(fields)| fields).collect())
}

/// An object of JSON. `serde` would read a struct from a list too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
            }
        }

        from.deserialize_map(Fields(PhantomData)).map(Self)
    }
}

/// A boolean, which servers also write as an integer. Absent is false.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flag(bool);

impl Flag {
    /// Returns the value.
    #[must_use]
    pub const fn get(self) -> bool {
        self.0
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;

        impl Visitor<'_> for Either {
            type Value = Flag;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a boolean or an integer")
            }

            fn visit_bool<E>(self, flag: bool) -> Result<Flag, E> {
                Ok(Flag(flag))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Flag, E> {
                Ok(Flag(number != 0))
            }

            fn visit_unit<E>(self) -> Result<Flag, E> {
                Ok(Flag(false))
            }
        }

        from.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Fields {
        id: u64,
        #[serde(default)]
        flag: Flag,
    }

    #[test]
    fn only_objects_are_objects() {
        let fields: Fields = object(br#" {"id":1,"flag":true,"more":[]} "#).unwrap();
        assert_eq!((fields.id, fields.flag.get()), (1, true));
        for bad in [
            "",
            "[1,true]",
            "[]",
            "1",
            "null",
            "{}",
            r#"{"id":-1}"#,
            r#"{"id":1}x"#,
            r#"{"id":1"#,
            r#"{"id":1,"flag":"yes"}"#,
            r#"{"id":1,"flag":-1}"#,
            r#"{"id":1,"flag":[]}"#,
        ] {
            assert_eq!(
                object::<Fields>(bad.as_bytes()).err(),
                Some(JsonError),
                "{bad}"
            );
        }
        assert_eq!(list::<Fields>(br#"[{"id":1},{"id":2}]"#).unwrap().len(), 2);
        for bad in [r#"[{"id":1},[2,true]]"#, r#"{"id":1}"#, "[null]"] {
            assert_eq!(
                list::<Fields>(bad.as_bytes()).err(),
                Some(JsonError),
                "{bad}"
            );
        }
    }

    #[test]
    fn flags_are_booleans_integers_or_absent() {
        let flag = |text: &str| object::<Fields>(text.as_bytes()).unwrap().flag.get();
        assert!(flag(r#"{"id":1,"flag":2}"#));
        for text in [
            r#"{"id":1}"#,
            r#"{"id":1,"flag":0}"#,
            r#"{"id":1,"flag":null}"#,
        ] {
            assert!(!flag(text), "{text}");
        }
    }

    #[test]
    fn depth_is_limited() {
        let deep = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
        assert_eq!(value::<serde_json::Value>(&deep).err(), Some(JsonError));
    }
}
