//! `get_expiries` (protocol: storage-rpc, section 5.8).

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use session_swarm::StorageAccount;

use crate::answer::{AnswerError, field};
use crate::auth::{Auth, Permissions, Signer};
use crate::hash::MessageHash;
use crate::params::Params;
use crate::params_out::ParamsOut;
use crate::swarm_answer::concat;
use crate::value::Value;
use crate::{Call, Checks, Encoding, Method, ParamError, RpcError};

/// Asks when messages expire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetExpiries {
    /// Whose messages.
    pub account: StorageAccount,
    /// Which messages, in the order that is signed. Nodes do not look at the form of the hashes.
    pub messages: Vec<String>,
    /// The time of the request, in milliseconds since 1970.
    pub timestamp: u64,
    /// The signature.
    pub auth: Auth,
}

impl GetExpiries {
    /// Makes the request.
    #[must_use]
    pub fn new(
        account: StorageAccount,
        messages: &[MessageHash],
        timestamp: u64,
        signer: &Signer<'_>,
    ) -> Self {
        let messages: Vec<String> = messages.iter().map(ToString::to_string).collect();
        let auth = signer.sign(&message(&messages, timestamp));
        Self {
            account,
            messages,
            timestamp,
            auth,
        }
    }

    /// The bytes that are signed.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        message(&self.messages, self.timestamp)
    }

    pub(crate) fn parse(params: Params<'_>) -> Result<Self, ParamError> {
        let timestamp = params.time("timestamp")?;
        let account = params.account()?;
        let messages = params.hash_texts()?;
        let timestamp = timestamp.ok_or(ParamError::Missing("timestamp"))?;
        let auth = params.auth(&account)?;
        Ok(Self {
            account,
            messages,
            timestamp,
            auth,
        })
    }

    /// The body of an answer.
    #[must_use]
    pub fn answer(expiries: &BTreeMap<MessageHash, u64>) -> Value {
        let entries = expiries.iter();
        let entries = entries.map(|(hash, expiry)| (hash.to_string(), (*expiry).into()));
        Value::dict([("expiries", Value::Dict(entries.collect()))])
    }
}

fn message(messages: &[String], timestamp: u64) -> Vec<u8> {
    let head = alloc::format!("get_expiries{timestamp}");
    let texts = messages.iter().map(String::as_bytes);
    concat(core::iter::once(head.as_bytes()).chain(texts))
}

impl Call for GetExpiries {
    /// Expiries in milliseconds since 1970, of the messages that the node has.
    type Answer = BTreeMap<MessageHash, u64>;
    const METHOD: Method = Method::GetExpiries;

    fn params(&self, encoding: Encoding) -> Value {
        let mut out = ParamsOut::new(encoding);
        out.account(&self.account);
        let texts = self.messages.iter().cloned().map(Value::Text);
        out.put("messages", Value::List(texts.collect()));
        out.put("timestamp", self.timestamp);
        self.auth.write(&mut out);
        out.finish()
    }

    fn check(&self, node: &Checks<'_>) -> Result<(), RpcError> {
        node.swarm(&self.account)?;
        node.clock(Self::METHOD, self.timestamp)?;
        let needed = Permissions::READ;
        node.signature(
            Self::METHOD,
            &self.account,
            &self.auth,
            needed,
            &self.message(),
        )
    }

    fn read_answer(&self, body: &Value) -> Result<Self::Answer, AnswerError> {
        let expiries = field(body, "expiries")?.as_dict();
        let expiries = expiries.ok_or(AnswerError::Field("expiries"))?;
        let entries = expiries
            .iter()
            .filter(|(hash, _)| self.messages.contains(hash));
        Ok(entries
            .filter_map(|(hash, expiry)| Some((hash.parse().ok()?, expiry.as_u64()?)))
            .collect())
    }
}
