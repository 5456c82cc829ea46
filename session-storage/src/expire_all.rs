//! `expire_all` (protocol: storage-rpc, section 5.6).

use alloc::vec::Vec;

use session_identity::subaccount::Permissions;
use session_types::{AnyId, Namespaces, UnixMillis};

use crate::answer::AnswerError;
use crate::auth::{Auth, Signer};
use crate::params::Params;
use crate::swarm_answer::{Affected, SwarmAnswer, SwarmCall, SwarmEntry};
use crate::value::{Dict, Value};
use crate::{Call, Checks, Encoding, Method, ParamError, RpcError, bulk};

/// Shortens the expiries of all messages of one namespace or of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpireAll<S = Auth> {
    /// The account.
    pub account: AnyId,
    /// The namespaces.
    pub namespaces: Namespaces,
    /// The new expiry of messages that have a later one.
    pub expiry: UnixMillis,
    /// The signature; `()` until the request is signed.
    pub auth: S,
}

impl ExpireAll<()> {
    /// Starts a request; [`sign`](Self::sign) completes it.
    #[must_use]
    pub fn new(
        account: impl Into<AnyId>,
        namespaces: impl Into<Namespaces>,
        expiry: UnixMillis,
    ) -> Self {
        Self {
            account: account.into(),
            namespaces: namespaces.into(),
            expiry,
            auth: (),
        }
    }

    /// Signs the request. The signature of this method covers no time of signing, so `_at` is not
    /// used.
    #[must_use]
    pub fn sign(self, _at: UnixMillis, signer: &Signer<'_>) -> ExpireAll {
        let message = bulk::message(ExpireAll::METHOD, self.namespaces, self.expiry);
        ExpireAll {
            account: self.account,
            namespaces: self.namespaces,
            expiry: self.expiry,
            auth: signer.sign(&message),
        }
    }
}

impl ExpireAll {
    /// Returns the bytes that the signature covers.
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
