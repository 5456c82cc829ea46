//! `delete_before` (protocol: storage-rpc, section 5.5).

use alloc::vec::Vec;

use session_identity::subaccount::Permissions;
use session_types::limits::SIGNATURE_TOLERANCE;
use session_types::{AnyId, Namespaces, UnixMillis};

use crate::answer::AnswerError;
use crate::auth::{Auth, Signer};
use crate::params::Params;
use crate::swarm_answer::{SwarmAnswer, SwarmCall};
use crate::value::Value;
use crate::{Call, Checks, DeletedEntry, Encoding, Method, ParamError, RpcError, bulk};

/// Deletes the messages of one namespace, or of all, up to a time.
///
/// Deployed servers answer a request for all namespaces with 500 although they serve it: make one
/// for each namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteBefore<S = Auth> {
    /// The account.
    pub account: AnyId,
    /// The namespaces.
    pub namespaces: Namespaces,
    /// Messages with this timestamp or an earlier one are deleted.
    pub before: UnixMillis,
    /// The signature; `()` until the request is signed.
    pub auth: S,
}

impl DeleteBefore<()> {
    /// Starts a request; [`sign`](Self::sign) completes it.
    #[must_use]
    pub fn new(
        account: impl Into<AnyId>,
        namespaces: impl Into<Namespaces>,
        before: UnixMillis,
    ) -> Self {
        Self {
            account: account.into(),
            namespaces: namespaces.into(),
            before,
            auth: (),
        }
    }

    /// Signs the request. The signature of this method covers no time of signing, so `_at` is not
    /// used.
    #[must_use]
    pub fn sign(self, _at: UnixMillis, signer: &Signer<'_>) -> DeleteBefore {
        let message = bulk::message(DeleteBefore::METHOD, self.namespaces, self.before);
        DeleteBefore {
            account: self.account,
            namespaces: self.namespaces,
            before: self.before,
            auth: signer.sign(&message),
        }
    }
}

impl DeleteBefore {
    /// Returns the bytes that the signature covers.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        bulk::message(Self::METHOD, self.namespaces, self.before)
    }

    pub(crate) fn parse(params: Params<'_>) -> Result<Self, ParamError> {
        let (account, namespaces, before, auth) = bulk::parse(params, "before")?;
        Ok(Self {
            account,
            namespaces,
            before,
            auth,
        })
    }
}

impl Call for DeleteBefore {
    type Answer = SwarmAnswer<DeletedEntry>;
    const METHOD: Method = Method::DeleteBefore;

    fn params(&self, encoding: Encoding) -> Value {
        let time = ("before", self.before);
        bulk::params(encoding, &self.account, self.namespaces, time, &self.auth)
    }

    fn check(&self, node: &Checks<'_>) -> Result<(), RpcError> {
        node.swarm(&self.account)?;
        if self.before > node.now.saturating_add(SIGNATURE_TOLERANCE) {
            return Err(RpcError::BeforeInFuture);
        }
        let needed = Permissions::DELETE;
        node.signature(
            Self::METHOD,
            &self.account,
            &self.auth,
            needed,
            &self.message(),
        )
    }

    fn read_answer(&self, body: &Value) -> Result<Self::Answer, AnswerError> {
        SwarmAnswer::from_value(body)
    }
}

impl SwarmCall for DeleteBefore {
    type Entry = DeletedEntry;

    fn node_message(&self, entry: &DeletedEntry) -> Vec<u8> {
        bulk::node_message(&self.account, self.before, &entry.deleted)
    }
}
