//! `revoked_subaccounts` (protocol: storage-rpc, section 5.10). Older nodes do not know it.

use alloc::vec::Vec;
use session_crypto::Ed25519PublicExt;

use session_crypto::SignatureError;
use session_identity::subaccount::Token;
use session_types::limits::REVOKED_MAX;
use session_types::{AnyId, Ed25519Public, UnixMillis, base64};

use crate::answer::{AnswerError, Stamp, field};
use crate::auth::{Signer, TimedAuth};
use crate::params::Params;
use crate::params_out::ParamsOut;
use crate::value::{Dict, Value};
use crate::{Call, Checks, Encoding, Method, ParamError, RpcError};

/// Asks for the revoked subaccounts of a group. The key is the 32 bytes of the group id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokedSubaccounts<S = TimedAuth> {
    /// The account.
    pub account: AnyId,
    /// The time of the request and the signature of the group's key; `()` until it is signed.
    pub auth: S,
}

impl RevokedSubaccounts<()> {
    /// Starts a request; [`sign`](Self::sign) completes it.
    #[must_use]
    pub fn new(account: impl Into<AnyId>) -> Self {
        Self {
            account: account.into(),
            auth: (),
        }
    }

    /// Signs the request. Only the key of the group can sign it.
    #[must_use]
    pub fn sign(self, at: UnixMillis, signer: &Signer<'_>) -> RevokedSubaccounts {
        RevokedSubaccounts {
            account: self.account,
            auth: signer.sign_at(at, &message(at)),
        }
    }
}

impl RevokedSubaccounts {
    /// Returns the bytes that the signature covers.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        message(self.auth.at)
    }

    pub(crate) fn parse(params: Params<'_>) -> Result<Self, ParamError> {
        let at = params.time("timestamp")?;
        let account = params.account()?;
        let at = at.ok_or(ParamError::Missing("timestamp"))?;
        let auth = params.auth(&account)?;
        Ok(Self {
            account,
            auth: TimedAuth { at, auth },
        })
    }
}

fn message(at: UnixMillis) -> Vec<u8> {
    alloc::format!("revoked_subaccounts{at}").into_bytes()
}

impl Call for RevokedSubaccounts {
    type Answer = RevokedAnswer;
    const METHOD: Method = Method::RevokedSubaccounts;

    fn params(&self, encoding: Encoding) -> Value {
        let mut out = ParamsOut::new(encoding);
        out.account(&self.account);
        out.put("timestamp", self.auth.at.get());
        self.auth.auth.write(&mut out);
        out.finish()
    }

    fn check(&self, node: &Checks<'_>) -> Result<(), RpcError> {
        node.swarm(&self.account)?;
        node.clock(Self::METHOD, self.auth.at)?;
        let key = Ed25519Public::from_bytes(*self.account.key_bytes());
        let outcome = key.verify(&self.message(), &self.auth.auth.signature);
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
            Value::Text(text) => base64::decode_array_lenient(text),
            Value::Bytes(bytes) => bytes.as_slice().try_into().ok(),
            _ => None,
        });
        let tokens: Option<Vec<_>> = tokens.map(|token| token.map(Token::from_bytes)).collect();
        Ok(RevokedAnswer {
            tokens: tokens.ok_or(AnswerError::Field(FIELD))?,
            stamp: Stamp::read(body)?,
        })
    }
}

/// The revoked subaccounts on one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokedAnswer {
    /// The tokens.
    pub tokens: Vec<Token>,
    /// Clock and version of the node.
    pub stamp: Stamp,
}

impl RevokedAnswer {
    /// Returns the body of the answer.
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
