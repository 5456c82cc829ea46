//! Ids: one prefix byte and a public key of 32 bytes (protocol: identity, section 2).
//!
//! The text form is 66 hex digits, written in lower case and read in both. There is a type for each
//! prefix, and [`AnyId`] for those who take them all.
//!
//! ```text
//! 05  X25519 key of an account          15  blinded key, by the server alone
//! 03  Ed25519 key of a closed group     25  blinded key, by server and account
//! 00  Ed25519 key of an account         07  key for version checks
//! ```
//!
//! Any 32 bytes make an id: whether they are a usable key is checked where the key is used, as the
//! protocol has it, or on demand by the `check` method of each type.

use core::fmt;
use core::str::FromStr;

use session_crypto::{Ed25519Public, KeyError, X25519Public};

/// Length in bytes of every id.
pub const LENGTH: usize = 33;
/// Length in digits of the text form of every id.
pub const TEXT_LENGTH: usize = 66;

/// Bytes or text that are not an id, or not one of the kind that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// Not 33 bytes.
    #[error("expected an id of 33 bytes, got {got}")]
    Length {
        /// Bytes that were given.
        got: usize,
    },
    /// Not 66 bytes of text.
    #[error("expected an id of 66 hex digits, got {got} bytes of text")]
    TextLength {
        /// Bytes of text that were given.
        got: usize,
    },
    /// Something else than hex digits.
    #[error("expected an id of 66 hex digits, got another character")]
    NotHex,
    /// An id of another kind.
    #[error("expected an id with prefix {expected:02x}, got {got:02x}")]
    Prefix {
        /// The prefix of the kind that was asked for.
        expected: u8,
        /// The prefix that was given.
        got: u8,
    },
    /// A prefix that no id has.
    #[error("expected an id with prefix 00, 03, 05, 07, 15 or 25, got {got:02x}")]
    UnknownPrefix {
        /// The prefix that was given.
        got: u8,
    },
}

/// The 33 bytes of 66 hex digits.
fn parse_text(text: &str) -> Result<[u8; LENGTH], IdError> {
    if text.len() != TEXT_LENGTH {
        return Err(IdError::TextLength { got: text.len() });
    }
    let mut bytes = [0; LENGTH];
    // The decoder drops a leading "0x", after which there are too few digits.
    const_hex::decode_to_slice(text, &mut bytes).map_err(|_| IdError::NotHex)?;
    Ok(bytes)
}

fn take(bytes: &[u8]) -> Result<[u8; LENGTH], IdError> {
    bytes
        .try_into()
        .map_err(|_| IdError::Length { got: bytes.len() })
}

fn fmt_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8; LENGTH]) -> fmt::Result {
    let mut text = [0; TEXT_LENGTH];
    const_hex::encode_to_slice(bytes, &mut text).map_err(|_| fmt::Error)?;
    f.pad(core::str::from_utf8(&text).map_err(|_| fmt::Error)?)
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

            #[doc = concat!("The id of a key: `", stringify!($prefix), "` and its 32 bytes.")]
            #[must_use]
            pub fn $from(key: &$key) -> Self {
                let mut bytes = [Self::PREFIX; LENGTH];
                for (to, from) in bytes.iter_mut().skip(1).zip(key.as_bytes()) {
                    *to = *from;
                }
                Self(bytes)
            }

            /// Takes 33 bytes, prefix first.
            ///
            /// # Errors
            ///
            /// [`IdError::Prefix`] if the first is that of another kind.
            pub const fn from_bytes(bytes: [u8; LENGTH]) -> Result<Self, IdError> {
                match bytes {
                    [Self::PREFIX, ..] => Ok(Self(bytes)),
                    [got, ..] => Err(IdError::Prefix { expected: Self::PREFIX, got }),
                }
            }

            /// The 33 bytes, prefix first.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; LENGTH] {
                &self.0
            }

            /// The 33 bytes, prefix first.
            #[must_use]
            pub const fn to_bytes(self) -> [u8; LENGTH] {
                self.0
            }

            /// The 32 bytes of the key.
            #[must_use]
            pub const fn key_bytes(&self) -> &[u8; 32] {
                match self.0.split_last_chunk() {
                    Some((_, key)) => key,
                    None => &[0; 32],
                }
            }

            /// The key.
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

        /// Exactly 66 hex digits of either case; nothing is trimmed.
        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::from_bytes(parse_text(text)?)
            }
        }

        /// 66 lower-case hex digits.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt_hex(f, &self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

