//! Scalars and values.

use alloc::boxed::Box;
use core::fmt;

use zeroize::Zeroize;

use super::dict::{Dict, Set};

/// A byte string of a config; zeroized when dropped, never printed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(Box<[u8]>);

impl Bytes {
    /// Returns the bytes.
    #[must_use]
    pub const fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bytes({} bytes)", self.0.len())
    }
}

/// An integer or a byte string.
///
/// Integers sort before byte strings, which is the order of a set on the wire.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scalar {
    /// A signed 64-bit integer.
    Int(i64),
    /// A byte string.
    Bytes(Bytes),
}

/// A value of a dict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// An integer or a byte string.
    Scalar(Scalar),
    /// A set of scalars.
    Set(Set),
    /// A dict.
    Dict(Dict),
}

/// The three kinds of values. Integers and byte strings are of the same kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Scalar,
    Set,
    Dict,
}

impl Value {
    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::Scalar(_) => Kind::Scalar,
            Self::Set(_) => Kind::Set,
            Self::Dict(_) => Kind::Dict,
        }
    }

    /// Whether the value is a set or a dict without elements.
    pub(crate) fn is_empty_container(&self) -> bool {
        match self {
            Self::Scalar(_) => false,
            Self::Set(set) => set.is_empty(),
            Self::Dict(dict) => dict.is_empty(),
        }
    }

    /// Returns the integer, if the value is one.
    #[must_use]
    pub const fn as_int(&self) -> Option<i64> {
        match self {
            Self::Scalar(Scalar::Int(int)) => Some(*int),
            _ => None,
        }
    }

    /// Returns the byte string, if the value is one.
    #[must_use]
    pub const fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Scalar(Scalar::Bytes(bytes)) => Some(bytes.as_slice()),
            _ => None,
        }
    }

    /// Returns the set, if the value is one.
    #[must_use]
    pub const fn as_set(&self) -> Option<&Set> {
        match self {
            Self::Set(set) => Some(set),
            _ => None,
        }
    }

    /// Returns the dict, if the value is one.
    #[must_use]
    pub const fn as_dict(&self) -> Option<&Dict> {
        match self {
            Self::Dict(dict) => Some(dict),
            _ => None,
        }
    }
}

impl From<i64> for Value {
    fn from(int: i64) -> Self {
        Self::Scalar(Scalar::Int(int))
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Scalar(Scalar::Bytes(bytes.into()))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::from(text.as_bytes())
    }
}
