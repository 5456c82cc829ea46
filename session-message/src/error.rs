//! Why a message is not sealed, or not opened.

use session_crypto::{DecryptError, EncryptError, KeyError};
use session_proto::bt;
use session_proto::content::ContentError;
use session_proto::padding::PaddingError;
use session_proto::wire::WireError;

use crate::opened::AuthorError;

/// A message that must not be sent, or cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// Its receivers would refuse the content.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// A key cannot be used.
    #[error(transparent)]
    Encrypt(#[from] EncryptError),
    /// A content of this kind has no meaning in this kind of conversation.
    #[error("a {kind} cannot be sent here")]
    NotHere {
        /// Name of the kind.
        kind: &'static str,
    },
    /// A content that its author must not write.
    #[error(transparent)]
    Author(#[from] AuthorError),
    /// The recipient's id is not blinded, or blinded in another way than the sender's.
    #[error("expected an id with prefix {expected:02x}, got {got:02x}")]
    Prefix {
        /// The prefix of the sender's id.
        expected: u8,
        /// The prefix of the recipient's id.
        got: u8,
    },
    /// A text that is longer than its sender may write.
    #[error("text of {got} characters, at most {max} are allowed")]
    TextTooLong {
        /// Unicode scalar values that are allowed.
        max: usize,
        /// Unicode scalar values that there are.
        got: usize,
    },
    /// A time of sending that is not a Unix time in milliseconds: before
    /// [`MIN_SENT_MS`](crate::MIN_SENT_MS) or after [`MAX_SENT_MS`](crate::MAX_SENT_MS).
    #[error("expected the time of sending in Unix milliseconds, got {got_ms}")]
    SentTime {
        /// The time given, in milliseconds.
        got_ms: u64,
    },
    /// A group update whose admin signature is not over this time and recipient.
    #[error("the admin signature of the group update does not verify")]
    AdminSignature,
    /// A Session Pro proof for another key than the one that signs.
    #[error("the Session Pro proof is for another key")]
    ProKey,
    /// A sealed message that no storage server takes.
    #[error("sealed message of {got} bytes, at most {max} can be stored")]
    TooLong {
        /// Bytes that can be stored.
        max: usize,
        /// Bytes of the sealed message.
        got: usize,
    },
    /// Nothing to encrypt, or more than a group message can have.
    #[error("expected 1 to {max} bytes, got {got}")]
    Length {
        /// Bytes that are allowed.
        max: usize,
        /// Bytes that were given.
        got: usize,
    },
}

impl From<KeyError> for SealError {
    fn from(error: KeyError) -> Self {
        Self::Encrypt(error.into())
    }
}

/// Data that is no message for us, or one that must be dropped. Go on with the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The wrapper around the envelope is not one.
    #[error("wrapper: {0}")]
    Wrapper(WireError),
    /// The envelope is not one.
    #[error("envelope: {0}")]
    Envelope(WireError),
    /// A version that this crate does not know, or an unknown one inside of a group message.
    #[error("message of an unsupported version")]
    Version,
    /// The envelope names a source in a wrong form.
    #[error("source of the envelope is not an id")]
    Source,
    /// The envelope has no content.
    #[error("envelope without content")]
    NoContent,
    /// Not for us, changed on the way, or not signed by whom it says.
    #[error(transparent)]
    Decrypt(#[from] DecryptError),
    /// The decrypted content is nothing but padding.
    #[error(transparent)]
    Padding(#[from] PaddingError),
    /// A decrypted group message is not canonical bt-encoding.
    #[error("group message: {0}")]
    Encoding(#[from] bt::Error),
    /// A decrypted dict lacks something.
    #[error("dict: {0}")]
    Field(#[from] bt::FieldError),
    /// A group message with both or neither of plain and compressed data, or with empty data.
    #[error("group message has no data, or two")]
    GroupData,
    /// Compressed data that is no zstd frame, or one of more than 1,000,000 bytes.
    #[error("compressed data is no frame, or too large")]
    Compression,
    /// The content is one that must be refused.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// A content of this kind has no meaning in this kind of conversation.
    #[error("a {kind} cannot come here")]
    NotHere {
        /// Name of the kind.
        kind: &'static str,
    },
    /// The times in envelope and content differ.
    #[error("envelope says {envelope_ms} ms, content {content_ms} ms")]
    Time {
        /// The time in the envelope, Unix milliseconds.
        envelope_ms: u64,
        /// The time in the content, Unix milliseconds.
        content_ms: u64,
    },
    /// A community message with a time too far from that of its posting.
    #[error("posted at {posted_ms} ms, content says {content_ms} ms")]
    PostingTime {
        /// When the server says that it was posted, Unix milliseconds.
        posted_ms: u64,
        /// The time in the content, Unix milliseconds.
        content_ms: u64,
    },
    /// A typing indicator for another time than its own.
    #[error("typing indicator for another time")]
    TypingTime,
    /// A content that its author must not write.
    #[error(transparent)]
    Author(#[from] AuthorError),
    /// A group update whose admin signature is not over this time, group and recipient.
    #[error("the admin signature of the group update does not verify")]
    AdminSignature,
    /// A Session Pro signature of another length than 64 bytes.
    #[error("expected a Session Pro signature of 64 bytes, got {got}")]
    ProSignatureLength {
        /// Its length.
        got: usize,
    },
    /// Two Session Pro signatures, in the envelope and in the content.
    #[error("two Session Pro signatures")]
    TwoProSignatures,
    /// A message with Session Pro that does not say when it was sent.
    #[error("message with Session Pro and without a time")]
    ProTime,
    /// A Session Pro proof that lacks a part, or has one of another length.
    #[error("part {field} of the Session Pro proof is missing or has another length")]
    ProProof {
        /// Name of the part in the schema.
        field: &'static str,
    },
    /// A wrapped config that we did not write.
    #[error("wrapped config that we did not write")]
    NotOurs,
    /// A wrapped config without padding, or content without config, or for another namespace.
    #[error("wrapped content is not the config of this namespace")]
    NotThisConfig,
    /// A notice of removal from before we were invited again, or for somebody else.
    #[error("notice of removal that does not concern us")]
    StaleNotice,
}
