//! Answers over OxenMQ (protocol: storage-rpc, section 1.2).
//!
//! ```text
//! success  one part, the body
//! failure  two parts, the decimal status and the body
//! ```

use alloc::string::ToString;
use alloc::vec::Vec;

use crate::Encoding;
use crate::answer::{AnswerError, Body, Response};
use crate::value::Value;

/// Encodes the answer of a node as the parts of a message.
#[must_use]
pub fn wrap(response: &Response, encoding: Encoding) -> Vec<Vec<u8>> {
    let body = match encoding {
        Encoding::Json => response.json_body(),
        Encoding::Bencode => response.bencoded_body(),
    };
    if response.status == 200 {
        return [body].into();
    }
    [response.status.to_string().into_bytes(), body].into()
}

/// Parses an answer.
///
/// # Errors
///
/// [`AnswerError::Encoding`] if there are neither one nor two parts, or the first of two is not a
/// status.
pub fn unwrap<P: AsRef<[u8]>>(parts: &[P]) -> Result<Response, AnswerError> {
    let (status, body) = match parts {
        [body] => (200, body.as_ref()),
        [status, body] => {
            let digits = core::str::from_utf8(status.as_ref()).ok();
            let status = digits.and_then(|digits| digits.parse().ok());
            (status.ok_or(AnswerError::Encoding)?, body.as_ref())
        }
        _ => return Err(AnswerError::Encoding),
    };
    // The text of a refusal may begin like a dictionary: `delete_msgs signature …`.
    let structure = match body {
        [b'{', ..] => Value::from_json(body).ok(),
        [b'd', ..] => Value::from_exact_bencode(body),
        _ => None,
    };
    Ok(Response {
        status,
        body: structure.map_or_else(|| Body::plain(body), Body::Structure),
    })
}
