//! Rooms of communities: their names in the history, and what can be done in them.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use session_community::post::Emoji;
use session_community::request::moderation::{PermissionChange, Role};
use session_crypto::Blake2b;
use session_identity::community::{BaseUrl, Community, Room};
use session_message::content::Content;
use session_types::{AnyId, IdError, UnixMillis, hex};

/// The name of a room of a community in records and in the history: `6f`, and a hash of the base URL of its server and of
/// its token in lower case. It has the length of an id, and goes nowhere but into records.
///
/// ```
/// use session_client::RoomId;
/// use session_client::community::Community;
///
/// let key = "?public_key=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
/// let [one, same, other] = ["https://example.org/hikers", "HTTPS://Example.org/r/Hikers", "https://example.org/walkers"]
///     .map(|url| (url.to_owned() + key).parse::<Community>().map(|community| RoomId::from(&community)));
/// assert_eq!(one, same);
/// assert_ne!(one, other);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomId([u8; 33]);

impl RoomId {
    /// The first byte, which no id of the network has.
    pub const PREFIX: u8 = 0x6f;

    /// Returns the name of a room of a server.
    #[must_use]
    pub fn new(base: &BaseUrl, room: &Room) -> Self {
        let hash = Blake2b::<32>::new()
            .chain(base.as_str().as_bytes())
            .chain(b"\0")
            .chain(room.id().as_bytes())
            .finalize();
        let mut bytes = [Self::PREFIX; 33];
        let [_, rest @ ..] = &mut bytes;
        *rest = hash;
        Self(bytes)
    }

    /// Takes 33 bytes, prefix first.
    ///
    /// # Errors
    ///
    /// [`IdError::Prefix`] if the prefix is another one.
    pub const fn from_bytes(bytes: [u8; 33]) -> Result<Self, IdError> {
        match bytes {
            [Self::PREFIX, ..] => Ok(Self(bytes)),
            [got, ..] => Err(IdError::Prefix {
                expected: Self::PREFIX,
                got,
            }),
        }
    }

    /// Returns the 33 bytes, prefix first.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 33] {
        &self.0
    }
}

impl From<&Community> for RoomId {
    fn from(community: &Community) -> Self {
        Self::new(&community.base, &community.room)
    }
}

impl TryFrom<AnyId> for RoomId {
    type Error = IdError;

    fn try_from(id: AnyId) -> Result<Self, IdError> {
        Self::from_bytes(*id.as_bytes())
    }
}

impl FromStr for RoomId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::try_from(text.parse::<AnyId>()?)
    }
}

impl fmt::Display for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&hex::encode(&self.0))
    }
}

impl fmt::Debug for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RoomId({self})")
    }
}

/// What the server of a community says about a message: its post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// Its number on the server.
    pub id: u64,
    /// When it was posted, by the server's clock.
    pub posted_at: UnixMillis,
    /// When it was last edited, by the server's clock.
    pub edited_at: Option<UnixMillis>,
    /// Who sees it, if not everybody.
    pub whisper: Option<Whisper>,
}

/// Who sees a post that not everybody sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whisper {
    /// One user, by the id that the server knows.
    pub to: Option<AnyId>,
    /// The moderators of the room.
    pub to_moderators: bool,
}

/// Where an act of moderation holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActScope {
    /// In this room.
    Room,
    /// In all rooms of the server that we moderate.
    OwnRooms,
    /// On the whole server.
    Server,
}

/// Something that is done in a room of a community.
///
/// It is sent once it is persisted, and tried until the server has answered. The server decides whether we may do
/// it. What follows from it comes as events, as what others do.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum RoomAct {
    /// Posts a message that not everybody sees. For moderators.
    Whisper {
        /// Who sees it.
        to: Whisper,
        /// The message.
        content: Content,
    },
    /// Replaces the content of a post of ours.
    Edit {
        /// The post.
        post: u64,
        /// When the message was sent: an edited message keeps its time.
        sent_at: UnixMillis,
        /// The new content.
        content: Content,
    },
    /// Deletes a post: one of ours; any of them as a moderator.
    Delete {
        /// The post.
        post: u64,
    },
    /// Adds a reaction of ours.
    React {
        /// The post.
        post: u64,
        /// The emoji.
        emoji: Emoji,
    },
    /// Takes a reaction of ours back.
    Unreact {
        /// The post.
        post: u64,
        /// The emoji.
        emoji: Emoji,
    },
    /// Removes the reactions of all users. For moderators.
    DeleteReactions {
        /// The post.
        post: u64,
        /// Those with one emoji, or all.
        emoji: Option<Emoji>,
    },
    /// Pins a post. For admins.
    Pin {
        /// The post.
        post: u64,
    },
    /// Unpins a post. For admins.
    Unpin {
        /// The post.
        post: u64,
    },
    /// Unpins all posts. For admins.
    UnpinAll,
    /// Bans a user. For moderators.
    Ban {
        /// The user.
        user: AnyId,
        /// Where.
        scope: ActScope,
        /// For how long, if not for good.
        timeout: Option<Duration>,
    },
    /// Ends a ban. For moderators.
    Unban {
        /// The user.
        user: AnyId,
        /// Where.
        scope: ActScope,
    },
    /// Deletes all posts of a user in the room, or in all rooms that we moderate.
    DeleteAll {
        /// The user.
        user: AnyId,
        /// Whether in all rooms.
        everywhere: bool,
    },
    /// Gives a user a role. For admins.
    SetRole {
        /// The user.
        user: AnyId,
        /// The role.
        role: Role,
        /// Where.
        scope: ActScope,
        /// Whether everybody sees it. `None` leaves that to the server.
        visible: Option<bool>,
    },
    /// Changes the room. For admins. What is `None` stays.
    Change {
        /// The name.
        name: Option<String>,
        /// The description; an empty one removes it.
        description: Option<String>,
        /// The picture, a file of the room.
        image: Option<u64>,
        /// Default permissions.
        defaults: PermissionChange,
    },
    /// Changes the permissions of a user. For moderators.
    SetPermissions {
        /// The user.
        user: AnyId,
        /// The changes.
        change: PermissionChange,
    },
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    #[test]
    fn names_depend_on_server_and_room_and_not_on_the_case() {
        let base = |text: &str| text.parse::<BaseUrl>().unwrap();
        let room = |text: &str| text.parse::<Room>().unwrap();
        let id = RoomId::new(&base("https://example.org"), &room("Lounge"));
        assert_eq!(
            id,
            RoomId::new(&base("https://EXAMPLE.org:443"), &room("lounge"))
        );
        assert_ne!(
            id,
            RoomId::new(&base("http://example.org"), &room("Lounge"))
        );
        assert_ne!(
            id,
            RoomId::new(&base("https://example.org"), &room("Lounges"))
        );
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!(RoomId::from_bytes([5; 33]).is_err());
    }
}
