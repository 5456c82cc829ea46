//! Borrowed values over checked bytes.

use core::fmt;

use super::cursor::{Cursor, Error, Limits};
use super::int::Int;

/// Parses exactly one canonical value within [`Limits::DEFAULT`].
///
/// # Errors
///
/// [`Error`] if the input is not canonical, exceeds a limit, or continues after the value.
pub fn parse(input: &[u8]) -> Result<Value<'_>, Error> {
    let (value, rest) = parse_prefix(input, &Limits::DEFAULT)?;
    if !rest.is_empty() {
        return Err(Error::TrailingBytes {
            at: input.len().saturating_sub(rest.len()),
            left: rest.len(),
        });
    }
    Ok(value)
}

/// Parses exactly one dict, as [`parse`].
///
/// # Errors
///
/// [`Error`] as for [`parse`], and [`Error::OutermostKind`] if the value is not a dict.
///
/// ```
/// use session_proto::bt;
///
/// let dict = bt::parse_dict(b"d1:h4:hash1:ni-11ee")?;
/// assert_eq!(dict.bytes("h")?, b"hash");
/// assert_eq!(dict.i64("n")?, -11);
/// // Other encodings are rejected: a repeated key, a leading zero, a trailing byte.
/// for wrong in ["d1:h0:1:h0:e", "d1:ni011ee", "d1:ni11ee."] {
///     assert!(bt::parse_dict(wrong.as_bytes()).is_err());
/// }
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn parse_dict(input: &[u8]) -> Result<Dict<'_>, Error> {
    parse(input)?.as_dict().ok_or(Error::OutermostKind {
        expected: Kind::Dict,
    })
}

/// Parses exactly one list, as [`parse`].
///
/// # Errors
///
/// [`Error`] as for [`parse`], and [`Error::OutermostKind`] if the value is not a list.
pub fn parse_list(input: &[u8]) -> Result<List<'_>, Error> {
    parse(input)?.as_list().ok_or(Error::OutermostKind {
        expected: Kind::List,
    })
}

/// Parses the value at the beginning of `input`, and returns it with the bytes that follow it.
///
/// For the few formats that allow bytes after a value. The caller must check them.
///
/// # Errors
///
/// [`Error`] if the value is not canonical or exceeds a limit.
pub fn parse_prefix<'a>(input: &'a [u8], limits: &Limits) -> Result<(Value<'a>, &'a [u8]), Error> {
    if input.len() > limits.size {
        return Err(Error::TooLong {
            limit: limits.size,
            got: input.len(),
        });
    }
    let mut cursor = Cursor::new(input);
    cursor.check_value(limits)?;
    let encoded = input.get(..cursor.at());
    let value = encoded.and_then(|encoded| match encoded.first()? {
        b'l' => Some(Value::List(List(encoded))),
        b'd' => Some(Value::Dict(Dict(encoded))),
        _ => Cursor::new(encoded).value(),
    });
    let value = value.ok_or(Error::End { at: input.len() })?;
    Ok((value, cursor.rest()))
}

/// The four kinds of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An integer.
    Int,
    /// A byte string.
    Bytes,
    /// A list.
    List,
    /// A dict.
    Dict,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Int => "integer",
            Self::Bytes => "string",
            Self::List => "list",
            Self::Dict => "dict",
        })
    }
}

/// A value that borrows from checked input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// An integer.
    Int(Int),
    /// A byte string; not necessarily UTF-8.
    Bytes(&'a [u8]),
    /// A list.
    List(List<'a>),
    /// A dict.
    Dict(Dict<'a>),
}

impl<'a> Value<'a> {
    /// Returns the kind of the value.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Int(_) => Kind::Int,
            Self::Bytes(_) => Kind::Bytes,
            Self::List(_) => Kind::List,
            Self::Dict(_) => Kind::Dict,
        }
    }

    /// Returns the integer, or `None` for another kind.
    #[must_use]
    pub const fn as_int(&self) -> Option<Int> {
        match self {
            Self::Int(int) => Some(*int),
            _ => None,
        }
    }

    /// Returns the bytes of the string, or `None` for another kind.
    #[must_use]
    pub const fn as_bytes(&self) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Returns the list, or `None` for another kind.
    #[must_use]
    pub const fn as_list(&self) -> Option<List<'a>> {
        match self {
            Self::List(list) => Some(*list),
            _ => None,
        }
    }

    /// Returns the dict, or `None` for another kind.
    #[must_use]
    pub const fn as_dict(&self) -> Option<Dict<'a>> {
        match self {
            Self::Dict(dict) => Some(*dict),
            _ => None,
        }
    }
}

