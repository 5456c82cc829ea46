//! `revoked_subaccounts` (protocol: storage-rpc, section 5.10). Older nodes do not know it.

use alloc::vec::Vec;
use session_crypto::Ed25519PublicExt;

use session_crypto::SignatureError;
use session_swarm::StorageAccount;

use crate::answer::{AnswerError, Stamp, field};
use crate::auth::{Auth, Signer, SubaccountToken};
use crate::limits::REVOKED_MAX;
use crate::params::Params;
use crate::params_out::ParamsOut;
use crate::value::{Dict, Value};
use crate::{Call, Checks, Encoding, Method, ParamError, RpcError, base64};

/// Asks which subaccounts are shut out. Serves groups: the key is the 32 bytes of the account id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokedSubaccounts {
    /// Whose subaccounts.
    pub account: StorageAccount,
    /// The time of the request, in milliseconds since 1970.
    pub timestamp: u64,
    /// The signature of the account itself.
    pub auth: Auth,
}

impl RevokedSubaccounts {
    /// Makes the request. Only the key of the account can sign it.
    #[must_use]
    pub fn new(account: StorageAccount, timestamp: u64, signer: &Signer<'_>) -> Self {
        Self {
            account,
            timestamp,
            auth: signer.sign(&message(timestamp)),
        }
    }

    /// The bytes that are signed.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        message(self.timestamp)
    }

    pub(crate) fn parse(params: Params<'_>) -> Result<Self, ParamError> {
        let timestamp = params.time("timestamp")?;
        let account = params.account()?;
        let timestamp = timestamp.ok_or(ParamError::Missing("timestamp"))?;
        let auth = params.auth(&account)?;
        Ok(Self {
            account,
            timestamp,
            auth,
        })
    }
}

fn message(timestamp: u64) -> Vec<u8> {
    alloc::format!("revoked_subaccounts{timestamp}").into_bytes()
}

impl Call for RevokedSubaccounts {
    type Answer = RevokedAnswer;
    const METHOD: Method = Method::RevokedSubaccounts;

    fn params(&self, encoding: Encoding) -> Value {
        let mut out = ParamsOut::new(encoding);
        out.account(&self.account);
        out.put("timestamp", self.timestamp);
        self.auth.write(&mut out);
        out.finish()
    }

    fn check(&self, node: &Checks<'_>) -> Result<(), RpcError> {
        node.swarm(&self.account)?;
        node.clock(Self::METHOD, self.timestamp)?;
        let key = session_crypto::Ed25519Public::from_bytes(*self.account.key());
        let outcome = key.verify(&self.message(), &self.auth.signature);
        outcome.map_err(|SignatureError| RpcError::Signature(Self::METHOD))
    }

    fn read_answer(&self, body: &Value) -> Result<RevokedAnswer, AnswerError> {
        const FIELD: &str = "revoked_subaccounts";
        let tokens = field(body, FIELD)?.as_list();
        let tokens = tokens.ok_or(AnswerError::Field(FIELD))?;
        // A node keeps 50; newer ones may keep some more.
        if tokens.len() > REVOKED_MAX.saturating_mul(20) {
            return Err(AnswerError::TooLong(REVOKED_MAX.saturating_mul(20)));
        }
        let tokens = tokens.iter().map(|token| match token {
            Value::Text(text) => base64::decode_array(text.as_bytes()),
            Value::Bytes(bytes) => bytes.as_slice().try_into().ok(),
            _ => None,
        });
        let tokens: Option<Vec<_>> = tokens
            .map(|token| token.map(SubaccountToken::from_bytes))
            .collect();
        Ok(RevokedAnswer {
            tokens: tokens.ok_or(AnswerError::Field(FIELD))?,
            stamp: Stamp::read(body)?,
        })
    }
}

/// The subaccounts that are shut out on one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokedAnswer {
    /// Their tokens.
    pub tokens: Vec<SubaccountToken>,
    /// Clock and version of the node.
    pub stamp: Stamp,
}

impl RevokedAnswer {
    /// The body of the answer.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let tokens = self.tokens.iter();
        let tokens = tokens.map(|token| Value::Bytes(token.as_bytes().to_vec()));
        let mut out = Dict::new();
        out.insert("revoked_subaccounts".into(), Value::List(tokens.collect()));
        self.stamp.write(&mut out);
        Value::Dict(out)
    }
}
