//! How nodes keep the copies of a swarm alike (protocol: swarm, section 6; storage-rpc, section
//! 1.5).
//!
//! [`Membership`] follows the chain's list and says which messages have to go where when the swarms
//! change; [`bodies`] and [`read`] are the form in which they travel; [`RetryQueue`] holds what a
//! peer did not take. None of them does I/O.

mod membership;
mod push;
mod retry;

pub use membership::{Handover, Membership};
pub use push::{BODY_SIZE, Form, PushError, PushedMessage, bodies, read};
pub use retry::{DeliveryId, Due, QueueError, RetryConfig, RetryQueue};
