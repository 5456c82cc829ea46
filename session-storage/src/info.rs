//! `info` (protocol: storage-rpc, section 5.12).

use session_swarm::record::Version;
use session_types::UnixMillis;

use crate::answer::{AnswerError, Stamp, field};
use crate::params::Params;
use crate::params_out::ParamsOut;
use crate::value::{Dict, Value};
use crate::{Call, Checks, Encoding, Method, ParamError, RpcError};

/// Asks for the version and clock of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Info;

impl Info {
    pub(crate) const fn parse(_: Params<'_>) -> Result<Self, ParamError> {
        Ok(Self)
    }
}

impl Call for Info {
    type Answer = InfoAnswer;
    const METHOD: Method = Method::Info;

    fn params(&self, encoding: Encoding) -> Value {
        ParamsOut::new(encoding).finish()
    }

    fn check(&self, _: &Checks<'_>) -> Result<(), RpcError> {
        Ok(())
    }

    fn read_answer(&self, body: &Value) -> Result<InfoAnswer, AnswerError> {
        let timestamp = field(body, "timestamp")?.as_time();
        let version = field(body, "version")?.as_version();
        Ok(InfoAnswer {
            version: version.ok_or(AnswerError::Field("version"))?,
            timestamp: timestamp.ok_or(AnswerError::Field("timestamp"))?,
            stamp: Stamp::read(body)?,
        })
    }
}

/// Version and clock of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InfoAnswer {
    /// Version of its storage server.
    pub version: Version,
    /// The clock of the node.
    pub timestamp: UnixMillis,
    /// The clock of the node once more, and the version of the network.
    pub stamp: Stamp,
}

impl InfoAnswer {
    /// Returns the body of the answer.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut out = Dict::new();
        out.insert("version".into(), Value::version(self.version));
        out.insert("timestamp".into(), self.timestamp.get().into());
        self.stamp.write(&mut out);
        Value::Dict(out)
    }
}
