//! Errors.

use session_config::EditError;
use session_config::group::ActError;
use session_message::SealError;

/// Why a message cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The recipient would drop the message, or it is too long.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The shared configs cannot be changed.
    #[error(transparent)]
    Contacts(#[from] EditError),
    /// The content takes no files, or a file was not staged, or is used already.
    #[error("a file was not staged for this")]
    File,
    /// Receipts, typing indicators and notices of screenshots go to accepted contacts only.
    #[error("the recipient is not an accepted contact")]
    NotContact,
    /// The recipient is blocked.
    #[error("recipient is blocked")]
    Blocked,
    /// The group takes no message of ours.
    #[error(transparent)]
    Group(#[from] GroupError),
}

/// Why something is not done in a group. Nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GroupError {
    /// The account knows no such group.
    #[error("the account knows no such group")]
    Unknown,
    /// The group does not allow it.
    #[error(transparent)]
    Act(#[from] ActError),
}

/// Why bytes are not a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The key is not one of a record.
    #[error("key is not that of a record")]
    Key,
    /// The value is not that of a record of this kind.
    #[error("value is not that of a record of this kind")]
    Value,
}
