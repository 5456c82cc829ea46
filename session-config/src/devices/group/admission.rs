//! Our own requests to be admitted, and the messages that answer them.

use rand_core::CryptoRng;
use session_crypto::X25519Public;
use session_types::UnixMillis;

use super::{DeviceGroup, DeviceState, Row};
use crate::devices::message::GroupId;
use crate::devices::payload::{Entry, Payload};
use crate::devices::record::Record;

/// A request that this device sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnRequest {
    /// The group that we asked.
    pub group: GroupId,
    /// Time in the record of the request, in Unix seconds.
    pub updated: i64,
    /// Our X25519 key in the request.
    pub x25519: X25519Public,
    /// Whether the user confirmed that the emoji on both devices agree.
    pub is_confirmed: bool,
}

/// What a readable message means for a device that may have asked to be admitted. The number is that of
/// the request that the message answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// An ordinary message of our own group.
    Merge,
    /// Join its group.
    Join(usize),
    /// Leave our own group, then join that of the message.
    LeaveAndJoin(usize),
    /// Hold it until the user has compared the emoji.
    Hold(usize),
    /// It is not for us.
    Ignore,
}

impl DeviceGroup {
    /// Returns the requests that this device sent, the oldest first.
    #[must_use]
    pub fn requests(&self) -> &[OwnRequest] {
        &self.requests
    }

    /// Notes a request that this device sends to a group, with the record in it.
    pub fn note_own_request(&mut self, group: GroupId, record: &Record) {
        self.requests.push(OwnRequest {
            group,
            updated: record.updated,
            x25519: record.keys.x25519,
            is_confirmed: false,
        });
        if self.own_state() != Some(DeviceState::Registered) {
            let row = Row {
                state: DeviceState::Pending,
                digest: Some(record.digest()),
                record: Some(record.clone()),
                removed_at: None,
                must_broadcast: false,
            };
            self.rows.insert(self.own, row);
        }
    }

    /// Notes that the user confirmed the emoji of a request. Then feed the message that was held again.
    pub fn confirm(&mut self, request: usize) {
        if let Some(request) = self.requests.get_mut(request) {
            request.is_confirmed = true;
        }
    }

    /// Returns what a readable message means.
    #[must_use]
    pub fn admission(&self, group: Option<GroupId>, payload: &Payload) -> Admission {
        let is_registered = self.own_state() == Some(DeviceState::Registered);
        let is_ours = match (self.group, group) {
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => true,
        };
        if is_registered && is_ours {
            return Admission::Merge;
        }
        let Some(Entry::Live(record, _)) = payload.devices.get(&self.own) else {
            return Admission::Ignore;
        };
        let answered = self.requests.iter().rposition(|request| {
            Some(request.group) == group
                && request.updated == record.updated
                && request.x25519 == record.keys.x25519
        });
        let Some(number) = answered else {
            return Admission::Ignore;
        };
        let is_confirmed = self
            .requests
            .get(number)
            .is_some_and(|request| request.is_confirmed);
        let is_newest = number.checked_add(1) == Some(self.requests.len());
        match (is_confirmed, is_registered) {
            (true, true) => Admission::LeaveAndJoin(number),
            (true, false) => Admission::Join(number),
            (false, _) if is_newest => Admission::Hold(number),
            (false, _) => Admission::Ignore,
        }
    }

    /// Joins the group of a message. Returns whether the account key was replaced.
    pub(super) fn join(
        &mut self,
        rng: &mut (impl CryptoRng + ?Sized),
        group: Option<GroupId>,
        payload: &Payload,
        stored_at: UnixMillis,
        now: i64,
    ) -> bool {
        self.group = group;
        self.read_at = Some(stored_at);
        self.displaced_at = None;
        self.requests.clear();
        self.merge(rng, payload, now)
    }
}
