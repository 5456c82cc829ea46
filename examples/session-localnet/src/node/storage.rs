//! Storage requests: the part of them that waits for other nodes. The rest is in session-storage.

use std::sync::Arc;
use std::time::Duration;

use session_sdk::quic::Answer;
use session_storage::quic::{NodeEndpoint, Reply, forward, read_forwarded};
use session_storage::{Forward, PeerOutcome, Request, Response, RpcError};
use tokio::task::JoinSet;

use super::Node;
use super::retry::Delivery;
use super::work::Serving;

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

    pub(super) async fn serve(self: &Arc<Self>, request: &Request) -> Response {
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
    async fn forward(self: &Arc<Self>, open: Forward) -> PeerOutcome {
        let Some(peer) = self.chain.node(&open.to) else {
            return PeerOutcome::TimedOut;
        };
        let delivery = Delivery {
            endpoint: NodeEndpoint::StorageCc,
            kind: "copy",
            body: forward(open.method.name(), &open.body),
            limit: PEER_TIMEOUT,
        };
        let reply = match self.post(&peer, delivery).await {
            Err(_) => return PeerOutcome::TimedOut,
            Ok(Answer::Reply(body)) => Reply {
                is_error: false,
                body,
            },
            Ok(Answer::Error(body)) => Reply {
                is_error: true,
                body,
            },
        };
        read_forwarded(&reply)
    }
}
