//! A small real Session client: the crates joined by HTTPS.
//!
//! The binary `client` is its command line; `localnet` uses it to be its own first customer.

pub mod http;
pub mod state;
