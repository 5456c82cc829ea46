//! A whole Session network on loopback.

pub mod fault;
pub mod report;
pub mod seen;
pub mod server;
pub mod store;
pub mod tls;
pub mod traffic;
pub mod ui;
