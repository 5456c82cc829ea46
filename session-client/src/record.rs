//! Records: what a client persists, small values under small keys.

use alloc::vec::Vec;

use session_crypto::{Blake2b, Ed25519Public};
use session_message::MessageKey;
use session_types::{AnyId, GroupId, MessageHash, Namespace};

use crate::error::RecordError;
use crate::files::FileNumber;
use crate::history::MessageId;
use crate::outbox::SendId;
use crate::room::RoomId;

/// The key of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Key {
    /// Counters of the client.
    State,
    /// The shared configs. The value is secret.
    Configs,
    /// A message in the outbox.
    Outgoing(SendId),
    /// The hash of a message that was processed.
    Seen([u8; 32]),
    /// The end of the last fetch of a namespace of a swarm from a node.
    Position(AnyId, Namespace, Ed25519Public),
    /// A stored message that cannot be read yet.
    Waiting(MessageHash),
    /// A message of the history.
    Message(MessageId),
    /// A closed group: its keys, configs, and what is left to be done. The value is secret.
    Group(GroupId),
    /// A stored message that is to be deleted from our own swarm.
    Obsolete(MessageHash),
    /// The own device in the group of the account's devices: upcoming, with the feature `v2`. The value is
    /// secret.
    Device,
    /// A file of ours that waits for its upload, or our own picture. The value is secret.
    File(FileNumber),
    /// The encrypted content of a file of ours. It is large, and is not needed to
    /// [restore](crate::Client::restore) a client: [`Client::wanted_file`](crate::Client::wanted_file) asks
    /// for it.
    FileContent(FileNumber),
    /// A stored message that was read, whose lifetime in our own swarm is to be shortened.
    Read(MessageHash),
    /// The server of a community, by a hash of its base URL.
    Server([u8; 32]),
    /// A room of a community.
    Room(RoomId),
    /// A post of a room that is recognised, by its number.
    Post(RoomId, u64),
    /// A message or an act on its way to the server of a community.
    Errand(SendId),
}

/// The hash by which a message is recognised.
pub(crate) fn digest(key: &MessageKey) -> [u8; 32] {
    Blake2b::<32>::new().chain(&key.to_bytes()).finalize()
}

impl Key {
    const fn letter(&self) -> u8 {
        match self {
            Self::State => b'a',
            Self::Configs => b'c',
            Self::Outgoing(_) => b'o',
            Self::Seen(_) => b's',
            Self::Position(..) => b'p',
            Self::Waiting(_) => b'w',
            Self::Message(_) => b'm',
            Self::Group(_) => b'g',
            Self::Obsolete(_) => b'd',
            Self::Device => b'v',
            Self::Read(_) => b'r',
            Self::File(_) => b'f',
            Self::FileContent(_) => b'b',
            Self::Server(_) => b'S',
            Self::Room(_) => b'R',
            Self::Post(..) => b'P',
            Self::Errand(_) => b'E',
        }
    }

    /// Returns the key as bytes: one letter for the kind, then at most 67 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::from([self.letter()]);
        match self {
            Self::State | Self::Configs | Self::Device => {}
            Self::Outgoing(id) | Self::Errand(id) => {
                bytes.extend_from_slice(&id.get().to_be_bytes())
            }
            Self::File(number) | Self::FileContent(number) => {
                bytes.extend_from_slice(&number.get().to_be_bytes());
            }
            Self::Seen(hash) | Self::Server(hash) => bytes.extend_from_slice(hash),
            Self::Position(swarm, namespace, node) => {
                bytes.extend_from_slice(swarm.as_bytes());
                bytes.extend_from_slice(&namespace.number().to_be_bytes());
                bytes.extend_from_slice(node.as_bytes());
            }
            Self::Group(id) => bytes.extend_from_slice(id.as_bytes()),
            Self::Room(id) => bytes.extend_from_slice(id.as_bytes()),
            Self::Post(room, post) => {
                bytes.extend_from_slice(room.as_bytes());
                bytes.extend_from_slice(&post.to_be_bytes());
            }
            Self::Waiting(hash) | Self::Obsolete(hash) | Self::Read(hash) => {
                bytes.extend_from_slice(hash.as_bytes())
            }
            Self::Message(id) => bytes.extend_from_slice(&id.to_bytes()),
        }
        bytes
    }
}

