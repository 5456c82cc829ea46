//! Requests of one node to another (protocol: quic, section 8).

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{Reply, unwrap, wrap};
use crate::answer::{AnswerError, Body, Response};
use crate::serve::{Host, PeerOutcome, refuse, serve_peer};
use crate::value::Value;
use crate::value::bencode::write_bytes;
use crate::{Encoding, Request, RpcError};

/// The body of an accepted push.
pub const OK: &[u8] = b"OK";
/// The error for a push without messages.
pub const EMPTY_PUSH: &[u8] = b"Empty data push";
/// The error for a push that cannot be stored.
pub const PUSH_FAILED: &[u8] = b"Failed to store messages";
/// The error for a push of a node that is in no list.
pub const SWARM_MISMATCH: &[u8] = b"Swarm mismatch";

/// Encodes the body of a forwarded request: the method, and its parameters bencoded.
#[must_use]
pub fn forward(method: &str, params: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(params.len().saturating_add(48));
    out.push(b'l');
    write_bytes(&mut out, method.as_bytes());
    write_bytes(&mut out, params);
    out.push(b'e');
    out
}

/// Parses the body of a forwarded request.
fn read_forward(body: &[u8]) -> Option<(String, Vec<u8>)> {
    let Ok(Value::List(items)) = Value::from_bencode(body) else {
        return None;
    };
    match <[Value; 2]>::try_from(items).ok()? {
        [Value::Bytes(method), Value::Bytes(params)] => {
            Some((String::from_utf8(method).ok()?, params))
        }
        _ => None,
    }
}

/// Serves a request that another member of the swarm forwarded.
pub fn serve_forward<H: Host>(body: &[u8], host: &mut H) -> Reply {
    let error = |text: String| Reply {
        is_error: true,
        body: text.into_bytes(),
    };
    let Some((method, params)) = read_forward(body) else {
        return error("Invalid forwarded request: expected a list of method and parameters".into());
    };
    match serve_peer(&method, &params, host) {
        Ok(entry) => Reply {
            is_error: false,
            body: [b"li200e", entry.as_slice(), b"e"].concat(),
        },
        Err(RpcError::NoMethod(name)) => error(format!("Unknown forwarded command {name}")),
        Err(refused) => {
            // The account is in the parameters, which have been parsed.
            let request = Request::from_peer(&method, &params).ok();
            let account = request.as_ref().and_then(Request::account);
            let response = refuse(&refused, account, host);
            wrap(&response, Encoding::Bencode)
        }
    }
}

/// Reads the answer of another node to a forwarded request.
#[must_use]
pub fn read_forwarded(reply: &Reply) -> PeerOutcome {
    match unwrap(reply) {
        Ok(Response {
            status: 200,
            body: Body::Structure(entry),
        }) => PeerOutcome::Answered(entry.to_bencode()),
        Ok(Response { status, body }) => PeerOutcome::Refused(
            status,
            match body {
                Body::Text(text) => text,
                Body::Structure(_) | Body::Binary(_) => String::new(),
            },
        ),
        Err(AnswerError::UnknownEndpoint) => {
            PeerOutcome::Refused(404, AnswerError::UnknownEndpoint.to_string())
        }
        // An error without a status has its text alone.
        Err(_) => PeerOutcome::Refused(400, String::from_utf8_lossy(&reply.body).into_owned()),
    }
}
