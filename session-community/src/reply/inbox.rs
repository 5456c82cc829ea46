//! The inbox.

use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;
use session_types::http::Response;
use session_types::{AnyId, UnixMillis, base64};

use super::room::id;
use crate::ReplyError;
use crate::json;

/// A message between blinded ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxMessage {
    /// Its number on the server.
    pub id: u64,
    /// Time of posting.
    pub posted: UnixMillis,
    /// Expiry.
    pub expires: UnixMillis,
    /// The sender's blinded id, as the server says; `session_message::inbox::open` checks it.
    pub sender: AnyId,
    /// The recipient's blinded id.
    pub recipient: AnyId,
    /// The sealed message; empty in the reply to the sender.
    pub message: Vec<u8>,
}

#[derive(Deserialize)]
struct Fields {
    id: u64,
    posted_at: f64,
    expires_at: f64,
    sender: String,
    recipient: String,
    message: Option<String>,
}

impl Fields {
    fn message(self, is_sent: bool) -> Result<InboxMessage, ReplyError> {
        let message = match self.message {
            None if is_sent => Vec::new(),
            None => return Err(ReplyError::Json),
            Some(text) => base64::decode(text).ok_or(ReplyError::Value { field: "message" })?,
        };
        Ok(InboxMessage {
            id: self.id,
            posted: json::time(self.posted_at, "posted_at")?,
            expires: json::time(self.expires_at, "expires_at")?,
            sender: id(&self.sender, "sender")?,
            recipient: id(&self.recipient, "recipient")?,
            message,
        })
    }
}

/// Reads received or sent messages. 304 is an empty list.
///
/// # Errors
///
/// [`ReplyError`] if the server refused or the reply is malformed.
pub fn inbox(reply: &Response) -> Result<Vec<InboxMessage>, ReplyError> {
    if reply.status == 304 {
        return Ok(Vec::new());
    }
    let items: Vec<Fields> = json::list(reply)?;
    items.into_iter().map(|item| item.message(false)).collect()
}

/// Reads the reply to [`crate::request::inbox::send`].
///
/// # Errors
///
/// [`ReplyError`] if the server refused or the reply is malformed.
pub fn inbox_sent(reply: &Response) -> Result<InboxMessage, ReplyError> {
    json::object::<Fields>(reply)?.message(true)
}

/// Reads the reply to [`crate::request::inbox::delete_all`]: the number of deleted messages.
///
/// # Errors
///
/// [`ReplyError`] if the server refused or the reply is malformed.
pub fn inbox_deleted(reply: &Response) -> Result<u64, ReplyError> {
    #[derive(Deserialize)]
    struct Fields {
        deleted: u64,
    }
    json::object(reply).map(|fields: Fields| fields.deleted)
}
