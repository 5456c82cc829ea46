//! `active_nodes_bin` (protocol: storage-rpc, section 5.14). Older nodes do not know it.

use alloc::vec::Vec;

use session_swarm::record::{RecordError, ServiceNode, Skipped, read_binary, write_binary};
use session_types::base64;

use crate::answer::{AnswerError, Body, Response};
use crate::params::Params;
use crate::params_out::ParamsOut;
use crate::value::Value;
use crate::{Call, Checks, Encoding, Method, ParamError, RpcError};

/// Asks for all active nodes in binary form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ActiveNodesBin;

impl ActiveNodesBin {
    pub(crate) const fn parse(_: Params<'_>) -> Result<Self, ParamError> {
        Ok(Self)
    }

    /// Returns the answer of a node.
    #[must_use]
    pub fn respond(nodes: &[ServiceNode]) -> Response {
        Response {
            status: 200,
            body: Body::Binary(write_binary(nodes)),
        }
    }

    /// Parses the body of an answer: records, or base64 of records if it came through an onion
    /// path. Also returns how many records were skipped.
    ///
    /// # Errors
    ///
    /// [`RecordError`] if the body is neither.
    pub fn read_body(
        body: &[u8],
        through_onion: bool,
    ) -> Result<(Vec<ServiceNode>, Skipped), RecordError> {
        match through_onion.then(|| base64::decode(body)).flatten() {
            Some(bytes) => read_binary(&bytes),
            None => read_binary(body),
        }
    }
}

impl Call for ActiveNodesBin {
    type Answer = Vec<ServiceNode>;
    const METHOD: Method = Method::ActiveNodesBin;

    fn params(&self, encoding: Encoding) -> Value {
        ParamsOut::new(encoding).finish()
    }

    fn check(&self, _: &Checks<'_>) -> Result<(), RpcError> {
        Ok(())
    }

    /// Parses the body as a member of a batch holds it: base64 text.
    fn read_answer(&self, body: &Value) -> Result<Vec<ServiceNode>, AnswerError> {
        let (bytes, is_text): (&[u8], _) = match body {
            Value::Text(text) => (text.as_bytes(), true),
            Value::Bytes(bytes) => (bytes, false),
            _ => return Err(AnswerError::Encoding),
        };
        let nodes = Self::read_body(bytes, is_text);
        nodes
            .map(|(nodes, _)| nodes)
            .map_err(|_| AnswerError::Encoding)
    }
}