impl<'a> Cursor<'a> {
    /// Returns the next value of checked input.
    fn value(&mut self) -> Option<Value<'a>> {
        Some(match self.peek()? {
            b'i' => Value::Int(self.int().ok()?),
            b'l' => Value::List(List(self.skip_value()?)),
            b'd' => Value::Dict(Dict(self.skip_value()?)),
            _ => Value::Bytes(self.string().ok()?),
        })
    }

    /// Returns the inside of a checked list or dict.
    fn inside(container: &'a [u8]) -> Self {
        let mut cursor = Self::new(container);
        cursor.bump();
        cursor
    }
}

/// A list.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct List<'a>(&'a [u8]);

impl<'a> List<'a> {
    /// Returns the encoded list, from its `l` to its `e`.
    #[must_use]
    pub const fn raw(&self) -> &'a [u8] {
        self.0
    }

    /// Returns the elements in order.
    #[must_use]
    pub fn iter(&self) -> Items<'a> {
        Items(Cursor::inside(self.0))
    }

    /// Returns the steps through the list, from its first element to its end.
    #[must_use]
    pub fn steps(&self) -> Steps<'a> {
        Steps(Cursor::inside(self.0))
    }

    /// Returns whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0 == b"le"
    }
}

impl<'a> IntoIterator for List<'a> {
    type Item = Value<'a>;
    type IntoIter = Items<'a>;

    fn into_iter(self) -> Items<'a> {
        self.iter()
    }
}

impl fmt::Debug for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// The elements of a list.
#[derive(Debug, Clone)]
pub struct Items<'a>(Cursor<'a>);

impl<'a> Items<'a> {
    /// Returns the offset of the next element from the `l` of the list.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.0.at()
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        if self.0.peek() == Some(b'e') {
            return None;
        }
        self.0.value()
    }
}

/// A dict.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Dict<'a>(&'a [u8]);

impl<'a> Dict<'a> {
    /// Returns the encoded dict, from its `d` to its `e`.
    #[must_use]
    pub const fn raw(&self) -> &'a [u8] {
        self.0
    }

    /// Returns the entries in ascending order of their keys.
    #[must_use]
    pub fn iter(&self) -> Entries<'a> {
        Entries(Cursor::inside(self.0))
    }

    /// Returns the steps through the dict, from its first key to its end.
    #[must_use]
    pub fn steps(&self) -> Steps<'a> {
        Steps(Cursor::inside(self.0))
    }

    /// Returns whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0 == b"de"
    }

    /// Returns the entry with a key, in time linear in the dict.
    #[must_use]
    pub fn entry(&self, key: &[u8]) -> Option<Entry<'a>> {
        self.iter()
            .find(|entry| entry.key >= key)
            .filter(|entry| entry.key == key)
    }

    /// Returns the value of a key, in time linear in the dict.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<Value<'a>> {
        self.entry(key).map(|entry| entry.value)
    }

    fn require(&self, key: &'static str) -> Result<Value<'a>, FieldError> {
        self.get(key.as_bytes()).ok_or(FieldError::Missing { key })
    }

    /// Returns the integer of a required key.
    ///
    /// # Errors
    ///
    /// [`FieldError`] if the key is missing or its value is not an integer.
    pub fn int(&self, key: &'static str) -> Result<Int, FieldError> {
        let value = self.require(key)?;
        value
            .as_int()
            .ok_or(FieldError::kind(key, Kind::Int, value))
    }

    /// Returns the non-negative integer of a required key.
    ///
    /// # Errors
    ///
    /// [`FieldError`] if the key is missing or its value is not such an integer.
    pub fn u64(&self, key: &'static str) -> Result<u64, FieldError> {
        self.int(key)?.as_u64().ok_or(FieldError::Range { key })
    }

    /// Returns the integer below 2^63 of a required key.
    ///
    /// # Errors
    ///
    /// [`FieldError`] if the key is missing or its value is not such an integer.
    pub fn i64(&self, key: &'static str) -> Result<i64, FieldError> {
        self.int(key)?.as_i64().ok_or(FieldError::Range { key })
    }

    /// Returns the string of a required key.
    ///
    /// # Errors
    ///
    /// [`FieldError`] if the key is missing or its value is not a string.
    pub fn bytes(&self, key: &'static str) -> Result<&'a [u8], FieldError> {
        let value = self.require(key)?;
        value
            .as_bytes()
            .ok_or(FieldError::kind(key, Kind::Bytes, value))
    }

    /// Returns the string of exactly `N` bytes of a required key.
    ///
    /// # Errors
    ///
    /// [`FieldError`] if the key is missing or its value is not such a string.
    pub fn array<const N: usize>(&self, key: &'static str) -> Result<&'a [u8; N], FieldError> {
        let bytes = self.bytes(key)?;
        bytes.try_into().map_err(|_| FieldError::Length {
            key,
            expected: N,
            got: bytes.len(),
        })
    }

    /// Returns the list of a required key.
    ///
    /// # Errors
    ///
    /// [`FieldError`] if the key is missing or its value is not a list.
    pub fn list(&self, key: &'static str) -> Result<List<'a>, FieldError> {
        let value = self.require(key)?;
        value
            .as_list()
            .ok_or(FieldError::kind(key, Kind::List, value))
    }

    /// Returns the dict of a required key.
    ///
    /// # Errors
    ///
    /// [`FieldError`] if the key is missing or its value is not a dict.
    pub fn dict(&self, key: &'static str) -> Result<Dict<'a>, FieldError> {
        let value = self.require(key)?;
        value
            .as_dict()
            .ok_or(FieldError::kind(key, Kind::Dict, value))
    }
}

impl<'a> IntoIterator for Dict<'a> {
    type Item = Entry<'a>;
    type IntoIter = Entries<'a>;

    fn into_iter(self) -> Entries<'a> {
        self.iter()
    }
}

impl fmt::Debug for Dict<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.iter().map(|entry| (entry.key, entry.value));
        f.debug_map().entries(entries).finish()
    }
}

/// A step through a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// An integer.
    Int(Int),
    /// A byte string: an element, a value, or the key of the value that follows.
    Bytes(&'a [u8]),
    /// A list begins.
    List,
    /// A dict begins.
    Dict,
    /// The innermost list or dict that was begun ends.
    End,
}

/// The steps through a list or a dict.
///
/// They read a nested value in one pass, where iterators over its lists and dicts look at it once for
/// each level. The last step is the end of the outermost one.
///
/// ```
/// use session_proto::bt::{self, Step};
///
/// let dict = bt::parse_dict(b"d1:ali1eee")?;
/// let steps: Vec<_> = dict.steps().collect();
/// let one = bt::Int::from(1_u8);
/// assert_eq!(steps, [Step::Bytes(b"a"), Step::List, Step::Int(one), Step::End, Step::End]);
/// # Ok::<(), bt::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Steps<'a>(Cursor<'a>);

impl<'a> Iterator for Steps<'a> {
    type Item = Step<'a>;

    #[inline]
    fn next(&mut self) -> Option<Step<'a>> {
        let step = match self.0.peek()? {
            b'i' => return self.0.int().ok().map(Step::Int),
            b'0'..=b'9' => return self.0.string().ok().map(Step::Bytes),
            b'l' => Step::List,
            b'd' => Step::Dict,
            _ => Step::End,
        };
        self.0.bump();
        Some(step)
    }
}

