//! `get_swarm` (protocol: storage-rpc, section 5.11).

use session_types::AnyId;

use crate::answer::{AnswerError, Stamp};
use crate::params::Params;
use crate::params_out::ParamsOut;
use crate::value::Value;
use crate::{Call, Checks, Encoding, Method, ParamError, RpcError, SwarmInfo};

/// Asks for the swarm of an account. Any node answers, for any account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GetSwarm {
    /// The account.
    pub account: AnyId,
}

impl GetSwarm {
    pub(crate) fn parse(params: Params<'_>) -> Result<Self, ParamError> {
        let account = params.account_with_alias(ParamError::PubkeyOfSwarm)?;
        Ok(Self { account })
    }
}

impl Call for GetSwarm {
    type Answer = GetSwarmAnswer;
    const METHOD: Method = Method::GetSwarm;

    fn params(&self, encoding: Encoding) -> Value {
        let mut out = ParamsOut::new(encoding);
        out.account(&self.account);
        out.finish()
    }

    fn check(&self, _: &Checks<'_>) -> Result<(), RpcError> {
        Ok(())
    }

    fn read_answer(&self, body: &Value) -> Result<GetSwarmAnswer, AnswerError> {
        Ok(GetSwarmAnswer {
            swarm: SwarmInfo::from_value(body)?,
            stamp: Stamp::read(body)?,
        })
    }
}

/// The swarm of an account, as one node sees it. Also the body of status 421.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetSwarmAnswer {
    /// The swarm.
    pub swarm: SwarmInfo,
    /// Clock and version of the node.
    pub stamp: Stamp,
}

impl GetSwarmAnswer {
    /// Returns the body of the answer.
    #[must_use]
    pub fn to_value(&self) -> Value {
        self.swarm.to_value(Some(self.stamp))
    }
}
