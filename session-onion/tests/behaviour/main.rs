//! Clients, nodes and servers against each other, and against malformed input.
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

mod node;
mod quic;
mod rejected;
mod reply;
mod round_trips;
mod server;
mod support;
