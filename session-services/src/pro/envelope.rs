//! The envelope of replies (protocol: pro-backend, section 2).

use alloc::string::String;
use core::fmt;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use session_types::http::Response;

use super::account::{Account, AccountFields};
use crate::{ReplyError, json};

/// Error code of the backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// The request is malformed, or its cursor is a foreign one.
    InvalidRequest,
    /// A signature does not verify.
    BadSignature,
    /// The time of the request is too far from the server's. Take the server's time and repeat at once.
    StaleRequest,
    /// The subscription has ended.
    SubscriptionExpired,
    /// Nothing was ever bought, or it was forgotten.
    NotSubscribed,
    /// The subscription was revoked: treat it as one that has ended.
    Revoked,
    /// Too many proofs. Keep the old one and try again later.
    RateLimited,
    /// The server failed.
    InternalError,
    /// A code that this version does not know.
    Unknown,
}

impl Code {
    const ALL: [(&'static str, Self); 8] = [
        ("invalid_request", Self::InvalidRequest),
        ("bad_signature", Self::BadSignature),
        ("stale_request", Self::StaleRequest),
        ("subscription_expired", Self::SubscriptionExpired),
        ("not_subscribed", Self::NotSubscribed),
        ("revoked", Self::Revoked),
        ("rate_limited", Self::RateLimited),
        ("internal_error", Self::InternalError),
    ];

    fn read(text: &str) -> Self {
        let mut all = Self::ALL.iter();
        let known = all.find_map(|(name, code)| (*name == text).then_some(*code));
        known.unwrap_or(Self::Unknown)
    }

    /// Returns the text in replies; `unknown` for [`Code::Unknown`].
    #[must_use]
    pub fn as_str(self) -> &'static str {
        let mut all = Self::ALL.iter();
        let known = all.find_map(|(name, code)| (*code == self).then_some(*name));
        known.unwrap_or("unknown")
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A reply that does not give what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProError {
    /// The backend refused the request: `fail`.
    #[error("the backend refused the request: {code}")]
    Refused {
        /// Why.
        code: Code,
        /// The account, in the refusal of a proof because the subscription has ended. Not signed.
        account: Option<Account>,
    },
    /// The backend failed: `error`.
    #[error("the backend failed: {code}")]
    Failed {
        /// Why.
        code: Code,
    },
    /// The reply is malformed, or not one of the backend.
    #[error(transparent)]
    Reply(#[from] ReplyError),
    /// The backend's key has not signed the proof, or the proof is for another rotating key.
    #[error("the proof is not signed by the backend for this key")]
    Proof,
}

#[derive(Deserialize)]
struct Fields<T> {
    status: String,
    result: Option<T>,
    error_code: Option<String>,
    #[serde(flatten)]
    account: AccountFields,
}

/// Reads the result of a reply.
pub(super) fn read<T: DeserializeOwned>(reply: &Response) -> Result<T, ProError> {
    // First as JSON of any shape: the result of a failure may be anything.
    let value: Value = json::object(reply)?;
    let fields: Fields<Value> = serde_json::from_value(value).map_err(|_| ReplyError::Json)?;
    let code = fields
        .error_code
        .as_deref()
        .map_or(Code::Unknown, Code::read);
    match fields.status.as_str() {
        "ok" => {
            let result = fields.result.filter(Value::is_object);
            let result = serde_json::from_value(result.ok_or(ReplyError::Json)?);
            Ok(result.map_err(|_| ReplyError::Json)?)
        }
        "fail" => Err(ProError::Refused {
            code,
            account: match code {
                Code::SubscriptionExpired => fields.account.read()?,
                _ => None,
            },
        }),
        "error" => Err(ProError::Failed { code }),
        _ => Err(ReplyError::Json.into()),
    }
}

/// Writes a reply of success.
pub(super) fn ok(result: &Value) -> Response {
    json::reply(200, &json!({ "status": "ok", "result": result }))
}

/// Writes a refusal. The text is for people.
pub(super) fn refuse(code: Code, text: &str, account: Option<&Account>) -> Response {
    let status = match code {
        Code::InternalError => "error",
        _ => "fail",
    };
    let mut body = json!({ "status": status, "error_code": code.as_str(), "error": text });
    if let (Some(account), Some(fields)) = (account, body.as_object_mut()) {
        account.write(fields);
    }
    json::reply(200, &body)
}
