//! The checks of a node, in the order in which the deployed server makes them (protocol:
//! storage-rpc, sections 3.4 and 3.5).

use session_crypto::SignatureError;
use session_swarm::StorageAccount;

use crate::auth::{Auth, Permissions, SubaccountToken};
use crate::limits::{SIGNATURE_TOLERANCE_FORWARDED_MS, SIGNATURE_TOLERANCE_MS};
use crate::{Method, RpcError};

/// What a node knows when it checks a request.
#[derive(Clone, Copy)]
pub struct Checks<'a> {
    /// The node's clock, in milliseconds since 1970.
    pub now_ms: u64,
    /// Major and minor hard fork of the chain.
    pub hf: [u64; 2],
    /// Whether another node forwarded the request.
    pub forwarded: bool,
    /// Whether the node is in the swarm of an account.
    pub serves: &'a dyn Fn(&StorageAccount) -> bool,
    /// Whether a subaccount is revoked.
    pub is_revoked: &'a dyn Fn(&StorageAccount, &SubaccountToken) -> bool,
}

impl Checks<'_> {
    /// The swarm of the account is that of the node.
    pub(crate) fn swarm(&self, account: &StorageAccount) -> Result<(), RpcError> {
        if (self.serves)(account) {
            Ok(())
        } else {
            Err(RpcError::WrongSwarm)
        }
    }

    /// The time of a signature is near the node's clock.
    pub(crate) fn clock(&self, method: Method, time: u64) -> Result<(), RpcError> {
        let is_forwarded_all =
            self.forwarded && matches!(method, Method::DeleteAll | Method::ExpireAll);
        let tolerance = if is_forwarded_all {
            SIGNATURE_TOLERANCE_FORWARDED_MS
        } else {
            SIGNATURE_TOLERANCE_MS
        };
        if self.now_ms.abs_diff(time) > tolerance {
            return Err(RpcError::Clock(method));
        }
        Ok(())
    }

    /// A time that must not lie behind the node's clock does not.
    pub(crate) const fn is_past(&self, method: Method, time: u64) -> bool {
        let tolerance = match method {
            Method::ExpireAll if self.forwarded => SIGNATURE_TOLERANCE_FORWARDED_MS,
            _ => SIGNATURE_TOLERANCE_MS,
        };
        time < self.now_ms.saturating_sub(tolerance)
    }

    /// The account, or a subaccount that may, signed the message.
    pub(crate) fn signature(
        &self,
        method: Method,
        account: &StorageAccount,
        auth: &Auth,
        needed: Permissions,
        message: &[u8],
    ) -> Result<(), RpcError> {
        let is_revoked = |token: &SubaccountToken| (self.is_revoked)(account, token);
        let outcome = auth.verify(account, needed, is_revoked, &[message]);
        outcome.map_err(|SignatureError| RpcError::Signature(method))
    }
}

impl core::fmt::Debug for Checks<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Checks")
            .field("now_ms", &self.now_ms)
            .field("hf", &self.hf)
            .field("forwarded", &self.forwarded)
            .finish_non_exhaustive()
    }
}
