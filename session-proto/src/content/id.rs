//! Ids inside of messages.

use core::fmt;
use core::str::FromStr;

use super::ContentError;

/// The id of an account (`05`), a group (`03`), a blinded account (`15`, `25`) or of a kind still
/// unknown: one byte of prefix and 32 bytes of key, neither of them checked.
///
/// In messages it is a text of 66 hex digits, written in lower case and read in both. Where a field
/// has ids of one kind only, others are refused there. What stands in a message was written by its
/// sender; only the sender's own id is authenticated, and not by this field.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id([u8; 33]);

impl Id {
    /// Length in bytes.
    pub const LENGTH: usize = 33;
    /// Prefix of an account.
    pub const ACCOUNT: u8 = 0x05;
    /// Prefix of a closed group.
    pub const GROUP: u8 = 0x03;

    /// Takes the bytes as an id.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 33]) -> Self {
        Self(bytes)
    }

    /// The bytes, prefix first.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 33] {
        &self.0
    }

    /// The first byte.
    #[must_use]
    pub const fn prefix(&self) -> u8 {
        self.0[0]
    }

    /// Whether it is the id of an account.
    #[must_use]
    pub const fn is_account(&self) -> bool {
        self.prefix() == Self::ACCOUNT
    }

    /// Whether it is the id of a closed group.
    #[must_use]
    pub const fn is_group(&self) -> bool {
        self.prefix() == Self::GROUP
    }

    /// The id in a field of a message.
    pub(super) fn parse(text: &str, field: &'static str) -> Result<Self, ContentError> {
        text.parse().map_err(|IdError| ContentError::Id { field })
    }

    /// As [`parse`](Self::parse), where the text itself counts and not only the id.
    pub(super) fn parse_lower_case(text: &str, field: &'static str) -> Result<Self, ContentError> {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(ContentError::Id { field });
        }
        Self::parse(text, field)
    }
}

/// A text that is not an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an id of 66 hex digits")]
pub struct IdError;

impl FromStr for Id {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
            return Err(IdError);
        };
        let mut bytes = [0; 33];
        if pairs.len() != bytes.len() {
            return Err(IdError);
        }
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Ok(Self(bytes))
    }
}

const fn digit(character: u8) -> Result<u8, IdError> {
    match character {
        b'0'..=b'9' => Ok(character.wrapping_sub(b'0')),
        b'a'..=b'f' => Ok(character.wrapping_sub(b'a').wrapping_add(10)),
        b'A'..=b'F' => Ok(character.wrapping_sub(b'A').wrapping_add(10)),
        _ => Err(IdError),
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({self})")
    }
}
