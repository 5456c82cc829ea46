//! The seed node: tells clients who the service nodes are.

use std::sync::Arc;

use hyper::Method;
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
    let body = Value::from_json(&call.body).unwrap_or_default();
    Some(match ServiceNodesRequest::from_seed_json(&call.body) {
        Some(request) => Reply::json(
            200,
            chain.with_state(body.get("params"), |state| request.to_seed_answer(state)),
        ),
        None => Reply::json(
            200,
            r#"{"error":{"code":-32601,"message":"Method not found"},"jsonrpc":"2.0"}"#,
        ),
    })
}
