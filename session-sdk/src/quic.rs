//! QUIC connections with raw public keys, and the request streams on them (protocol: [quic]).
//!
//! A [`Link`] is a connection with request streams, of either side: it asks, and hands out what the peer asks.
//! [`connect`] makes one to a node whose key is known; [`Listener`] accepts them. What travels on the streams is in
//! `session-storage`, `session-onion` and `session-services`.
//!
//! Nothing is sent in 0-RTT, and no session tickets are kept: each connection stands for itself.
//!
//! [quic]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/quic.md

mod connect;
mod error;
mod hello;
mod lane;
mod link;
mod listen;
mod select;
pub mod tls;

pub use connect::{Connect, Shown, client_endpoint, connect, open, wrapped};
pub use error::{ConnectError, LinkError};
pub use link::{Answer, Command, Link, Responder};
pub use listen::{Clients, Incoming, Listener, Offer};
pub use quinn;
