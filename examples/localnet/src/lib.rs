//! [`session_localnet`] under its short name.

pub use session_localnet::*;
