//! The state of one device in its group.

mod admission;
mod merge;
mod receive;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;

use rand_core::CryptoRng;
use session_crypto::Ed25519Secret;
use session_crypto::v2::{DeviceKeys, KeySeed, PublicKeys};
use session_types::UnixMillis;

use super::account_keys::{Keyring, rotation_time};
use super::link::LinkRequest;
use super::message::{self, GroupId, Placement, WriteError};
use super::payload::{Entry, Payload};
use super::record::{DeviceId, Digest, Record};

pub use admission::{Admission, OwnRequest};
pub use receive::Received;

/// What is known of a device. The order is that of precedence in a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeviceState {
    /// Its request lapsed.
    Unregistered,
    /// It asks to be admitted.
    Pending,
    /// It belongs to the group.
    Registered,
    /// It left by itself.
    Left,
    /// Another device removed it.
    Kicked,
}

/// A device as this device knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Whether it belongs to the group.
    pub state: DeviceState,
    /// Its record; `None` if only its removal is known.
    pub record: Option<Record>,
    /// The digest of the record as received.
    pub digest: Option<Digest>,
    /// When it left or was removed, in Unix seconds.
    pub removed_at: Option<i64>,
    /// Whether a group message has to say so.
    pub must_broadcast: bool,
}

impl Row {
    const fn seqno(&self) -> i64 {
        match &self.record {
            Some(record) => record.seqno,
            None => 0,
        }
    }

    const fn is_gone(&self) -> bool {
        matches!(self.state, DeviceState::Left | DeviceState::Kicked)
    }
}

/// An act that the state of the group does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// This device does not belong to a group, was removed, or was displaced.
    #[error("this device is not a member of the group")]
    NotAMember,
    /// This device belongs to a group already.
    #[error("this device is a member of a group")]
    Member,
    /// The device does not belong to the group, or is this device.
    #[error("the device cannot be removed")]
    NotRemovable,
    /// The request expired, was answered, or its device was removed.
    #[error("the request is not pending any more")]
    NotPending,
    /// Nothing was fetched yet.
    #[error("the group messages were not fetched yet")]
    NotFetched,
}

/// The device group as one device sees it.
pub struct DeviceGroup {
    own: DeviceId,
    rows: BTreeMap<DeviceId, Row>,
    keyring: Keyring,
    group: Option<GroupId>,
    /// Number of our record in the last message that we pushed.
    pushed_seqno: Option<i64>,
    /// Time of the newest message of our group that we could read.
    read_at: Option<UnixMillis>,
    /// Time of the message by which another device took our place.
    displaced_at: Option<UnixMillis>,
    /// Requests that this device sent, the oldest first.
    requests: Vec<OwnRequest>,
}

/// Everything that a [`DeviceGroup`] has to remember.
#[derive(Debug)]
pub struct Saved {
    /// The id of this device.
    pub own: DeviceId,
    /// All devices.
    pub rows: BTreeMap<DeviceId, Row>,
    /// The account keys.
    pub keyring: Keyring,
    /// The id of the group.
    pub group: Option<GroupId>,
    /// Number of our record in the last message that we pushed.
    pub pushed_seqno: Option<i64>,
    /// Time of the newest message of our group that we could read.
    pub read_at: Option<UnixMillis>,
    /// Time of the message by which another device took our place.
    pub displaced_at: Option<UnixMillis>,
    /// Requests that this device sent, the oldest first.
    pub requests: Vec<OwnRequest>,
}

impl DeviceGroup {
    /// Makes the state of a device that belongs to no group.
    #[must_use]
    pub const fn new(own: DeviceId) -> Self {
        Self {
            own,
            rows: BTreeMap::new(),
            keyring: Keyring::EMPTY,
            group: None,
            pushed_seqno: None,
            read_at: None,
            displaced_at: None,
            requests: Vec::new(),
        }
    }

    /// Restores a state.
    #[must_use]
    pub fn restore(saved: Saved) -> Self {
        let Saved {
            own,
            rows,
            keyring,
            group,
            pushed_seqno,
            read_at,
            displaced_at,
            requests,
        } = saved;
        Self {
            own,
            rows,
            keyring,
            group,
            pushed_seqno,
            read_at,
            displaced_at,
            requests,
        }
    }

