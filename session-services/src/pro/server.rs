//! The backend's answers, over a [`Store`], for test networks (protocol: pro-backend, section 6).

use alloc::string::String;
use core::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use session_crypto::pro::{self, Proof};
use session_crypto::{Ed25519Public, Ed25519PublicExt, Ed25519Secret, Ed25519Signature};
use session_types::http::{Method, Request, Response};
use session_types::{UnixMillis, hex};

use super::envelope::{ok, refuse};
use super::{
    Account, AccountStatus, Code, PAYMENTS, PROOF, PaymentPage, REVOCATIONS, Revocations, STATUS,
    TIME_TOLERANCE, UserStatus,
};
use crate::json;

/// A proof lasts at most so long, and up to a day more.
const PROOF_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Expiries of proofs lie on a grid of days, whose beginning differs between accounts.
const GRID_S: u64 = 24 * 60 * 60;

/// Storage of a backend.
pub trait Store {
    /// Error of the store.
    type Error;

    /// Returns the status of an account.
    ///
    /// # Errors
    ///
    /// [`Store::Error`] if the store fails.
    fn status(&self, master: &Ed25519Public, now: UnixMillis)
    -> Result<AccountStatus, Self::Error>;

    /// Returns the tag of the account's proofs, which revokes all of them; 32 random bytes that stay until
    /// a revocation.
    ///
    /// # Errors
    ///
    /// [`Store::Error`] if the store fails.
    fn tag(&mut self, master: &Ed25519Public) -> Result<[u8; 32], Self::Error>;

    /// Returns a page of payments, or `None` if the cursor is a foreign one. An empty cursor asks for the
    /// newest.
    ///
    /// # Errors
    ///
    /// [`Store::Error`] if the store fails.
    fn payments(
        &self,
        master: &Ed25519Public,
        limit: u32,
        before: &str,
    ) -> Result<Option<PaymentPage>, Self::Error>;

    /// Returns the current ticket and all revocations.
    ///
    /// # Errors
    ///
    /// [`Store::Error`] if the store fails.
    fn revocations(&self) -> Result<Revocations, Self::Error>;
}

#[derive(Deserialize)]
struct Fields {
    master_pkey: String,
    ts: u64,
    master_sig: String,
    rotating_pkey: Option<String>,
    rotating_sig: Option<String>,
    limit: Option<u32>,
    before: Option<String>,
}

#[derive(Deserialize)]
struct Ticket {
    ticket: i64,
}

/// A request whose signatures were verified.
struct Asked {
    master: Ed25519Public,
    rotating: Option<Ed25519Public>,
    limit: u32,
    before: String,
}

/// The kinds of signed requests.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Proof,
    Status,
    Payments,
}

fn refused(code: Code, text: &str) -> Response {
    refuse(code, text, None)
}

/// Reads and verifies a signed request.
fn check(kind: Kind, body: &[u8], now: UnixMillis) -> Result<Asked, Response> {
    let malformed = || refused(Code::InvalidRequest, "the request is malformed");
    let unsigned = || refused(Code::BadSignature, "a signature does not verify");
    let json::Object(fields): json::Object<Fields> =
        serde_json::from_slice(body).map_err(|_| malformed())?;
    let key = |text: &str| {
        hex::decode(text)
            .map(Ed25519Public::from_bytes)
            .ok_or_else(malformed)
    };
    let signature = |text: &str| {
        hex::decode(text)
            .map(Ed25519Signature::from_bytes)
            .ok_or_else(malformed)
    };
    let master = key(&fields.master_pkey)?;
    let by_master = signature(&fields.master_sig)?;
    let (mut rotating, mut limit, mut before) = (None, 0, String::new());
    let message = match kind {
        Kind::Proof => {
            let own = key(fields.rotating_pkey.as_deref().ok_or_else(malformed)?)?;
            rotating = Some(own);
            pro::generate_proof_request(&master, &own, fields.ts)
        }
        Kind::Status => pro::status_request(&master, fields.ts),
        Kind::Payments => {
            limit = fields.limit.ok_or_else(malformed)?;
            before = fields.before.ok_or_else(malformed)?;
            pro::payments_request(&master, fields.ts, limit.into(), &before)
        }
    };
    if now.abs_diff(UnixMillis::from_secs(fields.ts)) > TIME_TOLERANCE {
        return Err(refused(
            Code::StaleRequest,
            "the time of the request is too far off",
        ));
    }
    master
        .verify(&message, &by_master)
        .map_err(|_| unsigned())?;
    if let Some(own) = &rotating {
        let by_own = signature(fields.rotating_sig.as_deref().ok_or_else(malformed)?)?;
        own.verify(&message, &by_own).map_err(|_| unsigned())?;
    }
    Ok(Asked {
        master,
        rotating,
        limit,
        before,
    })
}

