//! Untrusted JSON objects: read strictly, written in the one canonical form.
//!
//! Objects are read field by field, without a tree, so that memory is proportional to the length of
//! the text. Unknown fields are skipped. A known field that occurs twice is an error, and so is
//! nesting deeper than the 128 levels of the parser.
//!
//! Numbers and nested values are kept as text (`RawValue`), because the features of serde_json that
//! another crate of the same program enables change the order of keys and the type of numbers.

mod write;

use alloc::borrow::{Cow, ToOwned};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde_core::Deserialize;
use serde_core::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;

use crate::payload::{Header, HeaderMap};

pub(crate) use write::{canonical, push_text};

/// The text is not the expected JSON object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// It is no object, malformed, followed by other text, too deep, or has a field twice.
    #[error("not a JSON object")]
    NotAnObject,
    /// A required field is absent.
    #[error("no field {0}")]
    Missing(&'static str),
    /// A field has the wrong type or is out of range.
    #[error("field {0} has another type or is out of range")]
    Type(&'static str),
}

/// A value: scalars are decoded, arrays and objects are kept as text.
enum Value<'a> {
    Null,
    Bool(bool),
    Number(&'a str),
    Text(Cow<'a, str>),
    Array(&'a str),
    Object(&'a str),
}

impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        Ok(match raw.as_bytes() {
            [b'"', ..] => Self::Text(text(raw).ok_or_else(|| D::Error::custom("string"))?),
            [b't', ..] => Self::Bool(true),
            [b'f', ..] => Self::Bool(false),
            [b'n', ..] => Self::Null,
            [open @ (b'[' | b'{'), ..] => {
                // Raw text is well formed, at any depth.
                serde_json::from_str::<Skip>(raw).map_err(D::Error::custom)?;
                if *open == b'[' {
                    Self::Array(raw)
                } else {
                    Self::Object(raw)
                }
            }
            _ => Self::Number(raw),
        })
    }
}

/// Decodes a string literal.
fn text(raw: &str) -> Option<Cow<'_, str>> {
    struct Text;
    impl<'de> Visitor<'de> for Text {
        type Value = Cow<'de, str>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
            Ok(Cow::Borrowed(text))
        }

        fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
            Ok(Cow::Owned(text.to_owned()))
        }
    }
    serde_json::Deserializer::from_str(raw)
        .deserialize_str(Text)
        .ok()
}

/// Any value, checked and discarded. Unlike `IgnoredAny` it counts the depth.
struct Skip;

impl<'de> Deserialize<'de> for Skip {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Skip;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_unit<E>(self) -> Result<Skip, E> {
                Ok(Skip)
            }

            fn visit_bool<E>(self, _: bool) -> Result<Skip, E> {
                Ok(Skip)
            }

            fn visit_u64<E>(self, _: u64) -> Result<Skip, E> {
                Ok(Skip)
            }

            fn visit_i64<E>(self, _: i64) -> Result<Skip, E> {
                Ok(Skip)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Skip, E> {
                Ok(Skip)
            }

            fn visit_str<E>(self, _: &str) -> Result<Skip, E> {
                Ok(Skip)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Skip, A::Error> {
                while seq.next_element::<Skip>()?.is_some() {}
                Ok(Skip)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Skip, A::Error> {
                while map.next_entry::<IgnoredAny, Skip>()?.is_some() {}
                Ok(Skip)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// One field of an object, present or absent.
pub(crate) struct Field<'a> {
    name: &'static str,
    value: Option<Value<'a>>,
}

impl<'a> Field<'a> {
    /// Returns whether the field is present, with any value.
    pub(crate) const fn is_there(&self) -> bool {
        self.value.is_some()
    }

    pub(crate) const fn mistyped(&self) -> JsonError {
        JsonError::Type(self.name)
    }

    /// Returns the same field, with null as absent.
    pub(crate) fn or_null(mut self) -> Self {
        if matches!(self.value, Some(Value::Null)) {
            self.value = None;
        }
        self
    }

    /// Returns a string, if the field is present.
    pub(crate) fn text(self) -> Result<Option<Cow<'a, str>>, JsonError> {
        match self.value {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(_) => Err(self.mistyped()),
        }
    }

    /// Returns a string that must be present.
    pub(crate) fn required_text(self) -> Result<Cow<'a, str>, JsonError> {
        let missing = JsonError::Missing(self.name);
        self.text()?.ok_or(missing)
    }

    /// Returns a boolean, if the field is present.
    pub(crate) fn boolean(&self) -> Result<Option<bool>, JsonError> {
        match self.value {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(value)),
            Some(_) => Err(self.mistyped()),
        }
    }

    /// Returns the headers of an object; they are empty if the field is absent.
    pub(crate) fn headers(&self, numbers: Numbers) -> Result<Vec<Header>, JsonError> {
        match self.value {
            None => Ok(Vec::new()),
            Some(Value::Object(raw)) => {
                let mut reader = serde_json::Deserializer::from_str(raw);
                let headers = reader
                    .deserialize_map(Headers(numbers, HeaderMap::new()))
                    .map_err(|_| self.mistyped())?;
                let headers = headers.into_sorted().into_iter();
                Ok(headers
                    .map(|(name, value)| Header { name, value })
                    .collect())
            }
            Some(_) => Err(self.mistyped()),
        }
    }

    /// Returns the texts of the elements of an array.
    pub(crate) fn objects(&self) -> Option<Vec<&'a str>> {
        let Some(Value::Array(raw)) = self.value else {
            return None;
        };
        let elements: Vec<&RawValue> = serde_json::from_str(raw).ok()?;
        Some(elements.into_iter().map(RawValue::get).collect())
    }

