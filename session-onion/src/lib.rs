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

mod json;
mod key;
mod role;
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

// The crates whose types are part of this interface.
pub use rand_core;
pub use session_crypto;
pub use session_types;

/// Maximum length of a packet in bytes: guards reject a longer HTTP body, and nodes a longer message
/// of another node (protocol: onion, sections 6.1 and 6.3).
pub const MAX_PACKET_LENGTH: usize = 10 * 1024 * 1024;

/// Maximum `hop_no` that a node accepts from another node: the guard counts as 0, and 15 nodes may
/// follow it (protocol: onion, section 7).
pub const MAX_HOP_NO: u32 = 15;
