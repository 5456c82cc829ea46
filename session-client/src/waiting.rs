//! What is known of received messages: positions, and messages that cannot be read yet.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use session_crypto::Ed25519Public;
use session_proto::bt;
use session_types::{AnyId, MessageHash, Namespace, UnixMillis};

use crate::error::RecordError;
use crate::journal::Journal;
use crate::record::Key;
use crate::seen::Seen;

/// Maximum number of messages of one swarm that wait for being readable.
const MAX_WAITING: usize = 1_000;
/// Maximum length of their data together, in bytes.
const MAX_WAITING_BYTES: usize = 4 * 1024 * 1024;

/// The position after the last message of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Position {
    hash: MessageHash,
    /// When the message expires: the node does not know it after that.
    expiry: UnixMillis,
}

/// Messages that were processed, positions, and messages that wait. Swarms are named by their account
/// or group.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    pub(crate) seen: Seen,
    positions: BTreeMap<(AnyId, Namespace, Ed25519Public), Position>,
    waiting: BTreeMap<AnyId, BTreeMap<MessageHash, Waiting>>,
}

/// A stored message that cannot be read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) data: Vec<u8>,
    pub(crate) stored_at: UnixMillis,
    pub(crate) expiry: UnixMillis,
}

impl Inbox {
    pub(crate) fn position(
        &self,
        swarm: AnyId,
        namespace: Namespace,
        node: &Ed25519Public,
        now: UnixMillis,
    ) -> Option<MessageHash> {
        let position = self.positions.get(&(swarm, namespace, *node))?;
        (position.expiry > now).then_some(position.hash)
    }

    pub(crate) fn advance(
        &mut self,
        place: (AnyId, Namespace, Ed25519Public),
        (hash, expiry): (MessageHash, UnixMillis),
        journal: &mut Journal,
    ) {
        let position = Position { hash, expiry };
        if self.positions.insert(place, position) != Some(position) {
            let value = bt::dict(|d| {
                d.bytes(b"h", hash.as_str().as_bytes());
                d.int(b"x", expiry.get());
            });
            let (swarm, namespace, node) = place;
            journal.put(Key::Position(swarm, namespace, node), value);
        }
    }

    /// Forgets the positions of namespaces whose messages are needed again.
    pub(crate) fn rewind(&mut self, swarm: AnyId, namespaces: &[Namespace], journal: &mut Journal) {
        self.positions.retain(|(of, namespace, node), _| {
            let stays = *of != swarm || !namespaces.contains(namespace);
            if !stays {
                journal.delete(Key::Position(*of, *namespace, *node));
            }
            stays
        });
    }

    /// Keeps a message. If there are too many in its swarm, those are given up that expire first.
    pub(crate) fn wait(
        &mut self,
        swarm: AnyId,
        hash: MessageHash,
        waiting: Waiting,
        journal: &mut Journal,
    ) {
        let all = self.waiting.entry(swarm).or_default();
        if all.contains_key(&hash) {
            return;
        }
        let value = bt::dict(|d| {
            d.bytes(b"d", &waiting.data);
            d.bytes(b"p", swarm.as_bytes());
            d.int(b"s", waiting.stored_at.get());
            d.int(b"x", waiting.expiry.get());
        });
        journal.put(Key::Waiting(hash), value);
        all.insert(hash, waiting);
        let bytes = |all: &BTreeMap<MessageHash, Waiting>| {
            let lengths = all.values().map(|waiting| waiting.data.len());
            lengths.fold(0_usize, usize::saturating_add)
        };
        while all.len() > MAX_WAITING || bytes(all) > MAX_WAITING_BYTES {
            let first = all.iter().min_by_key(|(hash, one)| (one.expiry, **hash));
            let Some(first) = first.map(|(hash, _)| *hash) else {
                break;
            };
            all.remove(&first);
            journal.delete(Key::Waiting(first));
        }
    }

    /// Whether the message waits already.
    pub(crate) fn waits(&self, swarm: &AnyId, hash: &MessageHash) -> bool {
        self.waiting
            .get(swarm)
            .is_some_and(|all| all.contains_key(hash))
    }

