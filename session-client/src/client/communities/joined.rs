//! A room that the account is in.

use alloc::string::String;
use alloc::vec::Vec;

use session_community::ReplyError;
use session_community::rate::RateLimit;
use session_community::reply::{PollInfo, Room as RoomInfo};
use session_config::field::{MAX_NAME, truncate};
use session_crypto::{Blake2b, X25519Public};
use session_identity::community::Community;
use session_proto::bt;
use session_types::AnyId;

use crate::error::RecordError;
use crate::room::RoomId;

/// The format of the record.
const VERSION: u64 = 1;
/// Maximum length of a description that is kept, in bytes.
const MAX_DESCRIPTION: usize = 8 * 1024;
/// Maximum number of moderators, of admins and of pinned posts that are kept.
const MAX_LIST: usize = 1_000;

/// A room of a community that the account is in.
#[derive(Debug, Clone)]
pub struct JoinedRoom {
    community: Community,
    name: String,
    info: Option<RoomInfo>,
    error: Option<ReplyError>,
    /// What was told of the information.
    told: [u8; 8],
    pub(super) info_updates: u64,
    /// The largest sequence number that was processed.
    pub(super) seqno: Option<u64>,
    /// Posts up to this number that are not recognised any more are old ones.
    pub(super) floor: u64,
    pub(super) rate: RateLimit,
}

impl JoinedRoom {
    pub(super) fn new(community: Community) -> Self {
        Self {
            name: community.room.as_typed().into(),
            community,
            info: None,
            error: None,
            told: [0; 8],
            info_updates: 0,
            seqno: None,
            floor: 0,
            rate: RateLimit::default(),
        }
    }

    /// Returns its name in records and in the history.
    #[must_use]
    pub fn id(&self) -> RoomId {
        RoomId::from(&self.community)
    }

    /// Returns server, room and key, the parts of its URL.
    #[must_use]
    pub const fn community(&self) -> &Community {
        &self.community
    }

    /// Returns the name that its admins gave it, at most 100 bytes. Before the server told it, the token.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns what the server last said about it: description, permissions, roles, pinned posts. `None` until it was
    /// asked since the start. Lists are cut to 1,000 entries, the description to 8 KiB.
    #[must_use]
    pub const fn info(&self) -> Option<&RoomInfo> {
        self.info.as_ref()
    }

    /// Returns why the server does not show the room, if it does not.
    #[must_use]
    pub const fn error(&self) -> Option<ReplyError> {
        self.error
    }

    /// Notes whether the server shows the room. Returns whether that is news.
    pub(super) fn note_error(&mut self, error: Option<ReplyError>) -> bool {
        let is_new = self.error != error;
        self.error = error;
        is_new
    }

    /// Takes what the server says. Returns whether there is something to tell.
    pub(super) fn take_info(&mut self, poll: PollInfo) -> bool {
        if let Some(details) = poll.details {
            self.info_updates = details.info_updates;
            self.name = truncate(&details.name, MAX_NAME).into();
            self.info = Some(bounded(details));
        }
        let Some(info) = &mut self.info else {
            // The server says nothing because the number is the right one: another one brings it.
            self.info_updates ^= 1;
            return false;
        };
        info.active_users = poll.active_users;
        (info.read, info.write, info.upload) = (poll.read, poll.write, poll.upload);
        info.moderation = poll.moderation;
        let told = digest(info);
        let is_new = self.told != told;
        self.told = told;
        is_new
    }

    pub(super) fn to_value(&self) -> Vec<u8> {
        bt::dict(|d| {
            d.bytes(b"b", self.community.base.as_str().as_bytes());
            d.int(b"f", self.floor);
            d.bytes(b"k", self.community.key.as_bytes());
            d.bytes(b"n", self.name.as_bytes());
            d.bytes(b"r", self.community.room.as_typed().as_bytes());
            if let Some(seqno) = self.seqno {
                d.int(b"s", seqno);
            }
            d.bytes(b"t", &self.told);
            d.int(b"v", VERSION);
        })
    }

