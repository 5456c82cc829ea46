//! An opened message, one to one or of an inbox.

use alloc::vec::Vec;

use session_types::{Ed25519Public, X25519Public};
use zeroize::Zeroizing;

/// An opened message with its authenticated sender.
#[derive(Debug)]
pub struct Opened {
    /// The sender's Ed25519 key. One to one, its signature over the message has been verified. In an
    /// inbox, it yields the blinded key of the message.
    pub sender: Ed25519Public,
    /// The sender's X25519 key: the account id without its prefix.
    pub sender_x25519: X25519Public,
    /// The message as it was sealed: still padded if it was padded.
    pub message: Zeroizing<Vec<u8>>,
}
