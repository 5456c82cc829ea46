//! JSON in and out.

use alloc::string::ToString;
use core::fmt;
use core::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
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
    serde_json::from_slice(&reply.body).map_err(|_| ReplyError::Json)
}

/// An object of JSON. `serde` would read a struct from an array too.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
            }
        }

        from.deserialize_map(Fields(PhantomData)).map(Self)
    }
}

/// Reads a successful reply that is an object.
pub(crate) fn object<T: DeserializeOwned>(reply: &Response) -> Result<T, ReplyError> {
    read::<Object<T>>(reply).map(|Object(fields)| fields)
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
