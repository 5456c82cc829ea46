//! Onion requests over QUIC: from a client to its guard (protocol: onion, section 6.2) and from node to node
//! (protocol: quic, section 8). The messages of the streams are those of [`session_proto::stream`].
//!
//! An onion request of a client is a command with the endpoint [`ONION_REQ`] and the packet as its body. An
//! answer with status 200 comes back as a reply, any other status as an error whose text begins
//! with the status line. Nodes use [`ONION_REQUEST`] among themselves and always reply, with a bencoded list of
//! status and body.

use alloc::format;
use alloc::vec::Vec;

use session_proto::bt;
use session_types::http::{error_body, reason_phrase};

pub use session_proto::stream::{MAX_LENGTH, Message, StreamError};

use crate::node::Answer;

/// The endpoint of onion requests of clients.
pub const ONION_REQ: &[u8] = b"onion_req";
/// The endpoint of layers that nodes pass on.
pub const ONION_REQUEST: &[u8] = b"onion_request";

/// Encodes a node's answer to the command `id`.
///
/// # Errors
///
/// [`StreamError::TooLong`] if it is longer than [`MAX_LENGTH`].
pub fn answer(id: i64, answer: &Answer) -> Result<Vec<u8>, StreamError> {
    if answer.status == 200 {
        let body = &answer.body;
        return Message::Reply { id, body }.encode();
    }
    let body = error_body(answer.status, &answer.body);
    Message::Error { id, body: &body }.encode()
}

/// Encodes a node's answer to another node: a bencoded list of status and body.
#[must_use]
pub fn node_answer(answer: &Answer) -> Vec<u8> {
    bt::list(|list| {
        list.int(i64::from(answer.status)).bytes(&answer.body);
    })
}

/// Returns the status that the text of an error begins with, if it is one of the six that clients
/// know.
#[must_use]
pub fn error_status(text: &[u8]) -> Option<u16> {
    [400, 403, 500, 502, 503, 504]
        .into_iter()
        .find(|status| text.starts_with(format!("{status} {}", reason_phrase(*status)).as_bytes()))
}
