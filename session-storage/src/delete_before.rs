//! `delete_before` (protocol: storage-rpc, section 5.5).

use alloc::vec::Vec;

use session_swarm::StorageAccount;

use crate::answer::AnswerError;
use crate::auth::{Auth, Permissions, Signer};
use crate::limits::SIGNATURE_TOLERANCE_MS;
use crate::namespace::Namespaces;
use crate::params::Params;
use crate::swarm_answer::{SwarmAnswer, SwarmCall};
use crate::value::Value;
use crate::{Call, Checks, DeletedEntry, Encoding, Method, ParamError, RpcError, bulk};

/// Deletes the messages of one namespace, or of all, up to a time.
///
/// Deployed servers answer a request for all namespaces with 500 although they serve it: make one
/// for each namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteBefore {
    /// Whose messages.
    pub account: StorageAccount,
    /// Which namespaces.
    pub namespaces: Namespaces,
    /// Messages with this timestamp or an earlier one are deleted, in milliseconds since 1970.
    pub before: u64,
    /// The signature.
    pub auth: Auth,
}

impl DeleteBefore {
    /// Makes the request.
    #[must_use]
    pub fn new(
        account: StorageAccount,
        namespaces: impl Into<Namespaces>,
        before: u64,
        signer: &Signer<'_>,
    ) -> Self {
        let namespaces = namespaces.into();
        Self {
            account,
            namespaces,
            before,
            auth: signer.sign(&bulk::message(Self::METHOD, namespaces, before)),
        }
    }

    /// The bytes that are signed.
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
        if self.before > node.now_ms.saturating_add(SIGNATURE_TOLERANCE_MS) {
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
