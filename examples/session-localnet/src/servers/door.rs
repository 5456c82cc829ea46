//! The way into a server: onion requests of versions 3 and 4, and plain HTTP.

use std::sync::Arc;

use bytes::Bytes;
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use hyper::{HeaderMap, Method as HttpMethod};
use session_onion::payload::{v3, v4};
use session_onion::server::{Opened, ServerKeys};
use session_types::base64;
use session_types::http::{Method, Request, Response};

use super::Server;
use crate::server::{Call, Reply};

/// Path to which exit nodes post version 4 requests.
const V4: &str = "/oxen/v4/lsrpc";
/// Path to which exit nodes post version 3 requests.
const V3: &str = "/loki/v3/lsrpc";
/// Prefix of version 3 endpoints without a leading slash.
const LEGACY: &str = "/legacy";

/// Whether a request for this path is an onion request.
pub(super) fn is_onion(path: &str) -> bool {
    path == V4 || path == V3
}

/// Answers what comes over HTTP.
pub(super) async fn answer(server: &Arc<Server>, call: Call) -> Reply {
    match (&call.method, call.path.as_str()) {
        (&HttpMethod::POST, V4) => onion_v4(server, call.body).await,
        (&HttpMethod::POST, V3) => onion_v3(server, call.body).await,
        _ => match request(call) {
            Some(request) => reply(server.answer(request).await),
            None => Reply::text(405, "Method Not Allowed"),
        },
    }
}

/// A request that came over HTTP. None if its method is of no server.
fn request(call: Call) -> Option<Request> {
    let method: Method = call.method.as_str().parse().ok()?;
    let path = match call.query.as_str() {
        "" => call.path,
        query => format!("{}?{query}", call.path),
    };
    let mut request = Request::new(method, path);
    request.headers = text_headers(&call.headers);
    // The bytes are those of one request alone: nothing is copied.
    request.body = call.body.into();
    Some(request)
}

fn text_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    headers.iter().filter_map(text).collect()
}

fn reply(response: Response) -> Reply {
    Reply {
        more: response.headers,
        ..Reply::text(response.status, response.body)
    }
}

/// Opens a request with the first key that fits.
fn open(keys: &[ServerKeys], posted: &[u8]) -> Result<Opened, Reply> {
    let mut refused = Reply::text(400, "Invalid onion request");
    for key in keys {
        match key.open(posted) {
            Ok(opened) => return Ok(opened),
            Err(error) => refused = Reply::text(400, error.to_string()),
        }
    }
    Err(refused)
}

async fn onion_v4(server: &Arc<Server>, posted: Bytes) -> Reply {
    let opened = match open(&server.keys, &posted) {
        Ok(opened) => opened,
        Err(refused) => return refused,
    };
    drop(posted);
    let Opened { plaintext, replier } = opened;
    let plain = match v4::Received::parse(plaintext) {
        Err(_) => v4::Response::INVALID.encode(),
        Ok(received) => match received.method.parse::<Method>() {
            Err(_) => v4::Response::INVALID.encode(),
            Ok(method) => {
                let mut request = Request::new(method, received.endpoint);
                let headers = received.headers.into_iter();
                request.headers = headers.map(|header| (header.name, header.value)).collect();
                request.body = received.body;
                encode_v4(&server.answer(request).await)
            }
        },
    };
    match replier.seal(&mut UnwrapErr(SysRng), &plain) {
        Ok(sealed) => Reply {
            content_type: "application/octet-stream",
            ..Reply::text(200, sealed)
        },
        Err(error) => Reply::text(500, error.to_string()),
    }
}

fn encode_v4(response: &Response) -> Vec<u8> {
    let headers = response.headers.iter();
    let headers: Vec<(&str, &str)> = headers
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    v4::Response {
        code: response.status,
        headers: &headers,
        body: &response.body,
    }
    .encode()
}

async fn onion_v3(server: &Arc<Server>, posted: Bytes) -> Reply {
    let opened = match open(&server.keys, &posted) {
        Ok(opened) => opened,
        Err(refused) => return refused,
    };
    drop(posted);
    let Opened { plaintext, replier } = opened;
    let (status, body) = match v3::Received::parse(&plaintext) {
        Err(_) => (400, Vec::new()),
        Ok(received) => match received.method.parse::<Method>() {
            Err(_) => (405, Vec::new()),
            Ok(method) => {
                // Only the file server still has its old paths.
                let endpoint = received.endpoint;
                let path = endpoint.strip_prefix(LEGACY).unwrap_or(&endpoint);
                let mut request = Request::new(method, path);
                let headers = received.headers.into_iter();
                request.headers = headers.map(|header| (header.name, header.value)).collect();
                request.body = received.body.into_bytes();
                let response = server.answer(request).await;
                (response.status, response.body)
            }
        },
    };
    // A success has a body, anything else its status alone.
    let plain = match status {
        200..=299 => body,
        _ => format!("{{\"status_code\":{status}}}").into_bytes(),
    };
    match replier.seal(&mut UnwrapErr(SysRng), &plain) {
        Ok(sealed) => Reply::text(200, base64::encode(sealed)),
        Err(error) => Reply::text(500, error.to_string()),
    }
}
