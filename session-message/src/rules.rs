//! Which content may come in which kind of conversation, and from whom.

use session_proto::content::{AnyId, Content, GroupUpdate, Kind};

use crate::error::AuthorError;

/// A kind of conversation, as far as the rules depend on it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Direct,
    Group,
    Community,
    Inbox,
}

impl Place {
    /// Returns whether content of this kind has a meaning here.
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

/// Checks the rules that depend on the author (protocol: messages, section 6, items 10 and 12).
///
/// `author` has all ids of the author. `is_ours` says that the author is the reader's own account,
/// which may delete any message on its other devices.
pub(crate) fn check_author(
    content: &Content,
    author: &[AnyId],
    is_ours: bool,
) -> Result<(), AuthorError> {
    if content.sync_target.is_some() && !is_ours {
        return Err(AuthorError::SyncTarget);
    }
    match &content.kind {
        Kind::Unsend(unsend) if !is_ours && !author.contains(&unsend.author) => {
            Err(AuthorError::Unsend)
        }
        _ => Ok(()),
    }
}
