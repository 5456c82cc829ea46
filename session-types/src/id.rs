//! Ids: one prefix byte and a public key of 32 bytes (protocol: identity, section 2).
//!
//! ```text
//! 05  X25519 key of an account          15  blinded key, by the server alone
//! 03  Ed25519 key of a closed group     25  blinded key, by server and account
//! 00  Ed25519 key of an account         07  key for version checks
//! ```

use core::fmt;
use core::str::FromStr;

use crate::bytes::byte_text_traits;
use crate::{Ed25519Public, X25519Public, hex};

/// Length of every id in bytes.
const LENGTH: usize = 33;
/// Length of the text form of every id in digits.
const TEXT_LENGTH: usize = 66;

/// Bytes or text that are not an id, or not an id of the expected kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// The input is not 33 bytes long.
    #[error("expected an id of 33 bytes, got {got}")]
    Length {
        /// Length of the input in bytes.
        got: usize,
    },
    /// The text is not 66 bytes long.
    #[error("expected an id of 66 hex digits, got {got} bytes of text")]
    TextLength {
        /// Length of the text in bytes.
        got: usize,
    },
    /// The text contains a character that is not a hex digit.
    #[error("expected an id of 66 hex digits, got another character")]
    NotHex,
    /// The id is of another kind.
    #[error("expected an id with prefix {expected:02x}, got {got:02x}")]
    Prefix {
        /// Prefix of the expected kind.
        expected: u8,
        /// Prefix of the input.
        got: u8,
    },
    /// No kind of id has this prefix.
    #[error("expected an id with prefix 00, 03, 05, 07, 15 or 25, got {got:02x}")]
    UnknownPrefix {
        /// Prefix of the input.
        got: u8,
    },
}

/// Decodes 66 hex digits.
fn parse_text(text: &str) -> Result<[u8; LENGTH], IdError> {
    if text.len() != TEXT_LENGTH {
        return Err(IdError::TextLength { got: text.len() });
    }
    hex::decode(text).ok_or(IdError::NotHex)
}

fn take(bytes: &[u8]) -> Result<[u8; LENGTH], IdError> {
    bytes
        .try_into()
        .map_err(|_| IdError::Length { got: bytes.len() })
}

/// Joins a prefix and a key.
const fn join(prefix: u8, key: &[u8; 32]) -> [u8; LENGTH] {
    let mut bytes = [prefix; LENGTH];
    let [_, rest @ ..] = &mut bytes;
    *rest = *key;
    bytes
}

/// Returns the 32 bytes behind the prefix.
const fn key_of(bytes: &[u8; LENGTH]) -> &[u8; 32] {
    let [_, key @ ..] = bytes;
    key
}

macro_rules! id {
    (
        $(#[$doc:meta])*
        $name:ident, $prefix:literal, $key:ident, $from:ident, $get:ident
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; LENGTH]);

        impl $name {
            /// The first byte.
            pub const PREFIX: u8 = $prefix;
            /// Length in bytes.
            pub const LENGTH: usize = LENGTH;

            #[doc = concat!("Returns the id of a key: `", stringify!($prefix), "` and its 32 bytes.")]
            #[must_use]
            pub const fn $from(key: &$key) -> Self {
                Self(join(Self::PREFIX, key.as_bytes()))
            }

            /// Takes 33 bytes, prefix first.
            ///
            /// # Errors
            ///
            /// [`IdError::Prefix`] if the prefix is that of another kind.
            pub const fn from_bytes(bytes: [u8; LENGTH]) -> Result<Self, IdError> {
                match bytes {
                    [Self::PREFIX, ..] => Ok(Self(bytes)),
                    [got, ..] => Err(IdError::Prefix { expected: Self::PREFIX, got }),
                }
            }

            /// Returns the 33 bytes, prefix first.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; LENGTH] {
                &self.0
            }

            /// Returns the 33 bytes, prefix first.
            #[must_use]
            pub const fn to_bytes(self) -> [u8; LENGTH] {
                self.0
            }

            /// Returns the 32 bytes of the key.
            #[must_use]
            pub const fn key_bytes(&self) -> &[u8; 32] {
                key_of(&self.0)
            }

            /// Returns the key, as received.
            #[must_use]
            pub const fn $get(&self) -> $key {
                $key::from_bytes(*self.key_bytes())
            }
        }

        impl TryFrom<&[u8]> for $name {
            type Error = IdError;

            /// Takes exactly 33 bytes, prefix first.
            fn try_from(bytes: &[u8]) -> Result<Self, IdError> {
                Self::from_bytes(take(bytes)?)
            }
        }

        /// Parses exactly 66 hex digits of either case; nothing is trimmed.
        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::from_bytes(parse_text(text)?)
            }
        }

        impl From<$name> for AnyId {
            fn from(id: $name) -> Self {
                Self(id.0)
            }
        }

        impl From<&$name> for AnyId {
            fn from(id: &$name) -> Self {
                Self(id.0)
            }
        }

        impl TryFrom<AnyId> for $name {
            type Error = IdError;

            fn try_from(id: AnyId) -> Result<Self, IdError> {
                Self::from_bytes(id.0)
            }
        }

        byte_text_traits!($name, 66);
    };
}

