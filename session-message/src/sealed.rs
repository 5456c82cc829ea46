//! What a sealed message needs to be stored: namespace, time to live, data.

use alloc::vec::Vec;

use session_proto::content::{Content, Conversation, Expiration, ExpirationMode, Kind};
use session_proto::limits::MAX_STORED;

use crate::error::SealError;

/// A message that is ready to be stored: storage servers take its length and its time to live.
///
/// The swarm to store it in is that of the recipient, or of the group. Storage servers take the
/// data in base64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The namespace to store it in; see [`namespace`].
    pub namespace: i16,
    /// How long it is to be kept, in milliseconds.
    pub ttl_ms: u64,
    /// What to store, at most 76,800 bytes.
    pub data: Vec<u8>,
}

/// Earliest time of sending that is sealed: 9 September 2001, in Unix milliseconds.
///
/// A smaller number is zero, or a time in seconds.
pub const MIN_SENT_MS: u64 = 1_000_000_000_000;
/// Latest time of sending that is sealed: 20 November 2286, in Unix milliseconds.
///
/// A larger number is a time in microseconds or nanoseconds, or no time.
pub const MAX_SENT_MS: u64 = 9_999_999_999_999;

/// Refuses a time of sending that is not a Unix time in milliseconds.
pub(crate) fn check_sent_time(sent_ms: u64) -> Result<(), SealError> {
    if (MIN_SENT_MS..=MAX_SENT_MS).contains(&sent_ms) {
        Ok(())
    } else {
        Err(SealError::SentTime { got_ms: sent_ms })
    }
}

/// Data, unless it is more than storage servers take.
pub(crate) fn storable(data: Vec<u8>) -> Result<Vec<u8>, SealError> {
    if data.len() > MAX_STORED {
        return Err(SealError::TooLong {
            max: MAX_STORED,
            got: data.len(),
        });
    }
    Ok(data)
}

/// Namespaces of messages (protocol: messages, section 4.9).
pub mod namespace {
    /// One-to-one messages, sync copies, group invitations and promotions.
    pub const DEFAULT: i16 = 0;
    /// The profile of the account.
    pub const USER_PROFILE: i16 = 2;
    /// The contacts of the account.
    pub const CONTACTS: i16 = 3;
    /// How far conversations have been read.
    pub const CONVO_INFO_VOLATILE: i16 = 4;
    /// The groups and communities of the account.
    pub const USER_GROUPS: i16 = 5;
    /// Messages of a closed group.
    pub const GROUP_MESSAGES: i16 = 11;
    /// Notices to removed members, who can no longer prove that they may read.
    pub const REVOKED_RETRIEVABLE: i16 = -11;
}

/// Times to live, in milliseconds (protocol: messages, section 4.9; storage-rpc, section 5.1).
///
/// Storage servers keep a message of namespace 0 for [`MIN_MS`](ttl::MIN_MS) to
/// [`DEFAULT_MS`](ttl::DEFAULT_MS), one of the other namespaces for up to
/// [`LONG_MS`](ttl::LONG_MS), and refuse another time. A message that disappears sooner or later
/// is kept for the nearest of these.
pub mod ttl {
    /// The least that storage servers take: 10 seconds.
    pub const MIN_MS: u64 = 10 * 1000;
    /// Of most messages: 14 days.
    pub const DEFAULT_MS: u64 = 14 * 24 * 60 * 60 * 1000;
    /// Of a typing indicator: 20 seconds.
    pub const TYPING_MS: u64 = 20 * 1000;
    /// Of a step of a call: 5 minutes.
    pub const CALL_MS: u64 = 5 * 60 * 1000;
    /// Of configs, group keys and notices to removed members: 30 days.
    pub const LONG_MS: u64 = 30 * 24 * 60 * 60 * 1000;
}

/// Where a message is going, as far as its time to live depends on it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Destination {
    /// Another account.
    Peer,
    /// Our own account: a copy of what we sent, or a note to ourselves.
    OwnAccount {
        /// A message without another recipient.
        is_note: bool,
    },
    /// A closed group.
    Group,
}

/// How long a message is to be kept.
///
/// What disappears after it was sent is kept for just that time, or for the nearest that storage
/// servers take: at least 10 seconds, at most 14 days, in a group 30 days. What disappears after it
/// was read is kept as everything else, for who knows when it is read; only the sender's own copy is
/// not, since the sender has read it. The message about a new timer disappears by that timer.
pub(crate) fn ttl_ms(content: &Content, destination: Destination) -> u64 {
    match content.kind {
        Kind::Typing(_) => return ttl::TYPING_MS,
        Kind::Call(_) => return ttl::CALL_MS,
        _ if !content.kind.can_expire() => return ttl::DEFAULT_MS,
        _ => {}
    }
    let conversation = match destination {
        Destination::Group => Conversation::Group,
        Destination::OwnAccount { is_note: true } => Conversation::NoteToSelf,
        Destination::Peer | Destination::OwnAccount { .. } => Conversation::OneToOne,
    };
    let expiration = content.expiration.unwrap_or(Expiration::OFF);
    let mut expiration = expiration.resolve(conversation);
    if let (Kind::DataExtraction(_), true) = (&content.kind, expiration.seconds > 0) {
        expiration.mode = ExpirationMode::AfterRead;
    }
    let timed = match expiration.mode {
        ExpirationMode::Off => false,
        ExpirationMode::AfterSend => true,
        ExpirationMode::AfterRead => matches!(destination, Destination::OwnAccount { .. }),
    };
    if timed {
        let max = match destination {
            Destination::Group => ttl::LONG_MS,
            Destination::Peer | Destination::OwnAccount { .. } => ttl::DEFAULT_MS,
        };
        let timer_ms = u64::from(expiration.seconds).saturating_mul(1000);
        timer_ms.clamp(ttl::MIN_MS, max)
    } else {
        ttl::DEFAULT_MS
    }
}