id! {
    /// The id of an account, `05`: its X25519 public key.
    ///
    /// Closed groups of the old kind have such ids too; they cannot be told apart.
    AccountId, 0x05, X25519Public, from_x25519, x25519
}

id! {
    /// The id of a group, `03`: its Ed25519 public key.
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
    /// pair that follows from the account's seed but does not show the account.
    VersionId, 0x07, Ed25519Public, from_ed25519, ed25519
}

macro_rules! check_ed25519 {
    ($($name:ident)*) => {$(
        impl $name {
            /// Checks that the key is the canonical encoding of a point of the prime-order
            /// subgroup, other than the identity.
            ///
            /// # Errors
            ///
            /// [`KeyError`] if it is not. No signature of such a key counts everywhere.
            pub fn check(&self) -> Result<(), KeyError> {
                self.ed25519().to_x25519().map(|_| ())
            }
        }
    )*};
}
check_ed25519!(GroupId BlindedId15 BlindedId25 UnblindedId VersionId);

impl AccountId {
    /// The id of the account with this Ed25519 key.
    ///
    /// The way to a sender's id: the key must have been verified, and an id that came from outside
    /// the encryption means nothing.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if the key is no account's: not a point, or not of the prime-order subgroup.
    pub fn from_ed25519(key: &Ed25519Public) -> Result<Self, KeyError> {
        key.to_x25519().map(|key| Self::from_x25519(&key))
    }
}

impl UnblindedId {
    /// The account id of the same account.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if the key is no account's.
    pub fn account_id(&self) -> Result<AccountId, KeyError> {
        AccountId::from_ed25519(&self.ed25519())
    }
}

/// An id of any kind, told by its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum AnyId {
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

macro_rules! any_id {
    ($($variant:ident $name:ident $get:ident)*) => {
        impl AnyId {
            /// Takes 33 bytes, prefix first.
            ///
            /// # Errors
            ///
            /// [`IdError::UnknownPrefix`] if no id begins like this.
            pub const fn from_bytes(bytes: [u8; LENGTH]) -> Result<Self, IdError> {
                match bytes {
                    $([$name::PREFIX, ..] => Ok(Self::$variant($name(bytes))),)*
                    [got, ..] => Err(IdError::UnknownPrefix { got }),
                }
            }

            /// The 33 bytes, prefix first.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; LENGTH] {
                match self {
                    $(Self::$variant(id) => id.as_bytes(),)*
                }
            }

            /// The 32 bytes of the key.
            #[must_use]
            pub const fn key_bytes(&self) -> &[u8; 32] {
                match self {
                    $(Self::$variant(id) => id.key_bytes(),)*
                }
            }

            /// The first byte.
            #[must_use]
            pub const fn prefix(&self) -> u8 {
                match self {
                    $(Self::$variant(_) => $name::PREFIX,)*
                }
            }
        }

        $(
            impl From<$name> for AnyId {
                fn from(id: $name) -> Self {
                    Self::$variant(id)
                }
            }

            impl TryFrom<AnyId> for $name {
                type Error = IdError;

                fn try_from(id: AnyId) -> Result<Self, IdError> {
                    Self::from_bytes(*id.as_bytes())
                }
            }
        )*
    };
}
any_id! {
    Account AccountId x25519
    Group GroupId ed25519
    Blinded15 BlindedId15 ed25519
    Blinded25 BlindedId25 ed25519
    Unblinded UnblindedId ed25519
    Version VersionId ed25519
}

impl AnyId {
    /// The 33 bytes, prefix first.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; LENGTH] {
        *self.as_bytes()
    }

    /// The X25519 key, if this is an account's id.
    #[must_use]
    pub const fn x25519(&self) -> Option<X25519Public> {
        match self {
            Self::Account(id) => Some(id.x25519()),
            _ => None,
        }
    }

    /// The Ed25519 key, unless this is an account's id.
    #[must_use]
    pub const fn ed25519(&self) -> Option<Ed25519Public> {
        match self {
            Self::Account(_) => None,
            _ => Some(Ed25519Public::from_bytes(*self.key_bytes())),
        }
    }
}

impl TryFrom<&[u8]> for AnyId {
    type Error = IdError;

    /// Takes exactly 33 bytes, prefix first.
    fn try_from(bytes: &[u8]) -> Result<Self, IdError> {
        Self::from_bytes(take(bytes)?)
    }
}

/// Exactly 66 hex digits of either case; nothing is trimmed.
impl FromStr for AnyId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::from_bytes(parse_text(text)?)
    }
}

/// 66 lower-case hex digits.
impl fmt::Display for AnyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_hex(f, self.as_bytes())
    }
}
