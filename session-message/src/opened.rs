//! A message that was opened.

use alloc::vec::Vec;

use session_crypto::Ed25519Public;
use session_identity::AccountId;
use session_proto::content::{AnyId, Content};
use session_types::UnixMillis;
use zeroize::Zeroizing;

use crate::key::MessageKey;
use crate::pro::Claim;

/// A message that was opened, with its authenticated sender.
///
/// Whether the sender is blocked, a contact, or a member of the group is for the caller to know.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    /// The author, from the encryption. What the message itself says about its author is ignored.
    pub sender: AccountId,
    /// The sender's Ed25519 key, of which the account id is made.
    pub sender_ed25519: Ed25519Public,
    /// The conversation that the message belongs to.
    ///
    /// One-to-one it is the other account, or for a copy of a message that we sent the account that
    /// we sent it to. In a group it is the group. In the inbox of a community it is the other
    /// blinded id.
    pub conversation: AnyId,
    /// The time of sending. It does not identify the message: see [`key`](Self::key).
    ///
    /// It is the time in the content, which the sender has signed. Old clients write none there:
    /// then it is the time in the envelope.
    pub sent_at: UnixMillis,
    /// Whether the content itself contains the time.
    pub is_time_signed: bool,
    /// The content.
    pub content: Content,
    /// The bytes of the content as received, without padding.
    pub raw: Zeroizing<Vec<u8>>,
    /// The claim of the sender to have Session Pro.
    pub pro: Option<Claim>,
    /// Whether the message was encrypted to a key that the account replaces within a day.
    ///
    /// Only messages of version 2 have forward secrecy, and not all of them.
    pub has_forward_secrecy: bool,
}

impl Opened {
    /// Returns the key that identifies the message. A copy of the message has the same key.
    #[must_use]
    pub fn key(&self) -> MessageKey {
        let author = AnyId::from(self.sender);
        MessageKey::new(self.conversation, author, self.sent_at, &self.raw)
    }
}
