//! JSON in and out.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use serde::Deserialize;
use session_proto::json;
pub(crate) use session_proto::json::{Flag, Object};
use session_types::UnixMillis;
use session_types::http::Response;

use crate::ReplyError;
use crate::error::check;

/// Maximum length of a reply that is read, in bytes. A poll of 256 large posts stays below.
pub(crate) const REPLY_MAX: u64 = 20_000_000;

pub(crate) const JSON: &str = "application/json";
pub(crate) const TEXT: &str = "text/plain; charset=utf-8";
pub(crate) const HTML: &str = "text/html; charset=utf-8";
pub(crate) const BYTES: &str = "application/octet-stream";

/// A text that is borrowed from the reply unless it has escapes.
#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Text<'_> {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Reads a successful reply.
pub(crate) fn read<'de, T: Deserialize<'de>>(reply: &'de Response) -> Result<T, ReplyError> {
    check(reply, REPLY_MAX)?;
    json::value(&reply.body).map_err(|_| ReplyError::Json)
}

/// Reads a successful reply that is an object.
pub(crate) fn object<'de, T: Deserialize<'de>>(reply: &'de Response) -> Result<T, ReplyError> {
    check(reply, REPLY_MAX)?;
    json::object(&reply.body).map_err(|_| ReplyError::Json)
}

/// Reads a successful reply that is a list of objects.
pub(crate) fn list<'de, T: Deserialize<'de>>(reply: &'de Response) -> Result<Vec<T>, ReplyError> {
    check(reply, REPLY_MAX)?;
    json::list(&reply.body).map_err(|_| ReplyError::Json)
}

/// Reads fractional seconds.
pub(crate) fn time(seconds: f64, field: &'static str) -> Result<UnixMillis, ReplyError> {
    UnixMillis::from_secs_f64(seconds).ok_or(ReplyError::Value { field })
}

/// Reads fractional seconds that may be absent.
pub(crate) fn opt_time(
    seconds: Option<f64>,
    field: &'static str,
) -> Result<Option<UnixMillis>, ReplyError> {
    seconds.map(|seconds| time(seconds, field)).transpose()
}
