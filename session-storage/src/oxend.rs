//! `oxend_request` (protocol: storage-rpc, section 5.13).

use alloc::string::ToString;

use session_swarm::record::{NodeList, ReadOptions, RecordError};

use crate::answer::{AnswerError, Stamp, field};
use crate::params::Params;
use crate::params_out::ParamsOut;
use crate::value::{Dict, Value};
use crate::{Call, Checks, Encoding, Method, ParamError, RpcError, ServiceNodesRequest};

/// The methods of the chain daemon that nodes forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OxendEndpoint {
    /// The list of service nodes.
    GetServiceNodes,
    /// The account id that a name is registered for.
    OnsResolve,
}

impl OxendEndpoint {
    /// All endpoints.
    pub const ALL: &[Self] = &[Self::GetServiceNodes, Self::OnsResolve];

    /// Returns the name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::GetServiceNodes => "get_service_nodes",
            Self::OnsResolve => "ons_resolve",
        }
    }
}

/// A request to the chain daemon behind a node.
#[derive(Debug, Clone, PartialEq)]
pub struct OxendRequest {
    /// The method of the daemon.
    pub endpoint: OxendEndpoint,
    /// The parameters, forwarded unchanged.
    pub params: Option<Value>,
}

impl OxendRequest {
    /// Asks for all active service nodes with the fields that a client needs.
    #[must_use]
    pub fn service_nodes() -> Self {
        Self {
            endpoint: OxendEndpoint::GetServiceNodes,
            params: Some(ServiceNodesRequest::default().params()),
        }
    }

    pub(crate) fn parse(params: Params<'_>) -> Result<Self, ParamError> {
        let name = params.text("endpoint")?;
        let name = name.ok_or(ParamError::Missing("endpoint"))?;
        let endpoint = OxendEndpoint::ALL
            .iter()
            .copied()
            .find(|endpoint| endpoint.name() == name)
            .ok_or(ParamError::OxendEndpoint(name))?;
        let params = match (params.get("params"), params.encoding()) {
            (Some(Value::Bytes(text)), Encoding::Bencode) => {
                // Absent: the daemon rejects text that is not JSON as it rejects null.
                Some(Value::from_json(text).unwrap_or_default())
            }
            (Some(_), Encoding::Bencode) => {
                return Err(ParamError::Kind {
                    field: "params",
                    expected: "string",
                });
            }
            (params, _) => params.cloned(),
        };
        Ok(Self { endpoint, params })
    }
}

impl Call for OxendRequest {
    type Answer = OxendAnswer;
    const METHOD: Method = Method::OxendRequest;

    fn params(&self, encoding: Encoding) -> Value {
        let mut out = ParamsOut::new(encoding);
        out.put("endpoint", self.endpoint.name());
        if let Some(params) = &self.params {
            match out.encoding() {
                Encoding::Json => out.put("params", params.clone()),
                Encoding::Bencode => out.put("params", params.to_json_text().to_string()),
            }
        }
        out.finish()
    }

    fn check(&self, _: &Checks<'_>) -> Result<(), RpcError> {
        Ok(())
    }

    fn read_answer(&self, body: &Value) -> Result<OxendAnswer, AnswerError> {
        Ok(OxendAnswer {
            result: field(body, "result")?.clone(),
            stamp: Stamp::read(body)?,
        })
    }
}

/// The answer of the daemon.
#[derive(Debug, Clone, PartialEq)]
pub struct OxendAnswer {
    /// The result.
    pub result: Value,
    /// Clock and version of the node.
    pub stamp: Stamp,
}

impl OxendAnswer {
    /// Parses the result as a list of service nodes, in either encoding (protocol: swarm, section
    /// 3.3).
    ///
    /// # Errors
    ///
    /// [`RecordError`] if the result is not a list of nodes.
    ///
    /// ```
    /// use session_storage::value::Value;
    /// use session_storage::{Call, OxendRequest};
    /// use session_swarm::record::ReadOptions;
    ///
    /// let request = OxendRequest::service_nodes();
    /// let body = b"d2:hfli19ei4ee6:resultd6:heighti7e19:service_node_states\
    ///     ld14:pubkey_ed2551964:1f000f09a7b07828dcb72af7cd16857050c10c02bd58afb0e38111fb6cda1fef\
    ///     9:public_ip7:1.1.1.112:storage_porti443eeee1:ti1754971101000ee";
    /// let answer = request.read_answer(&Value::from_bencode(body)?)?;
    /// assert_eq!(answer.node_list(&ReadOptions::default())?.nodes.len(), 1);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn node_list(&self, options: &ReadOptions) -> Result<NodeList, RecordError> {
        // In bencoding the texts are bytes.
        let json = self.result.clone().into_text().to_json();
        NodeList::from_json(&json, options)
    }

    /// Returns the body of the answer.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut out = Dict::new();
        out.insert("result".into(), self.result.clone());
        self.stamp.write(&mut out);
        Value::Dict(out)
    }
}
