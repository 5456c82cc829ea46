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

use alloc::string::String;
use core::fmt;
use core::ops::BitOr;

use base64ct::{Base64, Encoding};
use session_crypto::{
    Blake2b, Ed25519Public, Ed25519Secret, Ed25519Signature, KeyError, SecretScalar, SignatureError,
};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::bytes::copy_prefix;
use crate::group::{SUBACCOUNT_MASK, derive};
use crate::{Account, AccountId, GroupId};

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

/// The public half of a subaccount, 36 bytes: what requests carry and revocations name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token([u8; TOKEN_LENGTH]);

impl Token {
    fn new(head: [u8; HEAD_LENGTH], key: &Ed25519Public) -> Self {
        let mut bytes = [0; TOKEN_LENGTH];
        let (first, last) = bytes.split_at_mut(HEAD_LENGTH);
        copy_prefix(first, &head);
        copy_prefix(last, key.as_bytes());
        Self(bytes)
    }

    /// The token of a group's member, as an admin makes it, to revoke it for instance.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if `member` is no account's id.
    pub fn of_member(
        group: &Ed25519Secret,
        member: &AccountId,
        permissions: Permissions,
    ) -> Result<Self, KeyError> {
        let factor = factor(group, member);
        let key = factor.multiply_point(&member.x25519().to_ed25519_positive())?;
        Ok(Self::new(group_head(permissions), &key))
    }

    /// Takes the bytes as a token.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; TOKEN_LENGTH]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; TOKEN_LENGTH] {
        &self.0
    }

    /// The text of JSON requests: exactly 48 base64 characters.
    #[must_use]
    pub fn to_base64(&self) -> String {
        Base64::encode_string(&self.0)
    }

    /// The prefix of the accounts that it is for.
    #[must_use]
    pub const fn prefix(&self) -> u8 {
        let [prefix, ..] = self.0;
        prefix
    }

    /// What it may do.
    #[must_use]
    pub const fn permissions(&self) -> Permissions {
        let [_, permissions, ..] = self.0;
        Permissions(permissions)
    }

    /// The blinded key, which signs requests.
    #[must_use]
    pub const fn key(&self) -> Ed25519Public {
        match self.0.last_chunk::<32>() {
            Some(key) => Ed25519Public::from_bytes(*key),
            None => Ed25519Public::from_bytes([0; 32]),
        }
    }

    /// What a storage server checks of a token: prefix, permissions, and the signature of the
    /// account (protocol: identity, section 8.6). It must also look whether the token was revoked.
    ///
    /// `account` is the Ed25519 key of the account and `account_prefix` the first byte of its id.
    ///
    /// # Errors
    ///
    /// [`SubaccountError`] for what is wrong.
    pub fn verify(
        &self,
        account: &Ed25519Public,
        account_prefix: u8,
        required: Permissions,
        signature: &Ed25519Signature,
    ) -> Result<(), SubaccountError> {
        let [prefix, permissions, zero, other, ..] = self.0;
        let head = [prefix, permissions, zero, other];
        check_head(&head, account_prefix, required)?;
        Ok(account.verify(&self.0, signature)?)
    }
}

impl TryFrom<&[u8]> for Token {
    type Error = SubaccountError;

    fn try_from(bytes: &[u8]) -> Result<Self, SubaccountError> {
        exactly(bytes).map(Self)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.to_base64())
    }
}

/// A request signed by a subaccount: the three things that go along with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedRequest {
    /// Who signs and what he may do: `subaccount`.
    pub token: Token,
    /// That the account lets him, signed by its key: `subaccount_sig`.
    pub token_signature: Ed25519Signature,
    /// The signature of the request, by the key of the token: `signature`.
    pub signature: Ed25519Signature,
}

impl SignedRequest {
    /// What a storage server checks: the token, then the request. Revocation is left to the caller.
    ///
    /// # Errors
    ///
    /// [`SubaccountError`] for what is wrong.
    pub fn verify(
        &self,
        account: &Ed25519Public,
        account_prefix: u8,
        required: Permissions,
        message: &[u8],
    ) -> Result<(), SubaccountError> {
        self.token
            .verify(account, account_prefix, required, &self.token_signature)?;
        Ok(self.token.key().verify(message, &self.signature)?)
    }
}

/// What a member gets to act for the group, 100 bytes.
///
/// Known to the member and the admins: its factor links the token to the account. Wiped when
/// dropped, never printed; it cannot be cloned.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct AuthData {
    head: [u8; HEAD_LENGTH],
    factor: [u8; 32],
    signature: [u8; 64],
}

