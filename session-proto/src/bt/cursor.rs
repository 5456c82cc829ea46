//! The scanner: checks canonical form in one pass, with a fixed stack instead of recursion.

use core::cmp::Ordering;

use super::MAX_DEPTH;
use super::int::Int;

/// Limits of a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Maximum length of the input in bytes.
    pub size: usize,
    /// Maximum number of values: lists, dicts, integers, strings and keys.
    pub items: usize,
    /// Maximum number of nested lists and dicts, at most [`MAX_DEPTH`].
    pub depth: usize,
}

impl Limits {
    /// 64 MiB, 2^20 values, [`MAX_DEPTH`] levels.
    pub const DEFAULT: Self = Self {
        size: 64 << 20,
        items: 1 << 20,
        depth: MAX_DEPTH,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The bytes are not a canonical value. Positions are offsets into the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The input ends inside a value.
    #[error("input ends at byte {at}, inside a value")]
    End {
        /// Length of the input.
        at: usize,
    },
    /// A byte is not allowed at its position.
    #[error("unexpected byte {byte:#04x} at {at}")]
    UnexpectedByte {
        /// Offset of the byte.
        at: usize,
        /// The byte.
        byte: u8,
    },
    /// An integer or a length is not in its shortest form, or is a negative zero.
    #[error("number at {at} is not in its shortest form")]
    NotShortest {
        /// Offset of the number.
        at: usize,
    },
    /// An integer is outside `-2^63 ..= 2^64-1`.
    #[error("number at {at} is out of range")]
    Range {
        /// Offset of the number.
        at: usize,
    },
    /// A string is longer than the rest of the input.
    #[error("string at {at} announces {announced} bytes, {left} are left")]
    StringLength {
        /// Offset of the string.
        at: usize,
        /// The announced length in bytes.
        announced: u64,
        /// Number of bytes that follow.
        left: usize,
    },
    /// A dict key is not a string.
    #[error("dict key at {at} is not a string")]
    KeyKind {
        /// Offset of the key.
        at: usize,
    },
    /// A dict key equals the key before it.
    #[error("dict key at {at} is repeated")]
    DuplicateKey {
        /// Offset of the key.
        at: usize,
    },
    /// A dict key sorts below the key before it.
    #[error("dict key at {at} is out of order")]
    KeyOrder {
        /// Offset of the key.
        at: usize,
    },
    /// A dict key has no value.
    #[error("dict ends at {at} after a key without a value")]
    MissingValue {
        /// Offset at which the value is missing.
        at: usize,
    },
    /// Lists and dicts are nested deeper than [`Limits::depth`].
    #[error("more than {limit} nested lists and dicts")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// The input has more values than [`Limits::items`].
    #[error("more than {limit} values")]
    TooManyItems {
        /// The limit.
        limit: usize,
    },
    /// The input is longer than [`Limits::size`].
    #[error("expected at most {limit} bytes, got {got}")]
    TooLong {
        /// The limit.
        limit: usize,
        /// Length of the input in bytes.
        got: usize,
    },
    /// Bytes follow the outermost value.
    #[error("value ends at byte {at}, but {left} bytes follow")]
    TrailingBytes {
        /// Offset of the end of the value.
        at: usize,
        /// Number of bytes that follow.
        left: usize,
    },
    /// The outermost value is not of the expected kind.
    #[error("outermost value is not a {expected}")]
    OutermostKind {
        /// The expected kind.
        expected: super::Kind,
    },
}

/// An open container. A dict has the last key that was read.
#[derive(Clone, Copy)]
enum Open<'a> {
    List,
    Dict(Option<&'a [u8]>),
}

/// The rest of an input.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
    length: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(input: &'a [u8]) -> Self {
        Self {
            rest: input,
            length: input.len(),
        }
    }

