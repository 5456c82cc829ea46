//! JSON in and out.

use alloc::string::ToString;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use session_proto::json;
pub(crate) use session_proto::json::Object;
use session_types::UnixMillis;
use session_types::http::Response;

use crate::ReplyError;
use crate::error::check;

/// Maximum length of a JSON reply that is read, in bytes.
pub(crate) const REPLY_MAX: u64 = 1_000_000;

pub(crate) const JSON: &str = "application/json";
pub(crate) const TEXT: &str = "text/plain; charset=utf-8";
pub(crate) const BYTES: &str = "application/octet-stream";

/// Reads a successful reply.
pub(crate) fn read<T: DeserializeOwned>(reply: &Response) -> Result<T, ReplyError> {
    check(reply, REPLY_MAX)?;
    json::value(&reply.body).map_err(|_| ReplyError::Json)
}

/// Reads a successful reply that is an object.
pub(crate) fn object<T: DeserializeOwned>(reply: &Response) -> Result<T, ReplyError> {
    check(reply, REPLY_MAX)?;
    json::object(&reply.body).map_err(|_| ReplyError::Json)
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

/// Writes a reply of JSON.
pub(crate) fn reply(status: u16, body: &Value) -> Response {
    Response::new(status, JSON, body.to_string())
}

/// Writes `{"status_code": …}`, the error of the file server's endpoints.
pub(crate) fn status(status: u16) -> Response {
    reply(status, &json!({ "status_code": status }))
}
