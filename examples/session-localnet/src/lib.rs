//! A whole Session network on loopback, as a library: [`network::Network`] starts one, and the tests of a
//! client can hurt it while it runs. The command line is [`main`].

pub mod admin;
pub mod capture;
pub mod chain;
mod command;
mod ctl;
pub mod demo;
mod failure;
pub mod fault;
mod firewall;
mod founding;
pub mod host;
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
pub mod servers;
pub mod store;
pub mod tls;
pub mod token;
pub mod traffic;
pub mod ui;

pub use command::main;