    /// Offset of the next byte.
    pub(super) fn at(&self) -> usize {
        self.length.saturating_sub(self.rest.len())
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Skips the next byte, if there is one.
    #[inline]
    pub(super) fn bump(&mut self) {
        if let [_, rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    fn end(&self) -> Error {
        Error::End { at: self.length }
    }

    /// Returns the error for the next byte, or for its absence.
    fn unexpected(&self) -> Error {
        self.peek()
            .map_or(self.end(), |byte| Error::UnexpectedByte {
                at: self.at(),
                byte,
            })
    }

    fn expect(&mut self, byte: u8) -> Result<(), Error> {
        if self.peek() != Some(byte) {
            return Err(self.unexpected());
        }
        self.bump();
        Ok(())
    }

    /// Returns a decimal number without leading zeros.
    #[inline]
    fn decimal(&mut self) -> Result<u64, Error> {
        let start = *self;
        let mut value = 0_u64;
        let mut digits = 0_usize;
        while let Some((&byte, rest)) = self.rest.split_first() {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            value = if digits < 19 {
                // 19 digits always fit.
                value.wrapping_mul(10).wrapping_add(u64::from(digit))
            } else {
                value
                    .checked_mul(10)
                    .and_then(|value| value.checked_add(u64::from(digit)))
                    .ok_or(Error::Range { at: start.at() })?
            };
            digits = digits.saturating_add(1);
            self.rest = rest;
        }
        match start.peek() {
            _ if digits == 0 => Err(self.unexpected()),
            Some(b'0') if digits > 1 => Err(Error::NotShortest { at: start.at() }),
            _ => Ok(value),
        }
    }

    /// Returns an integer, with its `i` and `e`.
    #[inline]
    pub(super) fn int(&mut self) -> Result<Int, Error> {
        let at = self.at();
        self.expect(b'i')?;
        let negative = self.peek() == Some(b'-');
        if negative {
            self.bump();
        }
        let magnitude = self.decimal()?;
        self.expect(b'e')?;
        Int::from_parts(negative, magnitude).ok_or(if magnitude == 0 {
            Error::NotShortest { at }
        } else {
            Error::Range { at }
        })
    }

    /// Returns a string, with its length.
    #[inline]
    pub(super) fn string(&mut self) -> Result<&'a [u8], Error> {
        let at = self.at();
        let announced = self.decimal()?;
        self.expect(b':')?;
        let parts = usize::try_from(announced)
            .ok()
            .and_then(|length| self.rest.split_at_checked(length));
        let (string, rest) = parts.ok_or(Error::StringLength {
            at,
            announced,
            left: self.rest.len(),
        })?;
        self.rest = rest;
        Ok(string)
    }

    /// Returns a dict key that sorts after `last`.
    #[inline]
    fn key(&mut self, last: Option<&[u8]>) -> Result<&'a [u8], Error> {
        let at = self.at();
        match self.peek() {
            Some(b'0'..=b'9') => {}
            Some(b'i' | b'l' | b'd') => return Err(Error::KeyKind { at }),
            _ => return Err(self.unexpected()),
        }
        let key = self.string()?;
        match last.map(|last| key.cmp(last)) {
            Some(Ordering::Equal) => Err(Error::DuplicateKey { at }),
            Some(Ordering::Less) => Err(Error::KeyOrder { at }),
            _ if self.peek() == Some(b'e') => Err(Error::MissingValue { at: self.at() }),
            _ => Ok(key),
        }
    }

    /// Skips one value and checks it completely.
    pub(super) fn check_value(&mut self, limits: &Limits) -> Result<(), Error> {
        let mut items = limits.items;
        let mut count = || {
            items = items.checked_sub(1).ok_or(Error::TooManyItems {
                limit: limits.items,
            })?;
            Ok(())
        };
        let mut open = [Open::List; MAX_DEPTH];
        let mut depth = 0_usize;
        loop {
            count()?;
            let opened = match self.peek() {
                Some(b'i') => self.int().map(|_| None)?,
                Some(b'0'..=b'9') => self.string().map(|_| None)?,
                Some(b'l') => Some(Open::List),
                Some(b'd') => Some(Open::Dict(None)),
                _ => return Err(self.unexpected()),
            };
            if let Some(container) = opened {
                let limit = limits.depth.min(MAX_DEPTH);
                let place = open.get_mut(..limit).and_then(|open| open.get_mut(depth));
                *place.ok_or(Error::TooDeep { limit })? = container;
                depth = depth.saturating_add(1);
                self.bump();
            }
            // Close the containers that end here; stop before the next value.
            loop {
                let Some(inner) = depth.checked_sub(1) else {
                    return Ok(());
                };
                if self.peek() == Some(b'e') {
                    self.bump();
                    depth = inner;
                    continue;
                }
                if let Some(Open::Dict(last)) = open.get_mut(inner) {
                    count()?;
                    *last = Some(self.key(*last)?);
                }
                break;
            }
        }
    }

    /// Skips one value that was checked before, and returns its bytes.
    pub(super) fn skip_value(&mut self) -> Option<&'a [u8]> {
        let start = self.rest;
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'i' => {
                    let end = self.rest.iter().position(|byte| *byte == b'e')?;
                    self.rest = self.rest.get(end.checked_add(1)?..)?;
                }
                b'l' | b'd' => {
                    self.bump();
                    depth = depth.checked_add(1)?;
                }
                b'e' => {
                    self.bump();
                    depth = depth.checked_sub(1)?;
                }
                _ => drop(self.string().ok()?),
            }
            if depth == 0 {
                return start.get(..start.len().checked_sub(self.rest.len())?);
            }
        }
    }
}
