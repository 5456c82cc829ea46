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
mod compose;
pub mod direct;
mod error;
mod opened;
pub mod pro;
mod sealed;
pub mod sync;

pub use error::{OpenError, SealError};
pub use opened::Opened;
pub use sealed::{Sealed, namespace, ttl};
pub use session_proto::content;
