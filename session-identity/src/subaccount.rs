//! Subaccounts: how a group lets its members use its swarm without giving away its key.
//!
//! The group's key signs a *token*, which names a blinded key of the member and what it may do. The
//! member gets the *auth data*, from which, with his own key, he makes the token and signatures of
//! the blinded key (protocol: identity, section 8).
//!
//! ```text
//! token, 36 bytes:      network prefix (1) | permissions (1) | 0 0 | blinded key kT (32)
//! auth data, 100 bytes: network prefix (1) | permissions (1) | 0 0 | factor k (32) | signature (64)
//! ```
//!
//! The auth data has the factor, the token the key. The signature, by the group's key, is over the
//! token.

use core::fmt;
use core::ops::BitOr;

use session_crypto::{Blake2b, Ed25519Secret, KeyError, SecretScalar, SignatureError};
use zeroize::Zeroizing;

use crate::group::{SUBACCOUNT_MASK, derive};
use crate::{AccountId, GroupId};

mod auth_data;
mod token;

pub use auth_data::AuthData;
pub use token::{SignedRequest, Token};

/// Length in bytes of a token.
pub const TOKEN_LENGTH: usize = 36;
/// Length in bytes of auth data.
pub const AUTH_DATA_LENGTH: usize = 100;

/// Network prefix, permissions, two zeros.
const HEAD_LENGTH: usize = 4;

/// What a subaccount may do.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Permissions(u8);

impl Permissions {
    /// Retrieve messages.
    pub const READ: Self = Self(0x01);
    /// Store messages.
    pub const WRITE: Self = Self(0x02);
    /// Delete messages.
    pub const DELETE: Self = Self(0x04);
    /// Use it for accounts of every network prefix, not only for that of the token.
    pub const ANY_PREFIX: Self = Self(0x08);
    /// What ordinary members of a group get: read and write.
    pub const MEMBER: Self = Self(0x03);

    /// Takes the byte of a token. Reserved bits are kept.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// The byte of a token.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether all of `required` are among these.
    #[must_use]
    pub const fn contains(self, required: Self) -> bool {
        self.0 & required.0 == required.0
    }
}

impl BitOr for Permissions {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Permissions({:#04x})", self.0)
    }
}

/// Why a subaccount is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubaccountError {
    /// Not as many bytes as a token or auth data has.
    #[error("expected {expected} bytes, got {got}")]
    Length {
        /// Bytes that it has.
        expected: usize,
        /// Bytes that were given.
        got: usize,
    },
    /// Made for accounts of another network prefix.
    #[error("subaccount is for accounts with prefix {got:02x}, not {expected:02x}")]
    Prefix {
        /// Prefix of the account.
        expected: u8,
        /// Prefix that the subaccount is for.
        got: u8,
    },
    /// It may not do this.
    #[error("subaccount lacks a permission: expected {expected:?}, got {got:?}")]
    Permission {
        /// What is needed.
        expected: Permissions,
        /// What it has.
        got: Permissions,
    },
    /// A key that cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Not signed by the account's key, or the request not by the subaccount's.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

/// Checks prefix and permissions of the first bytes of a token or of auth data.
fn check_head(
    [prefix, permissions, ..]: &[u8; HEAD_LENGTH],
    account_prefix: u8,
    required: Permissions,
) -> Result<(), SubaccountError> {
    let got = Permissions(*permissions);
    if *prefix != account_prefix && !got.contains(Permissions::ANY_PREFIX) {
        return Err(SubaccountError::Prefix {
            expected: account_prefix,
            got: *prefix,
        });
    }
    if got.contains(required) {
        Ok(())
    } else {
        Err(SubaccountError::Permission {
            expected: required,
            got,
        })
    }
}

/// The first bytes of a group's tokens.
const fn group_head(permissions: Permissions) -> [u8; HEAD_LENGTH] {
    [GroupId::PREFIX, permissions.0, 0, 0]
}

/// The factor of a member: a hash of both ids with a key that only admins have.
fn factor(group: &Ed25519Secret, member: &AccountId) -> SecretScalar {
    let mask = derive(group, SUBACCOUNT_MASK);
    let hash = Zeroizing::new(
        Blake2b::<64>::keyed(&mask)
            .chain(member.as_bytes())
            .chain(GroupId::from_ed25519(&group.public()).as_bytes())
            .finalize(),
    );
    SecretScalar::from_wide_bytes(&hash)
}

fn exactly<const N: usize>(bytes: &[u8]) -> Result<[u8; N], SubaccountError> {
    bytes.try_into().map_err(|_| SubaccountError::Length {
        expected: N,
        got: bytes.len(),
    })
}
