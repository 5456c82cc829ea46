//! `info` (protocol: storage-rpc, section 5.12).

use super::answer::{AnswerError, Stamp, field};
use super::params::Params;
use super::params_out::ParamsOut;
use super::{Call, Checks, Encoding, Method, ParamError, RpcError};
use crate::record::Version;
use crate::value::{Dict, Value};

/// Asks for the version and clock of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Info;

impl Info {
    pub(super) const fn parse(_: Params<'_>) -> Result<Self, ParamError> {
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
        let timestamp = field(body, "timestamp")?.as_u64();
        let version = Version::from_value(field(body, "version")?);
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
    /// Its clock, in milliseconds since 1970.
    pub timestamp: u64,
    /// Its clock once more and the network's version.
    pub stamp: Stamp,
}

impl InfoAnswer {
    /// The body of the answer.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut out = Dict::new();
        out.insert("version".into(), self.version.to_value());
        out.insert("timestamp".into(), self.timestamp.into());
        self.stamp.write(&mut out);
        Value::Dict(out)
    }
}
