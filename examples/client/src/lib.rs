//! A small real Session client: the crates joined by HTTPS.
//!
//! The binary `client` is its command line. What it needs of its machine it shares with `session-localnet`,
//! which is published and cannot build on it.

#[path = "../../session-localnet/src/host/clock.rs"]
pub mod clock;
pub mod community;
pub mod device_swarm;
mod driver;
#[path = "../../session-localnet/src/host/durable.rs"]
pub mod durable;
pub mod error;
pub mod files;
#[path = "../../session-localnet/src/host/foreign.rs"]
pub mod foreign;
pub mod group_swarm;
#[path = "../../session-localnet/src/host/http.rs"]
pub mod http;
pub mod message;
pub mod network;
pub mod session;
pub mod state;
pub mod transfer;
