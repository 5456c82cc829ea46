//! The typed ids and subaccounts of clients, as storage servers take them.

use session_crypto::{Ed25519Signature, KeyError};
use session_identity::Account;
use session_identity::subaccount::{AuthData, SignedRequest, Token};

use crate::{Auth, Sign, Signer, SubaccountProof, SubaccountToken};

impl From<Token> for SubaccountToken {
    fn from(token: Token) -> Self {
        Self::from_bytes(*token.as_bytes())
    }
}

impl From<SubaccountToken> for Token {
    fn from(token: SubaccountToken) -> Self {
        Self::from_bytes(*token.as_bytes())
    }
}

impl From<SignedRequest> for Auth {
    fn from(signed: SignedRequest) -> Self {
        Self {
            signature: signed.signature,
            pubkey_ed25519: None,
            subaccount: Some(proof(&signed)),
        }
    }
}

fn proof(signed: &SignedRequest) -> SubaccountProof {
    SubaccountProof {
        token: signed.token.into(),
        signature: signed.token_signature,
    }
}

/// A member of a group, who signs with the auth data that an admin gave to them.
#[derive(Debug, Clone, Copy)]
pub struct GroupMember<'a> {
    account: &'a Account,
    auth: &'a AuthData,
    proof: SubaccountProof,
}

impl<'a> GroupMember<'a> {
    /// Joins the auth data and the account that it was made for.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if nothing can be signed with them.
    pub fn new(account: &'a Account, auth: &'a AuthData) -> Result<Self, KeyError> {
        let proof = proof(&auth.sign(account, &[])?);
        Ok(Self {
            account,
            auth,
            proof,
        })
    }

    /// Signs requests for the group.
    #[must_use]
    pub fn signer(&self) -> Signer<'_> {
        Signer::subaccount(self, self.proof, None)
    }
}

impl Sign for GroupMember<'_> {
    fn sign(&self, message: &[u8]) -> Ed25519Signature {
        // Whether it works does not depend on the message, and it has worked before. A signature of
        // zeros is refused by everybody.
        let signed = self.auth.sign(self.account, message);
        signed.map_or(Ed25519Signature::from_bytes([0; 64]), |signed| {
            signed.signature
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Namespace;
    use crate::{Call, Checks, Retrieve};
    use session_crypto::Ed25519Secret;
    use session_identity::Seed;
    use session_identity::subaccount::Permissions;
    use session_swarm::StorageAccount;

    #[test]
    fn what_a_group_member_signs_a_node_accepts() {
        let group = Ed25519Secret::from_seed(&[1; 32]);
        let id = StorageAccount::group(&group.public());
        // Negative and positive keys alike.
        for number in 0..8 {
            let account = Account::from_seed(&Seed::try_from(&[number; 16][..]).unwrap());
            let read = Permissions::READ;
            let auth = AuthData::create(&group, account.id(), read).unwrap();
            let member = GroupMember::new(&account, &auth).unwrap();
            let retrieve = Retrieve::new(id, Namespace::GROUP_MESSAGES);
            let retrieve = retrieve.sign(1_800_000_000_000, &member.signer());
            let checks = Checks {
                now_ms: 1_800_000_000_000,
                hf: [19, 4],
                forwarded: false,
                serves: &|_| true,
                is_revoked: &|_, _| false,
            };
            assert_eq!(retrieve.check(&checks), Ok(()));
        }
    }
}
