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

pub mod bt;
#[cfg(feature = "protobuf")]
pub mod content;
#[cfg(feature = "protobuf")]
pub mod envelope;
#[cfg(feature = "json")]
pub mod json;
#[cfg(feature = "protobuf")]
pub mod limits;
pub mod padding;
#[cfg(feature = "protobuf")]
pub mod schema;
#[cfg(feature = "protobuf")]
mod secret;
#[cfg(feature = "protobuf")]
pub mod shared_config;
pub mod stream;
#[cfg(feature = "protobuf")]
pub mod wire;
#[cfg(feature = "zstd")]
pub mod zstd;

#[cfg(feature = "protobuf")]
pub use prost;
#[cfg(feature = "protobuf")]
pub use secret::Secret;
