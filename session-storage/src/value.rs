//! The tree of values of JSON and bencoded bodies.
//!
//! Requests and answers exist in both encodings with the same structure (protocol: storage-rpc,
//! section 1.4). Keys, signatures and data are text in one and raw bytes in the other: a value
//! read from JSON has [`Value::Text`] where one read from bencoding has [`Value::Bytes`], which
//! tells the parameter readers which rules to apply. Writing turns each into the form of the
//! encoding.

use alloc::string::String;
use alloc::vec::Vec;

use session_swarm::record::Version;
use session_types::{UnixMillis, base64};

pub(crate) mod bencode;
mod dict;
mod json;

pub use dict::Dict;
pub(crate) use json::EMPTY_DATA;

/// One value of a body.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// JSON `null`. Bencoding has no such value; it is left out there.
    #[default]
    Null,
    /// A truth value; the integers 1 and 0 in bencoding.
    Bool(bool),
    /// A negative integer.
    Int(i64),
    /// An integer that is not negative.
    Uint(u64),
    /// A number with a fraction or beyond 64 bits. Bencoding has no such value; it is written as 0
    /// there.
    Float(f64),
    /// Text.
    Text(String),
    /// Raw bytes; padded base64 in JSON.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Value>),
    /// A dictionary.
    Dict(Dict),
}

/// The body is malformed or nested too deeply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// The body is not JSON, or nested more than 127 deep.
    #[error("expected json")]
    Json,
    /// The body is not bencoded, or nested more than 32 deep.
    #[error("expected a bencoded value")]
    Bencode,
}

#[expect(
    clippy::expect_used,
    reason = "a tree of values has text keys, and writing to memory cannot fail"
)]
fn to_vec(json: &json::Json<'_>) -> Vec<u8> {
    serde_json::to_vec(json).expect("a tree of values")
}

impl Value {
    /// Parses JSON. The last of equal keys counts. Integers keep all 64 bits.
    ///
    /// # Errors
    ///
    /// [`ValueError::Json`] if the input is malformed or has trailing bytes.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ValueError> {
        serde_json::from_slice(bytes).map_err(|_| ValueError::Json)
    }

    /// Encodes JSON without spaces.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        to_vec(&json::Json {
            value: self,
            empty: "",
        })
    }

    /// Encodes JSON as nodes do in answers: empty bytes are `"="`.
    pub(crate) fn to_answer_json(&self) -> Vec<u8> {
        to_vec(&json::Json {
            value: self,
            empty: EMPTY_DATA,
        })
    }

    /// Encodes JSON without spaces, as text.
    #[must_use]
    pub fn to_json_text(&self) -> String {
        String::from_utf8_lossy(&self.to_json()).into_owned()
    }

    /// Parses one bencoded value as storage servers do: they ignore trailing bytes and dictionary
    /// keys that are not in ascending order.
    ///
    /// # Errors
    ///
    /// [`ValueError::Bencode`] if the input is malformed.
    pub fn from_bencode(bytes: &[u8]) -> Result<Self, ValueError> {
        bencode::read(bytes).ok_or(ValueError::Bencode)
    }

    /// Parses one bencoded value without trailing bytes.
    pub(crate) fn from_exact_bencode(bytes: &[u8]) -> Option<Self> {
        bencode::read_exact(bytes)
    }

    /// Replaces bytes by base64 text, as in JSON answers.
    pub(crate) fn into_json_style(mut self) -> Self {
        self.for_each_leaf(&|leaf| {
            if let Self::Bytes(bytes) = leaf {
                *leaf = Self::Text(match bytes.as_slice() {
                    [] => EMPTY_DATA.into(),
                    bytes => base64::encode(bytes),
                });
            }
        });
        self
    }

    /// Replaces bytes that are UTF-8 by text.
    pub(crate) fn into_text(mut self) -> Self {
        self.for_each_leaf(&|leaf| {
            if let Self::Bytes(bytes) = leaf
                && let Ok(text) = core::str::from_utf8(bytes)
            {
                *leaf = Self::Text(text.into());
            }
        });
        self
    }

    /// Visits all values except lists and dictionaries. The parser of the input limits the depth.
    fn for_each_leaf(&mut self, visit: &impl Fn(&mut Self)) {
        match self {
            Self::List(items) => items.iter_mut().for_each(|item| item.for_each_leaf(visit)),
            Self::Dict(entries) => {
                let values = entries.values_mut();
                values.for_each(|value| value.for_each_leaf(visit));
            }
            leaf => visit(leaf),
        }
    }

    /// Encodes the value in bencoding.
    #[must_use]
    pub fn to_bencode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        bencode::write(&mut out, self);
        out
    }

    /// Wraps an integer of either sign.
    #[must_use]
    pub fn int(number: i64) -> Self {
        u64::try_from(number).map_or(Self::Int(number), Self::Uint)
    }

    /// Returns a version as a list of three integers.
    pub(crate) fn version(version: Version) -> Self {
        Self::List(
            version
                .0
                .iter()
                .map(|part| u64::from(*part).into())
                .collect(),
        )
    }

    /// Parses a version: a list of integers, or dotted text. Missing parts are 0, further ones are
    /// ignored.
    pub(crate) fn as_version(&self) -> Option<Version> {
        let Self::List(parts) = self else {
            return self.as_text()?.parse().ok();
        };
        let mut version = Version::default();
        for (to, from) in version.0.iter_mut().zip(parts) {
            *to = u16::try_from(from.as_u64()?).ok()?;
        }
        Some(version)
    }

    /// Creates a dictionary.
    pub fn dict<'a>(entries: impl IntoIterator<Item = (&'a str, Self)>) -> Self {
        let entries = entries.into_iter();
        Self::Dict(entries.map(|(key, value)| (key.into(), value)).collect())
    }

    /// Returns the value of a key, unless it is `null`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        let value = self.as_dict()?.get(key)?;
        (*value != Self::Null).then_some(value)
    }

    /// Returns the entries of a dictionary.
    #[must_use]
    pub const fn as_dict(&self) -> Option<&Dict> {
        match self {
            Self::Dict(entries) => Some(entries),
            _ => None,
        }
    }

    /// Returns the items of a list.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// Returns text of either encoding.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Bytes(bytes) => core::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// Returns an integer that is not negative.
    #[must_use]
    pub const fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Uint(number) => Some(*number),
            _ => None,
        }
    }

    /// Returns a time in milliseconds since 1970.
    pub(crate) fn as_time(&self) -> Option<UnixMillis> {
        self.as_u64().map(UnixMillis::new)
    }

    /// Returns an integer that fits into `i64`.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Uint(number) => i64::try_from(*number).ok(),
            _ => None,
        }
    }

    /// Returns a truth value; the integers 1 and 0 count too.
    #[must_use]
    pub const fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            Self::Uint(0) => Some(false),
            Self::Uint(1) => Some(true),
            _ => None,
        }
    }
}

/// Appends an item to an untrusted list. The first item reserves space for one, not for four:
/// nested lists of one item cost the sender only two bytes each.
fn push<T>(items: &mut Vec<T>, item: T) {
    if items.is_empty() {
        items.reserve_exact(1);
    }
    items.push(item);
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Uint(number)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}
