//! Who signs a request and how a node checks it (protocol: storage-rpc, section 3).

use core::fmt;
use session_crypto::Ed25519PublicExt;

use session_crypto::{Ed25519Public, Ed25519Secret, Ed25519Signature, SignatureError};
use session_swarm::{StorageAccount, hex};

use crate::params_out::ParamsOut;

/// What a subaccount may do: a set of flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Permissions(u8);

impl Permissions {
    /// Fetch messages.
    pub const READ: Self = Self(1);
    /// Store messages and extend their expiries.
    pub const WRITE: Self = Self(2);
    /// Delete messages and shorten their expiries.
    pub const DELETE: Self = Self(4);
    /// Serve accounts of every prefix.
    pub const ANY_PREFIX: Self = Self(8);

    /// The permissions of flags.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// The flags.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// These permissions and those.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` are among these.
    #[must_use]
    pub const fn contain(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// The token of a subaccount, 36 bytes.
///
/// | Offset | Size | Meaning |
/// |---|---|---|
/// | 0 | 1 | prefix of the account that it is for |
/// | 1 | 1 | [`Permissions`] |
/// | 2 | 2 | zero |
/// | 4 | 32 | Ed25519 key of the subaccount |
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubaccountToken([u8; 36]);

impl SubaccountToken {
    /// Length in bytes.
    pub const LENGTH: usize = 36;

    /// Takes the bytes as a token.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 36]) -> Self {
        Self(bytes)
    }

    /// The token for the accounts of a prefix.
    #[must_use]
    pub fn new(prefix: u8, permissions: Permissions, key: &Ed25519Public) -> Self {
        let mut token = [0; 36];
        let (head, tail) = token.split_at_mut(4);
        head.copy_from_slice(&[prefix, permissions.bits(), 0, 0]);
        tail.copy_from_slice(key.as_bytes());
        Self(token)
    }

    /// The bytes of the token.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 36] {
        &self.0
    }

    /// The prefix of the account that it is for.
    #[must_use]
    pub const fn prefix(&self) -> u8 {
        self.0[0]
    }

    /// What its holder may do.
    #[must_use]
    pub const fn permissions(&self) -> Permissions {
        Permissions(self.0[1])
    }

    /// The key that signs for it.
    #[must_use]
    pub fn key(&self) -> Ed25519Public {
        Ed25519Public::from_bytes(*self.0.last_chunk().unwrap_or(&[0; 32]))
    }
}

impl fmt::Debug for SubaccountToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubaccountToken(")?;
        hex::write(f, &self.0)?;
        f.write_str(")")
    }
}

/// A token and the signature of the account's key over its 36 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubaccountProof {
    /// The token.
    pub token: SubaccountToken,
    /// The signature of the account's key.
    pub signature: Ed25519Signature,
}

impl SubaccountProof {
    /// Makes the token valid, with the account's key.
    #[must_use]
    pub fn new(token: SubaccountToken, account: &Ed25519Secret) -> Self {
        let signature = account.sign(token.as_bytes());
        Self { token, signature }
    }
}

/// The signature of a request and what is needed to check it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Auth {
    /// The signature over the bytes that the method defines.
    pub signature: Ed25519Signature,
    /// The account's Ed25519 key, for user accounts, whose id is an X25519 key.
    pub pubkey_ed25519: Option<Ed25519Public>,
    /// The subaccount that signed, if it was not the account itself.
    pub subaccount: Option<SubaccountProof>,
}

impl Auth {
    pub(crate) fn write(&self, out: &mut ParamsOut) {
        out.signature("signature", &self.signature);
        if let Some(key) = &self.pubkey_ed25519 {
            out.key("pubkey_ed25519", key.as_bytes());
        }
        if let Some(proof) = &self.subaccount {
            out.bytes("subaccount", proof.token.as_bytes());
            out.signature("subaccount_sig", &proof.signature);
        }
    }

