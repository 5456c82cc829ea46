//! Replies to moderators and admins (protocol: sogs, sections 5, 6 and 8).

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;
use session_types::http::Response;
use session_types::{AnyId, UnixMillis};

use super::room::id;
use crate::ReplyError;
use crate::json::{self, Flag, Object};

/// A user's own settings in a room. A permission that is `None` follows the room's default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Permissions {
    /// To read.
    pub read: Option<bool>,
    /// To see that the room exists.
    pub accessible: Option<bool>,
    /// To write.
    pub write: Option<bool>,
    /// To upload files.
    pub upload: Option<bool>,
    /// Banned from the room.
    pub banned: bool,
    /// A moderator who is not an admin.
    pub moderator: bool,
    /// An admin.
    pub admin: bool,
    /// Shown to moderators only.
    pub hidden: bool,
}

#[derive(Deserialize)]
struct PermissionFields {
    read: Option<bool>,
    accessible: Option<bool>,
    write: Option<bool>,
    upload: Option<bool>,
    #[serde(default)]
    banned: Flag,
    #[serde(default)]
    moderator: Flag,
    #[serde(default)]
    admin: Flag,
    #[serde(default)]
    hidden: Flag,
}

impl From<PermissionFields> for Permissions {
    fn from(fields: PermissionFields) -> Self {
        Self {
            read: fields.read,
            accessible: fields.accessible,
            write: fields.write,
            upload: fields.upload,
            banned: fields.banned.get(),
            moderator: fields.moderator.get(),
            admin: fields.admin.get(),
            hidden: fields.hidden.get(),
        }
    }
}

/// Reads the settings of one user: the reply to
/// [`permissions`](crate::request::moderation::permissions) of a user, or to
/// [`set_permissions`](crate::request::moderation::set_permissions).
///
/// # Errors
///
/// [`ReplyError`] if the server refused or the reply is malformed.
pub fn permissions(reply: &Response) -> Result<Permissions, ReplyError> {
    json::object::<PermissionFields>(reply).map(Permissions::from)
}

/// Reads the settings of all users of a room that have some, in ascending order of their ids.
///
/// # Errors
///
/// [`ReplyError`] if the server refused or the reply is malformed.
pub fn all_permissions(reply: &Response) -> Result<BTreeMap<AnyId, Permissions>, ReplyError> {
    let fields: BTreeMap<String, Object<PermissionFields>> = json::object(reply)?;
    let user = |(user, Object(fields)): (String, Object<PermissionFields>)| {
        Ok((id(&user, "user")?, fields.into()))
    };
    fields.into_iter().map(user).collect()
}

/// A scheduled change of a user's permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scheduled {
    /// The user; `None` in the reply about one user.
    pub user: Option<AnyId>,
    /// When.
    pub at: UnixMillis,
    /// To read.
    pub read: Option<bool>,
    /// To write.
    pub write: Option<bool>,
    /// To upload files.
    pub upload: Option<bool>,
    /// To be banned.
    pub banned: Option<bool>,
}

#[derive(Deserialize)]
struct ScheduledFields {
    session_id: Option<String>,
    at: f64,
    read: Option<bool>,
    write: Option<bool>,
    upload: Option<bool>,
    banned: Option<bool>,
}

/// Reads scheduled changes, in the order of their times: the reply to
/// [`future_permissions`](crate::request::moderation::future_permissions) or
/// [`schedule_permissions`](crate::request::moderation::schedule_permissions).
///
/// # Errors
///
/// [`ReplyError`] if the server refused or the reply is malformed.
pub fn scheduled(reply: &Response) -> Result<Vec<Scheduled>, ReplyError> {
    let items: Vec<ScheduledFields> = json::list(reply)?;
    let item = |fields: ScheduledFields| {
        let user = fields.session_id.map(|user| id(&user, "session_id"));
        Ok(Scheduled {
            user: user.transpose()?,
            at: json::time(fields.at, "at")?,
            read: fields.read,
            write: fields.write,
            upload: fields.upload,
            banned: fields.banned,
        })
    };
    items.into_iter().map(item).collect()
}

/// Result of unpinning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unpinned {
    /// Number of posts that are no longer pinned.
    pub count: u64,
    /// The room's `info_updates` after it.
    pub info_updates: u64,
}

/// Reads the reply to [`unpin`](crate::request::moderation::unpin) or
/// [`unpin_all`](crate::request::moderation::unpin_all).
///
/// # Errors
///
/// [`ReplyError`] if the server refused or the reply is malformed.
pub fn unpinned(reply: &Response) -> Result<Unpinned, ReplyError> {
    /// The server writes a boolean for one post and a number for all.
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Count {
        One(bool),
        All(u64),
    }
    #[derive(Deserialize)]
    struct Fields {
        unpinned: Count,
        info_updates: u64,
    }
    let fields: Fields = json::object(reply)?;
    Ok(Unpinned {
        count: match fields.unpinned {
            Count::One(is_unpinned) => is_unpinned.into(),
            Count::All(count) => count,
        },
        info_updates: fields.info_updates,
    })
}

/// Result of removing the reactions of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReactionsRemoved {
    /// Number of reactions that were removed.
    pub count: u64,
    /// The room's sequence number after it.
    pub seqno: u64,
}

/// Reads the reply to [`delete_reactions`](crate::request::moderation::delete_reactions).
///
/// # Errors
///
/// [`ReplyError`] if the server refused or the reply is malformed.
pub fn reactions_removed(reply: &Response) -> Result<ReactionsRemoved, ReplyError> {
    #[derive(Deserialize)]
    struct Fields {
        removed: u64,
        seqno: u64,
    }
    json::object(reply).map(|fields: Fields| ReactionsRemoved {
        count: fields.removed,
        seqno: fields.seqno,
    })
}

/// Reads the reply to [`delete_everywhere`](crate::request::moderation::delete_everywhere): the number of
/// deleted posts in each room.
///
/// # Errors
///
/// [`ReplyError`] if the server refused or the reply is malformed.
pub fn deleted_everywhere(reply: &Response) -> Result<BTreeMap<String, u64>, ReplyError> {
    #[derive(Deserialize)]
    struct Fields {
        rooms: BTreeMap<String, u64>,
    }
    json::object(reply).map(|fields: Fields| fields.rooms)
}
