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

#[cfg(feature = "assignment")]
pub mod assignment;
pub mod record;
pub mod ring;

pub use record::ServiceNode;
pub use ring::SwarmRing;
