//! The inbox: messages between blinded ids (protocol: community, section 6).
//!
//! `session_message::inbox` seals and opens the messages. Only blinded users have an inbox.

use serde_json::json;
use session_types::http::{Method, Request};
use session_types::{AnyId, base64};

use crate::request::with_json;

/// Asks for received messages, all or those after an id. 304 if there is none after it.
#[must_use]
pub fn received(since: Option<u64>) -> Request {
    match since {
        None => Request::get("/inbox"),
        Some(id) => Request::get(alloc::format!("/inbox/since/{id}")),
    }
}

/// Asks for sent messages, all or those after an id. 304 if there is none after it.
#[must_use]
pub fn sent(since: Option<u64>) -> Request {
    match since {
        None => Request::get("/outbox"),
        Some(id) => Request::get(alloc::format!("/outbox/since/{id}")),
    }
}

/// Sends a sealed message to a blinded id that the server named. 404 if the server does not know
/// the id.
#[must_use]
pub fn send(recipient: &AnyId, message: &[u8]) -> Request {
    let body = json!({ "message": base64::encode(message) });
    with_json(Method::Post, alloc::format!("/inbox/{recipient}"), &body)
}

/// Deletes all received messages.
#[must_use]
pub fn delete_all() -> Request {
    Request::new(Method::Delete, "/inbox")
}
