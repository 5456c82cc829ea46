//! What is wrong with a stream.

use super::{MAX_DIGITS, MAX_LENGTH};
use crate::bt;

/// The bytes are not a message, or a message is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The bytes do not begin with a length of at most eight digits and a colon.
    #[error("expected a length of at most {MAX_DIGITS} digits and a colon")]
    NoLength,
    /// The length has a leading zero or is zero. Deployed peers drop what follows a zero length.
    #[error("expected a length above zero, without leading zeros")]
    Zero,
    /// The message is too long.
    #[error("expected a message of at most {MAX_LENGTH} bytes, got {0}")]
    TooLong(usize),
    /// The message is not a canonical bencoded list.
    #[error("not a list: {0}")]
    Encoding(#[from] bt::Error),
    /// The list is not a command, reply or error.
    #[error("not a command, reply or error")]
    Kind,
    /// A command has the id of one that has not been answered yet.
    #[error("command {0} is open already")]
    IdInUse(i64),
    /// There are too many commands without an answer.
    #[error("expected at most {0} open commands")]
    TooManyOpen(usize),
    /// No command with this id waits for an answer.
    #[error("no command {0} waits for an answer")]
    UnknownId(i64),
    /// More bytes were fed before the messages in the last ones had been received.
    #[error("messages wait to be received")]
    Backlog,
    /// The stream was closed, or broke earlier.
    #[error("the stream is closed")]
    Closed,
}
