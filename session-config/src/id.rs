//! Ids as keys of configs: 33 bytes with their prefix.

use core::fmt;

use session_types::{AccountId, AnyId, BlindedId15, BlindedId25, GroupId, IdKind};

/// A blinded id of either kind.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BlindedId {
    /// Of the older kind.
    V15(BlindedId15),
    /// Of the newer kind.
    V25(BlindedId25),
}

impl BlindedId {
    /// Takes 33 bytes that begin with `15` or `25`.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let any = AnyId::from_bytes(bytes.try_into().ok()?);
        match any.kind().ok()? {
            IdKind::Blinded15(id) => Some(Self::V15(id)),
            IdKind::Blinded25(id) => Some(Self::V25(id)),
            _ => None,
        }
    }

    /// Returns the 33 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 33] {
        match self {
            Self::V15(id) => id.as_bytes(),
            Self::V25(id) => id.as_bytes(),
        }
    }

    /// Returns the 32 bytes behind the prefix.
    #[must_use]
    pub const fn key_bytes(&self) -> &[u8; 32] {
        match self {
            Self::V15(id) => id.key_bytes(),
            Self::V25(id) => id.key_bytes(),
        }
    }
}

impl fmt::Display for BlindedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V15(id) => id.fmt(f),
            Self::V25(id) => id.fmt(f),
        }
    }
}

impl fmt::Debug for BlindedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlindedId({self})")
    }
}

pub(crate) fn account_id(key: &[u8]) -> Option<AccountId> {
    AccountId::from_bytes(key.try_into().ok()?).ok()
}

pub(crate) fn group_id(key: &[u8]) -> Option<GroupId> {
    GroupId::from_bytes(key.try_into().ok()?).ok()
}
