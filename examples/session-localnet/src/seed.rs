//! The seed node: tells clients who the service nodes are.

use std::collections::BTreeMap;
use std::sync::Arc;

use hyper::Method;
use serde_json::value::RawValue;
use session_storage::ServiceNodesRequest;
use session_storage::value::Value;

use crate::chain::Chain;
use crate::server::{Call, Reply};

/// Answers a request to the seed node's JSON-RPC. None if the path is another one.
pub fn json_rpc(chain: &Arc<Chain>, call: &Call) -> Option<Reply> {
    if call.path != "/json_rpc" {
        return None;
    }
    if call.method != Method::POST {
        return Some(Reply::text(405, "Method Not Allowed"));
    }
    let Ok(body) = Value::from_json(&call.body) else {
        let error =
            r#"{"error":{"code":-32700,"message":"Parse error"},"id":null,"jsonrpc":"2.0"}"#;
        return Some(Reply::json(200, error));
    };
    let answer = match ServiceNodesRequest::from_seed_json(&call.body) {
        Some(request) => {
            chain.with_state(body.get("params"), |state| request.to_seed_answer(state))
        }
        None => {
            br#"{"error":{"code":-32601,"message":"Method not found"},"jsonrpc":"2.0"}"#.to_vec()
        }
    };
    Some(Reply::json(200, with_id(answer, &call.body)))
}

/// The answer with the `id` of the request in front, byte for byte as it was written. A request without
/// one is answered without one.
fn with_id(answer: Vec<u8>, request: &[u8]) -> Vec<u8> {
    // As text: a number must not change on the way. A structure is no id (JSON-RPC 2.0, section 4).
    let asked = serde_json::from_slice::<BTreeMap<String, &RawValue>>(request).ok();
    let id = asked.and_then(|asked| asked.get("id").map(|id| id.get()));
    match (id, answer.strip_prefix(b"{")) {
        (Some(id), Some(rest)) if !id.starts_with(['{', '[']) => {
            [b"{\"id\":", id.as_bytes(), b",", rest].concat()
        }
        _ => answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(body: &str) -> String {
        let call = Call {
            from: ([127, 0, 0, 1], 1).into(),
            method: Method::POST,
            path: "/json_rpc".to_owned(),
            query: String::new(),
            headers: hyper::HeaderMap::new(),
            body: body.to_owned().into(),
        };
        let reply = json_rpc(&Arc::new(Chain::new(vec![])), &call).unwrap();
        assert_eq!(
            (reply.status, reply.content_type),
            (200, "application/json")
        );
        String::from_utf8(reply.body.to_vec()).unwrap()
    }

    #[test]
    fn the_id_of_a_request_comes_back_in_results_and_errors() {
        for id in [
            "0",
            "7",
            "-1",
            "1.50",
            "18446744073709551616",
            "\"a\\u00e9\"",
            "null",
        ] {
            for method in ["get_n_service_nodes", "get_service_nodes", "nope"] {
                let body =
                    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{{}}}}"#);
                let answer = ask(&body);
                assert!(answer.starts_with(&format!("{{\"id\":{id},")), "{answer}");
                let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
                assert_eq!(answer["jsonrpc"], "2.0");
                assert_eq!(answer.get("error").is_some(), method == "nope", "{answer}");
            }
        }
    }

    #[test]
    fn a_request_without_an_id_gets_none() {
        for body in [
            r#"{"method":"nope"}"#,
            r#"{"method":"nope","id":{}}"#,
            r#"{"method":"nope","id":[1]}"#,
        ] {
            assert!(!ask(body).contains("\"id\""), "{body}");
        }
        assert!(ask("{").contains("-32700") && ask("").contains("-32700"));
    }
}