    /// The messages of a swarm that wait, to be tried again.
    pub(crate) fn waiting(&self, swarm: &AnyId) -> Vec<(MessageHash, Waiting)> {
        let all = self.waiting.get(swarm).into_iter().flatten();
        all.map(|(hash, waiting)| (*hash, waiting.clone()))
            .collect()
    }

    /// Forgets a message that waited.
    pub(crate) fn stop_waiting(
        &mut self,
        swarm: &AnyId,
        hash: &MessageHash,
        journal: &mut Journal,
    ) {
        let all = self.waiting.get_mut(swarm);
        if all.and_then(|all| all.remove(hash)).is_some() {
            journal.delete(Key::Waiting(*hash));
        }
    }

    /// Forgets what no node has any more.
    pub(crate) fn prune(&mut self, now: UnixMillis, journal: &mut Journal) {
        self.seen.prune(now, journal);
        self.positions.retain(|(swarm, namespace, node), position| {
            let stays = position.expiry > now;
            if !stays {
                journal.delete(Key::Position(*swarm, *namespace, *node));
            }
            stays
        });
        for all in self.waiting.values_mut() {
            all.retain(|hash, waiting| {
                let stays = waiting.expiry > now;
                if !stays {
                    journal.delete(Key::Waiting(*hash));
                }
                stays
            });
        }
    }

    /// Forgets everything of a swarm.
    pub(crate) fn forget(&mut self, swarm: AnyId, journal: &mut Journal) {
        self.positions.retain(|(of, namespace, node), _| {
            if *of == swarm {
                journal.delete(Key::Position(*of, *namespace, *node));
            }
            *of != swarm
        });
        for (hash, _) in self.waiting.remove(&swarm).into_iter().flatten() {
            journal.delete(Key::Waiting(hash));
        }
    }

    /// Takes a record.
    pub(crate) fn restore(&mut self, key: Key, value: &[u8]) -> Result<(), RecordError> {
        let mut read = || -> Option<()> {
            match key {
                Key::Seen(digest) => self.seen.restore(digest, value).ok()?,
                Key::Position(swarm, namespace, node) => {
                    let dict = bt::parse_dict(value).ok()?;
                    let hash = core::str::from_utf8(dict.bytes("h").ok()?).ok()?;
                    let position = Position {
                        hash: hash.parse().ok()?,
                        expiry: UnixMillis::new(dict.u64("x").ok()?),
                    };
                    self.positions.insert((swarm, namespace, node), position);
                }
                Key::Waiting(hash) => {
                    let dict = bt::parse_dict(value).ok()?;
                    let waiting = Waiting {
                        data: dict.bytes("d").ok()?.to_vec(),
                        stored_at: UnixMillis::new(dict.u64("s").ok()?),
                        expiry: UnixMillis::new(dict.u64("x").ok()?),
                    };
                    let swarm = AnyId::from_bytes(*dict.array::<33>("p").ok()?);
                    self.waiting.entry(swarm).or_default().insert(hash, waiting);
                }
                _ => return None,
            }
            Some(())
        };
        read().ok_or(RecordError::Value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_that_wait_take_bounded_memory() {
        let (mut inbox, mut journal) = (Inbox::default(), Journal::default());
        let swarm = AnyId::from_bytes([5; 33]);
        let mut fill = |count: u32, length: usize| {
            for number in 0..count {
                let digest = session_crypto::Blake2b::<32>::new();
                let digest = digest.chain(&number.to_be_bytes()).finalize();
                let waiting = Waiting {
                    data: alloc::vec![0; length],
                    stored_at: UnixMillis::new(1),
                    expiry: UnixMillis::new(u64::from(number)),
                };
                let hash = MessageHash::from_digest(&digest);
                inbox.wait(swarm, hash, waiting, &mut journal);
            }
            let all = inbox.waiting(&swarm);
            inbox.forget(swarm, &mut journal);
            all
        };
        let all = fill(1_100, 10);
        assert_eq!(all.len(), 1_000);
        let first = all.iter().map(|(_, waiting)| waiting.expiry.get()).min();
        assert_eq!(first, Some(100), "those go that expire first");
        assert_eq!(fill(100, 76_800).len(), 54);
    }
}
