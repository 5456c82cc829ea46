//! Rejected packets.

use crate::node::answer::Answer;
use crate::packet::PacketError;

/// The reason why a node rejects a packet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// The packet is too long.
    #[error("packet is too large")]
    TooLarge,
    /// The packet is malformed.
    #[error("malformed packet: {0}")]
    Packet(PacketError),
    /// The node is not ready.
    #[error("node is not ready")]
    NotReady,
    /// The packet has passed too many nodes.
    #[error("packet has passed too many nodes")]
    TooManyHops,
    /// The layer is malformed or fails authentication.
    #[error("decryption failed")]
    Decrypt,
    /// The layer decrypts, but its content is malformed.
    #[error("malformed content of the layer: {0}")]
    Content(PacketError),
    /// The layer names a URL that a node may not post to.
    #[error("layer names a URL that a node may not post to")]
    Url,
}

/// A rejected packet: reason and response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refused {
    /// The reason, for the node's own log.
    pub reason: Reason,
    /// The answer to send back.
    pub answer: Answer,
}