impl AuthData {
    /// Makes the auth data of a group's member. `group` is the group's own key.
    ///
    /// The same arguments give the same bytes.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if `member` is no account's id.
    pub fn create(
        group: &Ed25519Secret,
        member: &AccountId,
        permissions: Permissions,
    ) -> Result<Self, KeyError> {
        let factor = factor(group, member);
        let key = factor.multiply_point(&member.x25519().to_ed25519_positive())?;
        let token = Token::new(group_head(permissions), &key);
        Ok(Self {
            head: group_head(permissions),
            factor: *factor.expose_bytes(),
            signature: group.sign(token.as_bytes()).to_bytes(),
        })
    }

    /// The 100 bytes, to be sent to the member or stored.
    #[must_use]
    pub fn expose_bytes(&self) -> Zeroizing<[u8; AUTH_DATA_LENGTH]> {
        let mut bytes = Zeroizing::new([0; AUTH_DATA_LENGTH]);
        let parts = self.head.iter().chain(&self.factor).chain(&self.signature);
        for (to, from) in bytes.iter_mut().zip(parts) {
            *to = *from;
        }
        bytes
    }

    /// What it may do, if the signature is right.
    #[must_use]
    pub const fn permissions(&self) -> Permissions {
        let [_, permissions, ..] = self.head;
        Permissions(permissions)
    }

    /// The token that belongs to it, for a member known by either of his two Ed25519 keys.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if the key is no account's, or the factor 0.
    pub fn token(&self, member: &Ed25519Public) -> Result<Token, KeyError> {
        let factor = SecretScalar::from_bytes(&self.factor);
        let key = factor.multiply_point(&member.with_sign(false))?;
        Ok(Token::new(self.head, &key))
    }

    /// What a member checks when he gets auth data: that it lets him, in this group, read and do
    /// what `required` says besides (protocol: identity, section 8.5).
    ///
    /// # Errors
    ///
    /// [`SubaccountError`] for what is wrong.
    pub fn check(
        &self,
        group: &GroupId,
        member: &Ed25519Public,
        required: Permissions,
    ) -> Result<(), SubaccountError> {
        self.token(member)?.verify(
            &group.ed25519(),
            GroupId::PREFIX,
            required | Permissions::READ,
            &Ed25519Signature::from_bytes(self.signature),
        )
    }

    /// Signs a request as the subaccount (protocol: identity, section 8.4).
    ///
    /// `message` is what the method of the storage server wants signed. Deterministic; constant
    /// time in the secret.
    ///
    /// # Errors
    ///
    /// [`KeyError::ZeroScalar`] if the factor is 0, which [`check`](Self::check) refuses.
    pub fn sign(&self, member: &Account, message: &[u8]) -> Result<SignedRequest, KeyError> {
        let secret = member.ed25519();
        let scalar = secret
            .to_scalar()
            .negate_if(member.ed25519_public().is_negative());
        let scalar = SecretScalar::from_bytes(&self.factor).multiply(&scalar);
        let key = scalar.multiply_base()?;

        let nonce_key = Zeroizing::new(
            Blake2b::<32>::keyed(b"SubaccountSeed")
                .chain(secret.expose_seed())
                .finalize(),
        );
        let nonce = Zeroizing::new(
            Blake2b::<64>::keyed(b"SubaccountSig")
                .chain(nonce_key.as_slice())
                .chain(key.as_bytes())
                .chain(message)
                .finalize(),
        );
        let nonce = SecretScalar::from_wide_bytes(&nonce);
        Ok(SignedRequest {
            token: Token::new(self.head, &key),
            token_signature: Ed25519Signature::from_bytes(self.signature),
            signature: scalar.sign_parts(&nonce, &key, &[message]),
        })
    }
}

impl TryFrom<&[u8]> for AuthData {
    type Error = SubaccountError;

    /// Takes exactly 100 bytes. Nothing is checked yet: [`AuthData::check`].
    fn try_from(bytes: &[u8]) -> Result<Self, SubaccountError> {
        let whole = Zeroizing::new(exactly::<AUTH_DATA_LENGTH>(bytes)?);
        let mut data = Self {
            head: [0; HEAD_LENGTH],
            factor: [0; 32],
            signature: [0; 64],
        };
        let parts = data.head.iter_mut().chain(&mut data.factor);
        for (to, from) in parts.chain(&mut data.signature).zip(whole.iter()) {
            *to = *from;
        }
        Ok(data)
    }
}

impl fmt::Debug for AuthData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthData(..)")
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
