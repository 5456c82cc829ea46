#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
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

mod client;
mod conversation;
mod error;
mod event;
mod files;
mod history;
mod journal;
mod outbox;
mod record;
mod seen;
mod settings;
mod waiting;

pub use client::{Client, Restored};
pub use conversation::ConversationId;
pub use error::{GroupError, RecordError, SendError};
pub use event::{Event, Failure};
pub use files::{
    DecryptFileError, DownloadId, FetchError, Fetched, FileHost, FileNumber, HostError,
    SealFileError, SealedFile, UploadFailure,
};
pub use history::{Message, MessageId, Status};
pub use journal::{Batch, Change, Erased};
pub use outbox::SendId;
pub use record::Key;
pub use settings::Settings;
