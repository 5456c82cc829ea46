//! One message of a stream.

use alloc::format;
use alloc::vec::Vec;

use super::{MAX_DIGITS, MAX_LENGTH, StreamError};
use crate::bt::{self, Int};

/// A message of a stream. The identifier assigns a reply or an error to its command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message<'a> {
    /// A request.
    Command {
        /// The identifier.
        id: i64,
        /// The endpoint.
        endpoint: &'a [u8],
        /// The body.
        body: &'a [u8],
    },
    /// An answer.
    Reply {
        /// The identifier of the command.
        id: i64,
        /// The body.
        body: &'a [u8],
    },
    /// A failure.
    Error {
        /// The identifier of the command.
        id: i64,
        /// The text.
        body: &'a [u8],
    },
}

/// The length prefix of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Prefix {
    /// Length of the prefix itself, in bytes.
    pub(super) own: usize,
    /// Length of the message that follows, in bytes.
    pub(super) message: usize,
}

impl Prefix {
    /// Parses the prefix at the beginning of the bytes, or returns `None` if it is incomplete.
    pub(super) fn read(stream: &[u8]) -> Result<Option<Self>, StreamError> {
        let digits = stream
            .iter()
            .take(MAX_DIGITS.saturating_add(1))
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if digits > MAX_DIGITS {
            return Err(StreamError::NoLength);
        }
        let (length, rest) = stream
            .split_at_checked(digits)
            .ok_or(StreamError::NoLength)?;
        if length.starts_with(b"0") {
            return Err(StreamError::Zero);
        }
        match rest {
            [] => return Ok(None),
            [b':', ..] => {}
            _ => return Err(StreamError::NoLength),
        }
        let message: usize = core::str::from_utf8(length)
            .ok()
            .and_then(|length| length.parse().ok())
            .ok_or(StreamError::NoLength)?;
        if message > MAX_LENGTH {
            return Err(StreamError::TooLong(message));
        }
        let own = digits.saturating_add(1);
        Ok(Some(Self { own, message }))
    }

    /// Length of prefix and message, in bytes.
    pub(super) const fn whole(self) -> usize {
        self.own.saturating_add(self.message)
    }
}

impl<'a> Message<'a> {
    /// Parses the first message of a stream and returns it with its length in bytes, or `None` if
    /// it is incomplete.
    ///
    /// # Errors
    ///
    /// [`StreamError`] if the bytes cannot become a message. The stream is unusable then.
    pub fn read(stream: &'a [u8]) -> Result<Option<(Self, usize)>, StreamError> {
        let Some(prefix) = Prefix::read(stream)? else {
            return Ok(None);
        };
        let taken = prefix.whole();
        match stream.get(prefix.own..taken) {
            None => Ok(None),
            Some(list) => Ok(Some((Self::parse(list)?, taken))),
        }
    }

    /// Parses a message without its prefix.
    pub(super) fn parse(list: &'a [u8]) -> Result<Self, StreamError> {
        let mut items = bt::parse_list(list)?.into_iter();
        let bytes = |item: Option<bt::Value<'a>>| {
            item.and_then(|item| item.as_bytes())
                .ok_or(StreamError::Kind)
        };
        let kind = bytes(items.next())?;
        let id = items.next().and_then(|item| item.as_int()?.as_i64());
        let id = id.ok_or(StreamError::Kind)?;
        let first = bytes(items.next())?;
        let message = match kind {
            b"C" => Self::Command {
                id,
                endpoint: first,
                body: bytes(items.next())?,
            },
            b"R" => Self::Reply { id, body: first },
            b"E" => Self::Error { id, body: first },
            _ => return Err(StreamError::Kind),
        };
        match items.next() {
            None => Ok(message),
            Some(_) => Err(StreamError::Kind),
        }
    }

    /// Encodes the message with its length prefix.
    ///
    /// # Errors
    ///
    /// [`StreamError::TooLong`] if it is longer than [`MAX_LENGTH`].
    pub fn encode(&self) -> Result<Vec<u8>, StreamError> {
        let list = bt::list(|list| match *self {
            Self::Command { id, endpoint, body } => {
                list.bytes(b"C")
                    .int(Int::from(id))
                    .bytes(endpoint)
                    .bytes(body);
            }
            Self::Reply { id, body } => {
                list.bytes(b"R").int(Int::from(id)).bytes(body);
            }
            Self::Error { id, body } => {
                list.bytes(b"E").int(Int::from(id)).bytes(body);
            }
        });
        if list.len() > MAX_LENGTH {
            return Err(StreamError::TooLong(list.len()));
        }
        let mut message = format!("{}:", list.len()).into_bytes();
        message.extend_from_slice(&list);
        Ok(message)
    }
}