    /// Returns the id of this device.
    #[must_use]
    pub const fn own(&self) -> &DeviceId {
        &self.own
    }

    /// Returns all devices by id.
    #[must_use]
    pub const fn rows(&self) -> &BTreeMap<DeviceId, Row> {
        &self.rows
    }

    /// Returns the account keys.
    #[must_use]
    pub const fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// Returns the id of the group.
    #[must_use]
    pub const fn group(&self) -> Option<GroupId> {
        self.group
    }

    /// Returns the number of our record in the last message that we pushed.
    #[must_use]
    pub const fn pushed_seqno(&self) -> Option<i64> {
        self.pushed_seqno
    }

    /// Returns the time of the newest message of our group that we could read.
    #[must_use]
    pub const fn read_at(&self) -> Option<UnixMillis> {
        self.read_at
    }

    /// Returns the time of the message by which another device took our place.
    #[must_use]
    pub const fn displaced_at(&self) -> Option<UnixMillis> {
        self.displaced_at
    }

    fn own_state(&self) -> Option<DeviceState> {
        self.rows.get(&self.own).map(|row| row.state)
    }

    /// Returns whether this device belongs to the group and was not displaced.
    #[must_use]
    pub fn is_member(&self) -> bool {
        self.own_state() == Some(DeviceState::Registered) && self.displaced_at.is_none()
    }

    /// Returns whether a group message has to be pushed. Push it only after everything that was fetched
    /// was merged.
    #[must_use]
    pub fn needs_push(&self) -> bool {
        let own_seqno = self.rows.get(&self.own).map(Row::seqno);
        self.is_member()
            && (own_seqno > self.pushed_seqno
                || self.rows.values().any(|row| row.must_broadcast)
                || !self.keyring.is_distributed())
    }

    /// Founds a group with this device alone, at `now` in Unix seconds.
    ///
    /// Draws a seed of 32 bytes and 4 bytes of the group's id. A restored account must not found a group
    /// without asking the user: its other devices may only be offline.
    ///
    /// # Errors
    ///
    /// [`DeviceError::Member`] if this device belongs to a group, also if it was displaced.
    /// [`DeviceError::NotAMember`] if it was removed: it needs a new id.
    pub fn start(
        &mut self,
        rng: &mut (impl CryptoRng + ?Sized),
        keys: &PublicKeys,
        now: i64,
    ) -> Result<GroupId, DeviceError> {
        match self.own_state() {
            Some(DeviceState::Registered) => return Err(DeviceError::Member),
            // It comes back under a new id, and in no other way.
            Some(DeviceState::Kicked) => return Err(DeviceError::NotAMember),
            _ => {}
        }
        let seed = KeySeed::generate(rng);
        let group = GroupId::generate(rng, now);
        let record = Record::new(1, now, keys.clone());
        *self = Self::new(self.own);
        self.keyring.rotate(seed, now);
        self.rows.insert(
            self.own,
            Row {
                state: DeviceState::Registered,
                digest: Some(record.digest()),
                record: Some(record),
                removed_at: None,
                must_broadcast: true,
            },
        );
        self.group = Some(group);
        self.read_at = Some(UnixMillis::from_secs(now.max(0).unsigned_abs()));
        Ok(group)
    }

    /// Changes the record of this device, at `now` in Unix seconds. `edit` may change everything but the
    /// number and the time.
    ///
    /// # Errors
    ///
    /// [`DeviceError::NotAMember`] if this device does not belong to a group.
    pub fn update(&mut self, now: i64, edit: impl FnOnce(&mut Record)) -> Result<(), DeviceError> {
        if !self.is_member() {
            return Err(DeviceError::NotAMember);
        }
        let row = self
            .rows
            .get_mut(&self.own)
            .ok_or(DeviceError::NotAMember)?;
        let record = row.record.as_mut().ok_or(DeviceError::NotAMember)?;
        let seqno = record.seqno.saturating_add(1);
        edit(record);
        (record.seqno, record.updated) = (seqno, now);
        row.digest = Some(record.digest());
        Ok(())
    }

    /// Says more in the record of this device, which was made just now.
    pub(super) fn describe(&mut self, edit: impl FnOnce(&mut Record)) {
        let row = self.rows.get_mut(&self.own);
        if let Some((record, digest)) =
            row.and_then(|row| Some((row.record.as_mut()?, &mut row.digest)))
        {
            edit(record);
            *digest = Some(record.digest());
        }
    }

