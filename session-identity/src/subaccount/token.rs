//! The token that a request carries, and the account's signature of it.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use session_crypto::{Ed25519PublicExt, Ed25519Secret, KeyError};
use session_types::{AccountId, Ed25519Public, Ed25519Signature, GroupId, base64, hex};

use super::{HEAD_LENGTH, Permissions, SubaccountError, blinded_key, exactly, factor, head};
use crate::bytes::{join, split};

/// The public half of a subaccount, 36 bytes: requests carry it, and revocations name it.
///
/// Any 36 bytes are accepted. A token proves nothing without a [`Proof`].
///
/// | offset | length | content |
/// |---|---|---|
/// | 0 | 1 | prefix of the accounts that the token is for |
/// | 1 | 1 | [`Permissions`] |
/// | 2 | 2 | zero |
/// | 4 | 32 | Ed25519 key of the subaccount |
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token([u8; Token::LENGTH]);

impl Token {
    /// Length in bytes.
    pub const LENGTH: usize = 36;
    /// Length of the base64 text in JSON requests, in characters.
    pub const TEXT_LENGTH: usize = 48;

    /// Returns the token of a subaccount key for accounts with this prefix.
    #[must_use]
    pub fn new(prefix: u8, permissions: Permissions, key: &Ed25519Public) -> Self {
        Self::from_parts(&head(prefix, permissions), key)
    }

    pub(super) fn from_parts(head: &[u8; HEAD_LENGTH], key: &Ed25519Public) -> Self {
        Self(join(head, key.as_bytes()))
    }

    fn parts(&self) -> (&[u8; HEAD_LENGTH], &[u8; 32]) {
        split(&self.0)
    }

    /// Returns the token of a group's member, as an admin computes it, for example to revoke it.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if `member` is not a valid account id.
    pub fn of_member(
        group: &Ed25519Secret,
        member: &AccountId,
        permissions: Permissions,
    ) -> Result<Self, KeyError> {
        let key = blinded_key(&factor(group, member), member)?;
        Ok(Self::new(GroupId::PREFIX, permissions, &key))
    }

    /// Wraps the bytes. They are not validated.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }

    /// Returns the bytes.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; Self::LENGTH] {
        self.0
    }

    /// Returns the text of JSON requests: 48 base64 characters.
    #[must_use]
    pub fn to_base64(&self) -> String {
        base64::encode(self.0)
    }

    /// Returns the prefix of the accounts that the token is for.
    #[must_use]
    pub const fn prefix(&self) -> u8 {
        let [prefix, ..] = self.0;
        prefix
    }

    /// Returns what the subaccount may do.
    #[must_use]
    pub const fn permissions(&self) -> Permissions {
        let [_, permissions, ..] = self.0;
        Permissions::from_bits(permissions)
    }

    /// Returns the blinded key, which signs requests.
    #[must_use]
    pub fn key(&self) -> Ed25519Public {
        let (_, key) = self.parts();
        Ed25519Public::from_bytes(*key)
    }

    /// Verifies what a storage server checks of a token: prefix, permissions, and the signature of
    /// the account (protocol: identity, section 8.6). The server must also check revocation.
    ///
    /// `account` is the Ed25519 key of the account and `account_prefix` the first byte of its id.
    ///
    /// # Errors
    ///
    /// [`SubaccountError`] if the token is for another prefix, lacks a permission, or the signature
    /// does not verify.
    pub fn verify(
        &self,
        account: &Ed25519Public,
        account_prefix: u8,
        required: Permissions,
        signature: &Ed25519Signature,
    ) -> Result<(), SubaccountError> {
        let got = self.permissions();
        if self.prefix() != account_prefix && !got.contains(Permissions::ANY_PREFIX) {
            return Err(SubaccountError::Prefix {
                expected: account_prefix,
                got: self.prefix(),
            });
        }
        if !got.contains(required) {
            return Err(SubaccountError::Permission {
                expected: required,
                got,
            });
        }
        Ok(account.verify(&self.0, signature)?)
    }
}

impl TryFrom<&[u8]> for Token {
    type Error = SubaccountError;

    fn try_from(bytes: &[u8]) -> Result<Self, SubaccountError> {
        exactly(bytes).map(Self)
    }
}

impl AsRef<[u8]> for Token {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Parses 48 base64 characters or 72 hex digits, as storage servers do.
impl FromStr for Token {
    type Err = SubaccountError;

    fn from_str(text: &str) -> Result<Self, SubaccountError> {
        hex::decode(text)
            .or_else(|| base64::decode_array(text))
            .map(Self)
            .ok_or(SubaccountError::Text)
    }
}

/// Writes 48 base64 characters.
impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.to_base64())
    }
}

impl fmt::LowerHex for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex::write(f, &self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({self})")
    }
}

/// A token and the signature of the account's key over its 36 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// The token: `subaccount`.
    pub token: Token,
    /// The signature of the account's key: `subaccount_sig`.
    pub signature: Ed25519Signature,
}

impl Proof {
    /// Signs a token with the account's key.
    #[must_use]
    pub fn new(token: Token, account: &Ed25519Secret) -> Self {
        let signature = account.sign(token.as_bytes());
        Self { token, signature }
    }

    /// Verifies the token; see [`Token::verify`].
    ///
    /// # Errors
    ///
    /// [`SubaccountError`] if the token is for another prefix, lacks a permission, or the signature
    /// does not verify.
    pub fn verify(
        &self,
        account: &Ed25519Public,
        account_prefix: u8,
        required: Permissions,
    ) -> Result<(), SubaccountError> {
        self.token
            .verify(account, account_prefix, required, &self.signature)
    }
}
