//! What another node did not take is tried again, as newer nodes of the deployed network do.

use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use session_sdk::quic::Answer;
use session_storage::quic::NodeEndpoint;
use session_storage::replication::{RetryConfig, RetryQueue};
use session_swarm::record::ServiceNode;

use super::Node;
use super::peers::PeerError;
use crate::fault::monotonic;

/// On loopback a node that answers at all answers at once.
const CONFIG: RetryConfig = RetryConfig {
    max_bytes: 64 << 20,
    max_per_peer: 1_000,
    first_delay: Duration::from_millis(500),
    max_delay: Duration::from_secs(10),
    lifetime: Duration::from_secs(24 * 60 * 60),
};

/// A request from one node to another.
#[derive(Debug, Clone)]
pub(super) struct Delivery {
    pub(super) endpoint: NodeEndpoint,
    pub(super) kind: &'static str,
    pub(super) body: Vec<u8>,
    pub(super) limit: Duration,
}

/// Creates the queue of deliveries to retry.
pub(super) const fn queue() -> RetryQueue<Delivery> {
    RetryQueue::new(CONFIG)
}

impl Node {
    fn retries(&self) -> MutexGuard<'_, RetryQueue<Delivery>> {
        self.retries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Posts to another node. What gets no answer is tried again later.
    pub(super) async fn post(
        self: &Arc<Self>,
        peer: &ServiceNode,
        delivery: Delivery,
    ) -> Result<Answer, PeerError> {
        let answer = self.attempt(peer, delivery.clone()).await;
        if answer.is_err() {
            let size = delivery.body.len();
            // A peer with too much to catch up with misses it, as if it were down for too long.
            let _ = self
                .retries()
                .add(&peer.ed25519, delivery, size, monotonic());
        }
        answer
    }

    pub(super) async fn attempt(
        self: &Arc<Self>,
        peer: &ServiceNode,
        delivery: Delivery,
    ) -> Result<Answer, PeerError> {
        let Delivery {
            endpoint,
            kind,
            body,
            limit,
        } = delivery;
        self.to_peer(peer, endpoint, kind, body, limit).await
    }

    /// Tries what is due, one request after the other.
    pub async fn retry(self: &Arc<Self>) {
        self.retries()
            .prune(monotonic(), |peer| self.chain.node(peer).is_some());
        while self.is_up() {
            let due = self
                .retries()
                .next_due(monotonic())
                .map(|due| (due.id, due.peer, due.item.clone()));
            let Some((id, peer, delivery)) = due else {
                return;
            };
            let answered = match self.chain.node(&peer) {
                Some(peer) => self.attempt(&peer, delivery).await.is_ok(),
                None => false,
            };
            self.retries().report(id, answered, monotonic());
        }
    }
}