    /// The key of the account (protocol: storage-rpc, section 3.2).
    fn account_key(&self, account: &StorageAccount) -> Result<Ed25519Public, SignatureError> {
        match self.pubkey_ed25519 {
            Some(key) if account.is_user() => {
                let x25519 = key.to_x25519().map_err(|_| SignatureError)?;
                if x25519.as_bytes() != account.key() {
                    return Err(SignatureError);
                }
                Ok(key)
            }
            _ => Ok(Ed25519Public::from_bytes(*account.key())),
        }
    }

    /// Whether the account's own key signed `message`; a subaccount is not looked at.
    ///
    /// # Errors
    ///
    /// [`SignatureError`] if not.
    pub fn verify_account(
        &self,
        account: &StorageAccount,
        message: &[&[u8]],
    ) -> Result<(), SignatureError> {
        self.account_key(account)?
            .verify_parts(message, &self.signature)
    }

    /// Whether the account, or a subaccount with all permissions in `needed`, signed `message`.
    ///
    /// # Errors
    ///
    /// [`SignatureError`] if not, or if `is_revoked` says so of the token.
    pub fn verify(
        &self,
        account: &StorageAccount,
        needed: Permissions,
        is_revoked: impl FnOnce(&SubaccountToken) -> bool,
        message: &[&[u8]],
    ) -> Result<(), SignatureError> {
        let Some(SubaccountProof { token, signature }) = &self.subaccount else {
            return self.verify_account(account, message);
        };
        let permissions = token.permissions();
        let prefix_fits =
            token.prefix() == account.prefix() || permissions.contain(Permissions::ANY_PREFIX);
        if is_revoked(token) || !prefix_fits || !permissions.contain(needed) {
            return Err(SignatureError);
        }
        let account_key = self.account_key(account)?;
        account_key.verify(token.as_bytes(), signature)?;
        token.key().verify_parts(message, &self.signature)
    }

    /// The permissions of the signer; everything for the account itself.
    #[must_use]
    pub fn permissions(&self) -> Permissions {
        match &self.subaccount {
            Some(proof) => proof.token.permissions(),
            None => Permissions(u8::MAX),
        }
    }
}

/// A key that can sign: an [`Ed25519Secret`], or that of a subaccount, which has no seed.
pub trait Sign {
    /// Signs the bytes.
    fn sign(&self, message: &[u8]) -> Ed25519Signature;
}

impl Sign for Ed25519Secret {
    fn sign(&self, message: &[u8]) -> Ed25519Signature {
        Self::sign(self, message)
    }
}

/// Signs the requests of a client. It may be sent to another thread.
#[derive(Clone, Copy)]
pub struct Signer<'a> {
    key: &'a (dyn Sign + Sync),
    pubkey_ed25519: Option<Ed25519Public>,
    subaccount: Option<SubaccountProof>,
}

impl<'a> Signer<'a> {
    /// Signs for a user account (`05`) with its key.
    #[must_use]
    pub fn user(secret: &'a Ed25519Secret) -> Self {
        Self {
            key: secret,
            pubkey_ed25519: Some(secret.public()),
            subaccount: None,
        }
    }

    /// Signs for a group (`03`) with its key.
    #[must_use]
    pub fn group(secret: &'a Ed25519Secret) -> Self {
        Self {
            key: secret,
            pubkey_ed25519: None,
            subaccount: None,
        }
    }

    /// Signs with the key of a subaccount. `owner` is the Ed25519 key of a user account that it
    /// belongs to; for groups it is none.
    #[must_use]
    pub fn subaccount(
        key: &'a (dyn Sign + Sync),
        proof: SubaccountProof,
        owner: Option<Ed25519Public>,
    ) -> Self {
        Self {
            key,
            pubkey_ed25519: owner,
            subaccount: Some(proof),
        }
    }

    /// Signs the bytes that a method defines.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Auth {
        Auth {
            signature: self.key.sign(message),
            pubkey_ed25519: self.pubkey_ed25519,
            subaccount: self.subaccount,
        }
    }
}

// Held across an await in a task that moves between threads.
const _: () = {
    const fn moves<T: Send + Sync>() {}
    moves::<Signer<'_>>();
};

impl fmt::Debug for Signer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(..)")
    }
}
