//! The parts that the answers of all methods share.

use alloc::string::String;
use alloc::vec::Vec;

use session_types::UnixMillis;

use crate::SwarmInfo;
use crate::error::RpcError;
use crate::value::{Dict, Value};

/// The node's clock and the network's version: the end of almost every answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stamp {
    /// The clock of the node that answered.
    pub t: UnixMillis,
    /// Major and minor hard fork.
    pub hf: [u64; 2],
}

impl Stamp {
    pub(crate) fn write(self, out: &mut Dict) {
        let [major, minor] = self.hf;
        out.insert(
            "hf".into(),
            Value::List([major.into(), minor.into()].into()),
        );
        out.insert("t".into(), self.t.get().into());
    }

    pub(crate) fn read(body: &Value) -> Result<Self, AnswerError> {
        let t = field(body, "t")?.as_time().ok_or(AnswerError::Field("t"))?;
        let hf = field(body, "hf")?
            .as_list()
            .and_then(|numbers| match numbers {
                [major, minor] => Some([major.as_u64()?, minor.as_u64()?]),
                _ => None,
            });
        Ok(Self {
            t,
            hf: hf.ok_or(AnswerError::Field("hf"))?,
        })
    }
}

/// The bytes are not an answer to the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// The body is neither JSON nor bencoded.
    #[error("answer is neither json nor bencoded")]
    Encoding,
    /// The node does not know the method.
    #[error("the node does not know the endpoint")]
    UnknownEndpoint,
    /// A field is missing or of another type.
    #[error("answer has no valid field `{0}`")]
    Field(&'static str),
    /// The answer has more entries than an honest one can have.
    #[error("answer has more than {0} entries")]
    TooLong(usize),
    /// There are more results than requests.
    #[error("answer has more results than there were requests")]
    TooManyResults,
}

/// Returns a required field.
pub(crate) fn field<'a>(body: &'a Value, name: &'static str) -> Result<&'a Value, AnswerError> {
    body.get(name).ok_or(AnswerError::Field(name))
}

/// The answer to a request: a status and a body.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// The HTTP status, or the code inside an onion reply or batch.
    pub status: u16,
    /// The body.
    pub body: Body,
}

/// The body of a [`Response`].
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// A structure, in JSON or bencoded.
    Structure(Value),
    /// Plain text, as most errors have.
    Text(String),
    /// Bytes; base64 text inside JSON.
    Binary(Vec<u8>),
}

impl Body {
    /// Returns text, or binary if the bytes are not UTF-8.
    pub(crate) fn plain(bytes: &[u8]) -> Self {
        match core::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.into()),
            Err(_) => Self::Binary(bytes.into()),
        }
    }
}

impl Response {
    /// Creates an answer with status 200 and a structure.
    #[must_use]
    pub const fn ok(body: Value) -> Self {
        Self {
            status: 200,
            body: Body::Structure(body),
        }
    }

    /// Creates the answer to a rejected request. For [`RpcError::WrongSwarm`] use
    /// [`wrong_swarm`](Self::wrong_swarm), which adds the swarm.
    #[must_use]
    pub fn refuse(error: &RpcError) -> Self {
        Self {
            status: error.status(),
            body: Body::Text(alloc::string::ToString::to_string(error)),
        }
    }

    /// Creates an answer with status 421 and the swarm of the account.
    #[must_use]
    pub fn wrong_swarm(swarm: &SwarmInfo, stamp: Stamp) -> Self {
        Self {
            status: 421,
            body: Body::Structure(swarm.to_value(Some(stamp))),
        }
    }

    /// Returns whether the status is one of success.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
    }

    /// Returns the body as a member of a batch holds it.
    pub(crate) fn inner_body(&self) -> Value {
        match &self.body {
            Body::Structure(value) => value.clone(),
            Body::Text(text) => Value::Text(text.clone()),
            Body::Binary(bytes) => Value::Bytes(bytes.clone()),
        }
    }

    /// Encodes the body for HTTPS, for OxenMQ after a JSON request, and for an onion reply.
    #[must_use]
    pub fn json_body(&self) -> Vec<u8> {
        match &self.body {
            Body::Structure(value) => value.to_answer_json(),
            Body::Text(text) => text.as_bytes().into(),
            Body::Binary(bytes) => bytes.clone(),
        }
    }

    /// Encodes the body for OxenMQ after a bencoded request.
    #[must_use]
    pub fn bencoded_body(&self) -> Vec<u8> {
        match &self.body {
            Body::Structure(value) => value.to_bencode(),
            Body::Text(text) => text.as_bytes().into(),
            Body::Binary(bytes) => bytes.clone(),
        }
    }

    /// Returns the media type of [`json_body`](Self::json_body) over HTTPS.
    #[must_use]
    pub const fn content_type(&self) -> &'static str {
        match self.body {
            Body::Structure(_) => "application/json",
            Body::Text(_) => "text/plain",
            Body::Binary(_) => "application/octet-stream",
        }
    }
}
