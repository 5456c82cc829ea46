//! Errors.

use session_config::EditError;
use session_message::SealError;

/// Why a message cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The recipient would drop the message, or it is too long.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The contacts cannot be changed.
    #[error(transparent)]
    Contacts(#[from] EditError),
    /// The recipient is blocked.
    #[error("recipient is blocked")]
    Blocked,
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
