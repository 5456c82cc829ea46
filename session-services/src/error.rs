//! Errors of replies.

use session_types::http::{LengthError, Response};

/// A reply that does not give what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// 400: the server found the request malformed.
    #[error("the server found the request malformed (400)")]
    BadRequest,
    /// 401: the signature does not verify.
    #[error("the server did not accept the signature (401)")]
    Signature,
    /// 404: unknown or expired.
    #[error("not found (404)")]
    NotFound,
    /// 413: an empty body, or one above the server's limit.
    #[error("the body is empty or too large (413)")]
    Size,
    /// 425: the time of the request is too far from the server's clock.
    #[error("the time of the request is too far from the server's clock (425)")]
    Clock,
    /// A redirect, which is never followed.
    #[error("expected a reply, got a redirect ({status})")]
    Redirect {
        /// The status.
        status: u16,
    },
    /// Any other status.
    #[error("expected status 200, got {status}")]
    Status {
        /// The status.
        status: u16,
    },
    /// The announced or received body is longer than the limit.
    #[error(transparent)]
    Length(#[from] LengthError),
    /// The body is not JSON of the expected shape.
    #[error("the reply is not JSON of the expected shape")]
    Json,
    /// A value of the JSON is out of range.
    #[error("{field} of the reply is out of range")]
    Value {
        /// The key of the value.
        field: &'static str,
    },
}

/// Checks the status of a reply, and the length of its body against `limit` in bytes.
pub(crate) fn check(reply: &Response, limit: u64) -> Result<(), ReplyError> {
    session_types::http::announced_length(&reply.headers, limit)?;
    let received = u64::try_from(reply.body.len()).map_err(|_| LengthError::NotANumber)?;
    if received > limit {
        return Err(LengthError::TooLong {
            announced: received,
            limit,
        }
        .into());
    }
    match reply.status {
        200..=299 => Ok(()),
        300..=399 => Err(ReplyError::Redirect {
            status: reply.status,
        }),
        400 => Err(ReplyError::BadRequest),
        401 => Err(ReplyError::Signature),
        404 => Err(ReplyError::NotFound),
        413 => Err(ReplyError::Size),
        425 => Err(ReplyError::Clock),
        status => Err(ReplyError::Status { status }),
    }
}
