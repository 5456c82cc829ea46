//! What a message can be part of.

use core::fmt;
use core::str::FromStr;

use session_config::BlindedId;
use session_types::{AccountId, AnyId, GroupId, IdError};

use crate::room::RoomId;

/// A conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ConversationId {
    /// With another account, or the notes to ourselves.
    Account(AccountId),
    /// A closed group.
    Group(GroupId),
    /// A room of a community.
    Room(RoomId),
    /// With somebody of whom we know a blinded id of a community alone, through the inbox of its server.
    Blinded(BlindedId),
}

impl ConversationId {
    /// Returns the 33 bytes of the id.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 33] {
        match self {
            Self::Account(id) => id.as_bytes(),
            Self::Group(id) => id.as_bytes(),
            Self::Room(id) => id.as_bytes(),
            Self::Blinded(id) => id.as_bytes(),
        }
    }
}

impl From<AccountId> for ConversationId {
    fn from(id: AccountId) -> Self {
        Self::Account(id)
    }
}

impl From<&AccountId> for ConversationId {
    fn from(id: &AccountId) -> Self {
        Self::Account(*id)
    }
}

impl From<GroupId> for ConversationId {
    fn from(id: GroupId) -> Self {
        Self::Group(id)
    }
}

impl From<&GroupId> for ConversationId {
    fn from(id: &GroupId) -> Self {
        Self::Group(*id)
    }
}

impl From<RoomId> for ConversationId {
    fn from(id: RoomId) -> Self {
        Self::Room(id)
    }
}

impl From<&RoomId> for ConversationId {
    fn from(id: &RoomId) -> Self {
        Self::Room(*id)
    }
}

impl From<BlindedId> for ConversationId {
    fn from(id: BlindedId) -> Self {
        Self::Blinded(id)
    }
}

impl From<&Self> for ConversationId {
    fn from(id: &Self) -> Self {
        *id
    }
}

impl From<ConversationId> for AnyId {
    fn from(id: ConversationId) -> Self {
        Self::from_bytes(*id.as_bytes())
    }
}

impl TryFrom<AnyId> for ConversationId {
    type Error = IdError;

    /// # Errors
    ///
    /// [`IdError`] if the id is neither that of an account (`05`) or group (`03`), nor a blinded one (`15`, `25`) or the
    /// name of a room (`6f`).
    fn try_from(id: AnyId) -> Result<Self, IdError> {
        let account = AccountId::try_from(id).map(Self::Account);
        let blinded = || BlindedId::from_bytes(id.as_bytes()).map(Self::Blinded);
        account
            .or_else(|_| GroupId::try_from(id).map(Self::Group))
            .or_else(|_| RoomId::try_from(id).map(Self::Room))
            .or_else(|reason| blinded().ok_or(reason))
    }
}

impl fmt::Display for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(id) => fmt::Display::fmt(id, f),
            Self::Group(id) => fmt::Display::fmt(id, f),
            Self::Room(id) => fmt::Display::fmt(id, f),
            Self::Blinded(id) => fmt::Display::fmt(id, f),
        }
    }
}

impl FromStr for ConversationId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::try_from(text.parse::<AnyId>()?)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    #[test]
    fn ids_come_back_as_text_and_others_are_refused() {
        for (prefix, is_conversation) in [
            ("05", true),
            ("03", true),
            ("15", true),
            ("25", true),
            ("6f", true),
            ("00", false),
            ("07", false),
        ] {
            let text = [prefix, &"3f".repeat(32)].concat();
            let id = text.parse::<ConversationId>();
            assert_eq!(id.is_ok(), is_conversation, "{text}");
            if let Ok(id) = id {
                assert_eq!(id.to_string(), text);
                assert_eq!(ConversationId::try_from(AnyId::from(id)), Ok(id));
            }
        }
    }
}
