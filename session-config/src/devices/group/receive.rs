//! What to do with a group message.

use rand_core::CryptoRng;
use session_crypto::Ed25519Secret;
use session_types::UnixMillis;

use super::admission::Admission;
use super::{DeviceGroup, DeviceState, OwnKeys};
use crate::devices::message::{GroupMessage, ReadError};
use crate::devices::payload::Payload;

/// Milliseconds by which an unreadable message must be newer than the last readable one before it means
/// that another device took our place.
const DISPLACED_AFTER: u64 = 5 * 60 * 1000;

/// The result of a group message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Received {
    /// It was merged. Delete its hash with the next push.
    Merged {
        /// The account key was replaced, because a device left: publish the new one.
        has_rotated: bool,
    },
    /// It was of our group, and its payload is malformed. Its time counts all the same.
    MalformedPayload,
    /// It admitted this device to a group, and was merged.
    Joined {
        /// The account key was replaced, because a device left: publish the new one.
        has_rotated: bool,
    },
    /// It admits this device to another group, after the user confirmed it. Leave our group first: push a
    /// message in which this device left, then start anew and feed this one again.
    LeaveFirst,
    /// It answers a request of this device whose emoji the user has not compared yet. Keep it, and feed it
    /// again after [`confirm`](DeviceGroup::confirm) with this number.
    Held(usize),
    /// It says that this device was removed.
    Kicked,
    /// Another device took our place: this one must not push any more.
    Displaced,
    /// It is not for us.
    Ignored,
}

impl DeviceGroup {
    /// Feeds a message of namespace 21 that was stored at `stored_at`, at `now` in Unix seconds.
    ///
    /// `keys` are the key sets of this device, earlier ones included. Draws 32 bytes if the account key is
    /// replaced.
    ///
    /// # Errors
    ///
    /// [`ReadError`] if the message is malformed, not signed by the account, or no group message.
    pub fn receive(
        &mut self,
        rng: &mut (impl CryptoRng + ?Sized),
        account: &Ed25519Secret,
        keys: OwnKeys<'_>,
        data: &[u8],
        stored_at: UnixMillis,
        now: i64,
    ) -> Result<Received, ReadError> {
        let message = GroupMessage::read(account, data)?;
        let Some(plain) = message.open(keys) else {
            return Ok(self.unreadable(account, &message, stored_at, now));
        };
        let payload = Payload::decode(&plain);
        let empty = Payload::default();
        match self.admission(message.group, payload.as_ref().unwrap_or(&empty)) {
            Admission::Merge => {}
            Admission::Join(_) => {
                let payload = payload.as_ref().unwrap_or(&empty);
                let has_rotated = self.join(rng, message.group, payload, stored_at, now);
                return Ok(Received::Joined { has_rotated });
            }
            Admission::LeaveAndJoin(_) => return Ok(Received::LeaveFirst),
            Admission::Hold(number) => return Ok(Received::Held(number)),
            Admission::Ignore => return Ok(Received::Ignored),
        }
        if message.group.is_some() {
            self.group = message.group;
            self.read_at = self.read_at.max(Some(stored_at));
            if self
                .displaced_at
                .is_some_and(|displaced| stored_at >= displaced)
            {
                self.displaced_at = None;
            }
        }
        Ok(match payload {
            Ok(payload) => Received::Merged {
                has_rotated: self.merge(rng, &payload, now),
            },
            Err(_) => Received::MalformedPayload,
        })
    }

    fn unreadable(
        &mut self,
        account: &Ed25519Secret,
        message: &GroupMessage<'_>,
        stored_at: UnixMillis,
        now: i64,
    ) -> Received {
        let has_kicked = message.has_kicked(account, &self.own);
        let own = self.rows.get_mut(&self.own);
        if let Some(own) = own.filter(|own| has_kicked && own.state < DeviceState::Kicked) {
            own.state = DeviceState::Kicked;
            own.removed_at = Some(now);
            return Received::Kicked;
        }
        let is_ours = self.group.is_some() && self.group == message.group;
        let is_newer = self
            .read_at
            .is_some_and(|read_at| stored_at.get() > read_at.get().saturating_add(DISPLACED_AFTER));
        if !has_kicked && is_ours && is_newer && self.is_member() {
            self.displaced_at = Some(stored_at);
            return Received::Displaced;
        }
        Received::Ignored
    }
}
