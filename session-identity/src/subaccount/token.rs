//! The token that a request carries, and the request itself.

use alloc::string::String;
use core::fmt;
use session_crypto::Ed25519PublicExt;
use session_crypto::X25519PublicExt;

use base64ct::{Base64, Encoding};
use session_crypto::{Ed25519Public, Ed25519Secret, Ed25519Signature, KeyError};

use super::{
    HEAD_LENGTH, Permissions, SubaccountError, TOKEN_LENGTH, check_head, exactly, factor,
    group_head,
};
use crate::AccountId;
use crate::bytes::copy_prefix;

/// The public half of a subaccount, 36 bytes: what requests carry and revocations name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token([u8; TOKEN_LENGTH]);

impl Token {
    pub(super) fn new(head: [u8; HEAD_LENGTH], key: &Ed25519Public) -> Self {
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
