//! The client's side: build a packet, open the reply.
//!
//! Each layer of a packet has a fresh ephemeral key. One buffer is allocated, and every layer is
//! encrypted in its final place:
//!
//! ```text
//! length | nonce 1 | length | nonce 2 | … | nonce | payload | tag | … | JSON 2 | tag 2 | JSON 1 | tag 1 | JSON
//! ```

mod build;
mod error;
mod hop;
mod layers;
mod reply;

pub use build::{BuildError, MAX_NODES, Sealed, seal};
pub use error::{HopRefusal, MalformedReply, ReplyError};
pub use hop::{Hop, Request, Server, ServerError, StorageOptions};
pub use reply::{Reply, ReplyKey};
