//! `delete_all` (protocol: storage-rpc, section 5.4).

use alloc::vec::Vec;

use session_swarm::StorageAccount;

use crate::answer::AnswerError;
use crate::auth::{Auth, Permissions, Signer};
use crate::namespace::Namespaces;
use crate::params::Params;
use crate::swarm_answer::{Affected, SwarmAnswer, SwarmCall, SwarmEntry};
use crate::value::{Dict, Value};
use crate::{Call, Checks, Encoding, Method, ParamError, RpcError, bulk};

/// Deletes all messages of one namespace or of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteAll {
    /// Whose messages.
    pub account: StorageAccount,
    /// Which namespaces.
    pub namespaces: Namespaces,
    /// The time of the request, in milliseconds since 1970.
    pub timestamp: u64,
    /// The signature.
    pub auth: Auth,
}

impl DeleteAll {
    /// Makes the request.
    #[must_use]
    pub fn new(
        account: StorageAccount,
        namespaces: impl Into<Namespaces>,
        timestamp: u64,
        signer: &Signer<'_>,
    ) -> Self {
        let namespaces = namespaces.into();
        Self {
            account,
            namespaces,
            timestamp,
            auth: signer.sign(&bulk::message(Self::METHOD, namespaces, timestamp)),
        }
    }

    /// The bytes that are signed.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        bulk::message(Self::METHOD, self.namespaces, self.timestamp)
    }

    pub(crate) fn parse(params: Params<'_>) -> Result<Self, ParamError> {
        let (account, namespaces, timestamp, auth) = bulk::parse(params, "timestamp")?;
        Ok(Self {
            account,
            namespaces,
            timestamp,
            auth,
        })
    }
}

impl Call for DeleteAll {
    type Answer = SwarmAnswer<DeletedEntry>;
    const METHOD: Method = Method::DeleteAll;

    fn params(&self, encoding: Encoding) -> Value {
        let time = ("timestamp", self.timestamp);
        bulk::params(encoding, &self.account, self.namespaces, time, &self.auth)
    }

    fn check(&self, node: &Checks<'_>) -> Result<(), RpcError> {
        node.swarm(&self.account)?;
        node.clock(Self::METHOD, self.timestamp)?;
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

impl SwarmCall for DeleteAll {
    type Entry = DeletedEntry;

    fn node_message(&self, entry: &DeletedEntry) -> Vec<u8> {
        bulk::node_message(&self.account, self.timestamp, &entry.deleted)
    }
}

/// What a member deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletedEntry {
    /// The hashes.
    pub deleted: Affected,
}

impl SwarmEntry for DeletedEntry {
    fn write(&self, _: bool, out: &mut Dict) {
        out.insert("deleted".into(), self.deleted.to_value());
    }

    fn read(entry: &Value) -> Option<Self> {
        let deleted = Affected::from_value(entry.get("deleted")?)?;
        Some(Self { deleted })
    }
}
