//! Auth data, which a member receives from an admin.

use core::fmt;

use session_crypto::{Ed25519Secret, KeyError, SecretScalar};
use session_types::{AccountId, Ed25519Public, Ed25519Signature, GroupId};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{
    HEAD_LENGTH, Permissions, Proof, SignedRequest, SubaccountError, SubaccountKey, Token,
    blinded_key, exactly, factor, head,
};
use crate::Account;
use crate::bytes::{join, split};

/// Auth data of a member, 100 bytes: the right to act for the group.
///
/// The member and the admins know it; its factor links the token to the account. Zeroized on drop,
/// never printed; it cannot be cloned.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct AuthData {
    head: [u8; HEAD_LENGTH],
    factor: [u8; 32],
    signature: [u8; 64],
}

impl AuthData {
    /// Length in bytes.
    pub const LENGTH: usize = 100;

    /// Creates the auth data of a group's member. `group` is the group's own key.
    ///
    /// The same arguments give the same bytes.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if `member` is not a valid account id.
    ///
    /// ```
    /// # use getrandom::{SysRng, rand_core::UnwrapErr};
    /// # let rng = &mut UnwrapErr(SysRng);
    /// use session_identity::subaccount::{AuthData, Permissions};
    /// use session_identity::{Account, Group, Seed};
    ///
    /// let (group, bob) = (Group::generate(rng), Account::from_seed(&Seed::generate(rng)));
    /// // The admin creates it; Bob receives it with the invitation and checks it.
    /// let auth = AuthData::create(group.ed25519(), bob.id(), Permissions::MEMBER)?;
    /// auth.check(group.id(), &bob.ed25519_public(), Permissions::MEMBER)?;
    /// // Bob signs requests to the group's swarm, and a storage server verifies them.
    /// let message = b"retrieve111754971101000";
    /// let signed = auth.key(&bob)?.sign_request(message);
    /// signed.verify(&group.ed25519().public(), 0x03, Permissions::READ, message)?;
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn create(
        group: &Ed25519Secret,
        member: &AccountId,
        permissions: Permissions,
    ) -> Result<Self, KeyError> {
        let factor = factor(group, member);
        let key = blinded_key(&factor, member)?;
        let token = Token::new(GroupId::PREFIX, permissions, &key);
        Ok(Self {
            head: head(GroupId::PREFIX, permissions),
            factor: *factor.expose_bytes(),
            signature: Proof::new(token, group).signature.to_bytes(),
        })
    }

    /// Takes the bytes. They are not validated: see [`check`](Self::check).
    #[must_use]
    pub fn from_bytes(bytes: &[u8; Self::LENGTH]) -> Self {
        let (head, rest): (_, &[u8; 96]) = split(bytes);
        let (factor, signature) = split(rest);
        Self {
            head: *head,
            factor: *factor,
            signature: *signature,
        }
    }

    /// Returns the 100 bytes, to send to the member or to store.
    #[must_use]
    pub fn expose_bytes(&self) -> Zeroizing<[u8; Self::LENGTH]> {
        let secret = Zeroizing::new(join::<HEAD_LENGTH, 32, 36>(&self.head, &self.factor));
        Zeroizing::new(join(&secret, &self.signature))
    }

    /// Returns what the subaccount may do, if the signature is valid.
    #[must_use]
    pub const fn permissions(&self) -> Permissions {
        let [_, permissions, ..] = self.head;
        Permissions::from_bits(permissions)
    }

    /// Returns the token of a member, who is known by either of their two Ed25519 keys.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if the key is not a valid account key, or the factor is zero.
    pub fn token(&self, member: &Ed25519Public) -> Result<Token, KeyError> {
        let key = self.factor().multiply_point(&member.with_sign(false))?;
        Ok(Token::from_parts(&self.head, &key))
    }

    /// Checks what a member must check on receipt: that the auth data lets them read, and do what
    /// `required` says, in this group (protocol: identity, section 8.5).
    ///
    /// # Errors
    ///
    /// [`SubaccountError`] if it does not, or if it is malformed.
    pub fn check(
        &self,
        group: &GroupId,
        member: &Ed25519Public,
        required: Permissions,
    ) -> Result<(), SubaccountError> {
        let proof = Proof {
            token: self.token(member)?,
            signature: self.signature(),
        };
        proof.verify(
            &group.ed25519(),
            GroupId::PREFIX,
            required | Permissions::READ,
        )
    }

    /// Returns the key that signs requests as the subaccount.
    ///
    /// # Errors
    ///
    /// [`KeyError::ZeroScalar`] if the factor is zero, which [`check`](Self::check) rejects.
    pub fn key(&self, member: &Account) -> Result<SubaccountKey, KeyError> {
        SubaccountKey::new(&self.head, &self.factor(), self.signature(), member)
    }

    /// Signs one request as the subaccount. To sign several, keep [`key`](Self::key).
    ///
    /// # Errors
    ///
    /// [`KeyError::ZeroScalar`] if the factor is zero, which [`check`](Self::check) rejects.
    pub fn sign(&self, member: &Account, message: &[u8]) -> Result<SignedRequest, KeyError> {
        Ok(self.key(member)?.sign_request(message))
    }

    fn factor(&self) -> SecretScalar {
        SecretScalar::from_bytes(&self.factor)
    }

    const fn signature(&self) -> Ed25519Signature {
        Ed25519Signature::from_bytes(self.signature)
    }
}

impl TryFrom<&[u8]> for AuthData {
    type Error = SubaccountError;

    /// Takes exactly 100 bytes. They are not validated: see [`AuthData::check`].
    fn try_from(bytes: &[u8]) -> Result<Self, SubaccountError> {
        let bytes = Zeroizing::new(exactly(bytes)?);
        Ok(Self::from_bytes(&bytes))
    }
}

impl fmt::Debug for AuthData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthData(..)")
    }
}
