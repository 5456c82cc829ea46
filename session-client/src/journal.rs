//! What is to be persisted, and the events that wait for it.

use alloc::vec::Vec;
use core::{fmt, mem};

use session_types::{AnyId, MessageHash, UnixMillis};
use zeroize::Zeroizing;

use crate::conversation::ConversationId;
use crate::event::Event;
use crate::history::Message;
use crate::record::Key;

/// A change of the records. Values are secret, and are not printed.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// Writes a record, in place of the one with this key if there is one.
    Put {
        /// The key.
        key: Key,
        /// The value.
        value: Zeroizing<Vec<u8>>,
    },
    /// Deletes a record. It may be absent.
    Delete {
        /// The key.
        key: Key,
    },
    /// Deletes messages from the history of a conversation.
    Erase {
        /// The conversation.
        conversation: ConversationId,
        /// Which messages.
        erased: Erased,
    },
    /// Moves all messages of a conversation to another one ([`MessageId::moved_to`](crate::MessageId::moved_to)): somebody
    /// whose blinded id alone was known is known by their account now.
    Move {
        /// The conversation that ends.
        from: ConversationId,
        /// The conversation that goes on.
        to: ConversationId,
    },
    /// Deletes the messages of all conversations whose time is over
    /// ([`Message::expires_at`](crate::Message::expires_at)).
    EraseExpired {
        /// The time.
        now: UnixMillis,
    },
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Put { key, value } => f
                .debug_struct("Put")
                .field("key", key)
                .field("bytes", &value.len())
                .finish_non_exhaustive(),
            Self::Delete { key } => f.debug_struct("Delete").field("key", key).finish(),
            Self::Erase {
                conversation,
                erased,
            } => f
                .debug_struct("Erase")
                .field("conversation", conversation)
                .field("erased", erased)
                .finish(),
            Self::Move { from, to } => f
                .debug_struct("Move")
                .field("from", from)
                .field("to", to)
                .finish(),
            Self::EraseExpired { now } => f.debug_struct("EraseExpired").field("now", now).finish(),
        }
    }
}

/// Messages of a conversation that are to be deleted from its history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Erased {
    /// The messages of an author of this time.
    Message {
        /// The author.
        author: AnyId,
        /// The time of sending.
        sent_at: UnixMillis,
    },
    /// The message that is stored in the swarm under this name.
    Stored {
        /// The name.
        hash: MessageHash,
        /// Only if it is by this author.
        author: Option<AnyId>,
    },
    /// The post of this number in a room of a community.
    Post(u64),
    /// All messages of an author up to a time.
    Author {
        /// The author.
        author: AnyId,
        /// The time of sending of the last one.
        until: UnixMillis,
    },
    /// All messages that were sent before a time.
    Before(UnixMillis),
}

impl Erased {
    /// Returns whether a message of the conversation is to be deleted.
    #[must_use]
    pub fn covers(&self, message: &Message) -> bool {
        let sent_at = message.sent_at();
        let by = message.author;
        match self {
            Self::Message {
                author,
                sent_at: time,
            } => by == *author && sent_at == *time,
            Self::Stored { hash, author } => {
                message.hash == Some(*hash) && author.is_none_or(|author| author == by)
            }
            Self::Post(id) => message.post.as_ref().is_some_and(|post| post.id == *id),
            Self::Author { author, until } => by == *author && sent_at <= *until,
            Self::Before(time) => sent_at < *time,
        }
    }
}

/// Changes that belong together, and the events that may be handed out after them.
///
/// Persist all changes or none. Then call [`Client::persisted`](crate::Client::persisted), and hand out
/// the events.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch {
    /// The changes, in their order.
    pub changes: Vec<Change>,
    /// The events, in their order.
    pub events: Vec<Event>,
}

impl Batch {
    const fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.events.is_empty()
    }
}

/// The batch that grows, and whether one was handed out.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    next: Batch,
    is_out: bool,
}

impl Journal {
    pub(crate) fn put(&mut self, key: Key, value: impl Into<Zeroizing<Vec<u8>>>) {
        let value = value.into();
        self.next.changes.push(Change::Put { key, value });
    }

    pub(crate) fn delete(&mut self, key: Key) {
        self.next.changes.push(Change::Delete { key });
    }

    pub(crate) fn erase(&mut self, conversation: ConversationId, erased: Erased) {
        self.next.changes.push(Change::Erase {
            conversation,
            erased,
        });
    }

    pub(crate) fn move_all(&mut self, from: ConversationId, to: ConversationId) {
        self.next.changes.push(Change::Move { from, to });
    }

    pub(crate) fn erase_expired(&mut self, now: UnixMillis) {
        self.next.changes.push(Change::EraseExpired { now });
    }

    pub(crate) fn event(&mut self, event: Event) {
        self.next.events.push(event);
    }

    /// Whether everything is persisted, so that requests may build on it.
    pub(crate) const fn is_settled(&self) -> bool {
        self.next.is_empty() && !self.is_out
    }

    pub(crate) fn take(&mut self) -> Option<Batch> {
        if self.is_out || self.next.is_empty() {
            return None;
        }
        self.is_out = true;
        Some(mem::take(&mut self.next))
    }

    pub(crate) const fn persisted(&mut self) {
        self.is_out = false;
    }
}
