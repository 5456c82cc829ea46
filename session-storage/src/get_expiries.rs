//! `get_expiries` (protocol: storage-rpc, section 5.8).

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use session_identity::subaccount::Permissions;
use session_types::{AnyId, MessageHash, UnixMillis};

use crate::answer::{AnswerError, field};
use crate::auth::{Signer, TimedAuth};
use crate::delete::some_hashes;
use crate::params::Params;
use crate::params_out::ParamsOut;
use crate::swarm_answer::concat;
use crate::value::Value;
use crate::{Call, Checks, Encoding, Method, ParamError, RpcError};

/// Asks when messages expire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetExpiries<S = TimedAuth> {
    /// The account.
    pub account: AnyId,
    /// The messages, in the order that the signature covers. Nodes do not check the form of the
    /// hashes.
    pub messages: Vec<String>,
    /// The time of the request and the signature; `()` until it is signed.
    pub auth: S,
}

impl GetExpiries<()> {
    /// Starts a request; [`sign`](Self::sign) completes it.
    ///
    /// # Errors
    ///
    /// [`ParamError::NoHashes`] if there are no messages.
    pub fn new(
        account: impl Into<AnyId>,
        messages: impl Into<Vec<MessageHash>>,
    ) -> Result<Self, ParamError> {
        let messages = some_hashes(messages)?;
        Ok(Self {
            account: account.into(),
            messages: messages.iter().map(ToString::to_string).collect(),
            auth: (),
        })
    }

    /// Signs the request.
    #[must_use]
    pub fn sign(self, at: UnixMillis, signer: &Signer<'_>) -> GetExpiries {
        let auth = signer.sign_at(at, &message(&self.messages, at));
        GetExpiries {
            account: self.account,
            messages: self.messages,
            auth,
        }
    }
}

impl GetExpiries {
    /// Returns the bytes that the signature covers.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        message(&self.messages, self.auth.at)
    }

    pub(crate) fn parse(params: Params<'_>) -> Result<Self, ParamError> {
        let at = params.time("timestamp")?;
        let account = params.account()?;
        let messages = params.hash_texts()?;
        let at = at.ok_or(ParamError::Missing("timestamp"))?;
        let auth = params.auth(&account)?;
        Ok(Self {
            account,
            messages,
            auth: TimedAuth { at, auth },
        })
    }

    /// Returns the body of an answer.
    #[must_use]
    pub fn answer(expiries: &BTreeMap<MessageHash, UnixMillis>) -> Value {
        let entries = expiries.iter();
        let entries = entries.map(|(hash, expiry)| (hash.to_string(), expiry.get().into()));
        Value::dict([("expiries", Value::Dict(entries.collect()))])
    }
}

fn message(messages: &[String], timestamp: UnixMillis) -> Vec<u8> {
    let head = alloc::format!("get_expiries{timestamp}");
    let texts = messages.iter().map(String::as_bytes);
    concat(core::iter::once(head.as_bytes()).chain(texts))
}

impl Call for GetExpiries {
    /// Expiries of the messages that the node has.
    type Answer = BTreeMap<MessageHash, UnixMillis>;
    const METHOD: Method = Method::GetExpiries;

    fn params(&self, encoding: Encoding) -> Value {
        let mut out = ParamsOut::new(encoding);
        out.account(&self.account);
        let texts = self.messages.iter().cloned().map(Value::Text);
        out.put("messages", Value::List(texts.collect()));
        out.put("timestamp", self.auth.at.get());
        self.auth.auth.write(&mut out);
        out.finish()
    }

    fn check(&self, node: &Checks<'_>) -> Result<(), RpcError> {
        node.swarm(&self.account)?;
        node.clock(Self::METHOD, self.auth.at)?;
        let needed = Permissions::READ;
        node.signature(
            Self::METHOD,
            &self.account,
            &self.auth.auth,
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
            .filter_map(|(hash, expiry)| Some((hash.parse().ok()?, expiry.as_time()?)))
            .collect())
    }
}
