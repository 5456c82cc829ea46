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

mod base64;
mod json;
mod key;
mod routing;

pub mod cipher;
pub mod client;
pub mod frame;
pub mod node;
pub mod packet;
pub mod payload;
pub mod quic;
pub mod server;
pub mod status;

pub use cipher::{Cipher, LayerKey};
pub use json::JsonError;
pub use key::KeyTextError;

/// Longest packet in bytes: the guard refuses a longer HTTP body, and nodes among themselves a
/// longer message (protocol: onion, sections 6.1 and 6.3).
pub const MAX_PACKET_LENGTH: usize = 10 * 1024 * 1024;

/// Highest `hop_no` that a node accepts from another node: the guard, which counts as 0, and 15
/// nodes after it (protocol: onion, section 7).
pub const MAX_HOP_NO: u32 = 15;