impl TryFrom<&[u8]> for Key {
    type Error = RecordError;

    fn try_from(bytes: &[u8]) -> Result<Self, RecordError> {
        let (letter, rest) = bytes.split_first().ok_or(RecordError::Key)?;
        let read = || -> Option<Self> {
            Some(match (letter, rest) {
                (b'a', []) => Self::State,
                (b'c', []) => Self::Configs,
                (b'v', []) => Self::Device,
                (b'o', id) => Self::Outgoing(SendId::new(u64::from_be_bytes(id.try_into().ok()?))),
                (b'f', id) => Self::File(FileNumber::new(u64::from_be_bytes(id.try_into().ok()?))),
                (b'b', id) => {
                    Self::FileContent(FileNumber::new(u64::from_be_bytes(id.try_into().ok()?)))
                }
                (b's', hash) => Self::Seen(hash.try_into().ok()?),
                (b'p', rest) => {
                    let (swarm, rest) = rest.split_first_chunk::<33>()?;
                    let (namespace, node) = rest.split_first_chunk::<2>()?;
                    Self::Position(
                        AnyId::from_bytes(*swarm),
                        Namespace::new(i16::from_be_bytes(*namespace)),
                        Ed25519Public::from_bytes(node.try_into().ok()?),
                    )
                }
                (b'w', hash) => Self::Waiting(core::str::from_utf8(hash).ok()?.parse().ok()?),
                (b'g', id) => Self::Group(GroupId::from_bytes(id.try_into().ok()?).ok()?),
                (b'd', hash) => Self::Obsolete(core::str::from_utf8(hash).ok()?.parse().ok()?),
                (b'r', hash) => Self::Read(core::str::from_utf8(hash).ok()?.parse().ok()?),
                (b'S', hash) => Self::Server(hash.try_into().ok()?),
                (b'R', id) => Self::Room(RoomId::from_bytes(id.try_into().ok()?).ok()?),
                (b'P', rest) => {
                    let (room, post) = rest.split_first_chunk::<33>()?;
                    let post = u64::from_be_bytes(post.try_into().ok()?);
                    Self::Post(RoomId::from_bytes(*room).ok()?, post)
                }
                (b'E', id) => Self::Errand(SendId::new(u64::from_be_bytes(id.try_into().ok()?))),
                (b'm', id) => Self::Message(MessageId::from_bytes(id)?),
                _ => return None,
            })
        };
        read().ok_or(RecordError::Key)
    }
}

#[cfg(test)]
mod tests {
    use session_types::UnixMillis;

    use super::*;

    #[test]
    fn keys_come_back() {
        let account = AnyId::from_bytes([5; 33]);
        let key = MessageKey::new(account, account, UnixMillis::new(1_700_000_000_000), b"raw");
        let node = Ed25519Public::from_bytes([9; 32]);
        for key in [
            Key::State,
            Key::Configs,
            Key::Outgoing(SendId::new(258)),
            Key::Seen(digest(&key)),
            Key::Position(account, Namespace::new(-11), node),
            Key::Waiting(MessageHash::from_digest(&[3; 32])),
            Key::Message(MessageId::of(&key).unwrap()),
            Key::Group(GroupId::from_bytes([3; 33]).unwrap()),
            Key::Obsolete(MessageHash::from_digest(&[4; 32])),
            Key::Device,
            Key::File(FileNumber::new(3)),
            Key::FileContent(FileNumber::new(3)),
            Key::Read(MessageHash::from_digest(&[6; 32])),
            Key::Server([7; 32]),
            Key::Room(RoomId::from_bytes([RoomId::PREFIX; 33]).unwrap()),
            Key::Post(RoomId::from_bytes([RoomId::PREFIX; 33]).unwrap(), 300),
            Key::Errand(SendId::new(259)),
        ] {
            let bytes = key.to_bytes();
            assert_eq!(Key::try_from(bytes.as_slice()), Ok(key));
            assert!(bytes.len() <= 68);
            for other in [
                &bytes[..bytes.len() - 1],
                &[bytes.as_slice(), b"x"].concat(),
            ] {
                assert_ne!(Key::try_from(other), Ok(key));
            }
        }
        for wrong in [b"".as_slice(), b"x", b"o1234567", b"m"] {
            assert_eq!(Key::try_from(wrong), Err(RecordError::Key));
        }
    }
}
