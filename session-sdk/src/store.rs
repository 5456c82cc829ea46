//! Where records and history are kept.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;

use session_client::types::UnixMillis;
use session_client::{Change, ConversationId, Key, Message as Record, MessageId};
use zeroize::Zeroizing;

use crate::error::StoreError;

/// A record as it is stored: key and value.
pub type Pair = (Vec<u8>, Zeroizing<Vec<u8>>);

/// A page of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The messages before this time. `None` for the newest.
    pub before: Option<UnixMillis>,
    /// Maximum number of messages.
    pub limit: u32,
}

impl Default for Page {
    fn default() -> Self {
        Self {
            before: None,
            limit: 50,
        }
    }
}

/// The first byte of the keys of contents of files, which [`Store::load`] leaves out.
pub const FILE_CONTENT: u8 = b'b';

/// A place for the records of one account.
///
/// Values are secret: they hold messages, contacts and keys of files.
pub trait Store: Send + 'static {
    /// Returns all records but those of the history and the contents of files
    /// ([`Key::FileContent`], whose first byte is [`FILE_CONTENT`]).
    ///
    /// # Errors
    ///
    /// [`StoreError`] if they cannot be read.
    fn load(&mut self) -> Result<Vec<Pair>, StoreError>;

    /// Returns the value of one record. `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it cannot be read.
    fn get(&mut self, key: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError>;

    /// Makes all changes, or none of them if it fails. They are on the disk afterwards.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if they cannot be written.
    fn apply(&mut self, changes: &[Change]) -> Result<(), StoreError>;

    /// Writes a record of the driver itself: the state of the network.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it cannot be written.
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError>;

    /// Returns messages of a conversation, the newest first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if they cannot be read.
    fn history(
        &mut self,
        conversation: &ConversationId,
        page: Page,
    ) -> Result<Vec<Record>, StoreError>;

    /// Returns messages of all conversations in the order of their names, those after `after`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if they cannot be read.
    fn messages(
        &mut self,
        after: Option<&MessageId>,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError>;

    /// Returns messages whose text contains `text`, without regard to the case of ASCII letters, the
    /// newest first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if they cannot be read.
    fn search(&mut self, text: &str, limit: u32) -> Result<Vec<Record>, StoreError>;
}

/// Records that are gone when the program ends, for tests and for bots that begin anew.
#[derive(Default)]
pub struct MemoryStore {
    records: BTreeMap<Vec<u8>, Zeroizing<Vec<u8>>>,
    history: BTreeMap<MessageId, Record>,
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("records", &self.records.len())
            .field("messages", &self.history.len())
            .finish()
    }
}

impl Store for MemoryStore {
    fn load(&mut self) -> Result<Vec<Pair>, StoreError> {
        let records = self.records.iter();
        let records = records.filter(|(key, _)| key.first() != Some(&FILE_CONTENT));
        Ok(records
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect())
    }

    fn get(&mut self, key: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        Ok(self.records.get(key).cloned())
    }

    fn apply(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        for change in changes {
            match change {
                Change::Put {
                    key: Key::Message(id),
                    value,
                } => {
                    if let Ok(record) = Record::from_value(*id, value) {
                        self.history.insert(*id, record);
                    }
                }
                Change::Put { key, value } => {
                    self.records.insert(key.to_bytes(), value.clone());
                }
                Change::Delete {
                    key: Key::Message(id),
                } => drop(self.history.remove(id)),
                Change::Delete { key } => drop(self.records.remove(&key.to_bytes())),
                Change::Move { from, to } => {
                    let moved = |(_, mut record): (MessageId, Record)| {
                        if record.conversation() == from {
                            record.id = record.id.moved_to(*to);
                        }
                        (record.id, record)
                    };
                    let all = std::mem::take(&mut self.history);
                    self.history = all.into_iter().map(moved).collect();
                }
                Change::EraseExpired { now } => {
                    self.history.retain(|_, record| !record.is_expired(*now));
                }
                Change::Erase {
                    conversation,
                    erased,
                } => self.history.retain(|id, record| {
                    id.conversation() != conversation || !erased.covers(record)
                }),
                // Of a newer version of the client, which comes with a newer version of this crate.
                _ => {}
            }
        }
        Ok(())
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.records
            .insert(key.to_vec(), Zeroizing::new(value.to_vec()));
        Ok(())
    }

    fn history(
        &mut self,
        conversation: &ConversationId,
        page: Page,
    ) -> Result<Vec<Record>, StoreError> {
        let of_conversation = self.history.values().rev().filter(|record| {
            record.conversation() == conversation
                && page.before.is_none_or(|before| record.sent_at() < before)
        });
        Ok(of_conversation.take(page.limit as usize).cloned().collect())
    }

    fn messages(
        &mut self,
        after: Option<&MessageId>,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError> {
        let start = after.map_or(Bound::Unbounded, |after| Bound::Excluded(*after));
        let all = self.history.range((start, Bound::Unbounded));
        let all = all.map(|(_, record)| record.clone());
        Ok(all.take(limit as usize).collect())
    }

    fn search(&mut self, text: &str, limit: u32) -> Result<Vec<Record>, StoreError> {
        let wanted = text.to_ascii_lowercase();
        let mut found: Vec<Record> = self
            .history
            .values()
            .filter(|record| {
                let text = record.text().map(str::to_ascii_lowercase);
                text.is_some_and(|text| text.contains(&wanted))
            })
            .cloned()
            .collect();
        found.sort_by_key(|record| std::cmp::Reverse(record.sent_at()));
        found.truncate(limit as usize);
        Ok(found)
    }
}