    pub(super) fn from_value(id: RoomId, value: &[u8]) -> Result<Self, RecordError> {
        let read = || -> Option<Self> {
            let dict = bt::parse_dict(value).ok()?;
            if dict.u64("v").ok()? != VERSION {
                return None;
            }
            let text = |key| core::str::from_utf8(dict.bytes(key).ok()?).ok();
            let mut room = Self::new(Community {
                base: text("b")?.parse().ok()?,
                room: text("r")?.parse().ok()?,
                key: X25519Public::from_bytes(*dict.array::<32>("k").ok()?),
            });
            room.name = text("n")?.into();
            room.floor = dict.u64("f").ok()?;
            room.told = *dict.array::<8>("t").ok()?;
            room.seqno = match dict.get(b"s") {
                None => None,
                Some(_) => Some(dict.u64("s").ok()?),
            };
            Some(room)
        };
        let room = read().filter(|room| room.id() == id);
        room.ok_or(RecordError::Value)
    }
}

/// Cuts what a server says to what is kept of it.
fn bounded(mut info: RoomInfo) -> RoomInfo {
    info.name = truncate(&info.name, MAX_NAME).into();
    let description = info.description.as_deref();
    info.description = description.map(|text| truncate(text, MAX_DESCRIPTION).into());
    // The token is in the community; this one is the server's.
    info.token = truncate(&info.token, MAX_NAME).into();
    info.pinned.truncate(MAX_LIST);
    for list in [
        &mut info.moderators,
        &mut info.admins,
        &mut info.hidden_moderators,
        &mut info.hidden_admins,
    ] {
        list.truncate(MAX_LIST);
        list.shrink_to_fit();
    }
    info
}

/// A hash of what is worth an event.
fn digest(info: &RoomInfo) -> [u8; 8] {
    let ids = |l: &mut bt::ListWriter<'_>, ids: &[AnyId]| {
        for id in ids {
            l.bytes(id.as_bytes());
        }
    };
    let text = bt::list(|l| {
        l.bytes(info.name.as_bytes());
        l.bytes(info.description.as_deref().map_or(&[], str::as_bytes));
        let image = info.image.map_or(0, |image| image.saturating_add(1));
        l.int(image);
        let roles = info.moderation;
        let flags = [
            info.read,
            info.write,
            info.upload,
            roles.moderator,
            roles.admin,
            roles.global_moderator,
            roles.global_admin,
        ];
        for flag in flags {
            l.int(u8::from(flag));
        }
        for list in [
            &info.moderators,
            &info.admins,
            &info.hidden_moderators,
            &info.hidden_admins,
        ] {
            l.list(|l| ids(l, list));
        }
        for pin in &info.pinned {
            l.int(pin.id);
        }
    });
    let [a, b, c, d, e, f, g, h, ..] = Blake2b::<32>::new().chain(&text).finalize();
    [a, b, c, d, e, f, g, h]
}

#[cfg(test)]
mod tests {
    use session_crypto::X25519Secret;

    use super::*;

    #[test]
    fn rooms_come_back() {
        let mut room = JoinedRoom::new(Community {
            base: "http://example.org".parse().unwrap(),
            room: "Lounge".parse().unwrap(),
            key: X25519Secret::from_bytes([7; 32]).public(),
        });
        (room.seqno, room.floor, room.told) = (Some(u64::MAX), 9, [4; 8]);
        let value = room.to_value();
        let again = JoinedRoom::from_value(room.id(), &value).unwrap();
        assert_eq!(again.to_value(), value);
        assert_eq!(again.community(), room.community());
        assert_eq!(again.community().room.as_typed(), "Lounge");
        let other = RoomId::from_bytes([RoomId::PREFIX; 33]).unwrap();
        assert!(JoinedRoom::from_value(other, &value).is_err());
        for end in 0..value.len() {
            assert!(JoinedRoom::from_value(room.id(), &value[..end]).is_err());
        }
    }
}
