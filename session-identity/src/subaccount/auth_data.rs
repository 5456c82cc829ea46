//! What a member gets from an admin, and how he uses it.

use core::fmt;
use session_crypto::X25519PublicExt;

use session_crypto::{
    Blake2b, Ed25519Public, Ed25519Secret, Ed25519Signature, KeyError, SecretScalar,
};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{
    AUTH_DATA_LENGTH, HEAD_LENGTH, Permissions, SignedRequest, SubaccountError, Token, exactly,
    factor, group_head,
};
use crate::{Account, AccountId, GroupId};

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
    ///
    /// ```
    /// # use getrandom::{SysRng, rand_core::UnwrapErr};
    /// # let rng = &mut UnwrapErr(SysRng);
    /// use session_identity::subaccount::{AuthData, Permissions};
    /// use session_identity::{Account, Group, Seed};
    ///
    /// let (group, bob) = (Group::generate(rng), Account::from_seed(&Seed::generate(rng)));
    /// // The admin makes it, Bob gets it with the invitation and checks it.
    /// let auth = AuthData::create(group.ed25519(), bob.id(), Permissions::MEMBER)?;
    /// auth.check(group.id(), &bob.ed25519_public(), Permissions::MEMBER)?;
    /// // Bob signs requests to the group's swarm, and a storage server verifies them.
    /// let message = b"retrieve111754971101000";
    /// let signed = auth.sign(&bob, message)?;
    /// signed.verify(&group.ed25519().public(), 0x03, Permissions::READ, message)?;
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
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
