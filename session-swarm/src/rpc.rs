//! The requests of the storage server: built and read by clients, parsed, checked and answered by
//! nodes (protocol: storage-rpc).
//!
//! Each method is one type. A client makes it and sends [`Call::to_json`]; a node gets it out of
//! [`Request::from_json`], asks [`Request::check`] whether to serve it, does the work and writes
//! the answer, which the client reads with [`Call::read_answer`]. Answers of recursive methods
//! are checked with [`SwarmAnswer::verify`].
//!
//! | method | type | section | answered by |
//! |---|---|---|---|
//! | `store` | [`Store`] | [5.1](https://github.com/session-crates/session-crates/blob/main/docs/protocol/storage-rpc.md#section-5.1) | all of the swarm |
//! | `retrieve` | [`Retrieve`] | [5.2](https://github.com/session-crates/session-crates/blob/main/docs/protocol/storage-rpc.md#section-5.2) | one node |
//! | `delete` | [`Delete`] | [5.3](https://github.com/session-crates/session-crates/blob/main/docs/protocol/storage-rpc.md#section-5.3) | all |
//! | `delete_all` | [`DeleteAll`] | [5.4](https://github.com/session-crates/session-crates/blob/main/docs/protocol/storage-rpc.md#section-5.4) | all |
//! | `delete_before` | [`DeleteBefore`] | [5.5](https://github.com/session-crates/session-crates/blob/main/docs/protocol/storage-rpc.md#section-5.5) | all |
//! | `expire_all` | [`ExpireAll`] | [5.6](https://github.com/session-crates/session-crates/blob/main/docs/protocol/storage-rpc.md#section-5.6) | all |
//! | `expire` | [`Expire`] | [5.7](https://github.com/session-crates/session-crates/blob/main/docs/protocol/storage-rpc.md#section-5.7) | all |
//! | `get_expiries` | [`GetExpiries`] | [5.8](https://github.com/session-crates/session-crates/blob/main/docs/protocol/storage-rpc.md#section-5.8) | one |
//! | `revoke_subaccount` | [`RevokeSubaccount`] | [5.9](https://github.com/session-crates/session-crates/blob/main/docs/protocol/storage-rpc.md#section-5.9) | all |
//! | `unrevoke_subaccount` | [`UnrevokeSubaccount`] | [5.9](https://github.com/session-crates/session-crates/blob/main/docs/protocol/storage-rpc.md#section-5.9) | all |
//! | `revoked_subaccounts` | [`RevokedSubaccounts`] | [5.10](https://github.com/session-crates/session-crates/blob/main/docs/protocol/storage-rpc.md#section-5.10) | one |
//! | `get_swarm` | [`GetSwarm`] | [5.11](https://github.com/session-crates/session-crates/blob/main/docs/protocol/storage-rpc.md#section-5.11) | one |
//! | `info` | [`Info`] | [5.12](https://github.com/session-crates/session-crates/blob/main/docs/protocol/storage-rpc.md#section-5.12) | one |
//! | `oxend_request` | [`OxendRequest`] | [5.13](https://github.com/session-crates/session-crates/blob/main/docs/protocol/storage-rpc.md#section-5.13) | one |
//! | `active_nodes_bin` | [`ActiveNodesBin`] | [5.14](https://github.com/session-crates/session-crates/blob/main/docs/protocol/storage-rpc.md#section-5.14) | one |
//! | `batch`, `sequence` | [`Batch`] | [5.15](https://github.com/session-crates/session-crates/blob/main/docs/protocol/storage-rpc.md#section-5.15) | as its members |
//! | `ifelse` | [`IfElse`] | [5.16](https://github.com/session-crates/session-crates/blob/main/docs/protocol/storage-rpc.md#section-5.16) | as its branches |
//! | `monitor` | [`monitor::Monitor`] | [5.17](https://github.com/session-crates/session-crates/blob/main/docs/protocol/storage-rpc.md#section-5.17) | one, by OxenMQ or QUIC |

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::account::StorageAccount;
use crate::limits::BODY_MAX;
use crate::value::{Dict, Value};

mod answer;
mod auth;
mod batch;
mod bulk;
mod check;
mod delete;
mod delete_all;
mod delete_before;
mod error;
mod expire;
mod expire_all;
mod get_expiries;
mod get_swarm;
mod ifelse;
mod info;
mod method;
pub mod monitor;
mod nodes_bin;
mod oxend;
mod params;
mod params_out;
pub mod quic;
mod retrieve;
mod revoke;
mod revoked;
mod store;
mod swarm_answer;

