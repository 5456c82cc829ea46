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

mod account;
mod base64;
mod hash;
mod hex;
mod identity;
mod last_hash;
mod namespace;
mod random;
mod strikes;

pub mod assignment;
pub mod client;
pub mod limits;
pub mod path;
pub mod pool;
pub mod rate;
pub mod record;
pub mod replication;
pub mod ring;
pub mod rpc;
pub mod value;

pub use account::{AccountError, StorageAccount};
pub use client::Client;
pub use hash::{HashError, MessageHash};
pub use identity::GroupMember;
pub use last_hash::LastHashes;
pub use namespace::{Namespace, Namespaces};
pub use record::ServiceNode;
pub use ring::{SwarmId, SwarmRing};
pub use strikes::{STRIKE_LIFETIME_MS, STRIKE_LIMIT, Strikes};
