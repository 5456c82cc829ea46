//! Version 3 of the server payload: one JSON object (protocol: onion, section 5.3).
//!
//! No current client sends it; servers still accept it.
//!
//! ```text
//! request  {"method":…,"endpoint":…,"body":…,"headers":{…}}
//! answer   the body, or {"status_code":…} if the status is not a success
//! ```

use alloc::borrow::{Cow, ToOwned};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::json::{JsonError, Numbers, fields};
use crate::payload::Header;

/// The plaintext is not a version 3 request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum V3Error {
    /// The JSON is malformed.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The method does not allow a body.
    #[error("a request of this method has no body")]
    Body,
}

/// A request as a server reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The method.
    pub method: String,
    /// The endpoint. `/legacy/` is prepended to an endpoint without a leading slash.
    pub endpoint: String,
    /// The headers. For a legacy endpoint they include the `Authorization` of the field `auth_code`.
    pub headers: Vec<Header>,
    /// The body, empty if absent.
    pub body: String,
}

impl Received {
    /// Returns the value of a header. Names are compared without case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        Header::find(&self.headers, name)
    }

    /// Parses a plaintext.
    ///
    /// # Errors
    ///
    /// [`V3Error`] if it is malformed, or has a body that its method does not allow.
    pub fn parse(plaintext: &[u8]) -> Result<Self, V3Error> {
        // Nothing may precede the object, not even white space.
        let text = core::str::from_utf8(plaintext)
            .ok()
            .filter(|text| text.starts_with('{'))
            .ok_or(JsonError::NotAnObject)?;
        let [endpoint, method, body, given, auth_code] =
            fields(text, ["endpoint", "method", "body", "headers", "auth_code"])?;
        let endpoint = endpoint.required_text()?;
        let method = method.required_text()?.into_owned();
        let mut headers = given.or_null().headers(Numbers::Refused)?;
        let auth_code = auth_code.or_null().text()?;
        let endpoint = if endpoint.starts_with('/') {
            endpoint.into_owned()
        } else {
            if let Some(code) = auth_code {
                headers.retain(|header| !header.is_named("authorization"));
                headers.push(Header {
                    name: "Authorization".to_owned(),
                    value: code.into_owned(),
                });
            }
            format!("/legacy/{endpoint}")
        };
        let mut body = body.or_null().text()?.unwrap_or(Cow::Borrowed(""));
        if !matches!(method.as_str(), "POST" | "PUT") {
            // Some clients send the text "null" for no body.
            if body == "null" {
                body = "".into();
            }
            if !body.is_empty() {
                return Err(V3Error::Body);
            }
        }
        Ok(Self {
            method,
            endpoint,
            headers,
            body: body.into_owned(),
        })
    }
}