    /// Returns an integer written without fraction and exponent, if the field is present.
    pub(crate) fn integer(&self) -> Result<Option<i64>, JsonError> {
        match self.value {
            None => Ok(None),
            Some(Value::Number(text)) => text.parse().map(Some).map_err(|_| self.mistyped()),
            Some(_) => Err(self.mistyped()),
        }
    }

    /// Returns an integer as the JSON library of deployed nodes reads it: a fraction is cut off,
    /// and a truth value is 0 or 1.
    pub(crate) fn lax_integer(&self) -> Result<Option<i64>, JsonError> {
        match &self.value {
            Some(Value::Bool(value)) => Ok(Some(i64::from(*value))),
            Some(Value::Number(text)) if text.contains(['.', 'e', 'E']) => {
                let number: f64 = text.parse().map_err(|_| self.mistyped())?;
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "the fraction is to be cut off; what is too large becomes the largest"
                )]
                let whole = number as i64;
                Ok(Some(whole))
            }
            _ => self.integer(),
        }
    }
}

/// Rules for numbers as header values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// They are an error.
    Refused,
    /// They are kept as their digits.
    AsText,
}

/// Reads an object of headers.
struct Headers(Numbers, HeaderMap<String, String>);

impl<'de> Visitor<'de> for Headers {
    type Value = HeaderMap<String, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of texts")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self::Value, A::Error> {
        while let Some((name, value)) = map.next_entry::<String, Value<'de>>()? {
            let value = match value {
                Value::Text(text) => text.into_owned(),
                Value::Number(digits) if self.0 == Numbers::AsText => digits.to_owned(),
                _ => return Err(A::Error::custom("a value is not a text")),
            };
            self.1.insert(name, value);
        }
        Ok(self.1)
    }
}

/// Reads the named fields of an object; the text holds nothing else but white space.
pub(crate) fn fields<'a, const N: usize>(
    text: &'a str,
    names: [&'static str; N],
) -> Result<[Field<'a>; N], JsonError> {
    struct Fields<'a, const N: usize>([Field<'a>; N]);
    impl<'a, const N: usize> Visitor<'a> for Fields<'a, N> {
        type Value = [Field<'a>; N];

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'a>>(mut self, mut map: A) -> Result<Self::Value, A::Error> {
            while let Some(index) = map.next_key_seed(Name(&self.0))? {
                match index.and_then(|index| self.0.get_mut(index)) {
                    None => {
                        map.next_value::<Skip>()?;
                    }
                    Some(field) if field.is_there() => {
                        return Err(A::Error::custom("a field occurs twice"));
                    }
                    Some(field) => field.value = Some(map.next_value()?),
                }
            }
            Ok(self.0)
        }
    }

    /// Finds the place of a key among the wanted fields.
    struct Name<'n, 'a>(&'n [Field<'a>]);
    impl<'de> DeserializeSeed<'de> for Name<'_, '_> {
        type Value = Option<usize>;

        fn deserialize<D: Deserializer<'de>>(
            self,
            deserializer: D,
        ) -> Result<Self::Value, D::Error> {
            deserializer.deserialize_str(self)
        }
    }
    impl Visitor<'_> for Name<'_, '_> {
        type Value = Option<usize>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a key")
        }

        fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
            Ok(self.0.iter().position(|field| field.name == key))
        }
    }

    let mut reader = serde_json::Deserializer::from_str(text);
    let empty = Fields(names.map(|name| Field { name, value: None }));
    let fields = reader
        .deserialize_map(empty)
        .map_err(|_| JsonError::NotAnObject)?;
    reader.end().map_err(|_| JsonError::NotAnObject)?;
    Ok(fields)
}
