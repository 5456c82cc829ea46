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

mod compose;
mod direct;
mod disposition;
mod error;
mod key;
mod lifetime;
mod opened;
mod opener;
mod read;
mod rules;
mod sealer;
mod sent_time;

pub mod admin;
pub mod community;
pub mod config;
pub mod group;
pub mod inbox;
pub mod kicked;
pub mod multi;
pub mod notify;
pub mod pro;
#[cfg(feature = "v2")]
pub mod v2;

pub use disposition::Disposition;
pub use error::{AuthorError, OpenError, SealError};
pub use key::{MessageKey, MessageKeyError};
pub use opened::Opened;
pub use opener::Opener;
pub use sealer::Sealer;
pub use sent_time::{SENT_MAX, SENT_MIN};
pub use session_crypto::SymmetricKey;
pub use session_proto::content;
pub use session_types::{Namespace, SealedMessage, UnixMillis};

// The foreign crates of the interface.
pub use rand_core;
pub use zeroize;