    /// Drops account keys whose time is over, at `now` in Unix seconds.
    pub fn drop_expired(&mut self, now: i64) {
        self.keyring.drop_expired(now);
    }

    /// Replaces the account key, at `now` in Unix seconds. Publish the new one too.
    ///
    /// Draws 32 bytes.
    ///
    /// # Errors
    ///
    /// [`DeviceError::NotAMember`] if this device does not belong to a group.
    pub fn rotate(
        &mut self,
        rng: &mut (impl CryptoRng + ?Sized),
        now: i64,
    ) -> Result<(), DeviceError> {
        if !self.is_member() {
            return Err(DeviceError::NotAMember);
        }
        self.keyring.rotate(KeySeed::generate(rng), now);
        Ok(())
    }

    /// Returns when this device replaces the current key, in Unix seconds.
    #[must_use]
    pub fn rotation_time(&self) -> Option<i64> {
        let current = self.keyring.current().filter(|_| self.is_member())?;
        Some(rotation_time(current, &self.own, self.registered().count()))
    }

    fn registered(&self) -> impl Iterator<Item = &Record> {
        self.rows
            .values()
            .filter(|row| row.state == DeviceState::Registered)
            .filter_map(|row| row.record.as_ref())
    }

    /// Removes a device and replaces the account key, at `now` in Unix seconds.
    ///
    /// Draws 32 bytes.
    ///
    /// # Errors
    ///
    /// [`DeviceError`] if this device is no member, or the other one is none or is this device.
    pub fn remove(
        &mut self,
        rng: &mut (impl CryptoRng + ?Sized),
        device: &DeviceId,
        now: i64,
    ) -> Result<(), DeviceError> {
        if !self.is_member() {
            return Err(DeviceError::NotAMember);
        }
        let row = self.rows.get_mut(device);
        let row = row.filter(|row| row.state == DeviceState::Registered && *device != self.own);
        let row = row.ok_or(DeviceError::NotRemovable)?;
        row.state = DeviceState::Kicked;
        row.removed_at = Some(now);
        row.must_broadcast = true;
        self.keyring.rotate(KeySeed::generate(rng), now);
        Ok(())
    }

    /// Leaves the group at `now` in Unix seconds: the row of this device becomes a tombstone, which the
    /// next message tells. Returns the row as it was.
    ///
    /// # Errors
    ///
    /// [`DeviceError::NotAMember`] if this device is no member.
    pub(super) fn leave(&mut self, now: i64) -> Result<Row, DeviceError> {
        if !self.is_member() {
            return Err(DeviceError::NotAMember);
        }
        let row = self.rows.get_mut(&self.own);
        let row = row.ok_or(DeviceError::NotAMember)?;
        let before = row.clone();
        row.state = DeviceState::Left;
        row.removed_at = Some(now);
        row.must_broadcast = true;
        Ok(before)
    }

    /// Takes a departure back that could not be told.
    pub(super) fn stay(&mut self, row: Row) {
        self.rows.insert(self.own, row);
    }

    /// Returns whether the group has a device at all.
    pub(super) fn has_members(&self) -> bool {
        self.registered().next().is_some()
    }

    /// Notes a request that was shown to the user, so that the same request is not shown again.
    ///
    /// Returns whether to show it: `Some(true)` if it would replace a registered device.
    pub fn note_request(&mut self, request: &LinkRequest) -> Option<bool> {
        if request.device == self.own {
            return None;
        }
        let row = self.rows.get(&request.device);
        match row.map(|row| (row.state, row)) {
            Some((DeviceState::Registered, row)) => {
                let held = row.record.as_ref().map(|record| record.updated);
                (Some(request.record.updated) > held).then_some(true)
            }
            Some((DeviceState::Pending, row))
                if (request.record.seqno, Some(request.digest)) <= (row.seqno(), row.digest) =>
            {
                None
            }
            Some((DeviceState::Pending, _)) | None => {
                self.rows.insert(
                    request.device,
                    Row {
                        state: DeviceState::Pending,
                        record: Some(request.record.clone()),
                        digest: Some(request.digest),
                        removed_at: None,
                        must_broadcast: false,
                    },
                );
                Some(false)
            }
            Some(_) => None,
        }
    }

