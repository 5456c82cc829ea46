//! The messages of a QUIC stream between a client and its guard (protocol: onion, section 6.2).
//!
//! ```text
//! length in decimal | ":" | l 1:C i<id>e <endpoint> <body> e      command
//!                           l 1:R i<id>e <body> e                 reply
//!                           l 1:E i<id>e <body> e                 error
//! ```
//!
//! An onion request is a command with the endpoint [`ONION_REQ`] and the packet as its body. An
//! answer with status 200 comes back as a reply, any other status as an error whose text begins
//! with the status line.

use alloc::format;
use alloc::vec::Vec;

use session_proto::bt::{self, Int};
use session_types::http::{error_body, reason_phrase};

use crate::node::Answer;

/// The endpoint of onion requests.
pub const ONION_REQ: &[u8] = b"onion_req";
/// Maximum length of a message in bytes, without its length prefix.
pub const MAX_LENGTH: usize = 10_000_000;
/// Maximum number of digits of a length prefix.
const MAX_DIGITS: usize = 8;

/// The bytes are not a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuicError {
    /// The bytes do not begin with a length of at most eight digits and a colon.
    #[error("expected a length of at most {MAX_DIGITS} digits and a colon")]
    NoLength,
    /// The message is too long.
    #[error("expected a message of at most {MAX_LENGTH} bytes, got {0}")]
    TooLong(usize),
    /// The message is not a canonical bencoded list.
    #[error("not a list: {0}")]
    Encoding(#[from] bt::Error),
    /// The list is not a command, reply or error.
    #[error("not a command, reply or error")]
    Kind,
}

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

impl<'a> Message<'a> {
    /// Parses the first message of a stream and returns it with its length in bytes, or `None` if
    /// it is incomplete.
    ///
    /// # Errors
    ///
    /// [`QuicError`] if the bytes cannot become a message. The stream is unusable then.
    pub fn read(stream: &'a [u8]) -> Result<Option<(Self, usize)>, QuicError> {
        let digits = stream
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if digits > MAX_DIGITS {
            return Err(QuicError::NoLength);
        }
        let (length, rest) = stream.split_at_checked(digits).ok_or(QuicError::NoLength)?;
        let rest = match rest {
            [] => return Ok(None),
            [b':', rest @ ..] => rest,
            _ => return Err(QuicError::NoLength),
        };
        let length: usize = core::str::from_utf8(length)
            .ok()
            .and_then(|length| length.parse().ok())
            .ok_or(QuicError::NoLength)?;
        if length > MAX_LENGTH {
            return Err(QuicError::TooLong(length));
        }
        let Some(list) = rest.get(..length) else {
            return Ok(None);
        };
        let taken = digits.saturating_add(1).saturating_add(length);
        Ok(Some((Self::parse(list)?, taken)))
    }

    fn parse(list: &'a [u8]) -> Result<Self, QuicError> {
        let mut items = bt::parse_list(list)?.into_iter();
        let bytes = |item: Option<bt::Value<'a>>| {
            item.and_then(|item| item.as_bytes()).ok_or(QuicError::Kind)
        };
        let kind = bytes(items.next())?;
        let id = items.next().and_then(|item| item.as_int()?.as_i64());
        let id = id.ok_or(QuicError::Kind)?;
        let first = bytes(items.next())?;
        let message = match kind {
            b"C" => Self::Command {
                id,
                endpoint: first,
                body: bytes(items.next())?,
            },
            b"R" => Self::Reply { id, body: first },
            b"E" => Self::Error { id, body: first },
            _ => return Err(QuicError::Kind),
        };
        match items.next() {
            None => Ok(message),
            Some(_) => Err(QuicError::Kind),
        }
    }

    /// Encodes the message with its length prefix.
    ///
    /// # Errors
    ///
    /// [`QuicError::TooLong`] if it is longer than [`MAX_LENGTH`].
    pub fn encode(&self) -> Result<Vec<u8>, QuicError> {
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
            return Err(QuicError::TooLong(list.len()));
        }
        let mut message = format!("{}:", list.len()).into_bytes();
        message.extend_from_slice(&list);
        Ok(message)
    }
}

/// Encodes a node's answer to the command `id`.
///
/// # Errors
///
/// [`QuicError::TooLong`] if it is longer than [`MAX_LENGTH`].
pub fn answer(id: i64, answer: &Answer) -> Result<Vec<u8>, QuicError> {
    if answer.status == 200 {
        let body = &answer.body;
        return Message::Reply { id, body }.encode();
    }
    let body = error_body(answer.status, &answer.body);
    Message::Error { id, body: &body }.encode()
}

/// Returns the status that the text of an error begins with, if it is one of the six that clients
/// know.
#[must_use]
pub fn error_status(text: &[u8]) -> Option<u16> {
    [400, 403, 500, 502, 503, 504]
        .into_iter()
        .find(|status| text.starts_with(format!("{status} {}", reason_phrase(*status)).as_bytes()))
}
