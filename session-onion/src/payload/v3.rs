//! Version 3 of the server payload: all in one JSON object (protocol: onion, section 5.3).
//!
//! No current client sends it; servers still take it.
//!
//! ```text
//! request  {"method":…,"endpoint":…,"body":…,"headers":{…}}
//! answer   the body, or {"status_code":…} of what is no success
//! ```

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::json::{JsonError, fields};
use crate::payload::{Header, headers};

/// Why a plaintext is not a version 3 request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum V3Error {
    /// It is not the JSON that was expected.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A body where the method has none.
    #[error("a request of this method has no body")]
    Body,
}

/// A request, as a server reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The method.
    pub method: String,
    /// The endpoint. One that came without a leading slash now begins with `/legacy/`.
    pub endpoint: String,
    /// The headers by name; for a legacy endpoint with the `Authorization` that came beside them.
    pub headers: Vec<Header>,
    /// The body, empty if there is none.
    pub body: String,
}

impl Received {
    /// Reads a plaintext.
    ///
    /// # Errors
    ///
    /// [`V3Error`] says what is wrong with it.
    pub fn parse(plaintext: &[u8]) -> Result<Self, V3Error> {
        // The object begins at once: white space before it makes it none.
        let text = core::str::from_utf8(plaintext)
            .ok()
            .filter(|text| text.starts_with('{'))
            .ok_or(JsonError::NotAnObject)?;
        let [endpoint, method, body, given, auth_code] =
            fields(text, ["endpoint", "method", "body", "headers", "auth_code"])?;
        let endpoint = endpoint.required_text()?;
        let method = method.required_text()?.into_owned();
        let mut headers = headers(given.or_null().text_map()?);
        let auth_code = auth_code.or_null().text()?;
        let endpoint = if endpoint.starts_with('/') {
            endpoint.into_owned()
        } else {
            if let Some(code) = auth_code {
                headers.retain(|header| !header.name.eq_ignore_ascii_case("authorization"));
                headers.push(Header {
                    name: "Authorization".to_owned(),
                    value: code.into_owned(),
                });
            }
            format!("/legacy/{endpoint}")
        };
        let mut body = body.or_null().text()?.unwrap_or_default();
        if !matches!(method.as_str(), "POST" | "PUT") {
            // Some clients send the text "null" where they mean no body.
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
