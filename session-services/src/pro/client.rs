//! Requests to the backend, and its replies.

use alloc::string::String;

use serde::Deserialize;
use serde_json::{Value, json};
use session_crypto::pro::{self, Proof};
use session_crypto::{Ed25519Public, Ed25519Secret, Ed25519Signature};
use session_types::http::{Method, Request, Response};
use session_types::{UnixMillis, hex};

use super::account::{AccountFields, PageFields, StatusFields};
use super::{
    Account, AccountStatus, PAYMENTS, PROOF, PaymentPage, ProError, RENEW_BEFORE, REVOCATIONS,
    Revocations, STATUS, envelope, revocations,
};
use crate::{ReplyError, json};

fn post(path: &str, body: &Value) -> Request {
    Request::new(Method::Post, path).with_body(json::JSON, alloc::format!("{body}").into_bytes())
}

/// Asks for a proof for a rotating key, as of `now`. The master key is `session_crypto::pro::master_key`
/// of the account.
#[must_use]
pub fn proof(master: &Ed25519Secret, rotating: &Ed25519Secret, now: UnixMillis) -> Request {
    let (owner, key, ts) = (master.public(), rotating.public(), now.as_secs());
    let message = pro::generate_proof_request(&owner, &key, ts);
    let body = json!({
        "master_pkey": hex::encode(owner.as_bytes()),
        "rotating_pkey": hex::encode(key.as_bytes()),
        "ts": ts,
        "master_sig": hex::encode(master.sign(&message).as_bytes()),
        "rotating_sig": hex::encode(rotating.sign(&message).as_bytes()),
    });
    post(PROOF, &body)
}

/// Asks for the status of the account.
#[must_use]
pub fn status(master: &Ed25519Secret, now: UnixMillis) -> Request {
    let (owner, ts) = (master.public(), now.as_secs());
    let message = pro::status_request(&owner, ts);
    let body = json!({
        "master_pkey": hex::encode(owner.as_bytes()),
        "ts": ts,
        "master_sig": hex::encode(master.sign(&message).as_bytes()),
    });
    post(STATUS, &body)
}

/// Asks for at most `limit` payments, the newest first; `before` is the cursor of the page before.
#[must_use]
pub fn payments(
    master: &Ed25519Secret,
    limit: u32,
    before: Option<&str>,
    now: UnixMillis,
) -> Request {
    // Absent: the first page is asked for with an empty cursor.
    let before = before.unwrap_or_default();
    let (owner, ts) = (master.public(), now.as_secs());
    let message = pro::payments_request(&owner, ts, limit.into(), before);
    let body = json!({
        "master_pkey": hex::encode(owner.as_bytes()),
        "ts": ts,
        "limit": limit,
        "before": before,
        "master_sig": hex::encode(master.sign(&message).as_bytes()),
    });
    post(PAYMENTS, &body)
}

/// Asks for revocations, with the ticket of the last reply, or 0.
#[must_use]
pub fn revoked(ticket: i64) -> Request {
    post(REVOCATIONS, &json!({ "ticket": ticket }))
}

/// A proof, and what goes along with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Granted {
    /// The proof, verified.
    pub proof: Proof,
    /// The account, if the server says. Not signed.
    pub account: Option<Account>,
}

#[derive(Deserialize)]
struct Fields {
    revocation_tag: String,
    rotating_pkey: String,
    expiry_ts: u64,
    sig: String,
    #[serde(flatten)]
    account: AccountFields,
}

fn bytes<const N: usize>(text: &str, field: &'static str) -> Result<[u8; N], ReplyError> {
    hex::decode(text).ok_or(ReplyError::Value { field })
}

impl Granted {
    /// Reads the reply to [`proof`] and verifies that the backend signed it for the rotating key.
    ///
    /// # Errors
    ///
    /// [`ProError`] if the backend refused, or the reply is malformed or not signed by it.
    pub fn from_reply(
        reply: &Response,
        backend: &Ed25519Public,
        rotating: &Ed25519Public,
    ) -> Result<Self, ProError> {
        let fields: Fields = envelope::read(reply)?;
        let proof = Proof {
            revocation_tag: bytes(&fields.revocation_tag, "revocation_tag")?,
            rotating_key: Ed25519Public::from_bytes(bytes(&fields.rotating_pkey, "rotating_pkey")?),
            expiry_seconds: fields.expiry_ts,
            signature: Ed25519Signature::from_bytes(bytes(&fields.sig, "sig")?),
        };
        if proof.rotating_key != *rotating || proof.verify(backend).is_err() {
            return Err(ProError::Proof);
        }
        let account = fields.account.read()?;
        Ok(Self { proof, account })
    }

    /// Returns when to ask for the next proof: an hour before this one expires.
    #[must_use]
    pub fn renew_at(&self) -> UnixMillis {
        UnixMillis::from_secs(self.proof.expiry_seconds).saturating_sub(RENEW_BEFORE)
    }
}

impl AccountStatus {
    /// Reads the reply to [`status`].
    ///
    /// # Errors
    ///
    /// [`ProError`] if the backend refused or the reply is malformed.
    pub fn from_reply(reply: &Response) -> Result<Self, ProError> {
        Ok(envelope::read::<StatusFields>(reply)?.status()?)
    }
}

impl PaymentPage {
    /// Reads the reply to [`payments`].
    ///
    /// # Errors
    ///
    /// [`ProError`] if the backend refused or the reply is malformed.
    pub fn from_reply(reply: &Response) -> Result<Self, ProError> {
        Ok(envelope::read::<PageFields>(reply)?.page()?)
    }
}

impl Revocations {
    /// Reads the reply to [`revoked`].
    ///
    /// # Errors
    ///
    /// [`ProError`] if the backend refused or the reply is malformed.
    pub fn from_reply(reply: &Response) -> Result<Self, ProError> {
        Ok(envelope::read::<revocations::Fields>(reply)?.read()?)
    }
}
