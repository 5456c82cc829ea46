//! Messages that were processed: a bounded memory against showing one twice.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use session_proto::bt;
use session_types::{AccountId, GroupId, MessageHash, UnixMillis};

use crate::error::RecordError;
use crate::journal::Journal;
use crate::record::Key;

/// The hash by which a processed message is recognised.
pub(crate) type Digest = [u8; 32];

/// Kinds of messages that take no room from each other: strangers cannot make the client forget the
/// messages of contacts, and a node that invents messages cannot make it forget real ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// Of accounts that we have approved, and our own.
    Known,
    /// Of everybody else.
    Stranger,
    /// What nobody can read.
    Unreadable,
    /// Of the members of a group.
    Group(GroupId),
}

impl Class {
    /// Maximum number of messages that are remembered.
    const fn limit(&self) -> usize {
        match self {
            Self::Known => 50_000,
            Self::Stranger | Self::Unreadable => 10_000,
            Self::Group(_) => 5_000,
        }
    }

    const fn number(&self) -> u8 {
        match self {
            Self::Known => 0,
            Self::Stranger => 1,
            Self::Unreadable => 2,
            Self::Group(_) => 3,
        }
    }
}

/// The author of a group message, and the name under which it is stored: an admin who removes a member
/// with their messages deletes them by name.
pub(crate) type Origin = (AccountId, MessageHash);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    class: Class,
    /// The time after which no node has the message any more.
    expiry: UnixMillis,
    origin: Option<Origin>,
}

impl Entry {
    fn to_value(&self) -> Vec<u8> {
        bt::dict(|d| {
            if let Some((author, _)) = &self.origin {
                d.bytes(b"a", author.as_bytes());
            }
            if let Class::Group(group) = &self.class {
                d.bytes(b"g", group.as_bytes());
            }
            if let Some((_, hash)) = &self.origin {
                d.bytes(b"h", hash.as_bytes());
            }
            d.int(b"k", self.class.number());
            d.int(b"x", self.expiry.get());
        })
    }

    fn from_value(value: &[u8]) -> Option<Self> {
        let dict = bt::parse_dict(value).ok()?;
        let class = match dict.u64("k").ok()? {
            0 => Class::Known,
            1 => Class::Stranger,
            2 => Class::Unreadable,
            3 => Class::Group(GroupId::from_bytes(*dict.array::<33>("g").ok()?).ok()?),
            _ => return None,
        };
        let origin = match dict.get(b"a") {
            None => None,
            Some(_) => {
                let author = AccountId::from_bytes(*dict.array::<33>("a").ok()?).ok()?;
                let hash = core::str::from_utf8(dict.bytes("h").ok()?).ok()?;
                Some((author, hash.parse().ok()?))
            }
        };
        let expiry = UnixMillis::new(dict.u64("x").ok()?);
        Some(Self {
            class,
            expiry,
            origin,
        })
    }
}

/// Messages that were processed. If there are too many of a class, those are forgotten that expire
/// first.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    entries: BTreeMap<Digest, Entry>,
    order: BTreeMap<Class, BTreeSet<(UnixMillis, Digest)>>,
}

impl Seen {
    #[cfg(test)]
    pub(crate) fn contains(&self, digest: &Digest) -> bool {
        self.entries.contains_key(digest)
    }

    /// Remembers a message. Returns whether it is new.
    pub(crate) fn see(
        &mut self,
        digest: Digest,
        class: Class,
        (expiry, origin): (UnixMillis, Option<Origin>),
        journal: &mut Journal,
    ) -> bool {
        let known = self.entries.get(&digest);
        let is_new = known.is_none();
        let entry = match known {
            Some(known) if known.expiry >= expiry => return false,
            // Another node keeps it for longer.
            Some(known) => Entry {
                expiry,
                ..known.clone()
            },
            None => Entry {
                class,
                expiry,
                origin,
            },
        };
        journal.put(Key::Seen(digest), entry.to_value());
        self.insert(digest, entry);
        while self.count(&class) > class.limit() {
            let first = self.order.get_mut(&class).and_then(BTreeSet::pop_first);
            let Some((_, first)) = first else { break };
            self.entries.remove(&first);
            journal.delete(Key::Seen(first));
        }
        is_new
    }

    fn insert(&mut self, digest: Digest, entry: Entry) {
        let (class, expiry) = (entry.class, entry.expiry);
        if let Some(old) = self.entries.insert(digest, entry)
            && let Some(order) = self.order.get_mut(&old.class)
        {
            order.remove(&(old.expiry, digest));
        }
        self.order
            .entry(class)
            .or_default()
            .insert((expiry, digest));
    }

    /// The number of messages of a class that are remembered.
    pub(crate) fn count(&self, class: &Class) -> usize {
        self.order.get(class).map_or(0, BTreeSet::len)
    }

