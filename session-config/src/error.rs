//! Errors.

use crate::data::DataError;
use crate::message::{MessageError, SeqnoError};

/// Why a change was not made. Nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// The config is signed, and we have no key to sign with.
    #[error("config is read-only")]
    ReadOnly,
    /// The config cannot be changed any more.
    #[error(transparent)]
    Seqno(#[from] SeqnoError),
    /// A text is longer than the field takes.
    #[error("expected at most {max} bytes, got {got}")]
    TooLong {
        /// Maximum length in bytes.
        max: usize,
        /// Length that was given.
        got: usize,
    },
    /// A value that deployed clients would misread.
    #[error("value is not valid for this field")]
    Value,
}

/// Why a config was not prepared for storing. Nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PushError {
    /// There is no key to encrypt with.
    #[error("config has no key")]
    NoKey,
    /// The config is longer than may be stored, even in parts.
    #[error("expected a config of at most {max} bytes, got {got}")]
    TooLong {
        /// Maximum padded length in bytes.
        max: usize,
        /// Length it has.
        got: usize,
    },
    /// The config cannot be changed any more.
    #[error(transparent)]
    Seqno(#[from] SeqnoError),
    /// The account was restored, and its configs have not been fetched completely yet.
    #[error("configs of the account have not been fetched yet")]
    NotFetched,
}

/// Why messages were not merged. Nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// There is no key to decrypt with.
    #[error("config has no key")]
    NoKey,
    /// The namespace does not hold a config of this set.
    #[error("no config is stored in this namespace")]
    Namespace,
    /// None of the messages is a config of this kind, and our own config is empty.
    #[error("none of the messages is a config of this kind")]
    NoneValid,
    /// The config cannot be changed any more.
    #[error(transparent)]
    Seqno(#[from] SeqnoError),
}

/// Why one message was not accepted in a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// None of the keys decrypts it. A group's key may still arrive.
    #[error("none of the keys decrypts the message")]
    Decrypt,
    /// The content is neither a config nor a part of one.
    #[error("neither a config nor a part of one")]
    Format,
    /// A part that does not belong to the others, or that completes a config with a wrong hash.
    #[error("part does not belong to the others")]
    Part,
    /// Not a valid config message. A later version may have written it.
    #[error(transparent)]
    Message(MessageError),
}

/// Why a dump was not loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The bytes are not a dict of the encoding.
    #[error(transparent)]
    Encoding(#[from] session_proto::bt::Error),
    /// A key is missing, or of another kind.
    #[error(transparent)]
    Field(#[from] session_proto::bt::FieldError),
    /// An invalid value.
    #[error("value under {key:?} is not valid")]
    Value {
        /// The key.
        key: &'static str,
    },
    /// The message inside is not valid.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// The data of a local config are not valid.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The config cannot be changed any more.
    #[error(transparent)]
    Seqno(#[from] SeqnoError),
}
