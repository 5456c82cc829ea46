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
pub use session_types as types;

mod clock;
mod config;
mod endpoint;
pub mod evidence;
mod exchange;
mod guard;
mod last_hash;
mod network;
mod onion;
mod path;
pub mod pool;
mod random;
mod server;
mod state;
mod strikes;
mod time;

pub use clock::Clock;
pub use config::{Config, PathConfig, PoolConfig, TransportConfig};
pub use endpoint::{Endpoint, Outcome, Post, PostPurpose, Seed, Ticket};
pub use exchange::{
    Event, Purpose, ReadError, Reply, Request, RequestError, RequestId, Route, ServerReply,
    StorageReply, Target,
};
pub use guard::{Guard, Guards};
pub use last_hash::LastHashes;
pub use network::{Network, Notice};
pub use onion::{Encrypted, Onion};
pub use path::{Path, PathId, Paths};
pub use pool::Pool;
pub use server::{Server, ServerRequest};
pub use state::{SavedGuard, SavedMark, SavedPath, SavedState, StateError};
pub use strikes::{STRIKE_LIFETIME, STRIKE_LIMIT, Strikes};
pub use time::Now;
