#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod error;
pub mod file;
mod json;
pub mod network_info;
#[cfg(feature = "pro-backend")]
pub mod pro;
pub mod push;
mod text;
pub mod version;

pub use error::ReplyError;
pub use rand_core;
pub use session_types::http;