    /// Accepts a request that expires at `expires`, at `now`, both in Unix seconds.
    ///
    /// A new device is registered as it asked. If the device is registered already, its record is replaced
    /// and so is the account key; then 32 bytes are drawn.
    ///
    /// # Errors
    ///
    /// [`DeviceError`] if this device is no member, or the request is not pending any more.
    pub fn accept(
        &mut self,
        rng: &mut (impl CryptoRng + ?Sized),
        request: &LinkRequest,
        replaces: bool,
        expires: i64,
        now: i64,
    ) -> Result<(), DeviceError> {
        if !self.is_member() {
            return Err(DeviceError::NotAMember);
        }
        let expected = match replaces {
            true => DeviceState::Registered,
            false => DeviceState::Pending,
        };
        let row = self.rows.get_mut(&request.device);
        let row = row.filter(|row| row.state == expected && expires > now);
        let row = row.ok_or(DeviceError::NotPending)?;
        let mut record = request.record.clone();
        if replaces {
            record.seqno = row.seqno().max(record.seqno).saturating_add(1);
        }
        row.digest = Some(match replaces {
            true => record.digest(),
            false => request.digest,
        });
        row.record = Some(record);
        row.state = DeviceState::Registered;
        row.must_broadcast = true;
        if replaces {
            self.keyring.rotate(KeySeed::generate(rng), now);
        }
        Ok(())
    }

    /// Returns the payload of the next message.
    #[must_use]
    pub fn payload(&self) -> Payload {
        let mut payload = Payload::default();
        for (id, row) in &self.rows {
            let removed_at = row.removed_at.unwrap_or(1);
            let entry = match (row.state, &row.record) {
                (DeviceState::Registered, Some(record)) => {
                    let digest = row.digest.unwrap_or_else(|| record.digest());
                    Entry::Live(record.clone(), digest)
                }
                (DeviceState::Kicked, _) => Entry::Kicked(removed_at),
                (DeviceState::Left, _) => Entry::Left(removed_at),
                _ => continue,
            };
            payload.devices.insert(*id, entry);
        }
        let keys = self.keyring.keys();
        payload.keys = keys.iter().map(super::AccountKey::duplicate).collect();
        payload
    }

    /// Writes the next group message. Call [`pushed`](Self::pushed) when it is stored.
    ///
    /// In the same sequence, delete the hashes of all messages that were merged, after the store.
    ///
    /// # Errors
    ///
    /// [`WriteError`] if there is no current account key, or the message is too long.
    pub fn write(
        &self,
        rng: &mut (impl CryptoRng + ?Sized),
        account: &Ed25519Secret,
        group: GroupId,
        placement: Option<&Placement>,
    ) -> Result<Vec<u8>, WriteError> {
        let recipients: Vec<&PublicKeys> = self.registered().map(|record| &record.keys).collect();
        let kicked = self
            .rows
            .iter()
            .filter(|(_, row)| row.state == DeviceState::Kicked);
        let kicked: Vec<DeviceId> = kicked.map(|(id, _)| *id).collect();
        let payload = self.payload();
        message::write(
            rng,
            account,
            group,
            &payload,
            &recipients,
            &kicked,
            placement,
        )
    }

    /// Notes that the message of the present state is stored.
    pub fn pushed(&mut self) {
        self.keyring.set_distributed();
        for row in self.rows.values_mut() {
            row.must_broadcast = false;
        }
        self.pushed_seqno = self.rows.get(&self.own).map(Row::seqno);
    }
}

impl fmt::Debug for DeviceGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceGroup")
            .field("own", &self.own)
            .field("rows", &self.rows)
            .field("group", &self.group)
            .finish_non_exhaustive()
    }
}

/// Makes the record of a request: the number after our last one, and a time after all earlier requests.
#[must_use]
pub fn request_record(
    keys: &PublicKeys,
    own_seqno: i64,
    newest_request: Option<i64>,
    now: i64,
    describe: impl FnOnce(&mut Record),
) -> Record {
    let after = newest_request.map_or(now, |newest| now.max(newest.saturating_add(1)));
    let mut record = Record::new(own_seqno.saturating_add(1), after, keys.clone());
    describe(&mut record);
    record
}

/// The key sets of this device, the current one first.
pub type OwnKeys<'a> = &'a [DeviceKeys];
