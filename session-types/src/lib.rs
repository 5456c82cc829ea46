#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(test, allow(clippy::string_slice))]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod bytes;
mod hash;
mod id;
mod key;
mod namespace;
mod sealed;
#[cfg(feature = "serde")]
mod serde;
mod swarm_id;
mod time;

pub mod base32z;
pub mod base64;
pub mod hex;
pub mod http;
pub mod limits;

pub use bytes::ParseError;
pub use hash::{HashError, MessageHash};
pub use id::{
    AccountId, AnyId, BlindedId15, BlindedId25, GroupId, IdError, IdKind, UnblindedId, VersionId,
};
pub use key::{Ed25519Public, Ed25519Signature, X25519Public};
pub use namespace::{Namespace, Namespaces};
pub use sealed::SealedMessage;
pub use swarm_id::{SwarmId, SwarmIdError};
pub use time::{MonotonicTime, UnixMillis};
