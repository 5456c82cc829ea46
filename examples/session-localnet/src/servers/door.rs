//! The way into a server: onion requests of versions 3 and 4, and plain HTTP.

use std::sync::Arc;

use bytes::Bytes;
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use hyper::{HeaderMap, Method as HttpMethod};
use session_onion::payload::{v3, v4};
use session_onion::server::{Replier, ServerKeys};
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

/// Opens a request with the first key that fits, in its own buffer: the bytes of a file are in memory once
/// from here to the database.
fn open(keys: &[ServerKeys], posted: Bytes) -> Result<(Vec<u8>, Replier), Reply> {
    let mut refused = Reply::text(400, "Invalid onion request");
    // The bytes are those of one request alone: nothing is copied.
    let mut buffer = Vec::from(posted);
    for key in keys {
        match key.open_in_place(&mut buffer) {
            Ok(replier) => return Ok((buffer, replier)),
            Err(error) => refused = Reply::text(400, error.to_string()),
        }
    }
    Err(refused)
}

/// Seals a response in its own buffer.
fn seal(replier: Replier, mut plain: Vec<u8>) -> Result<Vec<u8>, Reply> {
    match replier.seal_in_place(&mut UnwrapErr(SysRng), &mut plain) {
        Ok(()) => Ok(plain),
        Err(error) => Err(Reply::text(500, error.to_string())),
    }
}

async fn onion_v4(server: &Arc<Server>, posted: Bytes) -> Reply {
    let (plaintext, replier) = match open(&server.keys, posted) {
        Ok(opened) => opened,
        Err(refused) => return refused,
    };
    let plain = match v4::Received::parse(plaintext) {
        Err(_) => v4::Response::INVALID.encode(),
        Ok(received) => match received.method.parse::<Method>() {
            Err(_) => v4::Response::INVALID.encode(),
            Ok(method) => {
                let mut request = Request::new(method, received.endpoint);
                let headers = received.headers.into_iter();
                request.headers = headers.map(|header| (header.name, header.value)).collect();
                request.body = received.body;
                encode_v4(server.answer(request).await)
            }
        },
    };
    match seal(replier, plain) {
        Ok(sealed) => Reply {
            content_type: "application/octet-stream",
            ..Reply::text(200, sealed)
        },
        Err(failed) => failed,
    }
}

/// Encodes a response in the buffer of its body.
fn encode_v4(response: Response) -> Vec<u8> {
    let headers = response.headers.iter();
    let headers: Vec<(&str, &str)> = headers
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let mut body = response.body;
    v4::Response::encode_in_place(response.status, &headers, &mut body);
    body
}

async fn onion_v3(server: &Arc<Server>, posted: Bytes) -> Reply {
    let (plaintext, replier) = match open(&server.keys, posted) {
        Ok(opened) => opened,
        Err(refused) => return refused,
    };
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
    match seal(replier, plain) {
        Ok(sealed) => Reply::text(200, base64::encode(sealed)),
        Err(failed) => failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use session_crypto::X25519Secret;
    use session_onion::{Cipher, LayerKey};

    #[test]
    fn a_file_stays_in_one_buffer_from_the_door_to_the_database_and_back() {
        let keys = [1, 2].map(|byte| ServerKeys::new(X25519Secret::from_bytes([byte; 32])));
        let ephemeral = X25519Secret::from_bytes([6; 32]);
        let public = ephemeral.public();
        // Sealed to the second key, so that the first one fails before.
        let key = LayerKey::for_client(Cipher::XChaCha20, &ephemeral, &public, keys[1].public());
        let (key, rng) = (key.unwrap(), &mut UnwrapErr(SysRng));
        let file = vec![7; 1_000_000];
        let request = v4::Request {
            headers: &[("Content-Type", "application/octet-stream")],
            ..v4::Request::post("/file", &file)
        };
        let sealed = key.seal(rng, &request.encode()).unwrap();
        let mut posted = u32::try_from(sealed.len()).unwrap().to_le_bytes().to_vec();
        posted.extend_from_slice(&sealed);
        let json = format!(r#"{{"ephemeral_key":"{public}","enc_type":"xchacha20"}}"#);
        posted.extend_from_slice(json.as_bytes());

        let place = posted.as_ptr();
        let (plaintext, replier) = open(&keys, posted.into()).unwrap();
        assert_eq!(plaintext.as_ptr(), place);
        let received = v4::Received::parse(plaintext).unwrap();
        assert_eq!(received.body.as_ptr(), place);
        assert!(received.body == file);

        // A file as the database gives it, with some spare capacity.
        let mut body = Vec::with_capacity(file.len() + 4096);
        body.extend_from_slice(&file);
        let place = body.as_ptr();
        let response = Response::new(200, "application/octet-stream", body);
        let sealed = seal(replier, encode_v4(response)).unwrap();
        assert_eq!(sealed.as_ptr(), place);
        let opened = v4::ReceivedResponse::parse(key.open(&sealed).unwrap()).unwrap();
        assert!(opened.body.unwrap() == file);
    }
}
