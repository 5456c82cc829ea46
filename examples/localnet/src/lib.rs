//! A whole Session network on loopback.

pub mod admin;
pub mod capture;
pub mod chain;
pub mod demo;
pub mod fault;
mod founding;
pub mod ledger;
pub mod load;
pub mod network;
pub mod node;
pub mod push;
pub mod rate;
pub mod report;
pub mod seed;
pub mod seen;
pub mod server;
pub mod store;
pub mod tls;
pub mod token;
pub mod traffic;
pub mod ui;
