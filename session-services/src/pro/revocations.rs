//! Revoked proofs (protocol: pro-backend, section 5).

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use session_types::{UnixMillis, hex};

use crate::{ReplyError, json};

/// Bounds of the time after which the backend is asked again.
const RETRY: (u64, u64) = (60, 48 * 60 * 60);
/// Bounds of the time for which a revocation is kept.
const RETAIN: (u64, u64) = (24 * 60 * 60, 365 * 24 * 60 * 60);

/// A revoked proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revocation {
    /// The tag of the proof.
    pub tag: [u8; 32],
    /// From when on it is revoked.
    pub effective: UnixMillis,
}

/// Reply with revocations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocations {
    /// Ticket for the next request.
    pub ticket: i64,
    /// Time until the next request: 60 seconds to 48 hours.
    pub retry_in: Duration,
    /// Time for which entries are kept: 1 to 365 days.
    pub retain_for: Duration,
    /// All revocations; none if the ticket was the current one.
    pub items: Vec<Revocation>,
}

#[derive(Deserialize)]
struct Item {
    revocation_tag: String,
    effective_ts: u64,
}

#[derive(Deserialize)]
pub(super) struct Fields {
    ticket: i64,
    retry_in: u64,
    retain_for: u64,
    items: Vec<json::Object<Item>>,
}

impl Fields {
    pub(super) fn read(self) -> Result<Revocations, ReplyError> {
        let item = |json::Object(item): json::Object<Item>| {
            let field = "revocation_tag";
            let tag = hex::decode(&item.revocation_tag);
            Ok(Revocation {
                tag: tag.ok_or(ReplyError::Value { field })?,
                effective: UnixMillis::from_secs(item.effective_ts),
            })
        };
        Ok(Revocations {
            ticket: self.ticket,
            retry_in: Duration::from_secs(self.retry_in.clamp(RETRY.0, RETRY.1)),
            retain_for: Duration::from_secs(self.retain_for.clamp(RETAIN.0, RETAIN.1)),
            items: self
                .items
                .into_iter()
                .map(item)
                .collect::<Result<_, ReplyError>>()?,
        })
    }
}

impl Revocations {
    pub(super) fn write(&self) -> Value {
        let item = |item: &Revocation| json!({ "revocation_tag": hex::encode(&item.tag), "effective_ts": item.effective.as_secs() });
        json!({
            "ticket": self.ticket,
            "retry_in": self.retry_in.as_secs(),
            "retain_for": self.retain_for.as_secs(),
            "items": self.items.iter().map(item).collect::<Vec<_>>(),
        })
    }
}

/// The revocations that a client knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Revoked {
    /// Ticket for the next request; 0 at first.
    pub ticket: i64,
    /// For each tag from when on it is revoked, and until when that is kept.
    known: BTreeMap<[u8; 32], (UnixMillis, UnixMillis)>,
}

impl Revoked {
    /// Takes a reply that came at `now`. A ticket that went back, as after a restored server, is taken as
    /// any other. An entry is kept for as long as the server asks from when it was first seen.
    pub fn report(&mut self, reply: &Revocations, now: UnixMillis) {
        self.ticket = reply.ticket;
        self.known.retain(|_, (_, until)| now < *until);
        let until = now.saturating_add(reply.retain_for);
        for item in &reply.items {
            let known = self
                .known
                .entry(item.tag)
                .or_insert((item.effective, until));
            known.0 = item.effective;
        }
    }

    /// Returns whether the proof with this tag is revoked.
    #[must_use]
    pub fn is_revoked(&self, tag: &[u8; 32], now: UnixMillis) -> bool {
        let known = self.known.get(tag);
        known.is_some_and(|(effective, until)| now < *until && now >= *effective)
    }
}
