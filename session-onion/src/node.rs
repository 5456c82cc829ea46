//! The service node's side: peel a layer, pass answers back, answer.
//!
//! This is the whole algorithm of a node as far as it is protocol (protocol: onion, section 7).
//! What is left to the node is to find other nodes, to send, and to run storage requests:
//!
//! 1. [`Arrival::https`], [`Arrival::quic`] or [`Arrival::node`] reads what came.
//! 2. [`Node::peel`] opens it and says what is to be done.
//! 3. [`Relay`], [`Exit`] and [`Deliver`] turn what came of it into the [`Answer`] to send back.
//!
//! Whatever goes wrong is a [`Refused`], which has the exact answer of a deployed node, encrypted
//! where that one encrypts.

mod answer;
mod arrival;
mod forward;
mod peel;

pub use answer::{Answer, NotReady, Replier, ReplyBody};
pub use arrival::Arrival;
pub use forward::{Exit, Relay};
pub use peel::{Deliver, Node, Peeled, Reason, Refused};
