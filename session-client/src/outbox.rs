//! Messages that are being sent.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use session_network::RequestId;
use session_proto::bt;
use session_types::MonotonicTime;
use session_types::{AnyId, Namespace, SealedMessage, UnixMillis};
use zeroize::Zeroizing;

use crate::conversation::ConversationId;
use crate::error::RecordError;
use crate::files::FileNumber;
use crate::history::MessageId;

/// The number of a message in the outbox, unique in an account's records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SendId(u64);

impl SendId {
    pub(crate) const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// The two places that a message is stored in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The swarm of the recipient, or of the group.
    Main,
    /// Our own swarm: the copy for our other devices.
    Copy,
}

/// What is done next with a message in the outbox.
#[derive(Debug, PartialEq)]
pub(crate) enum Step<'a> {
    /// It is sealed with the newest key of its group.
    Seal,
    /// It is stored.
    Store(Part, &'a SealedMessage),
}

/// A message in the outbox.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) to: ConversationId,
    /// The content, to be sealed again if the time was wrong.
    pub(crate) raw: Zeroizing<Vec<u8>>,
    pub(crate) sent_at: UnixMillis,
    /// When it was put into the outbox.
    pub(crate) created: UnixMillis,
    /// The files that are still to be uploaded, in the order of the attachments without an address. The
    /// message is sealed after that.
    pub(crate) files: Vec<FileNumber>,
    /// Its place in the history, if it has one.
    pub(crate) message: Option<MessageId>,
    /// Whether it is stored in the swarm of the recipient.
    pub(crate) is_stored: bool,
    /// The sealed message. One to a group is sealed when it is sent: members who were removed before
    /// that do not have the key.
    pub(crate) main: Option<SealedMessage>,
    /// The generation of the group's key that it is sealed with.
    pub(crate) generation: u64,
    /// `None` once it is stored, or if there is none.
    pub(crate) copy: Option<SealedMessage>,
    pub(crate) attempt: Attempt,
}

/// The attempts to store a message. They are not persisted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Attempt {
    pub(crate) failures: u32,
    pub(crate) due: MonotonicTime,
    pub(crate) under_way: Option<RequestId>,
}

fn put_sealed(list: &mut bt::ListWriter<'_>, sealed: &SealedMessage) {
    list.int(sealed.namespace.number());
    // No lifetime has more milliseconds than fit.
    list.int(u64::try_from(sealed.ttl.as_millis()).unwrap_or(u64::MAX));
    list.bytes(&sealed.data);
}

fn read_sealed(list: bt::List<'_>) -> Option<SealedMessage> {
    let mut items = list.iter();
    let namespace = items.next()?.as_int()?.as_i64()?;
    let ttl = items.next()?.as_int()?.as_u64()?;
    let data = items.next()?.as_bytes()?.to_vec();
    Some(SealedMessage {
        namespace: Namespace::new(i16::try_from(namespace).ok()?),
        ttl: Duration::from_millis(ttl),
        data,
    })
}

impl Entry {
    /// What is done next. `None` if nothing is left to be done.
    pub(crate) const fn next(&self) -> Option<Step<'_>> {
        match (self.is_stored, &self.main, &self.copy) {
            (false, Some(main), _) => Some(Step::Store(Part::Main, main)),
            (false, None, _) => Some(Step::Seal),
            (true, _, Some(copy)) => Some(Step::Store(Part::Copy, copy)),
            (true, _, None) => None,
        }
    }

    pub(crate) fn to_value(&self) -> Vec<u8> {
        bt::dict(|d| {
            for (key, sealed) in [(b"C", &self.copy), (b"M", &self.main)] {
                if let Some(sealed) = sealed {
                    d.list(key, |l| put_sealed(l, sealed));
                }
            }
            d.bytes(b"a", self.to.as_bytes());
            d.bytes(b"c", &self.raw);
            if !self.files.is_empty() {
                d.list(b"f", |l| {
                    for file in &self.files {
                        l.int(file.get());
                    }
                });
            }
            d.int(b"g", self.generation);
            d.int(b"i", u8::from(self.is_stored));
            if let Some(message) = &self.message {
                d.bytes(b"m", &message.to_bytes());
            }
            d.int(b"n", self.created.get());
            d.int(b"t", self.sent_at.get());
        })
    }

    pub(crate) fn from_value(value: &[u8]) -> Result<Self, RecordError> {
        let read = || -> Option<Self> {
            let dict = bt::parse_dict(value).ok()?;
            let sealed = |key: &'static str| match dict.get(key.as_bytes()) {
                None => Some(None),
                Some(_) => read_sealed(dict.list(key).ok()?).map(Some),
            };
            let message = match dict.get(b"m") {
                None => None,
                Some(id) => Some(MessageId::from_bytes(id.as_bytes()?)?),
            };
            let files = match dict.get(b"f") {
                None => Vec::new(),
                Some(_) => {
                    let numbers = dict.list("f").ok()?.iter();
                    let number = |item: bt::Value<'_>| item.as_int()?.as_u64().map(FileNumber::new);
                    numbers.map(number).collect::<Option<_>>()?
                }
            };
            Some(Self {
                to: AnyId::from_bytes(*dict.array::<33>("a").ok()?)
                    .try_into()
                    .ok()?,
                raw: Zeroizing::new(dict.bytes("c").ok()?.to_vec()),
                sent_at: UnixMillis::new(dict.u64("t").ok()?),
                created: UnixMillis::new(dict.u64("n").ok()?),
                files,
                message,
                is_stored: dict.u64("i").ok()? == 1,
                main: sealed("M")?,
                generation: dict.u64("g").ok()?,
                copy: sealed("C")?,
                attempt: Attempt::default(),
            })
        };
        read().ok_or(RecordError::Value)
    }
}

/// All messages that are being sent, the oldest first.
pub(crate) type Outbox = BTreeMap<SendId, Entry>;

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn entries_come_back() {
        let sealed = SealedMessage {
            namespace: Namespace::DEFAULT,
            ttl: Duration::from_secs(14 * 86_400),
            data: vec![7; 50],
        };
        let mut entry = Entry {
            to: AnyId::from_bytes([5; 33]).try_into().unwrap(),
            raw: Zeroizing::new(vec![1, 2]),
            sent_at: UnixMillis::new(1_700_000_000_001),
            created: UnixMillis::new(1_700_000_000_000),
            files: vec![FileNumber::new(3), FileNumber::new(9)],
            message: None,
            is_stored: false,
            main: Some(sealed.clone()),
            generation: 7,
            copy: Some(sealed.clone()),
            attempt: Attempt::default(),
        };
        assert_eq!(Entry::from_value(&entry.to_value()), Ok(entry.clone()));
        entry.files.clear();
        assert_eq!(Entry::from_value(&entry.to_value()), Ok(entry.clone()));
        entry.main = None;
        assert_eq!(entry.next(), Some(Step::Seal));
        entry.is_stored = true;
        assert_eq!(entry.next(), Some(Step::Store(Part::Copy, &sealed)));
        assert_eq!(Entry::from_value(&entry.to_value()), Ok(entry.clone()));
        entry.copy = None;
        assert_eq!(entry.next(), None);
        let value = entry.to_value();
        for end in 0..value.len() {
            assert!(Entry::from_value(&value[..end]).is_err());
        }
    }
}
