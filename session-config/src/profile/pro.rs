//! Session Pro: the proof, and the state of a purchase.

use core::fmt;

use session_proto::bt;
use session_types::UnixMillis;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{Stamp, UserProfile, seconds};
use crate::data::Dict;
use crate::error::EditError;
use crate::field::{Codec, Flag, Positive};

const PROOF: &[u8] = b"s";
const ACCESS_EXPIRY: &[u8] = b"E";
const AUTO_RENEWS: Flag = Flag(b"A");
const GRACE: Positive = Positive(b"G");
const PENDING: &[u8] = b"I";
const REFUND: &[u8] = b"R";
/// Purchases and refunds older than this count as done.
const FRESH: i64 = 7 * 24 * 60 * 60;

/// A proof of Session Pro, with the secret key that it is for.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct ProProof {
    /// When it expires, in seconds.
    pub expiry: i64,
    /// Tag under which it is listed if it is revoked.
    pub revocation_tag: [u8; 32],
    /// Seed of the Ed25519 key that it is for.
    pub rotating_seed: [u8; 32],
    /// Signature of the Pro server.
    pub signature: [u8; 64],
}

impl ProProof {
    /// One opaque value: a merge cannot mix parts of two proofs.
    fn encode(&self) -> Zeroizing<alloc::vec::Vec<u8>> {
        Zeroizing::new(bt::dict_with_capacity(256, |d| {
            d.int(b"e", self.expiry);
            d.bytes(b"g", &self.revocation_tag);
            d.bytes(b"r", &self.rotating_seed);
            d.bytes(b"s", &self.signature);
        }))
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let dict = bt::parse_dict(bytes).ok()?;
        Some(Self {
            expiry: dict.i64("e").ok()?,
            revocation_tag: *dict.array("g").ok()?,
            rotating_seed: *dict.array("r").ok()?,
            signature: *dict.array("s").ok()?,
        })
    }
}

impl fmt::Debug for ProProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProProof")
            .field("expiry", &self.expiry)
            .finish_non_exhaustive()
    }
}

fn proof(data: &Dict) -> Option<ProProof> {
    ProProof::decode(data.bytes(PROOF)?)
}

fn access_expiry(data: &Dict) -> Option<i64> {
    let expiry = data.int(ACCESS_EXPIRY).filter(|expiry| *expiry > 0)?;
    // Some clients store milliseconds.
    Some(if expiry > 1_000_000_000_000 {
        expiry / 1000
    } else {
        expiry
    })
}

/// A time that is not older than seven days.
fn fresh(data: &Dict, key: &'static [u8], now: i64) -> Option<i64> {
    let time = Positive(key).read(data);
    (time > 0 && time >= now.saturating_sub(FRESH)).then_some(time)
}

impl UserProfile {
    /// Returns the proof of Session Pro, expired or not.
    #[must_use]
    pub fn pro_proof(&self) -> Option<ProProof> {
        proof(self.data())
    }

    /// Sets the proof of Session Pro, or removes it. One that is still valid ends a purchase in
    /// flight.
    ///
    /// # Errors
    ///
    /// [`EditError`] if the config cannot be changed.
    pub fn set_pro_proof(
        &mut self,
        proof: Option<&ProProof>,
        now: UnixMillis,
    ) -> Result<(), EditError> {
        let now = seconds(now);
        let stamp: Stamp = self.stamp(now);
        self.edit(|data| {
            let Some(proof) = proof else {
                return data.remove(PROOF);
            };
            let encoded = proof.encode();
            if data.bytes(PROOF) == Some(encoded.as_slice()) {
                return;
            }
            data.insert(PROOF, encoded.as_slice());
            stamp.target(data);
            if proof.expiry > now {
                data.remove(PENDING);
            }
        })
    }

    /// Returns when the next payment is due or access ends, in seconds. Access lasts for
    /// [`pro_grace`](Self::pro_grace) longer.
    #[must_use]
    pub fn pro_access_expiry(&self) -> Option<i64> {
        access_expiry(self.data())
    }

    /// Sets when access ends. Without a time, all keys of the access are removed.
    ///
    /// # Errors
    ///
    /// [`EditError`] if the config cannot be changed.
    pub fn set_pro_access_expiry(
        &mut self,
        expiry: Option<i64>,
        now: UnixMillis,
    ) -> Result<(), EditError> {
        let now = seconds(now);
        self.edit(|data| match expiry.filter(|expiry| *expiry > 0) {
            None => [ACCESS_EXPIRY, b"A", b"G"]
                .iter()
                .for_each(|key| data.remove(key)),
            Some(expiry) => {
                data.insert(ACCESS_EXPIRY, expiry);
                if expiry > now {
                    data.remove(PENDING);
                    if fresh(data, REFUND, now).is_none() {
                        data.remove(REFUND);
                    }
                }
            }
        })
    }

    /// Returns whether access renews itself.
    #[must_use]
    pub fn pro_auto_renews(&self) -> bool {
        AUTO_RENEWS.read(self.data())
    }

    /// Sets whether access renews itself. Set it whenever the end of access is set.
    ///
    /// # Errors
    ///
    /// [`EditError`] if the config cannot be changed.
    pub fn set_pro_auto_renews(&mut self, renews: bool) -> Result<(), EditError> {
        self.edit(|data| AUTO_RENEWS.write(data, &renews))
    }

    /// Returns for how many seconds access goes on while a payment is overdue.
    #[must_use]
    pub fn pro_grace(&self) -> i64 {
        GRACE.read(self.data())
    }

    /// Sets for how many seconds access goes on while a payment is overdue.
    ///
    /// # Errors
    ///
    /// [`EditError`] if the config cannot be changed.
    pub fn set_pro_grace(&mut self, seconds: i64) -> Result<(), EditError> {
        self.edit(|data| GRACE.write(data, &seconds))
    }

    /// Returns when a purchase began that is still in flight.
    #[must_use]
    pub fn pro_pending(&self, now: UnixMillis) -> Option<i64> {
        fresh(self.data(), PENDING, seconds(now))
    }

    /// Notes that a purchase is in flight, or is not any more. Does nothing if there is a proof, or
    /// access that has not ended.
    ///
    /// # Errors
    ///
    /// [`EditError`] if the config cannot be changed.
    pub fn set_pro_pending(&mut self, time: Option<i64>, now: UnixMillis) -> Result<(), EditError> {
        let now = seconds(now);
        let stamp = self.stamp(now);
        self.edit(|data| match time.filter(|time| *time > 0) {
            None => {
                if data.get(PENDING).is_some() {
                    data.remove(PENDING);
                    stamp.target(data);
                }
            }
            Some(time) => {
                let has_access = access_expiry(data).is_some_and(|expiry| expiry > now);
                if proof(data).is_none() && !has_access {
                    data.insert(PENDING, time);
                    stamp.target(data);
                }
            }
        })
    }

    /// Returns when a refund was requested, if that is not older than seven days.
    #[must_use]
    pub fn refund_requested(&self, now: UnixMillis) -> Option<i64> {
        fresh(self.data(), REFUND, seconds(now))
    }

    /// Notes when a refund was requested.
    ///
    /// # Errors
    ///
    /// [`EditError`] if the config cannot be changed.
    pub fn set_refund_requested(
        &mut self,
        time: Option<i64>,
        now: UnixMillis,
    ) -> Result<(), EditError> {
        let stamp = self.stamp(seconds(now));
        self.edit(|data| {
            Positive(REFUND).write(data, &time.unwrap_or(0));
            stamp.target(data);
        })
    }
}
