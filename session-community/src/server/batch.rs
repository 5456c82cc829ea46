//! Several requests in one (protocol: sogs, section 4).

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Map, Value, json};
use session_types::base64;
use session_types::http::{Method, Request, Response};

use super::{Answer, Context, Stop, Store, finish, ok, page, route};
use crate::json::{BYTES, JSON};

/// Reads one element. `None` if it is malformed in any way.
fn element(value: &Value) -> Option<Request> {
    let fields = value.as_object()?;
    let method: Method = fields.get("method")?.as_str()?.parse().ok()?;
    let path = fields.get("path")?.as_str()?;
    if !path.starts_with('/') {
        return None;
    }
    let mut request = Request::new(method, path);
    if let Some(headers) = fields.get("headers") {
        for (name, value) in headers.as_object()? {
            request = request.with_header(name, value.as_str()?);
        }
    }
    let bodies = ["json", "b64", "bytes"].map(|key| fields.get(key).map(|body| (key, body)));
    let mut bodies = bodies.into_iter().flatten();
    let body = bodies.next();
    if bodies.next().is_some() {
        return None;
    }
    let has_body = matches!(method, Method::Post | Method::Put);
    match (body, has_body) {
        (None, false) => return Some(request),
        (Some(_), true) => {}
        _ => return None,
    }
    let (kind, bytes) = match body? {
        ("json", json) => (JSON, json.to_string().into_bytes()),
        ("b64", text) => (BYTES, base64::decode(text.as_str()?)?),
        (_, text) => (BYTES, text.as_str()?.as_bytes().to_vec()),
    };
    request.body = bytes;
    match request.header("content-type") {
        Some(_) if kind == BYTES => Some(request),
        _ => Some(request.with_header("Content-Type", kind)),
    }
}

fn answer(response: &Response) -> Value {
    let mut headers = Map::new();
    for (name, value) in &response.headers {
        headers.insert(name.to_ascii_lowercase(), json!(value));
    }
    headers.remove("content-length");
    let body = match response.header("content-type") {
        Some(JSON) => serde_json::from_slice(&response.body).ok(),
        _ => None,
    };
    let body = body.unwrap_or_else(|| json!(base64::encode(&response.body)));
    json!({ "code": response.status, "headers": headers, "body": body })
}

/// Handles a batch or a sequence. A batch inside of a batch is not found.
pub(super) fn handle<S: Store>(
    context: &Context<'_>,
    request: &Request,
    store: &mut S,
    is_sequence: bool,
) -> Answer<S::Error> {
    let elements: Option<Vec<Request>> = match serde_json::from_slice(&request.body) {
        Ok(Value::Array(elements)) => elements.iter().map(element).collect(),
        _ => None,
    };
    let Some(elements) = elements else {
        return Ok(page::bad_request());
    };
    let mut answers: Vec<Value> = Vec::with_capacity(elements.len());
    for element in &elements {
        let response = finish(route(context, element, store)).map_err(Stop::Store)?;
        answers.push(answer(&response));
        if is_sequence && !response.is_success() {
            break;
        }
    }
    Ok(ok(&answers.into()))
}

/// Reads the JSON object of a body; an empty body is an empty object.
pub(super) fn object<E>(body: &[u8]) -> Result<Map<String, Value>, Stop<E>> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => Ok(fields),
        _ => super::stop(page::bad_request()),
    }
}
