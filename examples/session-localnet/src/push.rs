//! Messages on the move: when the swarms change, nodes push what they keep to those who keep it
//! from now on. What goes where, and in which form, is session-swarm's.

use std::sync::Arc;
use std::time::Duration;

use session_storage::replication::{Form, Membership, PushedMessage, bodies};
use session_swarm::record::ServiceNode;

use crate::node::Node;

/// Timeout for pushing messages to another node.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// Lets every node push what it has to after the list has changed.
pub async fn follow(nodes: &[Arc<Node>], before: &[ServiceNode], after: &[ServiceNode]) {
    for node in nodes.iter().filter(|node| node.is_up()) {
        let mut membership = Membership::new(*node.public());
        membership.update(before.iter().copied());
        for handover in membership.update(after.iter().copied()) {
            let all = node.store().all().unwrap_or_default();
            let messages: Vec<PushedMessage> = all
                .into_iter()
                .filter(|message| handover.covers(&message.account))
                .collect();
            // In the deployed form everything would arrive in namespace 0.
            for body in bodies(&messages, Form::WithNamespace) {
                for peer in &handover.to {
                    // It is tried again later.
                    let _ = node.push(peer, body.clone()).await;
                }
            }
        }
    }
}
