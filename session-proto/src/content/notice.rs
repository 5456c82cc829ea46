//! The small kinds: reactions, receipts and other notices.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::id::parse_id;
use super::{AnyId, ContentError, UnixMillis, required_text};
use crate::limits::MAX_RECEIPTS;
use crate::schema::session as wire;
use crate::schema::session::data_extraction_notification::Type as ExtractionType;
use crate::schema::session::data_message as parts;
use crate::schema::session::data_message::reaction::Action as ReactionAction;
use crate::schema::session::receipt_message::Type as ReceiptType;
use crate::schema::session::typing_message::Action as TypingAction;

fn unknown(field: &'static str) -> impl FnOnce(prost::UnknownEnumValue) -> ContentError {
    move |_| ContentError::UnknownValue { field }
}

/// An emoji that reacts to a message, or its removal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaction {
    /// Time of sending of the message that the reaction is for.
    pub sent_at: UnixMillis,
    /// Author of the message that the reaction is for.
    pub author: AnyId,
    /// The emoji.
    pub emoji: String,
    /// Whether the reaction is removed.
    pub is_removal: bool,
}

impl Reaction {
    pub(super) fn to_wire(&self) -> Result<parts::Reaction, ContentError> {
        let action = if self.is_removal {
            ReactionAction::Remove
        } else {
            ReactionAction::React
        };
        Ok(parts::Reaction {
            id: self.sent_at.get(),
            author: self.author.to_string(),
            emoji: Some(required_text(self.emoji.clone(), "emoji")?),
            action: action.into(),
        })
    }

    pub(super) fn from_wire(reaction: parts::Reaction) -> Result<Self, ContentError> {
        let action = ReactionAction::try_from(reaction.action).map_err(unknown("action"))?;
        Ok(Self {
            sent_at: UnixMillis::new(reaction.id),
            author: parse_id(&reaction.author, "author")?,
            // Absent: rejected as an empty emoji is.
            emoji: required_text(reaction.emoji.unwrap_or_default(), "emoji")?,
            is_removal: action == ReactionAction::Remove,
        })
    }
}

/// An invitation to a community.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Address of the community: `https://host/room?public_key=<64 hex digits>`.
    pub url: String,
    /// Name of the community.
    pub name: String,
}

impl Invitation {
    pub(super) fn to_wire(&self) -> Result<parts::OpenGroupInvitation, ContentError> {
        Ok(parts::OpenGroupInvitation {
            url: required_text(self.url.clone(), "url")?,
            name: required_text(self.name.clone(), "name")?,
        })
    }

    pub(super) fn from_wire(invitation: parts::OpenGroupInvitation) -> Result<Self, ContentError> {
        Ok(Self {
            url: required_text(invitation.url, "url")?,
            name: required_text(invitation.name, "name")?,
        })
    }
}

/// The messages that the sender has read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadReceipt {
    /// Times of sending of the messages.
    pub sent_at: Vec<UnixMillis>,
}

impl ReadReceipt {
    pub(super) fn to_wire(&self) -> Result<wire::ReceiptMessage, ContentError> {
        if self.sent_at.len() > MAX_RECEIPTS {
            return Err(ContentError::TooMany {
                field: "timestamp",
                max: MAX_RECEIPTS,
                got: self.sent_at.len(),
            });
        }
        Ok(wire::ReceiptMessage {
            r#type: ReceiptType::Read.into(),
            timestamp: self.sent_at.iter().map(|sent| sent.get()).collect(),
        })
    }

    pub(super) fn from_wire(receipt: wire::ReceiptMessage) -> Result<Self, ContentError> {
        match ReceiptType::try_from(receipt.r#type).map_err(unknown("type"))? {
            ReceiptType::Read => Ok(Self {
                sent_at: receipt.timestamp.into_iter().map(UnixMillis::new).collect(),
            }),
            ReceiptType::Delivery => Err(ContentError::ObsoleteReceipt),
        }
    }
}

/// The sender has started or stopped typing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Typing {
    /// Time of sending of this message. [`Content::encode`](super::Content::encode) ignores it and
    /// writes the time that it is given.
    pub sent_at: UnixMillis,
    /// Whether the sender has stopped typing.
    pub is_stopped: bool,
}

impl Typing {
    /// The sender has started typing.
    pub const STARTED: Self = Self {
        sent_at: UnixMillis::EPOCH,
        is_stopped: false,
    };
    /// The sender has stopped typing.
    pub const STOPPED: Self = Self {
        sent_at: UnixMillis::EPOCH,
        is_stopped: true,
    };

    pub(super) fn to_wire(self, sent_at: UnixMillis) -> wire::TypingMessage {
        let action = if self.is_stopped {
            TypingAction::Stopped
        } else {
            TypingAction::Started
        };
        wire::TypingMessage {
            timestamp: sent_at.get(),
            action: action.into(),
        }
    }

    pub(super) fn from_wire(typing: &wire::TypingMessage) -> Result<Self, ContentError> {
        let action = TypingAction::try_from(typing.action).map_err(unknown("action"))?;
        Ok(Self {
            sent_at: UnixMillis::new(typing.timestamp),
            is_stopped: action == TypingAction::Stopped,
        })
    }
}

/// The way in which something was taken out of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataExtractionKind {
    /// A screenshot was taken.
    Screenshot,
    /// A file was saved.
    MediaSaved,
}

/// The sender has taken something out of the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataExtraction {
    /// The way in which it was taken out.
    pub kind: DataExtractionKind,
    /// Sent time of the message it was in.
    pub sent_at: Option<UnixMillis>,
}

impl DataExtraction {
    pub(super) fn to_wire(self) -> wire::DataExtractionNotification {
        let kind = match self.kind {
            DataExtractionKind::Screenshot => ExtractionType::Screenshot,
            DataExtractionKind::MediaSaved => ExtractionType::MediaSaved,
        };
        wire::DataExtractionNotification {
            r#type: kind.into(),
            timestamp: self.sent_at.map(UnixMillis::get),
        }
    }

    pub(super) fn from_wire(
        notice: &wire::DataExtractionNotification,
    ) -> Result<Self, ContentError> {
        let kind = ExtractionType::try_from(notice.r#type).map_err(unknown("type"))?;
        Ok(Self {
            kind: match kind {
                ExtractionType::Screenshot => DataExtractionKind::Screenshot,
                ExtractionType::MediaSaved => DataExtractionKind::MediaSaved,
            },
            sent_at: notice.timestamp.map(UnixMillis::new),
        })
    }
}

/// A request to delete a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsend {
    /// Time of sending of the message to delete; not zero.
    pub sent_at: UnixMillis,
    /// Author of the message to delete: the sender of this request, or any author if the request is
    /// between our own devices.
    pub author: AnyId,
}

impl Unsend {
    pub(super) fn to_wire(self) -> Result<wire::UnsendRequest, ContentError> {
        if self.sent_at == UnixMillis::EPOCH {
            let field = "timestamp";
            return Err(ContentError::ZeroTimestamp { field });
        }
        Ok(wire::UnsendRequest {
            timestamp: self.sent_at.get(),
            author: self.author.to_string(),
        })
    }

    pub(super) fn from_wire(unsend: &wire::UnsendRequest) -> Result<Self, ContentError> {
        let unsend = Self {
            sent_at: UnixMillis::new(unsend.timestamp),
            author: parse_id(&unsend.author, "author")?,
        };
        unsend.to_wire()?;
        Ok(unsend)
    }
}
