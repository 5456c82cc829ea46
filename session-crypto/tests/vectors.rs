//! The vectors of `tests/vectors/`, as far as this crate answers for them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    missing_docs
)]

#[path = "vectors/blinding.rs"]
mod blinding;
#[path = "vectors/groups.rs"]
mod groups;
#[path = "vectors/keys.rs"]
mod keys;
#[path = "vectors/many.rs"]
mod many;
#[path = "vectors/messages.rs"]
mod messages;
#[path = "vectors/symmetric.rs"]
mod symmetric;
#[cfg(feature = "v2")]
#[path = "vectors/v2.rs"]
mod v2;
