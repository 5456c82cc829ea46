//! The checks of a node, in the order in which the deployed server makes them (protocol:
//! storage-rpc, sections 3.4 and 3.5).

use session_crypto::SignatureError;
use session_identity::subaccount::{Permissions, Token};
use session_types::limits::{SIGNATURE_TOLERANCE, SIGNATURE_TOLERANCE_FORWARDED};
use session_types::{AnyId, UnixMillis};

use crate::auth::Auth;
use crate::{Method, RpcError};

/// The facts that a node needs to check a request.
#[derive(Clone, Copy)]
pub struct Checks<'a> {
    /// The node's clock.
    pub now: UnixMillis,
    /// Major and minor hard fork of the chain.
    pub hf: [u64; 2],
    /// Whether another node forwarded the request.
    pub forwarded: bool,
    /// Returns whether the node is in the swarm of an account.
    pub serves: &'a dyn Fn(&AnyId) -> bool,
    /// Returns whether a subaccount is revoked.
    pub is_revoked: &'a dyn Fn(&AnyId, &Token) -> bool,
}

impl Checks<'_> {
    /// Checks that the node is in the swarm of the account.
    pub(crate) fn swarm(&self, account: &AnyId) -> Result<(), RpcError> {
        if (self.serves)(account) {
            Ok(())
        } else {
            Err(RpcError::WrongSwarm)
        }
    }

    /// Checks that the time of a signature is near the node's clock.
    pub(crate) fn clock(&self, method: Method, time: UnixMillis) -> Result<(), RpcError> {
        let is_forwarded_all =
            self.forwarded && matches!(method, Method::DeleteAll | Method::ExpireAll);
        let tolerance = if is_forwarded_all {
            SIGNATURE_TOLERANCE_FORWARDED
        } else {
            SIGNATURE_TOLERANCE
        };
        if self.now.abs_diff(time) > tolerance {
            return Err(RpcError::Clock(method));
        }
        Ok(())
    }

    /// Returns whether a time is too far behind the node's clock.
    pub(crate) fn is_past(&self, method: Method, time: UnixMillis) -> bool {
        let tolerance = match method {
            Method::ExpireAll if self.forwarded => SIGNATURE_TOLERANCE_FORWARDED,
            _ => SIGNATURE_TOLERANCE,
        };
        time < self.now.saturating_sub(tolerance)
    }

    /// Checks that the account, or a subaccount with the permissions, signed the message.
    pub(crate) fn signature(
        &self,
        method: Method,
        account: &AnyId,
        auth: &Auth,
        needed: Permissions,
        message: &[u8],
    ) -> Result<(), RpcError> {
        let is_revoked = |token: &Token| (self.is_revoked)(account, token);
        let outcome = auth.verify(account, needed, is_revoked, &[message]);
        outcome.map_err(|SignatureError| RpcError::Signature(method))
    }
}

impl core::fmt::Debug for Checks<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Checks")
            .field("now", &self.now)
            .field("hf", &self.hf)
            .field("forwarded", &self.forwarded)
            .finish_non_exhaustive()
    }
}
