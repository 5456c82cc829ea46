//! Subaccounts: how a group lets its members use its swarm without giving away its key.
//!
//! The group's key signs a *token*, which names a blinded key of the member and what it may do. The
//! member receives *auth data*. From it and their own key they compute the token and the signatures
//! of the blinded key (protocol: identity, section 8).
//!
//! ```text
//! token, 36 bytes:      network prefix (1) | permissions (1) | 0 0 | blinded key kT (32)
//! auth data, 100 bytes: network prefix (1) | permissions (1) | 0 0 | factor k (32) | signature (64)
//! ```
//!
//! The auth data contains the factor, the token contains the key. The signature, by the group's
//! key, covers the token.

use session_crypto::{
    Blake2b, Ed25519Secret, KeyError, SecretScalar, SignatureError, X25519PublicExt,
};
use session_types::{AccountId, Ed25519Public, GroupId};
use zeroize::Zeroizing;

use crate::group::{SUBACCOUNT_MASK, derive};

mod auth_data;
mod key;
mod permissions;
mod token;

pub use auth_data::AuthData;
pub use key::{SignedRequest, SubaccountKey};
pub use permissions::Permissions;
pub use token::{Proof, Token};

/// The subaccount is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubaccountError {
    /// The input has the wrong length.
    #[error("expected {expected} bytes, got {got}")]
    Length {
        /// Length of the type in bytes.
        expected: usize,
        /// Length of the input in bytes.
        got: usize,
    },
    /// The text is not a token.
    #[error("expected a token of 48 base64 or 72 hex digits")]
    Text,
    /// The subaccount is for accounts of another network prefix.
    #[error("expected a subaccount for accounts with prefix {expected:02x}, got {got:02x}")]
    Prefix {
        /// Prefix of the account.
        expected: u8,
        /// Prefix of the subaccount.
        got: u8,
    },
    /// The subaccount lacks a permission.
    #[error("expected the permissions {expected:?}, got {got:?}")]
    Permission {
        /// The required permissions.
        expected: Permissions,
        /// The permissions of the subaccount.
        got: Permissions,
    },
    /// A key is not usable.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The account's key did not sign the token, or the subaccount's key did not sign the request.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

/// Length of the network prefix, the permissions and two zeros.
const HEAD_LENGTH: usize = 4;

/// Returns the first bytes of a token and of auth data.
const fn head(prefix: u8, permissions: Permissions) -> [u8; HEAD_LENGTH] {
    [prefix, permissions.bits(), 0, 0]
}

/// Returns the factor of a member: a hash of both ids under a key that only admins know.
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

/// Returns the blinded key of a member, kT.
fn blinded_key(factor: &SecretScalar, member: &AccountId) -> Result<Ed25519Public, KeyError> {
    factor.multiply_point(&member.x25519().to_ed25519_positive())
}

fn exactly<const N: usize>(bytes: &[u8]) -> Result<[u8; N], SubaccountError> {
    bytes.try_into().map_err(|_| SubaccountError::Length {
        expected: N,
        got: bytes.len(),
    })
}
