//! Requests to the file server, and its replies (protocol: file-server, section 2).
//!
//! The requests are not signed. A reply that announces more than it may is refused before it is
//! read: [`session_types::http::announced_length`] with [`MAX_SIZE`].

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use serde::Deserialize;
use session_types::UnixMillis;
use session_types::http::{Method, Request, Response, parse_date};

use crate::error::check;
use crate::file::{FileId, MAX_SIZE, TTL_HEADER};
use crate::{ReplyError, json};

/// [`MAX_SIZE`] as the number that lengths are compared with.
const DOWNLOAD_MAX: u64 = 10_000_000;

/// The content is empty or larger than [`MAX_SIZE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a file of 1 to {MAX_SIZE} bytes, got {got}")]
pub struct SizeError {
    /// Its size in bytes.
    pub got: usize,
}

/// Adds `X-FS-TTL`, in whole seconds.
fn with_ttl(request: Request, ttl: Option<Duration>) -> Request {
    match ttl {
        None => request,
        Some(ttl) => request.with_header(TTL_HEADER, alloc::format!("{}", ttl.as_secs())),
    }
}

/// Uploads a file, for the server's default time to live if `ttl` is `None`. A server refuses more
/// than its maximum, usually [`MAX_TTL`](crate::file::MAX_TTL).
///
/// # Errors
///
/// [`SizeError`] if the file is empty or too large.
pub fn upload(content: Vec<u8>, ttl: Option<Duration>) -> Result<Request, SizeError> {
    if content.is_empty() || content.len() > MAX_SIZE {
        return Err(SizeError { got: content.len() });
    }
    let request = Request::new(Method::Post, "/file").with_body(json::BYTES, content);
    Ok(with_ttl(request, ttl))
}

/// Downloads a file.
#[must_use]
pub fn download(id: &FileId) -> Request {
    Request::get(alloc::format!("/file/{id}"))
}

/// Asks for size and times of a file.
#[must_use]
pub fn info(id: &FileId) -> Request {
    Request::get(alloc::format!("/file/{id}/info"))
}

/// Extends the time to live of a file to `ttl` from now; it never becomes shorter. Works only if the
/// id [is extendable](FileId::is_extendable); the server answers 404 to the others.
#[must_use]
pub fn extend(id: &FileId, ttl: Option<Duration>) -> Request {
    let path = alloc::format!("/file/{id}/extend");
    with_ttl(Request::new(Method::Post, path), ttl)
}

/// Reply to an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uploaded {
    /// The id.
    pub id: FileId,
    /// Expiry. Absent from servers of 2024.
    pub expires: Option<UnixMillis>,
}

impl Uploaded {
    /// Reads the reply to [`upload`].
    ///
    /// # Errors
    ///
    /// [`ReplyError`] if the server refused or the reply is malformed.
    pub fn from_reply(reply: &Response) -> Result<Self, ReplyError> {
        #[derive(Deserialize)]
        struct Fields {
            id: String,
            expires: Option<f64>,
        }
        let fields: Fields = json::object(reply)?;
        let id = fields.id.parse();
        Ok(Self {
            id: id.map_err(|_| ReplyError::Value { field: "id" })?,
            expires: json::opt_time(fields.expires, "expires")?,
        })
    }
}

/// A downloaded file, still encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// The bytes.
    pub content: Vec<u8>,
    /// Expiry, if the server reports it.
    pub expires: Option<UnixMillis>,
}

impl Download {
    /// Takes the reply to [`download`] apart; its body is not copied.
    ///
    /// # Errors
    ///
    /// [`ReplyError`] if the server refused, or the file is larger than [`MAX_SIZE`].
    pub fn from_reply(reply: Response) -> Result<Self, ReplyError> {
        check(&reply, DOWNLOAD_MAX)?;
        let expires = match reply.header("expires") {
            None => None,
            Some(text) => Some(parse_date(text).ok_or(ReplyError::Value { field: "expires" })?),
        };
        Ok(Self {
            content: reply.body,
            expires,
        })
    }
}

/// Size and times of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileInfo {
    /// Size in bytes.
    pub size: u64,
    /// Time of the upload.
    pub uploaded: UnixMillis,
    /// Expiry.
    pub expires: UnixMillis,
}

impl FileInfo {
    /// Reads the reply to [`info`] or [`extend`].
    ///
    /// # Errors
    ///
    /// [`ReplyError`] if the server refused or the reply is malformed.
    pub fn from_reply(reply: &Response) -> Result<Self, ReplyError> {
        #[derive(Deserialize)]
        struct Fields {
            size: u64,
            uploaded: f64,
            expires: f64,
        }
        let fields: Fields = json::object(reply)?;
        Ok(Self {
            size: fields.size,
            uploaded: json::time(fields.uploaded, "uploaded")?,
            expires: json::time(fields.expires, "expires")?,
        })
    }
}
