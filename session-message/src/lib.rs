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

pub mod admin;
pub mod community;
mod compose;
pub mod config;
pub mod direct;
mod error;
pub mod group;
pub mod inbox;
mod key;
pub mod kicked;
pub mod multi;
pub mod notify;
mod opened;
pub mod pro;
mod sealed;
pub mod sync;

pub use error::{OpenError, SealError};
pub use key::{MessageKey, MessageKeyError};
pub use opened::{AuthorError, Opened};
pub use sealed::{MAX_SENT_MS, MIN_SENT_MS, Sealed, namespace, ttl};
pub use session_proto::content;
