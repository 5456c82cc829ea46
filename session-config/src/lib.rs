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

mod change;
mod community;
pub mod config;
pub mod contacts;
pub mod conversations;
pub mod data;
#[cfg(feature = "v2")]
pub mod devices;
mod diff;
pub mod error;
pub mod field;
pub mod group;
pub mod groups;
pub mod id;
pub mod info;
pub mod kind;
pub mod limits;
pub mod local;
pub mod members;
pub mod message;
mod multipart;
pub mod owner;
pub mod profile;
pub mod rules;
mod seal;
pub mod set;
mod wrap;

pub use change::How;
pub use config::{Config, DumpForm, Merged, Push, State};
pub use contacts::Contacts;
pub use conversations::ConvoInfoVolatile;
pub use diff::DiffError;
pub use error::{EditError, LoadError, MergeError, PushError, Refused};
pub use groups::UserGroups;
pub use id::BlindedId;
pub use info::GroupInfo;
pub use local::Local;
pub use members::GroupMembers;
pub use owner::GroupKeyring;
pub use profile::UserProfile;
pub use rules::Rules;
pub use session_proto::zstd::{self, Compressor};
pub use set::{Change, Fetch, PushAll, UserConfigs};
