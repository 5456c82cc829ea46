//! Rooms.

use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;
use session_types::http::Response;
use session_types::{AnyId, UnixMillis};

use crate::ReplyError;
use crate::json::{self, Flag};

/// A pinned post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The post.
    pub id: u64,
    /// Time of pinning.
    pub at: UnixMillis,
    /// User who pinned it.
    pub by: AnyId,
}

/// Roles of the requesting user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moderation {
    /// A moderator of the room.
    pub moderator: bool,
    /// An admin of the room.
    pub admin: bool,
    /// A moderator of the whole server.
    pub global_moderator: bool,
    /// An admin of the whole server.
    pub global_admin: bool,
}

/// A room.
#[derive(Debug, Clone, PartialEq)]
pub struct Room {
    /// Its token, the name in URLs.
    pub token: String,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// Rises with every change of the room itself.
    pub info_updates: u64,
    /// Rises with every change of its posts.
    pub message_sequence: u64,
    /// Time of creation.
    pub created: UnixMillis,
    /// Users who were active of late.
    pub active_users: u64,
    /// A file of the room.
    pub image: Option<u64>,
    /// Pinned posts, the oldest pin first.
    pub pinned: Vec<Pin>,
    /// Moderators that everybody sees.
    pub moderators: Vec<AnyId>,
    /// Admins that everybody sees.
    pub admins: Vec<AnyId>,
    /// Moderators that only moderators see.
    pub hidden_moderators: Vec<AnyId>,
    /// Admins that only moderators see.
    pub hidden_admins: Vec<AnyId>,
    /// Whether the user may read.
    pub read: bool,
    /// Whether the user may write.
    pub write: bool,
    /// Whether the user may upload files.
    pub upload: bool,
    /// Roles of the requesting user.
    pub moderation: Moderation,
}

#[derive(Deserialize)]
struct PinFields {
    id: u64,
    pinned_at: f64,
    pinned_by: String,
}

#[derive(Deserialize)]
pub(super) struct Fields {
    token: String,
    name: String,
    description: Option<String>,
    info_updates: u64,
    message_sequence: u64,
    created: f64,
    active_users: u64,
    image_id: Option<u64>,
    #[serde(default)]
    pinned_messages: Vec<PinFields>,
    #[serde(default)]
    moderators: Vec<String>,
    #[serde(default)]
    admins: Vec<String>,
    #[serde(default)]
    hidden_moderators: Vec<String>,
    #[serde(default)]
    hidden_admins: Vec<String>,
    #[serde(flatten)]
    rights: Rights,
}

#[derive(Deserialize)]
struct Rights {
    read: bool,
    write: bool,
    upload: bool,
    #[serde(default)]
    moderator: Flag,
    #[serde(default)]
    admin: Flag,
    #[serde(default)]
    global_moderator: Flag,
    #[serde(default)]
    global_admin: Flag,
}

impl Rights {
    const fn moderation(&self) -> Moderation {
        Moderation {
            moderator: self.moderator.get(),
            admin: self.admin.get(),
            global_moderator: self.global_moderator.get(),
            global_admin: self.global_admin.get(),
        }
    }
}

pub(super) fn id(text: &str, field: &'static str) -> Result<AnyId, ReplyError> {
    text.parse().map_err(|_| ReplyError::Value { field })
}

fn ids(texts: &[String], field: &'static str) -> Result<Vec<AnyId>, ReplyError> {
    texts.iter().map(|text| id(text, field)).collect()
}

impl Fields {
    fn room(self) -> Result<Room, ReplyError> {
        let pin = |pin: &PinFields| {
            Ok(Pin {
                id: pin.id,
                at: json::time(pin.pinned_at, "pinned_at")?,
                by: id(&pin.pinned_by, "pinned_by")?,
            })
        };
        Ok(Room {
            created: json::time(self.created, "created")?,
            pinned: self
                .pinned_messages
                .iter()
                .map(pin)
                .collect::<Result<_, ReplyError>>()?,
            moderators: ids(&self.moderators, "moderators")?,
            admins: ids(&self.admins, "admins")?,
            hidden_moderators: ids(&self.hidden_moderators, "hidden_moderators")?,
            hidden_admins: ids(&self.hidden_admins, "hidden_admins")?,
            read: self.rights.read,
            write: self.rights.write,
            upload: self.rights.upload,
            moderation: self.rights.moderation(),
            token: self.token,
            name: self.name,
            description: self.description,
            info_updates: self.info_updates,
            message_sequence: self.message_sequence,
            active_users: self.active_users,
            image: self.image_id,
        })
    }
}

/// Reads the reply to [`crate::request::room`].
///
/// # Errors
///
/// [`ReplyError`] if the server refused or the reply is malformed.
pub fn room(reply: &Response) -> Result<Room, ReplyError> {
    json::object::<Fields>(reply)?.room()
}

/// Reads the reply to [`crate::request::rooms`].
///
/// # Errors
///
/// [`ReplyError`] if the server refused or the reply is malformed.
pub fn rooms(reply: &Response) -> Result<Vec<Room>, ReplyError> {
    let rooms: Vec<Fields> = json::list(reply)?;
    rooms.into_iter().map(Fields::room).collect()
}

/// Poll reply of a room.
#[derive(Debug, Clone, PartialEq)]
pub struct PollInfo {
    /// Its token.
    pub token: String,
    /// Users who were active of late.
    pub active_users: u64,
    /// Whether the user may read.
    pub read: bool,
    /// Whether the user may write.
    pub write: bool,
    /// Whether the user may upload files.
    pub upload: bool,
    /// Roles of the requesting user.
    pub moderation: Moderation,
    /// The room, if it changed.
    pub details: Option<Room>,
}

/// Reads the reply to [`crate::request::poll_info`].
///
/// # Errors
///
/// [`ReplyError`] if the server refused or the reply is malformed.
pub fn poll_info(reply: &Response) -> Result<PollInfo, ReplyError> {
    #[derive(Deserialize)]
    struct Poll {
        token: String,
        active_users: u64,
        #[serde(flatten)]
        rights: Rights,
        details: Option<Fields>,
    }
    let poll: Poll = json::object(reply)?;
    Ok(PollInfo {
        token: poll.token,
        active_users: poll.active_users,
        read: poll.rights.read,
        write: poll.rights.write,
        upload: poll.rights.upload,
        moderation: poll.rights.moderation(),
        details: poll.details.map(Fields::room).transpose()?,
    })
}
