#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod auth;
mod choice;
mod error;
mod json;
pub mod poll;
pub mod post;
pub mod rate;
mod refusal;
pub mod reply;
pub mod request;
pub mod server;
mod sign;

pub use choice::IdChoice;
pub use error::ReplyError;
pub use rand_core;
pub use refusal::{Endpoint, Refusal};
pub use session_types::http;
pub use sign::Signer;
