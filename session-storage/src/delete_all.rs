//! `delete_all` (protocol: storage-rpc, section 5.4).

use alloc::vec::Vec;

use session_identity::subaccount::Permissions;
use session_types::{AnyId, Namespaces, UnixMillis};

use crate::answer::AnswerError;
use crate::auth::{Signer, TimedAuth};
use crate::bulk::{self, DeletedEntry};
use crate::params::Params;
use crate::swarm_answer::{SwarmAnswer, SwarmCall};
use crate::value::Value;
use crate::{Call, Checks, Encoding, Method, ParamError, RpcError};

/// Deletes all messages of one namespace, or of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteAll<S = TimedAuth> {
    /// The account.
    pub account: AnyId,
    /// The namespaces.
    pub namespaces: Namespaces,
    /// The time of the request and the signature; `()` until it is signed.
    pub auth: S,
}

impl DeleteAll<()> {
    /// Starts a request; [`sign`](Self::sign) completes it.
    #[must_use]
    pub fn new(account: impl Into<AnyId>, namespaces: impl Into<Namespaces>) -> Self {
        Self {
            account: account.into(),
            namespaces: namespaces.into(),
            auth: (),
        }
    }

    /// Signs the request.
    #[must_use]
    pub fn sign(self, at: UnixMillis, signer: &Signer<'_>) -> DeleteAll {
        let message = bulk::message(DeleteAll::METHOD, self.namespaces, at);
        DeleteAll {
            account: self.account,
            namespaces: self.namespaces,
            auth: signer.sign_at(at, &message),
        }
    }
}

impl DeleteAll {
    /// Returns the bytes that the signature covers.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        bulk::message(Self::METHOD, self.namespaces, self.auth.at)
    }

    pub(crate) fn parse(params: Params<'_>) -> Result<Self, ParamError> {
        let (account, namespaces, at, auth) = bulk::parse(params, "timestamp")?;
        Ok(Self {
            account,
            namespaces,
            auth: TimedAuth { at, auth },
        })
    }
}

impl Call for DeleteAll {
    type Answer = SwarmAnswer<DeletedEntry>;
    const METHOD: Method = Method::DeleteAll;

    fn params(&self, encoding: Encoding) -> Value {
        let time = ("timestamp", self.auth.at);
        bulk::params(
            encoding,
            &self.account,
            self.namespaces,
            time,
            &self.auth.auth,
        )
    }

    fn check(&self, node: &Checks<'_>) -> Result<(), RpcError> {
        node.swarm(&self.account)?;
        node.clock(Self::METHOD, self.auth.at)?;
        let needed = Permissions::DELETE;
        node.signature(
            Self::METHOD,
            &self.account,
            &self.auth.auth,
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
        bulk::node_message(&self.account, self.auth.at, &entry.deleted)
    }
}