id! {
    /// The id of an account, `05`: its X25519 public key.
    ///
    /// Legacy closed groups have such ids too. The two cannot be told apart.
    AccountId, 0x05, X25519Public, from_x25519, x25519
}

id! {
    /// The id of a closed group, `03`: its Ed25519 public key.
    GroupId, 0x03, Ed25519Public, from_ed25519, ed25519
}

id! {
    /// The blinded id of an account in a community, `15`: an Ed25519 public key.
    ///
    /// It depends on the account and on the community's server. The sign bit of the key is that of
    /// the real blinded key, which cannot be computed from an account id: an account id has two
    /// candidates.
    BlindedId15, 0x15, Ed25519Public, from_ed25519, ed25519
}

id! {
    /// The blinded id of an account in a community, second version, `25`: an Ed25519 public key.
    ///
    /// Each account id has exactly one for each server.
    BlindedId25, 0x25, Ed25519Public, from_ed25519, ed25519
}

id! {
    /// The id of an account that does not hide from a community, `00`: its Ed25519 public key.
    UnblindedId, 0x00, Ed25519Public, from_ed25519, ed25519
}

id! {
    /// The id under which a client asks for the newest version, `07`: the Ed25519 public key of a
    /// pair that is derived from the account's seed but does not reveal the account.
    VersionId, 0x07, Ed25519Public, from_ed25519, ed25519
}

impl BlindedId15 {
    /// Returns the id with the sign bit of its key cleared: what community servers store and compare.
    #[must_use]
    pub const fn absolute(&self) -> Self {
        Self::from_ed25519(&self.ed25519().with_sign(false))
    }
}

/// An id of any kind: a prefix byte and 32 key bytes, neither of them validated.
///
/// Storage servers accept every prefix: they treat `05` as an account, whose key is an X25519 key,
/// and every other prefix as they treat `03` (protocol: storage-rpc, section 2). Messages may name
/// ids of kinds that do not exist yet. [`kind`](Self::kind) tells the kinds apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AnyId([u8; LENGTH]);

/// An id whose kind is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum IdKind {
    /// `05`
    Account(AccountId),
    /// `03`
    Group(GroupId),
    /// `15`
    Blinded15(BlindedId15),
    /// `25`
    Blinded25(BlindedId25),
    /// `00`
    Unblinded(UnblindedId),
    /// `07`
    Version(VersionId),
}

impl AnyId {
    /// Length in bytes.
    pub const LENGTH: usize = LENGTH;

    /// Takes 33 bytes, prefix first.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; LENGTH]) -> Self {
        Self(bytes)
    }

    /// Joins a prefix and 32 key bytes.
    #[must_use]
    pub const fn from_parts(prefix: u8, key: &[u8; 32]) -> Self {
        Self(join(prefix, key))
    }

    /// Returns the 33 bytes, prefix first.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }

    /// Returns the 33 bytes, prefix first.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; LENGTH] {
        self.0
    }

    /// Returns the first byte.
    #[must_use]
    pub const fn prefix(&self) -> u8 {
        let [prefix, ..] = self.0;
        prefix
    }

    /// Returns the 32 bytes of the key.
    #[must_use]
    pub const fn key_bytes(&self) -> &[u8; 32] {
        key_of(&self.0)
    }

    /// Returns whether this is the id of an account (`05`).
    #[must_use]
    pub const fn is_account(&self) -> bool {
        self.prefix() == AccountId::PREFIX
    }

    /// Returns whether this is the id of a closed group (`03`).
    #[must_use]
    pub const fn is_group(&self) -> bool {
        self.prefix() == GroupId::PREFIX
    }

    /// Returns the id as the type of its kind.
    ///
    /// # Errors
    ///
    /// [`IdError::UnknownPrefix`] if no kind has this prefix.
    pub const fn kind(&self) -> Result<IdKind, IdError> {
        match self.0 {
            [AccountId::PREFIX, ..] => Ok(IdKind::Account(AccountId(self.0))),
            [GroupId::PREFIX, ..] => Ok(IdKind::Group(GroupId(self.0))),
            [BlindedId15::PREFIX, ..] => Ok(IdKind::Blinded15(BlindedId15(self.0))),
            [BlindedId25::PREFIX, ..] => Ok(IdKind::Blinded25(BlindedId25(self.0))),
            [UnblindedId::PREFIX, ..] => Ok(IdKind::Unblinded(UnblindedId(self.0))),
            [VersionId::PREFIX, ..] => Ok(IdKind::Version(VersionId(self.0))),
            [got, ..] => Err(IdError::UnknownPrefix { got }),
        }
    }

    /// Returns the X25519 key, as received, if this is the id of an account.
    #[must_use]
    pub const fn x25519(&self) -> Option<X25519Public> {
        if self.is_account() {
            Some(X25519Public::from_bytes(*self.key_bytes()))
        } else {
            None
        }
    }

    /// Returns the Ed25519 key, as received, unless this is the id of an account.
    #[must_use]
    pub const fn ed25519(&self) -> Option<Ed25519Public> {
        if self.is_account() {
            None
        } else {
            Some(Ed25519Public::from_bytes(*self.key_bytes()))
        }
    }
}

