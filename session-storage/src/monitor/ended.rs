//! `monitor_ended`: the node does not serve the account any more (protocol: quic, section 8).

use alloc::string::String;
use alloc::vec::Vec;

use session_types::AnyId;

use super::MonitorError;
use crate::SwarmInfo;
use crate::answer::AnswerError;
use crate::value::Value;

/// The end of a subscription.
///
/// ```text
/// d  "@" id (33)  "errcode" number  "error" text  "snodes" list of members  "swarm" id  e
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonitorEnded {
    /// The account.
    pub account: AnyId,
    /// The reason, as a request for a subscription would be rejected now: code 6 for an account of another swarm.
    pub reason: MonitorError,
    /// The swarm that keeps the account now; no members and [`UNASSIGNED`](session_types::SwarmId::UNASSIGNED) if
    /// there is none.
    pub swarm: SwarmInfo,
}

impl MonitorEnded {
    /// Says that an account belongs to another swarm.
    #[must_use]
    pub fn moved(account: AnyId, swarm: SwarmInfo) -> Self {
        Self {
            account,
            reason: MonitorError::wrong_swarm(),
            swarm,
        }
    }

    /// Encodes the notice.
    #[must_use]
    pub fn to_bencode(&self) -> Vec<u8> {
        let Value::Dict(mut out) = self.swarm.to_value(None) else {
            // Never: a swarm is a dict.
            return Vec::new();
        };
        let account = self.account.as_bytes().to_vec();
        out.insert("@".into(), Value::Bytes(account));
        out.insert("errcode".into(), u64::from(self.reason.code).into());
        out.insert("error".into(), self.reason.text.as_str().into());
        Value::Dict(out).to_bencode()
    }

    /// Parses the notice.
    ///
    /// # Errors
    ///
    /// [`AnswerError`] if the bytes are not such a notice.
    pub fn from_bencode(body: &[u8]) -> Result<Self, AnswerError> {
        let body = Value::from_bencode(body).map_err(|_| AnswerError::Encoding)?;
        let account = match body.get("@") {
            Some(Value::Bytes(bytes)) => AnyId::try_from(bytes.as_slice()).ok(),
            _ => None,
        };
        let code = body.get("errcode").and_then(Value::as_u64);
        let code = code.and_then(|code| u8::try_from(code).ok());
        // Absent: the code says what happened; the text is for people.
        let text = body
            .get("error")
            .and_then(Value::as_text)
            .unwrap_or_default();
        Ok(Self {
            account: account.ok_or(AnswerError::Field("@"))?,
            reason: MonitorError {
                code: code.ok_or(AnswerError::Field("errcode"))?,
                text: String::from(text),
            },
            swarm: SwarmInfo::from_value(&body)?,
        })
    }
}
