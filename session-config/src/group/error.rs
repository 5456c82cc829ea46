//! Errors.

use session_crypto::KeyError;
use session_identity::subaccount::SubaccountError;
use session_message::{Disposition, OpenError, SealError};

use super::Stage;
use super::keys::RekeyError;
use crate::error::{EditError, PushError};

/// Why an act was not done. Nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ActError {
    /// Only an admin may do this.
    #[error("only an admin may do this")]
    NotAdmin,
    /// Our membership does not allow it.
    #[error("not possible for a membership that is {0:?}")]
    Stage(Stage),
    /// An admin is about to remove us.
    #[error("we are about to be removed")]
    BeingRemoved,
    /// There is no key yet: fetch them first.
    #[error("the group has no key yet")]
    NoKey,
    /// The members have not been fetched yet.
    #[error("the members of the group have not been fetched yet")]
    NotFetched,
    /// The account is not in the list of members.
    #[error("the account is no member")]
    NoMember,
    /// The account is about to be removed: wait until it is.
    #[error("the member is about to be removed")]
    MemberBeingRemoved,
    /// The account is an admin already.
    #[error("the member is an admin")]
    IsAdmin,
    /// The account's id allows no subaccount: nobody can have it.
    #[error("the account id is not valid")]
    InvalidMember,
    /// It concerns our own account.
    #[error("not possible for the own account")]
    Own,
    /// We are the only admin: make another one, or destroy the group.
    #[error("the only admin cannot leave")]
    LastAdmin,
    /// A group cannot have as many members.
    #[error("expected at most {max} members, got {got}")]
    TooManyMembers {
        /// Maximum number.
        max: usize,
        /// Number there would be.
        got: usize,
    },
    /// The config was not changed.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// No key message was made.
    #[error(transparent)]
    Rekey(#[from] RekeyError),
    /// A config is not storable.
    #[error(transparent)]
    Push(#[from] PushError),
    /// A message could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A key is not usable.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// Why an invitation, a promotion or an entry of the account's config is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InviteError {
    /// The id is not that of a group.
    #[error("not the id of a group")]
    NoGroup,
    /// It is for another group.
    #[error("it is for another group")]
    OtherGroup,
    /// The auth data is not ours, not signed by the group, or does not allow what a member does.
    #[error(transparent)]
    AuthData(#[from] SubaccountError),
    /// The group's key is not usable.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The entry gives no access.
    #[error("the entry gives no access to the group")]
    NoAccess,
    /// We are in the group already.
    #[error("we are in the group already")]
    Joined,
}

/// Why the outcome of a job was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The job is not the last one that was given: poll again.
    #[error("not the outcome of the last job")]
    Ticket,
    /// The next step failed.
    #[error(transparent)]
    Act(#[from] ActError),
}

/// Why a message of the group is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageRefused {
    /// It does not open, or must not be shown.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Our membership does not let us read.
    #[error("not possible for a membership that is {0:?}")]
    Stage(Stage),
    /// The members have not been fetched yet.
    #[error("the members of the group have not been fetched yet")]
    NotFetched,
    /// Its author is not in the list of members: a stranger who holds a key, or removed since.
    #[error("the author is no member")]
    Stranger,
    /// Its author is about to be removed.
    #[error("the author is being removed")]
    Removed,
    /// It was sent before the time before which everything is deleted.
    #[error("sent before the time of deletion")]
    Deleted,
}

impl MessageRefused {
    /// Returns what to do with the message.
    #[must_use]
    pub const fn disposition(&self) -> Disposition {
        match self {
            Self::Open(error) => error.disposition(),
            Self::NotFetched | Self::Stage(Stage::Invited) => Disposition::TryAgainLater,
            _ => Disposition::Drop,
        }
    }
}