impl From<IdKind> for AnyId {
    fn from(kind: IdKind) -> Self {
        match kind {
            IdKind::Account(id) => id.into(),
            IdKind::Group(id) => id.into(),
            IdKind::Blinded15(id) => id.into(),
            IdKind::Blinded25(id) => id.into(),
            IdKind::Unblinded(id) => id.into(),
            IdKind::Version(id) => id.into(),
        }
    }
}

impl TryFrom<&[u8]> for AnyId {
    type Error = IdError;

    /// Takes exactly 33 bytes, prefix first.
    fn try_from(bytes: &[u8]) -> Result<Self, IdError> {
        take(bytes).map(Self)
    }
}

/// Parses exactly 66 hex digits of either case; nothing is trimmed.
impl FromStr for AnyId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        parse_text(text).map(Self)
    }
}

byte_text_traits!(AnyId, 66);

/// Writes 66 lower-case hex digits.
impl fmt::Display for IdKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        AnyId::from(*self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    const TEXT: &str = "053506f4a71324b7dd114eddbf4e311f39dde243e1f2cb97c40db1961f70ebaae8";

    #[test]
    fn both_cases_of_hex_are_read_and_lower_case_is_written() {
        let id: AnyId = TEXT.to_ascii_uppercase().parse().unwrap();
        assert_eq!(id, TEXT.parse().unwrap());
        assert_eq!(id.to_string(), TEXT);
        assert_eq!((id.prefix(), id.key_bytes()[0]), (5, 0x35));
        assert_eq!(id, AnyId::from_parts(5, id.key_bytes()));
        let account: AccountId = TEXT.parse().unwrap();
        assert_eq!(id, account.into());
        assert_eq!(id.kind(), Ok(IdKind::Account(account)));
        assert_eq!(AccountId::from_x25519(&account.x25519()), account);
    }

    #[test]
    fn other_lengths_and_digits_are_rejected() {
        let (short, long) = (&TEXT[..65], [TEXT, "00"].concat());
        for bad in [short, &long, "", "0x"] {
            let got = bad.len();
            assert_eq!(bad.parse::<AnyId>(), Err(IdError::TextLength { got }));
        }
        for bad in [&TEXT.replace('a', "g"), &["0x", &TEXT[2..]].concat()] {
            assert_eq!(bad.parse::<AnyId>(), Err(IdError::NotHex));
            assert_eq!(bad.parse::<AccountId>(), Err(IdError::NotHex));
        }
        assert_eq!(
            AnyId::try_from(&[5; 32][..]),
            Err(IdError::Length { got: 32 })
        );
    }

    #[test]
    fn each_kind_has_its_prefix_and_no_other() {
        for prefix in 0..=u8::MAX {
            let id = AnyId::from_parts(prefix, &[7; 32]);
            let expected = matches!(prefix, 0 | 3 | 5 | 7 | 0x15 | 0x25);
            match id.kind() {
                Ok(kind) => {
                    assert!(expected);
                    assert_eq!(AnyId::from(kind), id);
                }
                Err(error) => {
                    assert!(!expected);
                    assert_eq!(error, IdError::UnknownPrefix { got: prefix });
                }
            }
            assert_eq!(id.x25519().is_some(), prefix == 5);
            assert_eq!(id.ed25519().is_some(), prefix != 5);
            let wrong = IdError::Prefix {
                expected: 3,
                got: prefix,
            };
            assert_eq!(GroupId::try_from(id).err(), (prefix != 3).then_some(wrong));
        }
    }
}
