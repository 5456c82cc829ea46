//! Signatures of requests (protocol: storage-rpc, section 3).

use core::fmt;
use session_crypto::Ed25519PublicExt;

use session_crypto::{Ed25519Secret, SignatureError};
use session_identity::subaccount::{Permissions, SignedRequest, Token};
use session_types::{AnyId, Ed25519Public, Ed25519Signature, UnixMillis};

use crate::params_out::ParamsOut;

/// A subaccount token and the signature of the account's key over its 36 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubaccountProof {
    /// The token.
    pub token: Token,
    /// The signature of the account's key.
    pub signature: Ed25519Signature,
}

impl SubaccountProof {
    /// Signs a token with the account's key.
    #[must_use]
    pub fn new(token: Token, account: &Ed25519Secret) -> Self {
        let signature = account.sign(token.as_bytes());
        Self { token, signature }
    }
}

/// The signature of a request, and what a node needs to verify it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Auth {
    /// The signature over the bytes that the method defines.
    pub signature: Ed25519Signature,
    /// The Ed25519 key of a `05` account, whose id is an X25519 key.
    pub pubkey_ed25519: Option<Ed25519Public>,
    /// The subaccount that signed, if the account itself did not.
    pub subaccount: Option<SubaccountProof>,
}

/// An [`Auth`] whose signature covers the time of signing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimedAuth {
    /// The time of signing.
    pub at: UnixMillis,
    /// The signature.
    pub auth: Auth,
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

    /// Returns the key of the account (protocol: storage-rpc, section 3.2).
    fn account_key(&self, account: &AnyId) -> Result<Ed25519Public, SignatureError> {
        match (self.pubkey_ed25519, account.x25519()) {
            (Some(key), Some(x25519)) => match key.to_x25519() {
                Ok(own) if own == x25519 => Ok(key),
                _ => Err(SignatureError),
            },
            // The key of an account is an X25519 key: nothing verifies with it.
            _ => Ok(Ed25519Public::from_bytes(*account.key_bytes())),
        }
    }

    /// Verifies that the key of the account signed `message`. Ignores a subaccount.
    ///
    /// # Errors
    ///
    /// [`SignatureError`] if the signature does not verify.
    pub fn verify_account(&self, account: &AnyId, message: &[&[u8]]) -> Result<(), SignatureError> {
        self.account_key(account)?
            .verify_parts(message, &self.signature)
    }

    /// Verifies that the account, or a subaccount with all permissions in `needed`, signed
    /// `message`.
    ///
    /// # Errors
    ///
    /// [`SignatureError`] if the signature does not verify, or if `is_revoked` returns true for the
    /// token.
    pub fn verify(
        &self,
        account: &AnyId,
        needed: Permissions,
        is_revoked: impl FnOnce(&Token) -> bool,
        message: &[&[u8]],
    ) -> Result<(), SignatureError> {
        let Some(SubaccountProof { token, signature }) = &self.subaccount else {
            return self.verify_account(account, message);
        };
        if is_revoked(token) {
            return Err(SignatureError);
        }
        token
            .verify(
                &self.account_key(account)?,
                account.prefix(),
                needed,
                signature,
            )
            .map_err(|_| SignatureError)?;
        token.key().verify_parts(message, &self.signature)
    }

    /// Returns whether the signer has all permissions in `needed`. The account itself has all.
    #[must_use]
    pub fn permits(&self, needed: Permissions) -> bool {
        self.subaccount
            .is_none_or(|proof| proof.token.permissions().contains(needed))
    }
}

impl From<SignedRequest> for Auth {
    fn from(signed: SignedRequest) -> Self {
        Self {
            signature: signed.signature,
            pubkey_ed25519: None,
            subaccount: Some(SubaccountProof {
                token: signed.token,
                signature: signed.token_signature,
            }),
        }
    }
}

/// A key that can sign: an [`Ed25519Secret`], or the key of a subaccount, which has no seed.
pub trait Sign {
    /// Signs the bytes.
    fn sign(&self, message: &[u8]) -> Ed25519Signature;
}

impl Sign for Ed25519Secret {
    fn sign(&self, message: &[u8]) -> Ed25519Signature {
        Self::sign(self, message)
    }
}

/// Signs the requests of a client. It is `Send` and `Sync`.
#[derive(Clone, Copy)]
pub struct Signer<'a> {
    key: &'a (dyn Sign + Sync),
    pubkey_ed25519: Option<Ed25519Public>,
    subaccount: Option<SubaccountProof>,
}

impl<'a> Signer<'a> {
    /// Signs for an account (`05`) with its key, `Account::ed25519` of session-identity.
    #[must_use]
    pub fn user(secret: &'a Ed25519Secret) -> Self {
        Self {
            key: secret,
            pubkey_ed25519: Some(secret.public()),
            subaccount: None,
        }
    }

    /// Signs for a group (`03`) with its key, `Group::ed25519` of session-identity.
    #[must_use]
    pub fn group(secret: &'a Ed25519Secret) -> Self {
        Self {
            key: secret,
            pubkey_ed25519: None,
            subaccount: None,
        }
    }

    /// Signs with the key of a subaccount. `owner` is the Ed25519 key of the account if the
    /// subaccount belongs to one (`05`); for groups it is `None`.
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

    /// Signs the bytes that a method defines for this time.
    pub(crate) fn sign_at(&self, at: UnixMillis, message: &[u8]) -> TimedAuth {
        TimedAuth {
            at,
            auth: self.sign(message),
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
