//! Requests and answers over QUIC (protocol: storage-rpc, section 1.3; quic, sections 4 and 8). The streams that
//! carry them are in `session-proto`.
//!
//! ```text
//! reply  [200,{…}], in the encoding of the request
//! error  421 Misdirected Request, two newlines, then text or [421,{…}]
//! ```

use alloc::vec::Vec;

use session_types::http::error_body;

use crate::answer::{AnswerError, Body, Response};
use crate::value::Value;
use crate::{Encoding, RpcError};

mod endpoints;
mod peer;

pub use endpoints::{ClientEndpoint, NODE_STREAMS, NodeEndpoint, PING, PONG};
pub use peer::{
    EMPTY_PUSH, OK, PUSH_FAILED, SWARM_MISMATCH, forward, read_forwarded, serve_forward,
};

/// Beginning of the reply to an unknown endpoint.
const INVALID_ENDPOINT: &[u8] = b"Invalid endpoint '";

/// A reply of the BT stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Whether the stream marks it as an error.
    pub is_error: bool,
    /// The body.
    pub body: Vec<u8>,
}

/// Encodes the answer of a node.
#[must_use]
pub fn wrap(response: &Response, encoding: Encoding) -> Reply {
    let body = match &response.body {
        Body::Structure(body) => {
            let list = Value::List([u64::from(response.status).into(), body.clone()].into());
            match encoding {
                Encoding::Json => list.to_json(),
                Encoding::Bencode => list.to_bencode(),
            }
        }
        Body::Text(text) => text.as_bytes().into(),
        Body::Binary(bytes) => bytes.clone(),
    };
    if response.status == 200 {
        return Reply {
            is_error: false,
            body,
        };
    }
    Reply {
        is_error: true,
        body: error_body(response.status, &body),
    }
}

/// Encodes the reply to an unknown endpoint.
#[must_use]
pub fn unknown_endpoint(name: &str) -> Reply {
    Reply {
        is_error: true,
        body: [INVALID_ENDPOINT, name.as_bytes(), b"'"].concat(),
    }
}

/// Parses an answer.
///
/// # Errors
///
/// [`AnswerError::UnknownEndpoint`] if the node does not know the method;
/// [`AnswerError::Encoding`] if an error reply does not begin with a status.
pub fn unwrap(reply: &Reply) -> Result<Response, AnswerError> {
    if !reply.is_error {
        return Ok(unwrap_body(200, &reply.body));
    }
    if reply.body.starts_with(INVALID_ENDPOINT) {
        return Err(AnswerError::UnknownEndpoint);
    }
    let digits = reply.body.first_chunk::<3>();
    let digits = digits.and_then(|digits| core::str::from_utf8(digits).ok());
    let status = digits.and_then(|digits| digits.parse::<u16>().ok());
    let status = status.ok_or(AnswerError::Encoding)?;
    let mut lines = reply.body.windows(2).enumerate();
    let end = lines
        .find(|(_, pair)| pair == b"\n\n")
        .map(|(index, _)| index);
    // A reply without an empty line has no body.
    let body = end.and_then(|end| reply.body.get(end.saturating_add(2)..));
    Ok(unwrap_body(status, body.unwrap_or(&[])))
}

fn unwrap_body(status: u16, body: &[u8]) -> Response {
    let list = match body {
        [b'[', ..] => Value::from_json(body).ok(),
        [b'l', ..] => Value::from_exact_bencode(body),
        _ => None,
    };
    if let Some(Value::List(items)) = list
        && let Ok([code, body]) = <[Value; 2]>::try_from(items)
        && let Some(status) = code.as_u64().and_then(|code| u16::try_from(code).ok())
    {
        return Response {
            status,
            body: Body::Structure(body),
        };
    }
    Response {
        status,
        body: Body::plain(body),
    }
}

/// Encodes the rejection of a request.
#[must_use]
pub fn refuse(error: &RpcError) -> Reply {
    wrap(&Response::refuse(error), Encoding::Json)
}
