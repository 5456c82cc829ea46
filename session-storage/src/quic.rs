//! The wrapping of answers over QUIC (protocol: storage-rpc, section 1.3).
//!
//! ```text
//! reply  [200,{…}], in the encoding of the request
//! error  421 Misdirected Request, two newlines, then text or [421,{…}]
//! ```

use alloc::string::String;
use alloc::vec::Vec;

use crate::answer::{AnswerError, Body, Response};
use crate::batch::read_result;
use crate::value::Value;
use crate::{Encoding, RpcError};

/// What goes over the bt stream: the body, and whether it is an error reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The stream's error flag.
    pub is_error: bool,
    /// The body.
    pub body: Vec<u8>,
}

/// Wraps the answer of a node.
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
    let reason = reason_phrase(response.status);
    let mut text = alloc::format!("{} {reason}\n\n", response.status).into_bytes();
    text.extend_from_slice(&body);
    Reply {
        is_error: true,
        body: text,
    }
}

/// The reply to an endpoint that does not exist.
#[must_use]
pub fn unknown_endpoint(name: &str) -> Reply {
    Reply {
        is_error: true,
        body: alloc::format!("Invalid endpoint '{name}'").into_bytes(),
    }
}

/// Unwraps an answer on the side of the client.
///
/// # Errors
///
/// [`AnswerError::Encoding`] if an error reply does not begin with a status.
pub fn unwrap(reply: &Reply) -> Result<Response, AnswerError> {
    if !reply.is_error {
        return Ok(unwrap_body(200, &reply.body));
    }
    let text = String::from_utf8_lossy(&reply.body);
    let status = text.get(..3).and_then(|digits| digits.parse::<u16>().ok());
    let status = status.ok_or(AnswerError::Encoding)?;
    let mut lines = reply.body.windows(2).enumerate();
    let end = lines
        .find(|(_, pair)| pair == b"\n\n")
        .map(|(index, _)| index);
    let body = end.and_then(|end| reply.body.get(end.saturating_add(2)..));
    Ok(unwrap_body(status, body.unwrap_or_default()))
}

fn unwrap_body(status: u16, body: &[u8]) -> Response {
    let list = match body {
        [b'[', ..] => Value::from_json(body).ok(),
        [b'l', ..] => Value::from_bencode(body).ok(),
        _ => None,
    };
    if let Some(Value::List(items)) = &list
        && let [code, body] = items.as_slice()
    {
        let result = Value::dict([("code", code.clone()), ("body", body.clone())]);
        if let Some(response) = read_result(&result) {
            return response;
        }
    }
    let body = match core::str::from_utf8(body) {
        Ok(text) => Body::Text(text.into()),
        Err(_) => Body::Binary(body.into()),
    };
    Response { status, body }
}

const fn reason_phrase(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        406 => "Not Acceptable",
        410 => "Gone",
        413 => "Payload Too Large",
        421 => "Misdirected Request",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Unknown",
    }
}

/// The error reply of a node that refuses a request.
#[must_use]
pub fn refuse(error: &RpcError) -> Reply {
    wrap(&Response::refuse(error), Encoding::Json)
}
