//! A whole Session network on loopback.

pub mod seen;
pub mod server;
pub mod store;
pub mod tls;