pub use answer::{AnswerError, Body, Response, Stamp};
pub use auth::{Auth, Permissions, Sign, Signer, SubaccountProof, SubaccountToken};
pub use batch::{Batch, BatchAnswer};
pub use check::Checks;
pub use delete::{Delete, DeleteEntry};
pub use delete_all::{DeleteAll, DeletedEntry};
pub use delete_before::DeleteBefore;
pub use error::{ParamError, RpcError};
pub use expire::{Applied, Expire, ExpireDirection, ExpireEntry, Expiries};
pub use expire_all::{ExpireAll, UpdatedEntry};
pub use get_expiries::GetExpiries;
pub use get_swarm::{GetSwarm, GetSwarmAnswer};
pub use ifelse::{Condition, IfElse, IfElseAnswer, NetworkState};
pub use info::{Info, InfoAnswer};
pub use method::Method;
pub use nodes_bin::ActiveNodesBin;
pub use oxend::{OxendAnswer, OxendEndpoint, OxendRequest};
pub use retrieve::{Page, Retrieve, RetrieveAnswer, SizeLimit, StoredMessage, share_of_size};
pub use revoke::{RevokeSubaccount, RevokedEntry, UnrevokeSubaccount, UnrevokedEntry};
pub use revoked::{RevokedAnswer, RevokedSubaccounts};
pub use store::{Lifetime, Store, StoreEntry};
pub use swarm_answer::{
    Affected, Entry, Failure, MAX_ENTRIES, Signed, SwarmAnswer, SwarmCall, SwarmEntry, Verified,
    peer_body,
};

use params::Params;

/// How a request is written. The answer comes in the same encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// JSON, over every transport.
    Json,
    /// Bencoding, over OxenMQ and QUIC.
    Bencode,
}

/// What every method offers.
pub trait Call: Sized {
    /// What a success answers.
    type Answer;

    /// Its name.
    const METHOD: Method;

    /// The parameters.
    fn params(&self, encoding: Encoding) -> Value;

