//! The key of a subaccount, and the requests that it signs.

use core::fmt;

use session_crypto::{Blake2b, Ed25519PublicExt, KeyError, SecretScalar};
use session_types::{Ed25519Public, Ed25519Signature};
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::{HEAD_LENGTH, Permissions, Proof, SubaccountError, Token};
use crate::Account;

/// The key with which a member signs as the subaccount (protocol: identity, section 8.4).
///
/// [`AuthData::key`](super::AuthData::key) returns it. Signing is deterministic, constant-time in
/// the secret, and cannot fail. Zeroized on drop, never printed; it cannot be cloned.
pub struct SubaccountKey {
    scalar: SecretScalar,
    nonce_key: Zeroizing<[u8; 32]>,
    proof: Proof,
}

// Both secrets zeroize themselves.
impl ZeroizeOnDrop for SubaccountKey {}

impl SubaccountKey {
    pub(super) fn new(
        head: &[u8; HEAD_LENGTH],
        factor: &SecretScalar,
        signature: Ed25519Signature,
        member: &Account,
    ) -> Result<Self, KeyError> {
        let secret = member.ed25519();
        let own = secret
            .to_scalar()
            .negate_if(member.ed25519_public().is_negative());
        let scalar = factor.multiply(&own);
        let token = Token::from_parts(head, &scalar.multiply_base()?);
        Ok(Self {
            scalar,
            nonce_key: Zeroizing::new(
                Blake2b::<32>::keyed(b"SubaccountSeed")
                    .chain(secret.expose_seed())
                    .finalize(),
            ),
            proof: Proof { token, signature },
        })
    }

    /// Returns the token and the account's signature of it, which every request carries.
    #[must_use]
    pub const fn proof(&self) -> &Proof {
        &self.proof
    }

    /// Signs the bytes that the method of the storage server defines.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Ed25519Signature {
        let key = self.proof.token.key();
        let nonce = Zeroizing::new(
            Blake2b::<64>::keyed(b"SubaccountSig")
                .chain(self.nonce_key.as_slice())
                .chain(key.as_bytes())
                .chain(message)
                .finalize(),
        );
        let nonce = SecretScalar::from_wide_bytes(&nonce);
        self.scalar.sign_parts(&nonce, &key, &[message])
    }

    /// Signs a request: the signature with everything that goes along with it.
    #[must_use]
    pub fn sign_request(&self, message: &[u8]) -> SignedRequest {
        SignedRequest {
            token: self.proof.token,
            token_signature: self.proof.signature,
            signature: self.sign(message),
        }
    }
}

impl fmt::Debug for SubaccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubaccountKey")
            .field("token", &self.proof.token)
            .finish_non_exhaustive()
    }
}

/// A request signed by a subaccount: the three values that go along with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedRequest {
    /// The token of the signer, the parameter `subaccount`.
    pub token: Token,
    /// The signature of the account's key over the token: `subaccount_sig`.
    pub token_signature: Ed25519Signature,
    /// The signature of the request, by the key of the token: `signature`.
    pub signature: Ed25519Signature,
}

impl SignedRequest {
    /// Returns the token and the account's signature of it.
    #[must_use]
    pub const fn proof(&self) -> Proof {
        Proof {
            token: self.token,
            signature: self.token_signature,
        }
    }

    /// Verifies what a storage server checks: the token, then the request. The server must also
    /// check revocation.
    ///
    /// # Errors
    ///
    /// [`SubaccountError`] if the token is for another prefix, lacks a permission, or one of the
    /// signatures does not verify.
    pub fn verify(
        &self,
        account: &Ed25519Public,
        account_prefix: u8,
        required: Permissions,
        message: &[u8],
    ) -> Result<(), SubaccountError> {
        self.proof().verify(account, account_prefix, required)?;
        Ok(self.token.key().verify(message, &self.signature)?)
    }
}
