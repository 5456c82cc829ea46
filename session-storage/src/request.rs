//! A request of any method, and the interface of all methods.

use alloc::boxed::Box;
use alloc::vec::Vec;

use session_types::AnyId;
use session_types::limits::BODY_MAX;

use crate::batch::Batch;
use crate::bulk::{DeleteBefore, ExpireAll};
use crate::delete::Delete;
use crate::delete_all::DeleteAll;
use crate::expire::Expire;
use crate::get_expiries::GetExpiries;
use crate::get_swarm::GetSwarm;
use crate::ifelse::IfElse;
use crate::info::Info;
use crate::nodes_bin::ActiveNodesBin;
use crate::oxend::OxendRequest;
use crate::params::Params;
use crate::retrieve::Retrieve;
use crate::revoke::{RevokeSubaccount, UnrevokeSubaccount};
use crate::revoked::RevokedSubaccounts;
use crate::store::Store;
use crate::value::{Dict, Value};
use crate::{AnswerError, Checks, Method, ParamError, RpcError};

/// The encoding of a request and of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// JSON, over every transport.
    Json,
    /// Bencoding, over OxenMQ and QUIC.
    Bencode,
}

/// The interface of every method.
pub trait Call: Sized {
    /// The answer to a successful request.
    type Answer;

    /// The method.
    const METHOD: Method;

    /// Returns the parameters.
    fn params(&self, encoding: Encoding) -> Value;

    /// Checks swarm, clock and signature, in this order, as a node does before it serves the
    /// request.
    ///
    /// # Errors
    ///
    /// [`RpcError`] with the status and text to answer.
    fn check(&self, node: &Checks<'_>) -> Result<(), RpcError>;

    /// Parses the body of an answer with status 200.
    ///
    /// # Errors
    ///
    /// [`AnswerError`] if the body is not an answer to this request.
    fn read_answer(&self, body: &Value) -> Result<Self::Answer, AnswerError>;

    /// Encodes the request for HTTPS or an onion request: `{"method":…,"params":…}`.
    fn to_json(&self) -> Vec<u8> {
        member(Self::METHOD, self.params(Encoding::Json)).to_json()
    }

    /// Encodes the request for OxenMQ or QUIC: the parameters alone, because the method is named
    /// beside them.
    fn to_body(&self, encoding: Encoding) -> Vec<u8> {
        match encoding {
            Encoding::Json => self.params(Encoding::Json).to_json(),
            Encoding::Bencode => self.params(Encoding::Bencode).to_bencode(),
        }
    }
}

/// Returns `{"method":…,"params":…}`.
pub(crate) fn member(method: Method, params: Value) -> Value {
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
            /// Returns the method.
            #[must_use]
            pub const fn method(&self) -> Method {
                match self {
                    $(Self::$variant(_) => Method::$variant,)*
                    Self::Sequence(_) => Method::Sequence,
                    Self::IfElse(_) => Method::IfElse,
                }
            }

            /// Returns the parameters.
            #[must_use]
            pub fn params(&self, encoding: Encoding) -> Value {
                match self {
                    $(Self::$variant(request) => request.params(encoding),)*
                    Self::Sequence(batch) => batch.params(encoding),
                    Self::IfElse(request) => request.params(encoding),
                }
            }

            /// Checks the request as [`Call::check`] does. Members of a batch and branches of an
            /// `ifelse` are checked when they are served, not here.
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

            pub(crate) fn parse(method: Method, params: Params<'_>) -> Result<Self, ParamError> {
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

    /// Parses an OxenMQ or QUIC request: the name, and a body that is a JSON object or a bencoded
    /// dict. An empty body counts as an empty object. Also returns the encoding, which the answer
    /// must have.
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

    /// Parses a request that another node forwards: a recursive method and bencoded parameters.
    ///
    /// # Errors
    ///
    /// [`RpcError`] with the status and text to answer. Deployed nodes do not answer to an unknown
    /// method.
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

    /// Encodes the request for HTTPS or an onion request.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        member(self.method(), self.params(Encoding::Json)).to_json()
    }

    /// Encodes the parameters as a node forwards them to another, and as a client sends them over
    /// OxenMQ or QUIC in bencoding.
    #[must_use]
    pub fn to_bencode(&self) -> Vec<u8> {
        self.params(Encoding::Bencode).to_bencode()
    }

    /// Returns the account of the request. Batches, sequences and `ifelse` have none of their own.
    #[must_use]
    pub const fn account(&self) -> Option<&AnyId> {
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
