//! Posts.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use session_types::http::Response;
use session_types::{AnyId, Ed25519Signature, UnixMillis, base64};

use super::room::id;
use crate::ReplyError;
use crate::json::{self, Flag, Text};
use crate::post;

/// All reactions to a post with one emoji.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaction {
    /// The emoji.
    pub emoji: String,
    /// Number of users.
    pub count: u64,
    /// The first of them.
    pub reactors: Vec<AnyId>,
    /// Whether the asking user is one of them.
    pub you: bool,
}

/// A post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its number on the server.
    pub id: u64,
    /// Author according to the server. Trust it only if [`is_verified`](Self::is_verified).
    pub author: AnyId,
    /// Time of posting.
    pub posted: UnixMillis,
    /// Time of the last edit.
    pub edited: Option<UnixMillis>,
    /// The padded content, for `session_message::community::open`.
    pub data: Vec<u8>,
    /// The signature as received. `None` if it is absent or malformed.
    pub signature: Option<Ed25519Signature>,
    /// Whether the author signed the data. If not, never show the post as the author's.
    pub is_verified: bool,
    /// Whether it is shown to some users only.
    pub is_whisper: bool,
    /// Whether moderators see the whisper.
    pub whisper_mods: bool,
    /// Addressee of the whisper.
    pub whisper_to: Option<AnyId>,
}

/// A change in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// A post is new or edited.
    Posted {
        /// The room's sequence number of the change.
        seqno: u64,
        /// The post.
        message: Message,
        /// Its reactions in the order of their first use.
        reactions: Vec<Reaction>,
    },
    /// A post was deleted.
    Deleted {
        /// The room's sequence number of the change.
        seqno: u64,
        /// The post.
        id: u64,
    },
    /// Only the reactions of a post changed.
    Reactions {
        /// The room's sequence number of the change.
        seqno: u64,
        /// The post.
        id: u64,
        /// Its reactions in the order of their first use.
        reactions: Vec<Reaction>,
    },
    /// An entry that is malformed; the others of the reply are not affected.
    Malformed {
        /// Its sequence number, if that can be read.
        seqno: Option<u64>,
    },
}

impl Change {
    /// Returns the sequence number.
    #[must_use]
    pub const fn seqno(&self) -> Option<u64> {
        match self {
            Self::Posted { seqno, .. }
            | Self::Deleted { seqno, .. }
            | Self::Reactions { seqno, .. } => Some(*seqno),
            Self::Malformed { seqno } => *seqno,
        }
    }
}

#[derive(Deserialize)]
struct ReactionFields<'a> {
    index: u64,
    count: u64,
    #[serde(borrow, default)]
    reactors: Vec<Text<'a>>,
    #[serde(default)]
    you: Flag,
}

/// Tells a field that is null from one that is absent.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<Text<'de>>>, D::Error> {
    Option::deserialize(from).map(Some)
}

#[derive(Deserialize)]
struct Fields<'a> {
    id: u64,
    seqno: u64,
    #[serde(borrow)]
    session_id: Option<Text<'a>>,
    posted: Option<f64>,
    edited: Option<f64>,
    #[serde(borrow, default, deserialize_with = "present")]
    data: Option<Option<Text<'a>>>,
    #[serde(borrow)]
    signature: Option<Text<'a>>,
    #[serde(default)]
    deleted: Flag,
    #[serde(default)]
    whisper: Flag,
    #[serde(default)]
    whisper_mods: Flag,
    #[serde(borrow)]
    whisper_to: Option<Text<'a>>,
    #[serde(borrow, default)]
    reactions: BTreeMap<String, ReactionFields<'a>>,
}

impl Fields<'_> {
    fn reactions(
        reactions: BTreeMap<String, ReactionFields<'_>>,
    ) -> Result<Vec<Reaction>, ReplyError> {
        let mut all: Vec<(String, ReactionFields<'_>)> = reactions.into_iter().collect();
        all.sort_by_key(|(_, fields)| fields.index);
        let reaction = |(emoji, fields): (String, ReactionFields<'_>)| {
            let reactors = fields.reactors.iter();
            let reactors = reactors.map(|text| id(text.as_str(), "reactors"));
            Ok(Reaction {
                emoji,
                count: fields.count,
                reactors: reactors.collect::<Result<_, _>>()?,
                you: fields.you.get(),
            })
        };
        all.into_iter().map(reaction).collect()
    }

    fn change(self) -> Result<Change, ReplyError> {
        let (seqno, message_id) = (self.seqno, self.id);
        let data = match self.data {
            None => {
                return Ok(Change::Reactions {
                    seqno,
                    id: message_id,
                    reactions: Self::reactions(self.reactions)?,
                });
            }
            Some(None) if self.deleted.get() => {
                let id = message_id;
                return Ok(Change::Deleted { seqno, id });
            }
            Some(None) => return Err(ReplyError::Json),
            Some(Some(text)) => {
                base64::decode(text.as_str()).ok_or(ReplyError::Value { field: "data" })?
            }
        };
        let author = self.session_id.ok_or(ReplyError::Json)?;
        let author = id(author.as_str(), "session_id")?;
        let signature = self.signature;
        let signature = signature.and_then(|text| base64::decode_array::<64>(text.as_str()));
        let signature = signature.map(Ed25519Signature::from_bytes);
        let verified = |signature| post::verify(&author, &data, &signature).is_ok();
        Ok(Change::Posted {
            seqno,
            reactions: Self::reactions(self.reactions)?,
            message: Message {
                id: message_id,
                author,
                posted: json::time(self.posted.ok_or(ReplyError::Json)?, "posted")?,
                edited: json::opt_time(self.edited, "edited")?,
                is_verified: signature.is_some_and(verified),
                signature,
                is_whisper: self.whisper.get(),
                whisper_mods: self.whisper_mods.get(),
                whisper_to: self
                    .whisper_to
                    .map(|to| id(to.as_str(), "whisper_to"))
                    .transpose()?,
                data,
            },
        })
    }
}

/// Reads the reply to [`crate::request::posts`]. A malformed entry does not lose the others.
///
/// # Errors
///
/// [`ReplyError`] if the server refused or the reply is not a list.
pub fn messages(reply: &Response) -> Result<Vec<Change>, ReplyError> {
    let items: Vec<&RawValue> = json::read(reply)?;
    let change = |item: &RawValue| {
        let fields = serde_json::from_str::<json::Object<Fields<'_>>>(item.get());
        let change = fields
            .map_err(|_| ReplyError::Json)
            .and_then(|json::Object(fields)| fields.change());
        change.unwrap_or_else(|_| Change::Malformed {
            seqno: seqno_of(item),
        })
    };
    Ok(items.into_iter().map(change).collect())
}

/// The sequence number of a malformed entry, if that can be read.
fn seqno_of(item: &RawValue) -> Option<u64> {
    let item: serde_json::Value = serde_json::from_str(item.get()).ok()?;
    item.get("seqno")?.as_u64()
}

/// Reads the reply to [`crate::request::post`].
///
/// # Errors
///
/// [`ReplyError`] if the server refused or the reply is malformed.
pub fn message(reply: &Response) -> Result<Change, ReplyError> {
    json::object::<Fields<'_>>(reply)?.change()
}

/// Reads the reply to [`crate::request::send`]: the message as the server stored it.
///
/// # Errors
///
/// [`ReplyError`] if the server refused or the reply is malformed.
pub fn posted(reply: &Response) -> Result<Message, ReplyError> {
    match message(reply)? {
        Change::Posted { message, .. } => Ok(message),
        _ => Err(ReplyError::Json),
    }
}
