//! What is known of received messages.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use session_crypto::Ed25519Public;
use session_proto::bt;
use session_types::{MessageHash, Namespace, UnixMillis};

use crate::error::RecordError;
use crate::journal::Journal;
use crate::record::Key;

/// Maximum number of messages that wait for being readable.
const MAX_WAITING: usize = 1_000;

/// The position after the last message of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Position {
    hash: MessageHash,
    /// When the message expires: the node does not know it after that.
    expiry: UnixMillis,
}

/// Messages that were processed, positions, and messages that wait.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    /// Hashes of processed messages, with the time after which no node has the message any more.
    seen: BTreeMap<[u8; 32], UnixMillis>,
    positions: BTreeMap<(Namespace, Ed25519Public), Position>,
    waiting: BTreeMap<MessageHash, Waiting>,
}

/// A stored message that cannot be read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) data: Vec<u8>,
    pub(crate) expiry: UnixMillis,
}

fn time_value(time: UnixMillis) -> Vec<u8> {
    bt::dict(|d| {
        d.int(b"x", time.get());
    })
}

fn read_time(value: &[u8]) -> Option<UnixMillis> {
    let dict = bt::parse_dict(value).ok()?;
    dict.u64("x").ok().map(UnixMillis::new)
}

impl Inbox {
    /// Remembers a message. Returns whether it is new.
    pub(crate) fn see(
        &mut self,
        hash: [u8; 32],
        expiry: UnixMillis,
        journal: &mut Journal,
    ) -> bool {
        match self.seen.get_mut(&hash) {
            // Another node keeps it for longer.
            Some(known) if *known < expiry => *known = expiry,
            Some(_) => return false,
            None => {
                self.seen.insert(hash, expiry);
                journal.put(Key::Seen(hash), time_value(expiry));
                return true;
            }
        }
        journal.put(Key::Seen(hash), time_value(expiry));
        false
    }

    pub(crate) fn position(
        &self,
        namespace: Namespace,
        node: &Ed25519Public,
        now: UnixMillis,
    ) -> Option<MessageHash> {
        let position = self.positions.get(&(namespace, *node))?;
        (position.expiry > now).then_some(position.hash)
    }

    pub(crate) fn advance(
        &mut self,
        namespace: Namespace,
        node: Ed25519Public,
        (hash, expiry): (MessageHash, UnixMillis),
        journal: &mut Journal,
    ) {
        let position = Position { hash, expiry };
        if self.positions.insert((namespace, node), position) != Some(position) {
            let value = bt::dict(|d| {
                d.bytes(b"h", hash.as_str().as_bytes());
                d.int(b"x", expiry.get());
            });
            journal.put(Key::Position(namespace, node), value);
        }
    }

    /// Forgets the positions of namespaces whose messages are needed again.
    pub(crate) fn rewind(&mut self, namespaces: &[Namespace], journal: &mut Journal) {
        self.positions.retain(|(namespace, node), _| {
            let stays = !namespaces.contains(namespace);
            if !stays {
                journal.delete(Key::Position(*namespace, *node));
            }
            stays
        });
    }

    pub(crate) fn wait(&mut self, hash: MessageHash, waiting: Waiting, journal: &mut Journal) {
        if self.waiting.len() >= MAX_WAITING || self.waiting.contains_key(&hash) {
            return;
        }
        let value = bt::dict(|d| {
            d.bytes(b"d", &waiting.data);
            d.int(b"x", waiting.expiry.get());
        });
        journal.put(Key::Waiting(hash), value);
        self.waiting.insert(hash, waiting);
    }

    /// Whether the message waits already.
    pub(crate) fn waits(&self, hash: &MessageHash) -> bool {
        self.waiting.contains_key(hash)
    }

    /// Takes the messages that wait, to be tried again.
    pub(crate) fn take_waiting(&mut self) -> BTreeMap<MessageHash, Waiting> {
        core::mem::take(&mut self.waiting)
    }

    /// Forgets what no node has any more.
    pub(crate) fn prune(&mut self, now: UnixMillis, journal: &mut Journal) {
        self.seen.retain(|hash, expiry| {
            let stays = *expiry > now;
            if !stays {
                journal.delete(Key::Seen(*hash));
            }
            stays
        });
        self.positions.retain(|(namespace, node), position| {
            let stays = position.expiry > now;
            if !stays {
                journal.delete(Key::Position(*namespace, *node));
            }
            stays
        });
        self.waiting.retain(|hash, waiting| {
            let stays = waiting.expiry > now;
            if !stays {
                journal.delete(Key::Waiting(*hash));
            }
            stays
        });
    }

    /// Takes a record.
    pub(crate) fn restore(&mut self, key: Key, value: &[u8]) -> Result<(), RecordError> {
        let mut read = || -> Option<()> {
            match key {
                Key::Seen(hash) => drop(self.seen.insert(hash, read_time(value)?)),
                Key::Position(namespace, node) => {
                    let dict = bt::parse_dict(value).ok()?;
                    let hash = core::str::from_utf8(dict.bytes("h").ok()?).ok()?;
                    let position = Position {
                        hash: hash.parse().ok()?,
                        expiry: read_time_of(&dict)?,
                    };
                    self.positions.insert((namespace, node), position);
                }
                Key::Waiting(hash) => {
                    let dict = bt::parse_dict(value).ok()?;
                    let waiting = Waiting {
                        data: dict.bytes("d").ok()?.to_vec(),
                        expiry: read_time_of(&dict)?,
                    };
                    self.waiting.insert(hash, waiting);
                }
                _ => return None,
            }
            Some(())
        };
        read().ok_or(RecordError::Value)
    }
}

fn read_time_of(dict: &bt::Dict<'_>) -> Option<UnixMillis> {
    dict.u64("x").ok().map(UnixMillis::new)
}
