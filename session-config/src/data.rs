//! The data of a config: a tree of dicts, sets, integers and byte strings.
//!
//! Protocol: [config, section 2]. Parts of a tree are shared until they are changed, so that a copy
//! costs nothing and a comparison of a tree with its older self skips what both share. Values are
//! zeroized when the last owner drops them.
//!
//! [config, section 2]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/config.md#section-2

mod dict;
mod entries;
mod read;
mod text;
mod write;

pub(crate) use dict::Key;
pub use dict::{Dict, Set};
pub(crate) use entries::Iter;
pub use read::DataError;
pub(crate) use read::each_scalar;
pub use text::{Bytes, Scalar, Value};
pub(crate) use write::{put_bytes, put_int, put_scalar};
