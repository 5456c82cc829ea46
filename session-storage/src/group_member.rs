//! Members of a group as signers.

use session_crypto::KeyError;
use session_identity::Account;
use session_identity::subaccount::AuthData;
use session_types::Ed25519Signature;

use crate::{Sign, Signer, SubaccountProof};

/// A member of a group. It signs with the auth data that it received from an admin.
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
    /// [`KeyError`] if the auth data cannot sign: its factor is zero.
    pub fn new(account: &'a Account, auth: &'a AuthData) -> Result<Self, KeyError> {
        let signed = auth.sign(account, &[])?;
        Ok(Self {
            account,
            auth,
            proof: SubaccountProof {
                token: signed.token,
                signature: signed.token_signature,
            },
        })
    }

    /// Signs requests for the group.
    #[must_use]
    pub fn signer(&self) -> Signer<'_> {
        Signer::subaccount(self, self.proof, None)
    }
}

impl Sign for GroupMember<'_> {
    #[expect(
        clippy::expect_used,
        reason = "signing fails only for a factor of zero, for which `new` fails too"
    )]
    fn sign(&self, message: &[u8]) -> Ed25519Signature {
        let signed = self.auth.sign(self.account, message);
        signed.expect("a factor that is not zero").signature
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Call, Checks, Retrieve};
    use session_crypto::Ed25519Secret;
    use session_identity::Seed;
    use session_identity::subaccount::Permissions;
    use session_types::Namespace;
    use session_types::{GroupId, UnixMillis};

    #[test]
    fn what_a_group_member_signs_a_node_accepts() {
        let group = Ed25519Secret::from_seed(&[1; 32]);
        let id = GroupId::from_ed25519(&group.public());
        let now = UnixMillis::new(1_800_000_000_000);
        // Negative and positive keys alike.
        for number in 0..8 {
            let account = Account::from_seed(&Seed::try_from(&[number; 16][..]).unwrap());
            let read = Permissions::READ;
            let auth = AuthData::create(&group, account.id(), read).unwrap();
            let member = GroupMember::new(&account, &auth).unwrap();
            let retrieve = Retrieve::new(id, Namespace::GROUP_MESSAGES);
            let retrieve = retrieve.sign(now, &member.signer());
            let checks = Checks {
                now,
                hf: [19, 4],
                forwarded: false,
                serves: &|_| true,
                is_revoked: &|_, _| false,
            };
            assert_eq!(retrieve.check(&checks), Ok(()));
        }
    }
}
