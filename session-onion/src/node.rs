//! The service node's side: peel a layer, pass answers back, answer.
//!
//! This is the whole algorithm of a node as far as the protocol defines it (protocol: onion,
//! section 7). The program around it finds other nodes, sends, and runs storage requests:
//!
//! 1. [`Arrival::https`], [`Arrival::quic`] or [`Arrival::node`] parses the incoming bytes.
//! 2. [`Node::peel`] opens the layer and returns the task.
//! 3. [`Relay`], [`Exit`] and [`Deliver`] turn the result into the [`Answer`] to send back.
//!
//! Every error is a [`Refused`] with the exact answer of a deployed node, encrypted where deployed
//! nodes encrypt it.

mod answer;
mod arrival;
mod forward;
mod peel;
mod refused;

pub use answer::{Answer, NotReady, Replier, ReplyBody};
pub use arrival::Arrival;
pub use forward::{Exit, Relay};
pub use peel::{Deliver, Node, Peeled};
pub use refused::{Reason, Refused};
