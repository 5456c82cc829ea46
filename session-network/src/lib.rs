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

mod last_hash;
mod random;
mod strikes;

pub mod client;
pub mod limits;
pub mod path;
pub mod pool;

pub use client::Client;
pub use last_hash::LastHashes;
pub use strikes::{STRIKE_LIFETIME_MS, STRIKE_LIMIT, Strikes};
