//! What all ways of opening have in common: reading the content, and the rules about it.

use session_crypto::Ed25519Public;
use session_identity::AccountId;
use session_proto::content::{self, Content, GroupUpdate, Id, Kind, ProMessage};
use zeroize::Zeroizing;

use alloc::vec::Vec;

use crate::error::OpenError;
use crate::key::MessageKey;
use crate::pro::{Claim, read_signature};

/// A message that was opened, with its authenticated sender.
///
/// Whether the sender is blocked, a contact, or a member of the group is for the caller to know.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    /// Who wrote it. From the encryption; nothing that the message says about its author counts.
    pub sender: AccountId,
    /// The sender's Ed25519 key, of which the account id is made.
    pub sender_ed25519: Ed25519Public,
    /// The conversation it belongs to: the other account, or in a copy of a message that we sent
    /// the account that we sent it to; the group; in a community's inbox, the other blinded id.
    pub conversation: Id,
    /// When it was sent, Unix milliseconds. It does not identify the message: see
    /// [`key`](Self::key).
    ///
    /// It is the time in the content, which the sender has signed; from old clients that give none,
    /// that of the envelope.
    pub sent_ms: u64,
    /// Whether the content itself gave the time.
    pub is_time_signed: bool,
    /// What it says.
    pub content: Content,
    /// The Content as it was received, without padding.
    pub raw: Zeroizing<Vec<u8>>,
    /// What it claims about Session Pro.
    pub pro: Option<Claim>,
}

impl Opened {
    /// Identifies the message: a copy of it has the same key, another message has another.
    #[must_use]
    pub fn key(&self) -> MessageKey {
        let author = Id::from_bytes(self.sender.to_bytes());
        MessageKey::new(self.conversation, author, self.sent_ms, &self.raw)
    }
}

/// A content and its time, after the checks of envelope and content against each other.
pub(crate) struct Checked {
    pub(crate) content: Content,
    pub(crate) sent_ms: u64,
    pub(crate) is_time_signed: bool,
    pub(crate) pro: Option<Claim>,
}

/// What an envelope contributes to the checks.
pub(crate) struct Outer<'a> {
    pub(crate) sent_ms: u64,
    pub(crate) pro_signature: Option<&'a [u8]>,
    /// What a Session Pro signature covers.
    pub(crate) signed: &'a [u8],
}

/// Reads a content that came in an envelope (protocol: messages, sections 4.7 and 4.8).
pub(crate) fn read_content(raw: &[u8], outer: &Outer<'_>) -> Result<Checked, OpenError> {
    let decoded = content::decode(raw)?;
    let signature = outer.pro_signature.map(read_signature).transpose()?;
    let signed_ms = decoded.sent_ms.filter(|sent_ms| *sent_ms != 0);
    let pro = match (decoded.pro, signature) {
        (Some(message), Some(signature)) => {
            let time = signed_ms.ok_or(OpenError::ProTime)?;
            Some(Claim::new(message, &signature, outer.signed, time)?)
        }
        // Old senders do not sign, others send a decoy: not Pro either way.
        _ => None,
    };
    // Zero in either place is an old client's.
    if let Some(content_ms) = signed_ms
        && outer.sent_ms != 0
        && content_ms != outer.sent_ms
    {
        return Err(OpenError::Time {
            envelope_ms: outer.sent_ms,
            content_ms,
        });
    }
    if let Kind::Typing(typing) = &decoded.content.kind
        && typing.sent_ms != outer.sent_ms
    {
        return Err(OpenError::TypingTime);
    }
    Ok(Checked {
        content: decoded.content,
        sent_ms: signed_ms.unwrap_or(outer.sent_ms),
        is_time_signed: signed_ms.is_some(),
        pro,
    })
}

/// As [`Claim::new`], for the places where only one of the two may be there.
pub(crate) fn claim(
    message: Option<ProMessage>,
    signature: Option<&[u8]>,
    signed: &[u8],
    content_ms: Option<u64>,
    time_ms: u64,
) -> Result<Option<Claim>, OpenError> {
    let signature = signature.map(read_signature).transpose()?;
    match (message, signature) {
        (Some(message), Some(signature)) => {
            content_ms.filter(|ms| *ms != 0).ok_or(OpenError::ProTime)?;
            Claim::new(message, &signature, signed, time_ms).map(Some)
        }
        _ => Ok(None),
    }
}

/// A kind of conversation, as far as it decides what may come in it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Direct,
    Group,
    Community,
    Inbox,
}

impl Place {
    /// Whether a content of this kind has a meaning here.
    pub(crate) const fn allows(self, kind: &Kind) -> bool {
        match (kind, self) {
            (Kind::Message(_) | Kind::Invitation(_), _) => true,
            // Communities have requests of their own for the rest.
            (_, Self::Community) => false,
            (Kind::Group(GroupUpdate::Invite(_) | GroupUpdate::Promote { .. }), place) => {
                matches!(place, Self::Direct)
            }
            (Kind::Group(_), place) => matches!(place, Self::Group),
            (Kind::Reaction(_), _) => true,
            (_, place) => matches!(place, Self::Direct | Self::Inbox),
        }
    }
}

/// What makes a content one that its author must not write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorError {
    /// A request to delete a message of somebody else, from another account than one's own.
    #[error("request to delete a message of somebody else")]
    Unsend,
    /// A sync copy that is not from one's own account to itself.
    #[error("sync copy that is not between devices of one account")]
    SyncTarget,
}

/// The rules that depend on who wrote a message (protocol: messages, section 6, items 10 and 12).
///
/// `author` has all ids by which the author is known; `is_ours` says that the author is the reader's
/// own account, which may delete any message on its other devices.
pub(crate) fn check_author(
    content: &Content,
    author: &[&[u8; 33]],
    is_ours: bool,
) -> Result<(), AuthorError> {
    if content.sync_target.is_some() && !is_ours {
        return Err(AuthorError::SyncTarget);
    }
    match &content.kind {
        Kind::Unsend(unsend) if !is_ours && !author.contains(&unsend.author.as_bytes()) => {
            Err(AuthorError::Unsend)
        }
        _ => Ok(()),
    }
}
