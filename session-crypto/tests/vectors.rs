//! The vectors of `tests/vectors/`, as far as this crate answers for them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

#[path = "vectors/blinding.rs"]
mod blinding;
#[path = "vectors/keys.rs"]
mod keys;
#[path = "vectors/messages.rs"]
mod messages;
