//! Replies to a batch.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::value::RawValue;
use session_types::base64;
use session_types::http::Response;

use crate::ReplyError;
use crate::json::{self, Text};

#[derive(Deserialize)]
struct Fields<'a> {
    code: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
}

impl Fields<'_> {
    fn response(self) -> Result<Response, ReplyError> {
        let mut response = Response {
            status: self.code,
            headers: self.headers.into_iter().collect(),
            body: Vec::new(),
        };
        let body = self.body.map_or("null", RawValue::get);
        // The body is JSON only for exactly this type.
        response.body = match response.header("content-type") {
            Some(json::JSON) => body.as_bytes().to_vec(),
            _ => match serde_json::from_str(body) {
                Ok(None::<Text<'_>>) => Vec::new(),
                Ok(Some(text)) => {
                    base64::decode(text.as_str()).ok_or(ReplyError::Value { field: "body" })?
                }
                Err(_) => return Err(ReplyError::Json),
            },
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
    let items: Vec<Fields<'_>> = json::list(reply)?;
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