    /// What a node makes sure of before it does the work, in this order: swarm, clock, signature.
    ///
    /// # Errors
    ///
    /// [`RpcError`] with the status and text to answer.
    fn check(&self, node: &Checks<'_>) -> Result<(), RpcError>;

    /// Reads the body of an answer of status 200.
    ///
    /// # Errors
    ///
    /// [`AnswerError`] if it is not an answer to this request.
    fn read_answer(&self, body: &Value) -> Result<Self::Answer, AnswerError>;

    /// The request over HTTPS or in an onion request: `{"method":…,"params":…}`.
    fn to_json(&self) -> Vec<u8> {
        member(Self::METHOD, self.params(Encoding::Json)).to_json()
    }

    /// The request over OxenMQ or QUIC, where the method is named beside it: the parameters alone.
    fn to_body(&self, encoding: Encoding) -> Vec<u8> {
        match encoding {
            Encoding::Json => self.params(Encoding::Json).to_json(),
            Encoding::Bencode => self.params(Encoding::Bencode).to_bencode(),
        }
    }
}

/// `{"method":…,"params":…}`.
fn member(method: Method, params: Value) -> Value {
    Value::dict([("method", method.name().into()), ("params", params)])
}

macro_rules! requests {
    ($($(#[$doc:meta])* $variant:ident($type:ty),)*) => {
        /// A request of any method.
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        #[expect(missing_docs, reason = "each variant holds the type that has its name")]
        pub enum Request {
            $($variant($type),)*
            Sequence(Batch),
            IfElse(Box<IfElse>),
        }

        $(impl From<$type> for Request {
            fn from(request: $type) -> Self {
                Self::$variant(request)
            }
        })*

        impl Request {
            /// The method.
            #[must_use]
            pub const fn method(&self) -> Method {
                match self {
                    $(Self::$variant(_) => Method::$variant,)*
                    Self::Sequence(_) => Method::Sequence,
                    Self::IfElse(_) => Method::IfElse,
                }
            }

            /// The parameters.
            #[must_use]
            pub fn params(&self, encoding: Encoding) -> Value {
                match self {
                    $(Self::$variant(request) => request.params(encoding),)*
                    Self::Sequence(batch) => batch.params(encoding),
                    Self::IfElse(request) => request.params(encoding),
                }
            }

            /// As [`Call::check`]. Members of a batch and branches of an `ifelse` are checked when
            /// their turn comes, not here.
            ///
            /// # Errors
            ///
            /// [`RpcError`] with the status and text to answer.
            pub fn check(&self, node: &Checks<'_>) -> Result<(), RpcError> {
                match self {
                    $(Self::$variant(request) => request.check(node),)*
                    Self::Sequence(_) | Self::IfElse(_) => Ok(()),
                }
            }

            fn parse(method: Method, params: Params<'_>) -> Result<Self, ParamError> {
                match method {
                    $(Method::$variant => <$type>::parse(params).map(Self::$variant),)*
                    Method::Sequence => Batch::parse(params).map(Self::Sequence),
                    Method::IfElse => {
                        IfElse::parse(params).map(|request| Self::IfElse(Box::new(request)))
                    }
                }
            }
        }
    };
}

requests! {
    Store(Store),
    Retrieve(Retrieve),
    Delete(Delete),
    DeleteAll(DeleteAll),
    DeleteBefore(DeleteBefore),
    Expire(Expire),
    ExpireAll(ExpireAll),
    GetExpiries(GetExpiries),
    RevokeSubaccount(RevokeSubaccount),
    UnrevokeSubaccount(UnrevokeSubaccount),
    RevokedSubaccounts(RevokedSubaccounts),
    GetSwarm(GetSwarm),
    Info(Info),
    OxendRequest(OxendRequest),
    ActiveNodesBin(ActiveNodesBin),
    Batch(Batch),
}

impl From<IfElse> for Request {
    fn from(request: IfElse) -> Self {
        Self::IfElse(Box::new(request))
    }
}

impl Request {
    /// Parses the body of an HTTPS request or of an onion request: `{"method":…,"params":…}`.
    ///
    /// # Errors
    ///
    /// [`RpcError`] with the status and text to answer.
    pub fn from_json(body: &[u8]) -> Result<Self, RpcError> {
        if body.len() > BODY_MAX {
            return Err(RpcError::Json);
        }
        let body = Value::from_json(body).map_err(|_| RpcError::Json)?;
        let method = match body.get("method") {
            Some(Value::Text(method)) => method,
            _ => return Err(RpcError::NoMethodField),
        };
        let params = body.get("params").and_then(Value::as_dict);
        let params = params.ok_or(RpcError::NoParamsField)?;
        Self::from_dict(method, params, Encoding::Json)
    }

    /// Parses an OxenMQ or QUIC request: the name, and a body that is a JSON object or bencoded
    /// dict; an empty one is an empty object. Tells the encoding, in which the answer is due.
    ///
    /// # Errors
    ///
    /// [`RpcError`] with the status and text to answer.
    pub fn from_body(method: &str, body: &[u8]) -> Result<(Self, Encoding), RpcError> {
        if body.len() > BODY_MAX {
            return Err(RpcError::Body);
        }
        let (body, encoding) = match body {
            [] => (Ok(Value::Dict(Dict::new())), Encoding::Json),
            [b'd', ..] => (Value::from_bencode(body), Encoding::Bencode),
            _ => (Value::from_json(body), Encoding::Json),
        };
        let body = body.map_err(|_| RpcError::Body)?;
        let params = body.as_dict().ok_or(RpcError::Body)?;
        Ok((Self::from_dict(method, params, encoding)?, encoding))
    }

    /// Parses a request that another node forwards: a method that is recursive, and bencoded
    /// parameters.
    ///
    /// # Errors
    ///
    /// [`RpcError`] with the status and text to answer. To an unknown method nothing is answered.
    pub fn from_peer(method: &str, body: &[u8]) -> Result<Self, RpcError> {
        let known = Method::from_name(method);
        if known.is_some_and(|method| !method.is_recursive()) {
            return Err(ParamError::NotForwardable.into());
        }
        Self::from_body(method, body).map(|(request, _)| request)
    }

    fn from_dict(method: &str, params: &Dict, encoding: Encoding) -> Result<Self, RpcError> {
        let known = Method::from_name(method).ok_or_else(|| RpcError::NoMethod(method.into()))?;
        Ok(Self::parse(known, Params::new(params, encoding))?)
    }

    /// The request over HTTPS or in an onion request.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        member(self.method(), self.params(Encoding::Json)).to_json()
    }

    /// The parameters as one node forwards them to another, resp. as a client sends them over
    /// OxenMQ or QUIC in bencoding.
    #[must_use]
    pub fn to_bencode(&self) -> Vec<u8> {
        self.params(Encoding::Bencode).to_bencode()
    }

    /// The account that the request is for.
    #[must_use]
    pub const fn account(&self) -> Option<&StorageAccount> {
        Some(match self {
            Self::Store(request) => &request.account,
            Self::Retrieve(request) => &request.account,
            Self::Delete(request) => &request.account,
            Self::DeleteAll(request) => &request.account,
            Self::DeleteBefore(request) => &request.account,
            Self::Expire(request) => &request.account,
            Self::ExpireAll(request) => &request.account,
            Self::GetExpiries(request) => &request.account,
            Self::RevokeSubaccount(request) => &request.account,
            Self::UnrevokeSubaccount(request) => &request.account,
            Self::RevokedSubaccounts(request) => &request.account,
            Self::GetSwarm(request) => &request.account,
            _ => return None,
        })
    }
}
