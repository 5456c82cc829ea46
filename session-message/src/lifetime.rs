//! How long a message is stored.

use core::time::Duration;

use session_proto::content::{Content, Conversation, Expiration, ExpirationMode, Kind};
use session_types::Namespace;
use session_types::limits::{MESSAGE_DATA_MAX, TTL_CALL, TTL_MIN, TTL_TYPING};

use alloc::vec::Vec;

use crate::error::SealError;

/// Returns the data unless it is longer than storage servers accept.
pub(crate) fn storable(data: Vec<u8>) -> Result<Vec<u8>, SealError> {
    if data.len() > MESSAGE_DATA_MAX {
        return Err(SealError::TooLong {
            max: MESSAGE_DATA_MAX,
            got: data.len(),
        });
    }
    Ok(data)
}

/// The recipient of a message, as far as its time to live depends on it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Destination {
    /// Another account.
    Peer,
    /// Our own account: a copy of a message that we sent.
    OwnCopy,
    /// Our own account: a note to ourselves.
    Note,
    /// A closed group.
    Group,
}

impl Destination {
    pub(crate) const fn namespace(self) -> Namespace {
        match self {
            Self::Group => Namespace::GROUP_MESSAGES,
            Self::Peer | Self::OwnCopy | Self::Note => Namespace::DEFAULT,
        }
    }

    const fn conversation(self) -> Conversation {
        match self {
            Self::Group => Conversation::Group,
            Self::Note => Conversation::NoteToSelf,
            Self::Peer | Self::OwnCopy => Conversation::OneToOne,
        }
    }
}

/// Returns how long a message is to be stored (protocol: messages, section 4.9; storage-rpc, section
/// 5.1).
///
/// A message that disappears after it was sent is stored for just that time, or for the nearest that
/// storage servers accept. A message that disappears after it was read is stored as long as all
/// others, because nobody knows when it will be read; only the sender's own copy is not, because the
/// sender has read it. A message about a new timer disappears by that timer.
pub(crate) fn time_to_live(content: &Content, destination: Destination) -> Duration {
    let namespace = destination.namespace();
    match content.kind {
        Kind::Typing(_) => return TTL_TYPING,
        Kind::Call(_) => return TTL_CALL,
        _ if !content.kind.can_expire() => return namespace.usual_ttl(),
        _ => {}
    }
    let expiration = content.expiration.unwrap_or(Expiration::OFF);
    let mut expiration = expiration.resolve(destination.conversation());
    if let (Kind::DataExtraction(_), true) = (&content.kind, expiration.seconds > 0) {
        expiration.mode = ExpirationMode::AfterRead;
    }
    let is_timed = match expiration.mode {
        ExpirationMode::Off => false,
        ExpirationMode::AfterSend => true,
        ExpirationMode::AfterRead => {
            matches!(destination, Destination::OwnCopy | Destination::Note)
        }
    };
    if is_timed {
        let timer = Duration::from_secs(u64::from(expiration.seconds));
        timer.clamp(TTL_MIN, namespace.max_ttl())
    } else {
        namespace.usual_ttl()
    }
}