/// One entry of a dict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The value.
    pub value: Value<'a>,
    /// Offset of the encoded key (of its length digits) from the `d` of the dict.
    pub key_offset: usize,
    /// The encoded value.
    pub raw: &'a [u8],
}

/// The entries of a dict.
#[derive(Debug, Clone)]
pub struct Entries<'a>(Cursor<'a>);

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        if self.0.peek() == Some(b'e') {
            return None;
        }
        let key_offset = self.0.at();
        let key = self.0.string().ok()?;
        let before = self.0.rest();
        let value = self.0.value()?;
        let length = before.len().checked_sub(self.0.rest().len())?;
        Some(Entry {
            key,
            value,
            key_offset,
            raw: before.get(..length)?,
        })
    }
}

/// A dict does not have the expected entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldError {
    /// A required key is missing.
    #[error("dict has no key {key:?}")]
    Missing {
        /// The key.
        key: &'static str,
    },
    /// A value has another kind.
    #[error("value of key {key:?}: expected {expected}, got {got}")]
    Kind {
        /// The key.
        key: &'static str,
        /// The expected kind.
        expected: Kind,
        /// The kind of the value.
        got: Kind,
    },
    /// A string has another length.
    #[error("value of key {key:?}: expected {expected} bytes, got {got}")]
    Length {
        /// The key.
        key: &'static str,
        /// Expected length in bytes.
        expected: usize,
        /// Length of the string in bytes.
        got: usize,
    },
    /// An integer is out of the range that is read.
    #[error("value of key {key:?} is out of range")]
    Range {
        /// The key.
        key: &'static str,
    },
    /// A key follows the signature, which must be the last entry.
    #[error("dict has entries after its signature")]
    AfterSignature,
}

impl FieldError {
    fn kind(key: &'static str, expected: Kind, got: Value<'_>) -> Self {
        Self::Kind {
            key,
            expected,
            got: got.kind(),
        }
    }
}
