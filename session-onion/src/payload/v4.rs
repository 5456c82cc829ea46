//! Version 4 of the server payload: metadata as JSON and a body of any bytes, in one bencoded list
//! (protocol: onion, section 5.2).
//!
//! ```text
//! request   l <n>:{"endpoint":"/…","headers":{…},"method":"…"} [<m>:body] e
//! answer    l <n>:{"code":200,"headers":{…}} <m>:body e
//! ```

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use session_proto::bt;

use crate::client::Reply;
use crate::json::{JsonError, fields, push_text};
use crate::payload::{Header, headers};

/// Why a plaintext is not a version 4 request or answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum V4Error {
    /// It is not a canonical bencoded list.
    #[error("not a list: {0}")]
    Encoding(#[from] bt::Error),
    /// The list has another length, or elements that are no strings.
    #[error("expected a list of one or two strings")]
    Elements,
    /// The first element is not the JSON that was expected.
    #[error("metadata: {0}")]
    Json(#[from] JsonError),
    /// The endpoint does not begin with a slash.
    #[error("endpoint does not begin with a slash")]
    Endpoint,
    /// A GET or DELETE with a body.
    #[error("a request of this method has no body")]
    Body,
    /// The code of an answer is not from 0 to 65535.
    #[error("code is out of range")]
    Code,
}

/// A request, as a client writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    /// The method, `GET`, `POST` and so on.
    pub method: &'a str,
    /// The endpoint with its query. A slash is put before it if it begins with none.
    pub endpoint: &'a str,
    /// The headers. One named `User-Agent` is left out, for it would tell clients apart; of a name
    /// that stands twice the last is taken. With a body and without a `Content-Type`,
    /// `application/json` is added.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body. GET and DELETE have none.
    pub body: Option<&'a [u8]>,
}

impl<'a> Request<'a> {
    /// A GET without headers.
    #[must_use]
    pub const fn get(endpoint: &'a str) -> Self {
        Self {
            method: "GET",
            endpoint,
            headers: &[],
            body: None,
        }
    }

    /// A POST of JSON, without headers of its own.
    ///
    /// ```
    /// use session_onion::payload::v4;
    ///
    /// let request = v4::Request::post("/room/hikers/message", b"{}");
    /// let read = v4::Received::parse(request.encode())?;
    /// assert_eq!((read.method.as_str(), read.body.as_slice()), ("POST", b"{}".as_slice()));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn post(endpoint: &'a str, body: &'a [u8]) -> Self {
        Self {
            method: "POST",
            endpoint,
            headers: &[],
            body: Some(body),
        }
    }

    /// Writes the plaintext.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut plaintext = self.head();
        plaintext.extend_from_slice(self.body.unwrap_or_default());
        plaintext.push(b'e');
        plaintext
    }

    /// What stands before the bytes of the body.
    pub(crate) fn head(&self) -> Vec<u8> {
        let named = self.headers.iter().copied();
        let mut headers: BTreeMap<&str, &str> =
            named.filter(|(name, _)| *name != "User-Agent").collect();
        if self.body.is_some() {
            headers.entry("Content-Type").or_insert("application/json");
        }
        let mut json = b"{\"endpoint\":".to_vec();
        if self.endpoint.starts_with('/') {
            push_text(&mut json, self.endpoint);
        } else {
            push_text(&mut json, &format!("/{}", self.endpoint));
        }
        json.extend_from_slice(b",\"headers\":");
        push_headers(&mut json, headers);
        json.extend_from_slice(b",\"method\":");
        push_text(&mut json, self.method);
        json.push(b'}');
        head(&json, self.body.map(<[u8]>::len))
    }
}

fn push_headers<T: AsRef<str>>(json: &mut Vec<u8>, headers: BTreeMap<T, &str>) {
    json.push(b'{');
    for (index, (name, value)) in headers.into_iter().enumerate() {
        if index > 0 {
            json.push(b',');
        }
        push_text(json, name.as_ref());
        json.push(b':');
        push_text(json, value);
    }
    json.push(b'}');
}

/// `l<n>:<json>`, and `<m>:` if there is a body of that length.
fn head(json: &[u8], body: Option<usize>) -> Vec<u8> {
    let mut head = format!("l{}:", json.len()).into_bytes();
    head.extend_from_slice(json);
    if let Some(length) = body {
        head.extend_from_slice(format!("{length}:").as_bytes());
    }
    head
}

