//! Errors of replies.

use session_types::http::{LengthError, Response};

/// A reply that does not give what was asked for. The status alone decides;
/// [`Endpoint::refusal`](crate::Endpoint::refusal) says what it means at the endpoint that was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// 400: malformed, or another kind of id is required.
    #[error("the server found the request malformed (400)")]
    BadRequest,
    /// 401: a signature is needed, or it does not verify.
    #[error("the server needs a valid signature (401)")]
    NotAuthenticated,
    /// 403: banned, or the permission is missing.
    #[error("not permitted (403)")]
    Forbidden,
    /// 404: no such room, post, file or user, or not visible to this user.
    #[error("not found (404)")]
    NotFound,
    /// 406: the file is not one of this room.
    #[error("not acceptable (406)")]
    NotAcceptable,
    /// 412: the server lacks a required capability.
    #[error("the server lacks a required capability (412)")]
    MissingCapability,
    /// 413: the file is too large.
    #[error("the file is too large (413)")]
    TooLarge,
    /// 425: the clock is off, or the nonce was used before. Never repeat with the same headers.
    #[error("the clock is off or the nonce was used before (425)")]
    ClockOrNonce,
    /// 429: too many posts, or a filter refused the post.
    #[error("rate limited or filtered (429)")]
    RateLimited,
    /// A redirect, which is never followed.
    #[error("expected a reply, got a redirect ({status})")]
    Redirect {
        /// The status.
        status: u16,
    },
    /// Any other status.
    #[error("expected a status of success, got {status}")]
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
    /// The reply belongs to another request: another room, or entries from before those asked for.
    #[error("the reply belongs to another request")]
    OtherRequest,
    /// A batch has another number of replies than requests.
    #[error("expected {expected} replies, got {got}")]
    Count {
        /// Number of requests.
        expected: usize,
        /// Number of replies.
        got: usize,
    },
}

/// Returns the error of a status that is not one of success.
pub(crate) const fn status_error(status: u16) -> Option<ReplyError> {
    Some(match status {
        200..=299 => return None,
        // Not modified: a reply in its own right where it is expected.
        300..=303 | 305..=399 => ReplyError::Redirect { status },
        400 => ReplyError::BadRequest,
        401 => ReplyError::NotAuthenticated,
        403 => ReplyError::Forbidden,
        404 => ReplyError::NotFound,
        406 => ReplyError::NotAcceptable,
        412 => ReplyError::MissingCapability,
        413 => ReplyError::TooLarge,
        425 => ReplyError::ClockOrNonce,
        429 => ReplyError::RateLimited,
        status => ReplyError::Status { status },
    })
}

/// Checks the length of a reply against `limit` in bytes, then its status.
pub(crate) fn check(reply: &Response, limit: u64) -> Result<(), ReplyError> {
    session_types::http::announced_length(&reply.headers, limit)?;
    let received = u64::try_from(reply.body.len()).map_err(|_| LengthError::NotANumber)?;
    if received > limit {
        let announced = received;
        return Err(LengthError::TooLong { announced, limit }.into());
    }
    match status_error(reply.status) {
        None => Ok(()),
        Some(error) => Err(error),
    }
}
