//! Storage requests: the part of them that waits for other nodes. The rest is in session-storage.

use std::sync::Arc;
use std::time::Duration;

use session_storage::{Forward, PeerOutcome, Request, Response, RpcError};
use tokio::task::JoinSet;

use super::retry::Delivery;
use super::work::Serving;
use super::{Node, PEER_STORAGE};
use crate::server::Reply;

/// Timeout for a forwarded request.
const PEER_TIMEOUT: Duration = Duration::from_secs(5);

impl Node {
    /// Serves a request of a client.
    pub(super) async fn storage(self: &Arc<Self>, body: &[u8]) -> Response {
        if let Some(reason) = self.not_ready().first() {
            return Response::refuse(&RpcError::NotReady(reason.to_string()));
        }
        match Request::from_json(body) {
            Ok(request) => self.serve(&request).await,
            Err(error) => Response::refuse(&error),
        }
    }

    async fn serve(self: &Arc<Self>, request: &Request) -> Response {
        let mut serving = {
            // The node does its own part in one swarm or the other, not between them.
            let _steady = self.chain.steady();
            session_storage::Serving::start(request, &mut Serving::new(self))
        };
        let mut open = JoinSet::new();
        loop {
            for forward in serving.forwards() {
                let node = Arc::clone(self);
                open.spawn(async move { (forward.id, node.forward(forward).await) });
            }
            match open.join_next().await {
                Some(Ok((id, outcome))) => {
                    let _steady = self.chain.steady();
                    serving.report(id, &outcome, &mut Serving::new(self));
                }
                Some(Err(_)) => return Response::refuse(&RpcError::Internal),
                None => break,
            }
        }
        let internal = |_| Response::refuse(&RpcError::Internal);
        serving.into_response().unwrap_or_else(internal)
    }

    /// Forwards a request to another member of the swarm.
    async fn forward(&self, forward: Forward) -> PeerOutcome {
        let Some(peer) = self.chain.node(&forward.to) else {
            return PeerOutcome::TimedOut;
        };
        let delivery = Delivery {
            path: format!("{PEER_STORAGE}{}", forward.method),
            kind: "copy",
            body: forward.body.to_vec(),
            limit: PEER_TIMEOUT,
        };
        match self.post(&peer, delivery).await {
            Err(_) => PeerOutcome::TimedOut,
            Ok(answer) if answer.is_ok() => PeerOutcome::Answered(answer.body.to_vec()),
            Ok(answer) => {
                let text = String::from_utf8_lossy(&answer.body).into_owned();
                PeerOutcome::Refused(answer.status, text)
            }
        }
    }

    /// Serves a request that another node forwarded.
    pub(super) fn peer_storage(self: &Arc<Self>, method: &str, body: &[u8]) -> Reply {
        let _steady = self.chain.steady();
        match session_storage::serve_peer(method, body, &mut Serving::new(self)) {
            Ok(entry) => Reply {
                content_type: "application/octet-stream",
                ..Reply::text(200, entry)
            },
            Err(RpcError::WrongSwarm) => Reply::text(421, ""),
            Err(error) => Reply::text(error.status(), error.to_string()),
        }
    }
}