    /// The names of the stored messages of members of a group, as far as they are remembered.
    pub(crate) fn stored_by(&self, group: GroupId, authors: &[AccountId]) -> Vec<MessageHash> {
        let of_group = self.order.get(&Class::Group(group));
        let entries = of_group.into_iter().flatten();
        entries
            .filter_map(|(_, digest)| self.entries.get(digest)?.origin)
            .filter(|(author, _)| authors.contains(author))
            .map(|(_, hash)| hash)
            .collect()
    }

    /// Forgets what no node has any more.
    pub(crate) fn prune(&mut self, now: UnixMillis, journal: &mut Journal) {
        for order in self.order.values_mut() {
            while order.first().is_some_and(|(expiry, _)| *expiry <= now) {
                let Some((_, digest)) = order.pop_first() else {
                    break;
                };
                self.entries.remove(&digest);
                journal.delete(Key::Seen(digest));
            }
        }
    }

    /// Forgets the messages of a group.
    pub(crate) fn forget_group(&mut self, group: GroupId, journal: &mut Journal) {
        for (_, digest) in self
            .order
            .remove(&Class::Group(group))
            .into_iter()
            .flatten()
        {
            self.entries.remove(&digest);
            journal.delete(Key::Seen(digest));
        }
    }

    pub(crate) fn restore(&mut self, digest: Digest, value: &[u8]) -> Result<(), RecordError> {
        let entry = Entry::from_value(value).ok_or(RecordError::Value)?;
        self.insert(digest, entry);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Change;

    fn digest(number: u64) -> Digest {
        let hash = session_crypto::Blake2b::<32>::new();
        hash.chain(&number.to_be_bytes()).finalize()
    }

    fn at(millis: u64) -> UnixMillis {
        UnixMillis::new(millis)
    }

    /// What a store has after the changes.
    fn persisted(journal: &mut Journal, records: &mut BTreeMap<Vec<u8>, Vec<u8>>) {
        for change in journal.take().map_or(Vec::new(), |batch| batch.changes) {
            match change {
                Change::Put { key, value } => {
                    records.insert(key.to_bytes(), value.to_vec());
                }
                Change::Delete { key } => drop(records.remove(&key.to_bytes())),
                other => panic!("{other:?}"),
            }
        }
        journal.persisted();
    }

    #[test]
    fn strangers_and_nodes_take_no_room_from_contacts() {
        let (mut seen, mut journal) = (Seen::default(), Journal::default());
        let mut records = BTreeMap::new();
        assert!(seen.see(digest(0), Class::Known, (at(1), None), &mut journal));
        for (class, start) in [(Class::Stranger, 1_000_000), (Class::Unreadable, 2_000_000)] {
            for number in 0..10_500 {
                let digest = digest(start + number);
                assert!(seen.see(digest, class, (at(start + number), None), &mut journal));
            }
            assert_eq!(seen.count(&class), 10_000);
            assert!(!seen.contains(&digest(start + 499)), "the oldest goes");
            assert!(seen.contains(&digest(start + 500)));
        }
        assert!(!seen.see(digest(0), Class::Known, (at(1), None), &mut journal));
        persisted(&mut journal, &mut records);
        assert_eq!(records.len(), 20_001, "what is forgotten is deleted");
    }

    #[test]
    fn what_is_remembered_comes_back_from_its_records() {
        let (mut seen, mut journal) = (Seen::default(), Journal::default());
        let mut records = BTreeMap::new();
        let group = GroupId::from_bytes([3; 33]).unwrap();
        let author = AccountId::from_bytes([5; 33]).unwrap();
        let hash = MessageHash::from_digest(&[9; 32]);
        let class = Class::Group(group);
        assert!(seen.see(
            digest(1),
            class,
            (at(5), Some((author, hash))),
            &mut journal
        ));
        assert!(seen.see(digest(2), Class::Known, (at(6), None), &mut journal));
        // Another node keeps it for longer.
        assert!(!seen.see(digest(2), Class::Known, (at(8), None), &mut journal));
        persisted(&mut journal, &mut records);
        let mut again = Seen::default();
        for (key, value) in &records {
            let Ok(Key::Seen(digest)) = Key::try_from(key.as_slice()) else {
                panic!("a record of another kind");
            };
            again.restore(digest, value).unwrap();
        }
        assert_eq!(again.entries, seen.entries);
        assert_eq!(again.order, seen.order);
        assert_eq!(again.stored_by(group, &[author]), [hash]);
        again.prune(at(7), &mut journal);
        persisted(&mut journal, &mut records);
        assert_eq!(records.len(), 1);
        assert!(again.contains(&digest(2)), "not before the later time");
    }
}