/// Answers a request with the key of the backend.
///
/// # Errors
///
/// [`Store::Error`] if the store fails; the server answers `error` then, with
/// [`Code::InternalError`].
pub fn handle<S: Store>(
    backend: &Ed25519Secret,
    request: &Request,
    now: UnixMillis,
    store: &mut S,
) -> Result<Response, S::Error> {
    let kind = match (request.method, request.path.as_str()) {
        (_, "/status") => {
            return Ok(ok(&json!({ "ts": now.as_secs() })));
        }
        (Method::Post, REVOCATIONS) => return revocations(&request.body, store),
        (Method::Post, PROOF) => Kind::Proof,
        (Method::Post, STATUS) => Kind::Status,
        (Method::Post, PAYMENTS) => Kind::Payments,
        _ => return Ok(refused(Code::InvalidRequest, "no such path")),
    };
    let asked = match check(kind, &request.body, now) {
        Ok(asked) => asked,
        Err(response) => return Ok(response),
    };
    match (kind, asked.rotating) {
        (Kind::Status, _) => Ok(ok(&store.status(&asked.master, now)?.write())),
        (Kind::Payments, _) => {
            let page = store.payments(&asked.master, asked.limit, &asked.before)?;
            Ok(match page {
                Some(page) => ok(&page.write()),
                None => refused(Code::InvalidRequest, "the cursor is a foreign one"),
            })
        }
        (Kind::Proof, Some(rotating)) => grant(backend, &asked.master, rotating, now, store),
        (Kind::Proof, None) => Ok(refused(Code::InvalidRequest, "the request is malformed")),
    }
}

fn revocations<S: Store>(body: &[u8], store: &S) -> Result<Response, S::Error> {
    let Ok(json::Object(Ticket { ticket })) = serde_json::from_slice(body) else {
        return Ok(refused(Code::InvalidRequest, "the request is malformed"));
    };
    let mut all = store.revocations()?;
    if all.ticket == ticket {
        all.items.clear();
    }
    Ok(ok(&all.write()))
}

/// Signs a proof, if the account has Session Pro.
fn grant<S: Store>(
    backend: &Ed25519Secret,
    master: &Ed25519Public,
    rotating: Ed25519Public,
    now: UnixMillis,
    store: &mut S,
) -> Result<Response, S::Error> {
    let status = store.status(master, now)?;
    let account = Account {
        expires: status.expires,
        grace: status.grace,
        is_renewing: status.is_renewing,
    };
    match status.user {
        UserStatus::Active => {}
        UserStatus::Never => return Ok(refused(Code::NotSubscribed, "nothing was ever bought")),
        UserStatus::Expired => {
            let text = "the subscription has ended";
            return Ok(refuse(Code::SubscriptionExpired, text, Some(&account)));
        }
    }
    let tag = store.tag(master)?;
    let end = status.expires.saturating_add(status.grace);
    let least = end.min(now.saturating_add(PROOF_MAX)).as_secs();
    let mut proof = Proof {
        revocation_tag: tag,
        rotating_key: rotating,
        expiry_seconds: on_grid(least, &tag),
        signature: Ed25519Signature::from_bytes([0; 64]),
    };
    proof.signature = backend.sign(&proof.signed_message());
    let mut result = json!({
        "revocation_tag": hex::encode(&proof.revocation_tag),
        "rotating_pkey": hex::encode(rotating.as_bytes()),
        "expiry_ts": proof.expiry_seconds,
        "sig": hex::encode(proof.signature.as_bytes()),
    });
    if let Value::Object(fields) = &mut result {
        account.write(fields);
    }
    Ok(ok(&result))
}

/// Rounds up to the grid of an account, which begins at a time of the day that its tag gives.
fn on_grid(seconds: u64, tag: &[u8; 32]) -> u64 {
    let [one, two, three, four, ..] = *tag;
    let offset = u64::from(u32::from_le_bytes([one, two, three, four])).checked_rem(GRID_S);
    // Absent: the grid is not 0.
    let offset = offset.unwrap_or_default();
    let next = seconds
        .saturating_sub(offset)
        .checked_next_multiple_of(GRID_S);
    next.unwrap_or(seconds).saturating_add(offset)
}