/// A request, as a server reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The method.
    pub method: String,
    /// The endpoint with its query; it begins with a slash.
    pub endpoint: String,
    /// The headers by name, without `Content-Length`, which the body makes idle.
    pub headers: Vec<Header>,
    /// The body; empty if there is none, which some clients write for an empty one.
    pub body: Vec<u8>,
}

impl Received {
    /// Reads a plaintext.
    ///
    /// # Errors
    ///
    /// [`V4Error`] says what is wrong with it.
    pub fn parse(plaintext: Vec<u8>) -> Result<Self, V4Error> {
        let (metadata, body) = elements(&plaintext, true)?;
        let [method, endpoint, given] = fields(metadata, ["method", "endpoint", "headers"])?;
        let method = method.required_text()?.into_owned();
        let endpoint = endpoint.required_text()?.into_owned();
        if !endpoint.starts_with('/') {
            return Err(V4Error::Endpoint);
        }
        if matches!(method.as_str(), "GET" | "DELETE") && body.is_some_and(|body| body.length > 0) {
            return Err(V4Error::Body);
        }
        let mut headers = headers(given.text_map()?);
        headers.retain(|header| !header.name.eq_ignore_ascii_case("content-length"));
        Ok(Self {
            method,
            endpoint,
            headers,
            body: body.map(|body| body.cut(plaintext)).unwrap_or_default(),
        })
    }
}

/// An answer, as a server writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Response<'a> {
    /// The status code.
    pub code: u16,
    /// The headers. Their names are written in lower case; `content-length` is left out.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
}

impl Response<'_> {
    /// What a server answers that cannot make sense of a request.
    pub const INVALID: Response<'static> = Response {
        code: 400,
        headers: &[("content-type", "text/plain; charset=utf-8")],
        body: b"Invalid v4 onion request",
    };

    /// Writes the plaintext.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let named = self.headers.iter();
        let headers: BTreeMap<String, &str> = named
            .map(|(name, value)| (name.to_ascii_lowercase(), *value))
            .filter(|(name, _)| name != "content-length")
            .collect();
        let mut json = format!("{{\"code\":{},\"headers\":", self.code).into_bytes();
        push_headers(&mut json, headers);
        json.push(b'}');
        let mut plaintext = head(&json, Some(self.body.len()));
        plaintext.extend_from_slice(self.body);
        plaintext.push(b'e');
        plaintext
    }
}

/// Reads an answer. The body may be absent, and elements after it are passed over.
pub(crate) fn read_response(plaintext: Vec<u8>) -> Result<Reply, V4Error> {
    let (metadata, body) = elements(&plaintext, false)?;
    let [code, given] = fields(metadata, ["code", "headers"])?;
    let code = code.integer()?.ok_or(JsonError::Missing("code"))?;
    Ok(Reply {
        status: u16::try_from(code).map_err(|_| V4Error::Code)?,
        headers: headers(given.text_map()?),
        body: body.map(|body| body.cut(plaintext)),
    })
}

/// Where the body stands in a plaintext.
#[derive(Clone, Copy)]
struct Body {
    end: usize,
    length: usize,
}

impl Body {
    /// Cuts the body out where it stands.
    fn cut(self, mut plaintext: Vec<u8>) -> Vec<u8> {
        plaintext.truncate(self.end);
        let before = plaintext.len().saturating_sub(self.length);
        plaintext.drain(..before);
        plaintext
    }
}

/// The metadata and the place of the body. A server takes no more than two elements, a client does.
fn elements(plaintext: &[u8], exact: bool) -> Result<(&str, Option<Body>), V4Error> {
    let list = bt::parse_list(plaintext)?;
    let mut items = list.iter();
    let first = items.next().and_then(|item| item.as_bytes());
    let metadata = first.ok_or(V4Error::Elements)?;
    let metadata = core::str::from_utf8(metadata).map_err(|_| JsonError::NotAnObject)?;
    let body = match items.next() {
        None => None,
        Some(item) => Some(Body {
            length: item.as_bytes().ok_or(V4Error::Elements)?.len(),
            end: items.offset(),
        }),
    };
    if exact && items.next().is_some() {
        return Err(V4Error::Elements);
    }
    Ok((metadata, body))
}
