//! BT request streams, which QUIC connections carry: commands, replies and errors in both directions
//! (protocol: quic, section 3).
//!
//! ```text
//! length in decimal | ":" | l 1:C i<id>e <endpoint> <body> e      command
//!                           l 1:R i<id>e <body> e                 reply
//!                           l 1:E i<id>e <body> e                 error
//! ```
//!
//! [`Message`] is one message. [`RequestStream`] is one side of a stream, without I/O: it is fed the bytes that
//! arrive, hands out what they mean, encodes what is to be written, and knows which requests are open and until
//! when.
//!
//! ```
//! use session_proto::stream::{Received, RequestStream};
//! use session_types::MonotonicTime;
//!
//! let (mut client, mut node) = (RequestStream::default(), RequestStream::default());
//! let (id, bytes) = client.command(b"snode_ping", b"", MonotonicTime::MAX)?;
//! node.feed(&bytes)?;
//! let Some(Received::Command { id: theirs, endpoint, .. }) = node.receive()? else { panic!() };
//! assert_eq!(endpoint, b"snode_ping");
//! client.feed(&node.reply(theirs, b"pong")?)?;
//! let pong = Received::Reply { id, body: b"pong".to_vec() };
//! assert_eq!(client.receive()?, Some(pong));
//! # Ok::<(), session_proto::stream::StreamError>(())
//! ```

mod error;
mod message;
mod requests;
pub mod tls;

pub use error::StreamError;
pub use message::Message;
pub use requests::{Limits, Received, RequestStream};

use core::time::Duration;

/// Maximum length of a message in bytes, without its length prefix.
pub const MAX_LENGTH: usize = 10_000_000;
/// Maximum number of digits of a length prefix. Newer peers read more, but no longer message.
pub const MAX_DIGITS: usize = 8;
/// Time limit of a request, where its sender chooses no other.
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// Number of streams that a peer may open on a connection.
pub const MAX_STREAMS: u32 = 32;
/// Text of the error if a handler fails.
pub const FAILED: &[u8] = b"An error occurred while processing the request";
/// Beginning of the error for an unknown endpoint; the name and an apostrophe follow.
pub const INVALID_ENDPOINT: &[u8] = b"Invalid endpoint '";

/// Returns the text of the error for an unknown endpoint.
#[must_use]
pub fn invalid_endpoint(name: &[u8]) -> alloc::vec::Vec<u8> {
    [INVALID_ENDPOINT, name, b"'"].concat()
}
