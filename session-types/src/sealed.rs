//! A message that is ready to be stored.

use alloc::vec::Vec;
use core::time::Duration;

use crate::Namespace;

/// A sealed message and how it is to be stored.
///
/// `session-message` makes it, and the `Store` request of `session-storage` takes it as it is. The
/// swarm that stores it is that of the recipient, or of the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedMessage {
    /// The namespace that it belongs to.
    pub namespace: Namespace,
    /// Time to live: how long storage servers keep it.
    pub ttl: Duration,
    /// The stored bytes, at most [`MESSAGE_DATA_MAX`](crate::limits::MESSAGE_DATA_MAX).
    pub data: Vec<u8>,
}
