//! A small real Session client: the crates joined by HTTPS.
//!
//! The binary `client` is its command line; `localnet` uses it to be its own first customer.

pub mod clock;
pub mod community;
pub mod device_swarm;
mod driver;
pub mod durable;
pub mod error;
pub mod files;
pub mod foreign;
pub mod group_swarm;
pub mod http;
pub mod message;
pub mod network;
pub mod session;
pub mod state;
pub mod transfer;
