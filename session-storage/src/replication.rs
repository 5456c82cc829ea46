//! Replication between the nodes of a swarm (protocol: swarm, section 6; storage-rpc, section 1.5).
//!
//! [`Membership`] follows the chain's list and determines which messages a node must push to which
//! nodes when the swarms change. [`bodies`] encodes pushed messages and [`read`] parses them.
//! [`RetryQueue`] keeps failed deliveries. None of them does I/O.

mod membership;
mod push;
mod retry;

pub use membership::{Handover, Membership};
pub use push::{BODY_SIZE, Form, PushError, PushedMessage, bodies, read};
pub use retry::{DeliveryId, Due, QueueError, RetryConfig, RetryQueue};
