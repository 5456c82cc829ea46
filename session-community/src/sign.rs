//! Signers of requests and posts.

use core::fmt;

use rand_core::CryptoRng;
use session_crypto::{
    BlindedSecret, Blinding, Ed25519Signature, KeyError, SecretScalar, X25519Public, xed25519,
};
use session_identity::Account;
use session_types::AnyId;
use sha2::{Digest, Sha512};
use zeroize::{Zeroize, Zeroizing};

/// The account of a user in one community, under one of its three ids.
///
/// [`IdChoice`](crate::IdChoice) tells which of them a server takes.
pub struct Signer<'a> {
    account: &'a Account,
    server: X25519Public,
    blinded: Option<BlindedSecret>,
    /// `SHA-512(seed)[32..64]`, from which the nonces of blinded signatures are made.
    nonce_key: Zeroizing<[u8; 32]>,
}

impl<'a> Signer<'a> {
    /// Signs with a blinded id, `15` or `25`.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if the blinding factor is 0, which does not happen with a real server key.
    pub fn blinded(
        blinding: Blinding,
        account: &'a Account,
        server: &X25519Public,
    ) -> Result<Self, KeyError> {
        let mut signer = Self::unblinded(account, server);
        signer.blinded = Some(BlindedSecret::new(blinding, account.ed25519(), server)?);
        Ok(signer)
    }

    /// Signs with the id that does not hide the account, `00`.
    #[must_use]
    pub fn unblinded(account: &'a Account, server: &X25519Public) -> Self {
        let mut hash = Sha512::digest(account.ed25519().expose_seed());
        let mut nonce_key = Zeroizing::new([0; 32]);
        for (to, from) in nonce_key.iter_mut().zip(hash.iter().skip(32)) {
            *to = *from;
        }
        hash.as_mut_slice().zeroize();
        Self {
            account,
            server: *server,
            blinded: None,
            nonce_key,
        }
    }

    /// Returns the server's key.
    #[must_use]
    pub const fn server(&self) -> &X25519Public {
        &self.server
    }

    /// Returns the blinded key pair, for the inbox; `None` for an unblinded signer.
    #[must_use]
    pub const fn blinded_secret(&self) -> Option<&BlindedSecret> {
        self.blinded.as_ref()
    }

    /// Returns the id that stands in requests: `15`, `25` or `00`.
    #[must_use]
    pub fn request_id(&self) -> AnyId {
        match &self.blinded {
            Some(blinded) => blinded.id(),
            None => self.account.unblinded_id().into(),
        }
    }

    /// Returns the id that others see: `15`, `25` or `05`.
    #[must_use]
    pub fn public_id(&self) -> AnyId {
        match &self.blinded {
            Some(blinded) => blinded.id(),
            None => self.account.id().into(),
        }
    }

    /// Signs a request. Deterministic; constant-time in the secret.
    pub(crate) fn sign_request(&self, message: &[&[u8]]) -> Ed25519Signature {
        match &self.blinded {
            Some(blinded) => self.sign_blinded(blinded, message),
            None => self.account.ed25519().sign_parts(message),
        }
    }

    /// Signs the data of a post; without blinding by XEd25519, with 64 bytes of the generator.
    pub(crate) fn sign_post(
        &self,
        data: &[u8],
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Ed25519Signature {
        match &self.blinded {
            Some(blinded) => self.sign_blinded(blinded, &[data]),
            None => xed25519::sign(rng, self.account.x25519(), data),
        }
    }

    /// The nonce is `SHA-512(nonce key || kA || message)`, as desktop and the server's tools make it.
    fn sign_blinded(&self, blinded: &BlindedSecret, message: &[&[u8]]) -> Ed25519Signature {
        let public = blinded.public();
        let mut hash = Sha512::new_with_prefix(self.nonce_key.as_slice());
        hash.update(public.as_bytes());
        message.iter().for_each(|part| hash.update(part));
        let wide: Zeroizing<[u8; 64]> = Zeroizing::new(hash.finalize().into());
        let nonce = SecretScalar::from_wide_bytes(&wide);
        blinded.scalar().sign_parts(&nonce, &public, message)
    }
}

impl fmt::Debug for Signer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("id", &self.request_id())
            .finish_non_exhaustive()
    }
}
