#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    test,
    allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation)
)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub use rand_core;
pub use session_config as config;
pub use session_message::content;
pub use session_network as network;
pub use session_types as types;

/// Communities: the types of their requests and replies, and their URLs.
pub mod community {
    pub use session_community::post::{Emoji, EmojiError};
    pub use session_community::reply::{Moderation, Pin, Reaction, Room as RoomInfo};
    pub use session_community::request::moderation::{PermissionChange, Role};
    pub use session_community::{ReplyError, reply};
    pub use session_identity::community::{BaseUrl, Community, Room, UrlError};
}

mod client;
mod conversation;
mod error;
mod event;
mod files;
mod history;
mod journal;
mod outbox;
mod record;
mod room;
mod seen;
mod settings;
mod waiting;

pub use client::{Client, JoinedRoom, Restored};
pub use conversation::ConversationId;
pub use error::{GroupError, RecordError, RoomError, SendError};
pub use event::{Event, Failure, PostRefused};
pub use files::{
    DecryptFileError, DownloadId, FetchError, Fetched, FileHost, FileNumber, HostError,
    SealFileError, SealedFile, UploadFailure,
};
pub use history::{Message, MessageId, Status};
pub use journal::{Batch, Change, Erased};
pub use outbox::SendId;
pub use record::Key;
pub use room::{ActScope, Post, RoomAct, RoomId, Whisper};
pub use settings::Settings;
