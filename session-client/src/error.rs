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
    /// It is not possible in a community.
    #[error(transparent)]
    Room(#[from] RoomError),
}

/// Why something is not done in a community. Nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RoomError {
    /// The account is in no such room, or knows no such user.
    #[error("the account is in no such room, or knows no such user")]
    Unknown,
    /// The server is known with another key: the URL is wrong.
    #[error("the server is known with another key")]
    OtherKey,
    /// No node posts to the server, or its key is unusable.
    #[error("no node posts to this server, or its key is unusable")]
    Server,
    /// The account is in 100 rooms.
    #[error("the account is in too many rooms")]
    TooManyRooms,
    /// 1,000 messages and acts wait for servers.
    #[error("too many messages and acts wait")]
    TooManyPending,
    /// A room takes texts, files and invitations alone.
    #[error("not a message that a room takes")]
    NotAMessage,
    /// The id is not a blinded one, or the server knows us by none.
    #[error("expected a blinded id")]
    NotBlinded,
    /// The shared configs cannot be changed.
    #[error(transparent)]
    Config(#[from] EditError),
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
