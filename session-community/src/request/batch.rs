//! Several requests in one (protocol: sogs, section 4).
//!
//! Only the outer request is signed; its user is that of all requests.

use alloc::vec::Vec;

use serde_json::{Map, Value, json};
use session_types::base64;
use session_types::http::{Method, Request};

use crate::json::{BYTES, JSON};
use crate::request::with_json;

fn element(request: &Request) -> Value {
    let mut element = Map::new();
    element.insert("method".into(), json!(request.method.as_str()));
    element.insert("path".into(), json!(request.path));
    let mut headers = Map::new();
    for (name, value) in &request.headers {
        if !name.eq_ignore_ascii_case("content-type") {
            headers.insert(name.clone(), json!(value));
        }
    }
    let has_body = matches!(request.method, Method::Post | Method::Put);
    if has_body {
        let kind = request.header("content-type");
        let json = match kind {
            Some(JSON) => serde_json::from_slice::<Value>(&request.body).ok(),
            _ => None,
        };
        match (json, kind) {
            (Some(json), _) => element.insert("json".into(), json),
            (None, kind) => {
                if let Some(kind) = kind.filter(|kind| *kind != BYTES) {
                    headers.insert("Content-Type".into(), json!(kind));
                }
                element.insert("b64".into(), json!(base64::encode(&request.body)))
            }
        };
    }
    if !headers.is_empty() {
        element.insert("headers".into(), headers.into());
    }
    element.into()
}

/// Makes a batch: all requests are done, whatever becomes of the others.
#[must_use]
pub fn batch(requests: &[Request]) -> Request {
    let elements: Vec<Value> = requests.iter().map(element).collect();
    with_json(Method::Post, "/batch".into(), &elements.into())
}

/// Makes a sequence: the first request without success ends it, 304 included.
#[must_use]
pub fn sequence(requests: &[Request]) -> Request {
    let elements: Vec<Value> = requests.iter().map(element).collect();
    with_json(Method::Post, "/sequence".into(), &elements.into())
}
