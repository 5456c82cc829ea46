//! Version 4 of the server payload: metadata as JSON and a binary body, in one bencoded list
//! (protocol: onion, section 5.2).
//!
//! ```text
//! request   l <n>:{"endpoint":"/…","headers":{…},"method":"…"} [<m>:body] e
//! response  l <n>:{"code":200,"headers":{…}} <m>:body e
//! ```
//!
//! Header names are compared without case, in requests and in responses. They are written as they
//! are given; of several headers that differ in case only, the last one counts.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use session_proto::bt;

use crate::cipher::put_before;
use crate::json::{JsonError, Numbers, fields, push_text};
use crate::payload::{Header, HeaderMap};

/// The plaintext is not a version 4 request or response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum V4Error {
    /// The bytes are not a canonical bencoded list.
    #[error("not a list: {0}")]
    Encoding(#[from] bt::Error),
    /// The list has the wrong length, or an element is not a string.
    #[error("expected a list of one or two strings")]
    Elements,
    /// The JSON of the first element is malformed.
    #[error("metadata: {0}")]
    Json(#[from] JsonError),
    /// The endpoint does not begin with a slash.
    #[error("endpoint does not begin with a slash")]
    Endpoint,
    /// The method does not allow a body: GET, DELETE.
    #[error("a request of this method has no body")]
    Body,
    /// The code of a response is not between 0 and 65535.
    #[error("code is out of range")]
    Code,
}

/// A request as a client writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    /// The method, `GET`, `POST` and so on.
    pub method: &'a str,
    /// The endpoint with its query. A leading slash is added if it is missing.
    pub endpoint: &'a str,
    /// The headers. A `User-Agent` is left out, because it would tell clients apart. With a body and
    /// without a `Content-Type`, `application/json` is added.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body. GET and DELETE must have none.
    pub body: Option<&'a [u8]>,
}

impl<'a> Request<'a> {
    /// Creates a GET without headers.
    #[must_use]
    pub const fn get(endpoint: &'a str) -> Self {
        Self {
            method: "GET",
            endpoint,
            headers: &[],
            body: None,
        }
    }

    /// Creates a POST of JSON without further headers.
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

    /// Encodes the plaintext.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut plaintext = self.head();
        plaintext.extend_from_slice(self.body.unwrap_or(&[]));
        plaintext.push(b'e');
        plaintext
    }

    /// Encodes everything before the bytes of the body.
    pub(crate) fn head(&self) -> Vec<u8> {
        let mut headers = HeaderMap::new();
        for (name, value) in self.headers.iter().copied() {
            headers.insert(name, value);
        }
        headers.remove("user-agent");
        if self.body.is_some() {
            headers.insert_missing("Content-Type", "application/json");
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

fn push_headers<N: AsRef<str> + Ord>(json: &mut Vec<u8>, headers: HeaderMap<N, &str>) {
    json.push(b'{');
    for (index, (name, value)) in headers.into_sorted().into_iter().enumerate() {
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

/// A request as a server reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The method.
    pub method: String,
    /// The endpoint with its query; it begins with a slash.
    pub endpoint: String,
    /// The headers in ascending order of their names, without `Content-Length`.
    pub headers: Vec<Header>,
    /// The body; empty if absent, because some clients omit an empty body.
    pub body: Vec<u8>,
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
    /// [`V4Error`] if it is malformed, or has a body that its method does not allow.
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
        let mut headers = given.headers(Numbers::Refused)?;
        headers.retain(|header| !header.is_named("content-length"));
        Ok(Self {
            method,
            endpoint,
            headers,
            body: body.map_or_else(Vec::new, |body| body.cut(plaintext)),
        })
    }
}

/// A response as a server writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Response<'a> {
    /// The status code.
    pub code: u16,
    /// The headers. Their names are written in lower case, without `content-length`.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
}

impl Response<'_> {
    /// The response to a malformed request.
    pub const INVALID: Response<'static> = Response {
        code: 400,
        headers: &[("content-type", "text/plain; charset=utf-8")],
        body: b"Invalid v4 onion request",
    };

    /// Encodes the plaintext.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut plaintext = Self::head(self.code, self.headers, self.body.len());
        plaintext.extend_from_slice(self.body);
        plaintext.push(b'e');
        plaintext
    }

    /// Encodes a response in the buffer of its body, which then holds what [`encode`](Self::encode)
    /// returns: a file is not held twice. The buffer does not grow if it has the spare capacity for the
    /// metadata.
    pub fn encode_in_place(code: u16, headers: &[(&str, &str)], body: &mut Vec<u8>) {
        let head = Self::head(code, headers, body.len());
        body.reserve(head.len().saturating_add(1));
        put_before(body, &head);
        body.push(b'e');
    }

    /// Encodes everything before the bytes of the body.
    fn head(code: u16, headers: &[(&str, &str)], body: usize) -> Vec<u8> {
        let mut map = HeaderMap::new();
        for (name, value) in headers.iter().copied() {
            map.insert(name.to_ascii_lowercase(), value);
        }
        map.remove("content-length");
        let mut json = format!("{{\"code\":{code},\"headers\":").into_bytes();
        push_headers(&mut json, map);
        json.push(b'}');
        head(&json, Some(body))
    }
}

/// A response as a client reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedResponse {
    /// The status code.
    pub code: u16,
    /// The headers in ascending order of their names.
    pub headers: Vec<Header>,
    /// The body, which may be absent.
    pub body: Option<Vec<u8>>,
}

impl ReceivedResponse {
    /// Parses a plaintext. Elements behind the body are skipped; headers may be absent or null, and
    /// their values may be numbers.
    ///
    /// # Errors
    ///
    /// [`V4Error`] if it is malformed.
    pub fn parse(plaintext: Vec<u8>) -> Result<Self, V4Error> {
        let (metadata, body) = elements(&plaintext, false)?;
        let [code, given] = fields(metadata, ["code", "headers"])?;
        let code = code.integer()?.ok_or(JsonError::Missing("code"))?;
        Ok(Self {
            code: u16::try_from(code).map_err(|_| V4Error::Code)?,
            headers: given.or_null().headers(Numbers::AsText)?,
            body: body.map(|body| body.cut(plaintext)),
        })
    }
}

/// The place of the body in a plaintext.
#[derive(Clone, Copy)]
struct Body {
    end: usize,
    length: usize,
}

impl Body {
    /// Cuts the body out in place.
    fn cut(self, mut plaintext: Vec<u8>) -> Vec<u8> {
        plaintext.truncate(self.end);
        let before = plaintext.len().saturating_sub(self.length);
        plaintext.drain(..before);
        plaintext
    }
}

/// Finds the metadata and the body. `exact` rejects more than two elements.
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
