//! Events for the user.

use alloc::boxed::Box;
use alloc::vec::Vec;

use session_config::Change as ConfigChange;
use session_message::content::{Call, DataExtractionKind, Expiration, Reaction};
use session_message::{OpenError, SealError};
use session_network::RequestError;
use session_types::{AccountId, AnyId, MessageHash, UnixMillis};

use crate::history::{Message, MessageId};
use crate::outbox::SendId;

/// An event.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A message, which is in the history now: received, or sent by another device of the account.
    Message(Box<Message>),
    /// A message of ours is stored in the swarm of its recipient.
    Delivered {
        /// The number that sending it returned.
        send: SendId,
        /// The message, if it is in the history.
        message: Option<MessageId>,
    },
    /// A message of ours was not stored, and is not tried again.
    Failed {
        /// The number that sending it returned.
        send: SendId,
        /// The message, if it is in the history.
        message: Option<MessageId>,
        /// The reason.
        reason: Failure,
    },
    /// A reaction, or its removal.
    Reaction {
        /// The conversation.
        conversation: AnyId,
        /// The author of the reaction.
        author: AccountId,
        /// The reaction.
        reaction: Reaction,
    },
    /// An author deleted a message for everybody; it is not in the history any more.
    Deleted {
        /// The conversation.
        conversation: AnyId,
        /// The author of the message.
        author: AnyId,
        /// When the message was sent.
        sent_at: UnixMillis,
    },
    /// Messages of ours were read.
    Read {
        /// The reader.
        by: AccountId,
        /// When the messages were sent.
        sent_at: Vec<UnixMillis>,
    },
    /// Somebody began or stopped to type.
    Typing {
        /// The account.
        by: AccountId,
        /// Whether they type.
        is_typing: bool,
    },
    /// An account accepted our message request.
    RequestAccepted {
        /// The account.
        by: AccountId,
    },
    /// Somebody saved a file of ours, or took a screenshot.
    Extraction {
        /// The account.
        by: AccountId,
        /// What they did.
        kind: DataExtractionKind,
    },
    /// The timer of a conversation was changed.
    Timer {
        /// The conversation.
        conversation: AnyId,
        /// The author of the change.
        author: AccountId,
        /// The new timer.
        expiration: Expiration,
    },
    /// A step of a call: signalling only.
    Call {
        /// The account.
        by: AccountId,
        /// The step.
        call: Call,
        /// When it was sent.
        sent_at: UnixMillis,
    },
    /// Another device changed the shared configs.
    Config(ConfigChange),
    /// All shared configs were fetched: profile and contacts are those of the account.
    Synced,
    /// A stored message cannot be read.
    Unreadable {
        /// The name of the stored message.
        hash: MessageHash,
        /// The reason.
        reason: OpenError,
    },
}

/// Why a message was not stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The network took no message for so long that the client gave up.
    #[error("gave up: {0}")]
    Request(#[from] RequestError),
    /// The message could not be sealed again for another time.
    #[error(transparent)]
    Seal(#[from] SealError),
}
