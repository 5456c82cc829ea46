//! Replies of a server, read by a client (protocol: community, section 4).

mod batch;
mod inbox;
mod message;
mod moderation;
mod room;

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;
use session_types::http::{Response, parse_date};
use session_types::{AnyId, UnixMillis};

use crate::ReplyError;
use crate::error::check;
use crate::json;

pub use batch::batch;
pub use inbox::{InboxMessage, inbox, inbox_deleted, inbox_sent};
pub use message::{Change, Message, Reaction, message, messages, posted};
pub use moderation::{
    Permissions, ReactionsRemoved, Scheduled, Unpinned, all_permissions, deleted_everywhere,
    permissions, reactions_removed, scheduled, unpinned,
};
pub use room::{Moderation, Pin, PollInfo, Room, poll_info, room, rooms};

/// Maximum size of a file that is read, in bytes.
const FILE_LIMIT: u64 = 10_000_000;

/// Capabilities of a server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Capabilities(Vec<String>);

impl Capabilities {
    /// Reads the reply to [`crate::request::capabilities`].
    ///
    /// # Errors
    ///
    /// [`ReplyError`] if the server refused or the reply is malformed.
    pub fn from_reply(reply: &Response) -> Result<Self, ReplyError> {
        #[derive(Deserialize)]
        struct Fields {
            capabilities: Vec<String>,
        }
        let fields: Fields = json::object(reply)?;
        Ok(Self(fields.capabilities))
    }

    /// Returns whether the server has a capability: `sogs`, `reactions`, `blind`, `blind25`.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|known| known == name)
    }

    /// Returns whether ids must be blinded.
    #[must_use]
    pub fn requires_blinding(&self) -> bool {
        self.has("blind")
    }
}

/// Reads the reply to a request whose reply is `info_updates`: pin, change of a room.
///
/// # Errors
///
/// [`ReplyError`] if the server refused or the reply is malformed.
pub fn info_updates(reply: &Response) -> Result<u64, ReplyError> {
    #[derive(Deserialize)]
    struct Fields {
        info_updates: u64,
    }
    json::object(reply).map(|fields: Fields| fields.info_updates)
}

/// Reads the reply to a change of a role: `info_updates` of each room.
///
/// # Errors
///
/// [`ReplyError`] if the server refused or the reply is malformed.
pub fn room_updates(reply: &Response) -> Result<BTreeMap<String, u64>, ReplyError> {
    #[derive(Deserialize)]
    struct Fields {
        info_updates: BTreeMap<String, u64>,
    }
    json::object(reply).map(|fields: Fields| fields.info_updates)
}

/// Checks a reply that says nothing but that it was done: edit, delete, ban.
///
/// # Errors
///
/// [`ReplyError`] if the server refused.
pub fn done(reply: &Response) -> Result<(), ReplyError> {
    check(reply, json::REPLY_MAX)
}

/// Result of adding or removing a reaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reacted {
    /// Whether anything changed.
    pub changed: bool,
    /// The room's sequence number after it.
    pub seqno: u64,
}

/// Reads the reply to a reaction that was added or removed.
///
/// # Errors
///
/// [`ReplyError`] if the server refused or the reply is malformed.
pub fn reacted(reply: &Response) -> Result<Reacted, ReplyError> {
    #[derive(Deserialize)]
    struct Fields {
        added: Option<bool>,
        removed: Option<bool>,
        seqno: u64,
    }
    let fields: Fields = json::object(reply)?;
    let changed = fields.added.or(fields.removed).ok_or(ReplyError::Json)?;
    let seqno = fields.seqno;
    Ok(Reacted { changed, seqno })
}

/// Reads the reply to [`crate::request::reactors`]: who, and when.
///
/// # Errors
///
/// [`ReplyError`] if the server refused or the reply is malformed.
pub fn reactors(reply: &Response) -> Result<Vec<(AnyId, UnixMillis)>, ReplyError> {
    let items: Vec<(String, f64)> = json::read(reply)?;
    let item = |(id, time): (String, f64)| {
        let field = "reactor";
        let id = id.parse().map_err(|_| ReplyError::Value { field })?;
        Ok((id, json::time(time, field)?))
    };
    items.into_iter().map(item).collect()
}

/// Reads the reply to an upload: the file's id.
///
/// # Errors
///
/// [`ReplyError`] if the server refused or the reply is malformed.
pub fn uploaded(reply: &Response) -> Result<u64, ReplyError> {
    #[derive(Deserialize)]
    struct Fields {
        id: u64,
    }
    json::object(reply).map(|fields: Fields| fields.id)
}

/// A downloaded file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its bytes.
    pub content: Vec<u8>,
    /// Expiry, if there is one.
    pub expires: Option<UnixMillis>,
}

/// Takes the reply to a download apart.
///
/// # Errors
///
/// [`ReplyError`] if the server refused, or the file is larger than 10 MB.
pub fn file(reply: Response) -> Result<File, ReplyError> {
    check(&reply, FILE_LIMIT)?;
    let expires = match reply.header("expires") {
        None => None,
        Some(text) => {
            let field = "expires";
            Some(parse_date(text).ok_or(ReplyError::Value { field })?)
        }
    };
    Ok(File {
        content: reply.body,
        expires,
    })
}
