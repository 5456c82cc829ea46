//! What is to be persisted, and the events that wait for it.

use alloc::vec::Vec;
use core::mem;

use session_types::{AnyId, UnixMillis};
use zeroize::Zeroizing;

use crate::event::Event;
use crate::record::Key;

/// A change of the records.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// Deletes the messages of an author of this time from the history of a conversation.
    Erase {
        /// The conversation.
        conversation: AnyId,
        /// The author.
        author: AnyId,
        /// The time of sending.
        sent_at: UnixMillis,
    },
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

    pub(crate) fn erase(&mut self, conversation: AnyId, author: AnyId, sent_at: UnixMillis) {
        self.next.changes.push(Change::Erase {
            conversation,
            author,
            sent_at,
        });
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
