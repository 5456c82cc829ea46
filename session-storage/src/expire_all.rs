//! `expire_all` (protocol: storage-rpc, section 5.6).

use alloc::vec::Vec;

use session_swarm::StorageAccount;

use crate::answer::AnswerError;
use crate::auth::{Auth, Permissions, Signer};
use crate::namespace::Namespaces;
use crate::params::Params;
use crate::swarm_answer::{Affected, SwarmAnswer, SwarmCall, SwarmEntry};
use crate::value::{Dict, Value};
use crate::{Call, Checks, Encoding, Method, ParamError, RpcError, bulk};

/// Shortens the expiries of all messages of one namespace or of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpireAll {
    /// Whose messages.
    pub account: StorageAccount,
    /// Which namespaces.
    pub namespaces: Namespaces,
    /// The new expiry of messages that have a later one, in milliseconds since 1970.
    pub expiry: u64,
    /// The signature.
    pub auth: Auth,
}

impl ExpireAll {
    /// Makes the request.
    #[must_use]
    pub fn new(
        account: StorageAccount,
        namespaces: impl Into<Namespaces>,
        expiry: u64,
        signer: &Signer<'_>,
    ) -> Self {
        let namespaces = namespaces.into();
        Self {
            account,
            namespaces,
            expiry,
            auth: signer.sign(&bulk::message(Self::METHOD, namespaces, expiry)),
        }
    }

    /// The bytes that are signed.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        bulk::message(Self::METHOD, self.namespaces, self.expiry)
    }

    pub(crate) fn parse(params: Params<'_>) -> Result<Self, ParamError> {
        let (account, namespaces, expiry, auth) = bulk::parse(params, "expiry")?;
        Ok(Self {
            account,
            namespaces,
            expiry,
            auth,
        })
    }
}

impl Call for ExpireAll {
    type Answer = SwarmAnswer<UpdatedEntry>;
    const METHOD: Method = Method::ExpireAll;

    fn params(&self, encoding: Encoding) -> Value {
        let time = ("expiry", self.expiry);
        bulk::params(encoding, &self.account, self.namespaces, time, &self.auth)
    }

    fn check(&self, node: &Checks<'_>) -> Result<(), RpcError> {
        node.swarm(&self.account)?;
        if node.is_past(Self::METHOD, self.expiry) {
            return Err(RpcError::ExpireAllInPast);
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

impl SwarmCall for ExpireAll {
    type Entry = UpdatedEntry;

    fn node_message(&self, entry: &UpdatedEntry) -> Vec<u8> {
        bulk::node_message(&self.account, self.expiry, &entry.updated)
    }
}

/// What a member shortened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdatedEntry {
    /// The hashes.
    pub updated: Affected,
}

impl SwarmEntry for UpdatedEntry {
    fn write(&self, _: bool, out: &mut Dict) {
        out.insert("updated".into(), self.updated.to_value());
    }

    fn read(entry: &Value) -> Option<Self> {
        let updated = Affected::from_value(entry.get("updated")?)?;
        Some(Self { updated })
    }
}
