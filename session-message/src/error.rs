//! Why a message is not sealed, or not opened.

use session_crypto::{DecryptError, EncryptError, KeyError};
use session_proto::bt;
use session_proto::content::ContentError;
use session_proto::padding::PaddingError;
use session_proto::wire::WireError;
use session_types::UnixMillis;

/// Content that its author must not write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorError {
    /// Another account asks to delete a message that it did not write.
    #[error("request to delete a message of another author")]
    Unsend,
    /// A sync copy does not go from an account to itself.
    #[error("sync copy that is not between devices of one account")]
    SyncTarget,
}

/// A message that must not be sent, or cannot be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The recipients would reject the content.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// A key has small order, or there are not as many keys as messages.
    #[error(transparent)]
    Encrypt(#[from] EncryptError),
    /// The kind is not allowed in this kind of conversation.
    #[error("a {kind} is not allowed in this conversation")]
    NotHere {
        /// Name of the kind.
        kind: &'static str,
    },
    /// The author must not write this.
    #[error(transparent)]
    Author(#[from] AuthorError),
    /// The recipient's id is not blinded, or is blinded in another way than the sender's.
    #[error("expected an id with prefix {expected:02x}, got {got:02x}")]
    Prefix {
        /// Prefix of the sender's id.
        expected: u8,
        /// Prefix of the recipient's id.
        got: u8,
    },
    /// The blinded key belongs to another account than the sealer's.
    #[error("the blinded key belongs to another account")]
    OtherAccount,
    /// The text is longer than its sender may write.
    #[error("expected a text of at most {max} characters, got {got}")]
    TextTooLong {
        /// Maximum length in Unicode scalar values.
        max: usize,
        /// Length in Unicode scalar values.
        got: usize,
    },
    /// The time of sending is not a Unix time in milliseconds: it lies before
    /// [`SENT_MIN`](crate::SENT_MIN) or after [`SENT_MAX`](crate::SENT_MAX).
    #[error("expected a time of sending in Unix milliseconds, got {got}")]
    SentTime {
        /// The time given.
        got: UnixMillis,
    },
    /// The admin signature of a group update does not cover this time and recipient.
    #[error("the admin signature of the group update does not verify")]
    AdminSignature,
    /// The Session Pro proof names another key than the one that signs.
    #[error("the Session Pro proof is for another key")]
    ProKey,
    /// The sealed message is longer than storage servers accept.
    #[error("expected a sealed message of at most {max} bytes, got {got}")]
    TooLong {
        /// Maximum length in bytes.
        max: usize,
        /// Length in bytes.
        got: usize,
    },
    /// The content of a group message is empty or too long.
    #[error("expected 1 to {max} bytes, got {got}")]
    Length {
        /// Maximum length in bytes.
        max: usize,
        /// Length in bytes.
        got: usize,
    },
}

impl From<KeyError> for SealError {
    fn from(error: KeyError) -> Self {
        Self::Encrypt(error.into())
    }
}

/// Data that is not a message for us, or one that must not be shown.
///
/// [`disposition`](Self::disposition) says what to do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The wrapper around the envelope is malformed.
    #[error("wrapper: {0}")]
    Wrapper(WireError),
    /// The envelope is malformed.
    #[error("envelope: {0}")]
    Envelope(WireError),
    /// The version of the message or of its encryption is not supported.
    #[error("message of an unsupported version")]
    Version,
    /// The source that the envelope names does not have the form of an id.
    #[error("source of the envelope is not an id")]
    Source,
    /// The envelope has no content.
    #[error("envelope without content")]
    NoContent,
    /// The message is for another recipient, is malformed or fails authentication.
    #[error(transparent)]
    Decrypt(#[from] DecryptError),
    /// No key of the group opens the message, or it fails authentication. A new key may open it.
    #[error("no key of the group opens the message")]
    GroupDecrypt(DecryptError),
    /// The decrypted content consists of padding only.
    #[error(transparent)]
    Padding(#[from] PaddingError),
    /// The decrypted group message is not canonical bt-encoding.
    #[error("group message: {0}")]
    Encoding(#[from] bt::Error),
    /// The decrypted dict lacks a part.
    #[error("dict: {0}")]
    Field(#[from] bt::FieldError),
    /// The group message has both or neither of plain and compressed data, or empty data.
    #[error("expected plain or compressed data in the group message")]
    GroupData,
    /// The compressed data is not a zstd frame, or decompresses to more than 1,000,000 bytes.
    #[error("compressed data is malformed or too long")]
    Compression,
    /// The content is rejected.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The kind is not allowed in this kind of conversation.
    #[error("a {kind} is not allowed in this conversation")]
    NotHere {
        /// Name of the kind.
        kind: &'static str,
    },
    /// No key of the account opens the message, which is of version 2. A newer key may open it.
    #[error("no key of the account opens the message")]
    NoAccountKey,
    /// The content of a version 2 message has no time of sending.
    #[error("message without a time of sending")]
    NoTime,
    /// The times in envelope and content differ.
    #[error("envelope has the time {envelope}, content {content}")]
    Time {
        /// The time in the envelope.
        envelope: UnixMillis,
        /// The time in the content.
        content: UnixMillis,
    },
    /// The time of a community message is too far from the time of its posting.
    #[error("posted at {posted}, but content has the time {content}")]
    PostingTime {
        /// The time of posting according to the server.
        posted: UnixMillis,
        /// The time in the content.
        content: UnixMillis,
    },
    /// A typing indicator has another time than its envelope.
    #[error("typing indicator for another time")]
    TypingTime,
    /// The author must not write this.
    #[error(transparent)]
    Author(#[from] AuthorError),
    /// The admin signature of a group update does not cover this time, group and recipient.
    #[error("the admin signature of the group update does not verify")]
    AdminSignature,
    /// The Session Pro signature is not 64 bytes long.
    #[error("expected a Session Pro signature of 64 bytes, got {got}")]
    ProSignatureLength {
        /// Length in bytes.
        got: usize,
    },
    /// Both the envelope and the content have a Session Pro signature.
    #[error("two Session Pro signatures")]
    TwoProSignatures,
    /// A message with Session Pro has no time of sending.
    #[error("message with Session Pro and without a time")]
    ProTime,
    /// The Session Pro proof lacks a part, or a part has the wrong length.
    #[error("part {field} of the Session Pro proof is missing or has the wrong length")]
    ProProof {
        /// Name of the part in the schema.
        field: &'static str,
    },
    /// Another account wrote the wrapped config.
    #[error("wrapped config of another account")]
    NotOurs,
    /// The wrapped content has no padding, no config, or the config of another namespace.
    #[error("wrapped content is not the config of this namespace")]
    NotThisConfig,
    /// The notice of removal is older than our newest invitation, or concerns another member.
    #[error("notice of removal that does not concern us")]
    StaleNotice,
}
