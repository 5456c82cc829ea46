#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub use session_client as client;
pub use session_client::Fetched;
pub use session_client::content;
pub use session_client::types::GroupId;
pub use session_client::{ConversationId, RoomAct, RoomId, community, config};
#[cfg(feature = "sqlite")]
pub use session_crypto::SymmetricKey;
pub use session_identity as identity;
pub use session_identity::{Account, AccountId};
pub use session_network::Seed;

mod builder;
mod driver;
mod error;
pub mod export;
mod file;
mod group;
#[cfg(feature = "quic")]
mod guards;
#[cfg(not(feature = "quic"))]
#[path = "no_guards.rs"]
mod guards;
mod handle;
pub mod http;
mod hub;
mod message;
mod proxy;
#[cfg(feature = "quic")]
pub mod quic;
mod room;
#[cfg(feature = "sqlite")]
mod sqlite;
mod store;
mod trace;

pub use builder::{Builder, DEPLOYED_SEEDS};
pub use error::{Error, FileError, StoreError};
pub use file::{NewFile, safe_name};
pub use group::{Group, Member};
pub use handle::{Client, Conversation, Events};
pub use hub::SharedNetwork;
pub use message::{Event, Message};
pub use room::Room;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;
pub use store::{FILE_CONTENT, MemoryStore, Page, Pair, Store};
