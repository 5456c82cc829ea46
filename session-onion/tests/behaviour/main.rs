//! What clients, nodes and servers do with each other, and with what is not meant well.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::string_slice,
    clippy::type_complexity,
    missing_docs
)]

mod hostile;
mod node;
mod quic;
mod reply;
mod roundtrip;
mod server;
mod support;
