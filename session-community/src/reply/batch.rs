//! Replies to a batch.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::Value;
use session_types::base64;
use session_types::http::Response;

use crate::ReplyError;
use crate::json;

#[derive(Deserialize)]
struct Fields {
    code: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: Value,
}

impl Fields {
    fn response(self) -> Result<Response, ReplyError> {
        let mut response = Response {
            status: self.code,
            headers: self.headers.into_iter().collect(),
            body: Vec::new(),
        };
        // The body is JSON only for exactly this type.
        response.body = match (response.header("content-type"), self.body) {
            (Some(json::JSON), body) => body.to_string().into_bytes(),
            (_, Value::String(text)) => {
                base64::decode(text).ok_or(ReplyError::Value { field: "body" })?
            }
            (_, Value::Null) => Vec::new(),
            _ => return Err(ReplyError::Json),
        };
        Ok(response)
    }
}

/// Takes the reply to a batch of `count` requests apart; that to a sequence has fewer replies if the
/// last of them is not one of success.
///
/// # Errors
///
/// [`ReplyError`] if the server refused the whole, or the reply is malformed or has another number
/// of replies.
pub fn batch(reply: &Response, count: usize) -> Result<Vec<Response>, ReplyError> {
    let items: Vec<Fields> = json::list(reply)?;
    let got = items.len();
    let replies = items
        .into_iter()
        .map(Fields::response)
        .collect::<Result<Vec<_>, _>>()?;
    let stopped = replies.last().is_some_and(|last| !last.is_success());
    if got == count || got < count && stopped {
        return Ok(replies);
    }
    Err(ReplyError::Count {
        expected: count,
        got,
    })
}
