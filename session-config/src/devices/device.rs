//! One device of an account: its keys, its group, what it has fetched, and what it has to send.
//!
//! ```text
//! start, or request -> another device admits -> confirm        be a member
//! fetch all of namespace 21 -> receive -> show the events
//! admit, remove, rename                                        act
//! poll -> store, then delete, then publish -> stored           until poll gives nothing
//! ```
//!
//! [`Device`] joins [`DeviceGroup`] with what a program needs besides it. It does no I/O: each fetch must be
//! complete, and [`Device::poll`] comes after it. Save [`Device::dump`] before sending and after
//! [`Device::stored`].
//!
//! Protocol: protocol-v2, sections 5 to 9.

mod dump;
mod fetch;
mod request;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use rand_core::CryptoRng;
use session_crypto::X25519Public;
use session_crypto::v2::{AccountKeys, DeviceKeys, KeySeed};
use session_identity::Account;
use session_message::v2::publication;
use session_types::{SealedMessage, UnixMillis};

use super::account_keys::{Keyring, published};
use super::group::{DeviceError, DeviceGroup, DeviceState};
use super::membership::{Membership, Situation, VisibleGroup};
use super::message::{GroupId, WriteError};
use super::record::{DeviceId, Record, Version};

pub use fetch::{DeviceEvent, FetchedMessage};
pub use request::{PendingRequest, RequestError};

/// What a device says of itself in its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct About<'a> {
    /// Name, at most 64 bytes by convention.
    pub description: &'a str,
    /// `i` for iOS, `a` Android, `d` desktop, `c` command line, or a longer text.
    pub kind: &'a str,
    /// Version of the program.
    pub version: Version,
}

impl About<'_> {
    fn describe(&self, record: &mut Record) {
        record.description = self.description.as_bytes().to_vec();
        record.kind = self.kind.as_bytes().to_vec();
        record.version = self.version;
    }
}

/// What a device has to send: all of it, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// A group message or a request, for namespace 21.
    pub message: Option<SealedMessage>,
    /// Names of messages to delete from namespace 21, once the message is stored. Without a message, only
    /// these: the last device of a group has left it.
    pub delete: Vec<String>,
    /// The account's public keys, for namespace −21.
    pub publication: Option<SealedMessage>,
}

/// Why a device cannot leave its group.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LeaveError {
    /// It belongs to none.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The message that tells it cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// What a device that has left its group still has to do there.
struct Farewell {
    /// The message that tells the others, if there are any.
    message: Option<Vec<u8>>,
    /// Names of messages that are to be deleted.
    delete: Vec<String>,
}

/// What a group in the account's swarm shows to devices outside of it.
#[derive(Debug, Clone, Copy)]
struct Seen {
    visible: VisibleGroup,
    link_key: X25519Public,
    stored_at: UnixMillis,
}

/// One device of an account.
pub struct Device {
    /// Seeds of this device's keys, the current one first.
    seeds: Vec<KeySeed>,
    group: DeviceGroup,
    /// Names of messages that the next push replaces.
    merged: BTreeSet<String>,
    /// A request of this device that is to be sent, and whether the last one was.
    unsent: Option<Vec<u8>>,
    /// Inner dict of the newest request of this device.
    inner: Option<Vec<u8>>,
    /// A message that admits this device, until the user has compared the emoji.
    held: Option<usize>,
    /// Requests of other devices, which wait for the user.
    pending: BTreeMap<DeviceId, PendingRequest>,
    /// The account key that was seen or stored in namespace −21.
    published: Option<KeySeed>,
    /// What is left to be done in a group that this device has left.
    farewell: Option<Farewell>,
    /// Groups of the last fetch; none before the first one.
    seen: Option<BTreeMap<GroupId, Seen>>,
}

impl Device {
    /// Makes a new device, which belongs to no group. Draws 32 bytes for its id and 32 for its keys.
    #[must_use]
    pub fn generate(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let id = DeviceId::generate(rng);
        Self::with(DeviceGroup::new(id), [KeySeed::generate(rng)].into())
    }

    const fn with(group: DeviceGroup, seeds: Vec<KeySeed>) -> Self {
        Self {
            seeds,
            group,
            merged: BTreeSet::new(),
            unsent: None,
            inner: None,
            held: None,
            pending: BTreeMap::new(),
            published: None,
            farewell: None,
            seen: None,
        }
    }

    /// Returns the state of the group.
    #[must_use]
    pub const fn group(&self) -> &DeviceGroup {
        &self.group
    }

    /// Returns the id of this device.
    #[must_use]
    pub const fn id(&self) -> &DeviceId {
        self.group.own()
    }

    /// Returns the requests of other devices that wait for the user, by device.
    #[must_use]
    pub const fn pending(&self) -> &BTreeMap<DeviceId, PendingRequest> {
        &self.pending
    }

    /// Returns the key sets of the account, the current one first, for
    /// `session_message::Opener::set_account_keys`.
    pub fn account_keys(&self) -> impl Iterator<Item = AccountKeys> {
        let keys = self.group.keyring().keys().iter();
        keys.map(|key| AccountKeys::from_seed(&key.seed))
    }

    fn own_keys(&self) -> Vec<DeviceKeys> {
        self.seeds.iter().map(DeviceKeys::from_seed).collect()
    }

    fn current_keys(&self) -> Option<DeviceKeys> {
        self.seeds.first().map(DeviceKeys::from_seed)
    }

    /// Returns the membership as a client shows it, at `now`.
    #[must_use]
    pub fn membership(&self, now: UnixMillis) -> Membership {
        let groups = self.seen.iter().flat_map(BTreeMap::values);
        let groups: Vec<_> = groups.map(|seen| seen.visible).collect();
        let rows = self.group.rows();
        let situation = Situation {
            is_fetched: self.seen.is_some(),
            own_state: rows
                .get(self.id())
                .map_or(DeviceState::Unregistered, |row| row.state),
            is_displaced: self.group.displaced_at().is_some(),
            own_group: self.group.group(),
            groups: &groups,
            is_admission_held: self.held.is_some(),
        };
        situation.membership(seconds(now))
    }

    /// Founds a group with this device alone. A program does this by itself only on the device that has
    /// created the account, and otherwise when the user asks for it: other devices may only be offline.
    ///
    /// # Errors
    ///
    /// [`DeviceError`] if nothing was fetched, or the membership does not allow it.
    pub fn start(
        &mut self,
        rng: &mut (impl CryptoRng + ?Sized),
        about: About<'_>,
        now: UnixMillis,
    ) -> Result<GroupId, DeviceError> {
        if !self.membership(now).may_start_group() {
            return Err(match self.membership(now) {
                Membership::Unknown => DeviceError::NotFetched,
                Membership::Removed => DeviceError::NotAMember,
                _ => DeviceError::Member,
            });
        }
        let keys = self.current_keys().ok_or(DeviceError::NotAMember)?;
        let id = self.group.start(rng, keys.public(), seconds(now))?;
        (self.unsent, self.inner, self.held) = (None, None, None);
        self.merged.clear();
        self.group.describe(|record| about.describe(record));
        Ok(id)
    }

    /// Changes what this device says of itself.
    ///
    /// # Errors
    ///
    /// [`DeviceError`] if this device belongs to no group.
    pub fn describe(&mut self, about: About<'_>, now: UnixMillis) -> Result<(), DeviceError> {
        self.group
            .update(seconds(now), |record| about.describe(record))
    }

    /// Removes another device, and replaces the account key: the removed device opens nothing that comes
    /// after it.
    ///
    /// # Errors
    ///
    /// [`DeviceError`] as [`DeviceGroup::remove`].
    pub fn remove(
        &mut self,
        rng: &mut (impl CryptoRng + ?Sized),
        device: &DeviceId,
        now: UnixMillis,
    ) -> Result<(), DeviceError> {
        self.group.remove(rng, device, seconds(now))
    }

    /// Leaves the group, to join or found another: the other devices are told, and replace the account
    /// key. This device forgets the keys and starts anew, with another id. If it was the last one, the
    /// messages of the group are deleted.
    ///
    /// Leave after a complete fetch was received, and [`poll`](Self::poll) then. Draws what
    /// [`generate`](Self::generate) does and what a message does.
    ///
    /// # Errors
    ///
    /// [`LeaveError`] if this device belongs to no group, or the message cannot be written: then it stays.
    pub fn leave(
        &mut self,
        rng: &mut (impl CryptoRng + ?Sized),
        account: &Account,
        now: UnixMillis,
    ) -> Result<(), LeaveError> {
        let id = self.group.group().ok_or(DeviceError::NotAMember)?;
        let row = self.group.leave(seconds(now))?;
        let message = match self.group.has_members() {
            true => match self.group.write(rng, account.ed25519(), id, None) {
                Ok(message) => Some(message),
                Err(error) => {
                    self.group.stay(row);
                    return Err(error.into());
                }
            },
            false => None,
        };
        let (merged, seen) = (core::mem::take(&mut self.merged), self.seen.take());
        *self = Self::generate(rng);
        self.seen = seen;
        let farewell = Farewell {
            message,
            delete: merged.into_iter().collect(),
        };
        let is_empty = farewell.message.is_none() && farewell.delete.is_empty();
        self.farewell = (!is_empty).then_some(farewell);
        Ok(())
    }

    /// Starts anew after this device was removed or displaced: another id, other keys, no group.
    ///
    /// # Errors
    ///
    /// [`DeviceError::Member`] if this device was neither.
    pub fn start_anew(&mut self, rng: &mut (impl CryptoRng + ?Sized)) -> Result<(), DeviceError> {
        let state = self.group.rows().get(self.id()).map(|row| row.state);
        if state != Some(DeviceState::Kicked) && self.group.displaced_at().is_none() {
            return Err(DeviceError::Member);
        }
        let seen = self.seen.take();
        *self = Self::generate(rng);
        self.seen = seen;
        Ok(())
    }

    /// Returns what to send; nothing if all is done. Replaces the account key if its time has come.
    ///
    /// Poll after a complete fetch was received, save [`dump`](Self::dump), send, and report to
    /// [`stored`](Self::stored).
    ///
    /// # Errors
    ///
    /// [`WriteError`] if the group is too large for a message.
    pub fn poll(
        &mut self,
        rng: &mut (impl CryptoRng + ?Sized),
        account: &Account,
        now: UnixMillis,
    ) -> Result<Option<Outgoing>, WriteError> {
        if let Some(farewell) = &self.farewell {
            return Ok(Some(Outgoing {
                message: farewell.message.clone().map(group_message),
                delete: farewell.delete.clone(),
                publication: None,
            }));
        }
        if self.seen.is_none() {
            return Ok(None);
        }
        let at = seconds(now);
        self.group.drop_expired(at);
        let is_member = self.group.is_member();
        let is_due = self.group.rotation_time().is_some_and(|due| due <= at);
        let has_none = is_member && self.group.keyring().current().is_none();
        if is_due || has_none {
            // Only a member has a time, so that this does not fail.
            let _ = self.group.rotate(rng, at);
        }
        let mut outgoing = Outgoing {
            message: None,
            delete: Vec::new(),
            publication: None,
        };
        if let Some(request) = &self.unsent {
            outgoing.message = Some(request::sealed(request));
        } else if let (true, Some(id)) = (self.group.needs_push(), self.group.group()) {
            let data = self.group.write(rng, account.ed25519(), id, None)?;
            outgoing.message = Some(group_message(data));
            outgoing.delete = self.merged.iter().cloned().collect();
        }
        if let Some(current) = self.group.keyring().current().filter(|_| is_member)
            && !self.is_published(&current.seed)
        {
            let keys = AccountKeys::from_seed(&current.seed);
            let namespace = publication::NAMESPACE;
            outgoing.publication = Some(SealedMessage {
                namespace,
                ttl: namespace.usual_ttl(),
                data: publication::write(rng, account, keys.public()),
            });
        }
        let is_empty = outgoing.message.is_none() && outgoing.publication.is_none();
        Ok((!is_empty).then_some(outgoing))
    }

    fn is_published(&self, seed: &KeySeed) -> bool {
        use subtle::ConstantTimeEq;
        let published = self.published.as_ref();
        published.is_some_and(|published| bool::from(published.ct_eq(seed)))
    }

    /// Notes that the message of [`poll`](Self::poll) was stored under `hash`, and what it replaces was
    /// deleted.
    pub fn stored(&mut self, hash: &str) {
        if self.farewell.take().is_some() {
            return;
        }
        if self.unsent.take().is_none() {
            self.group.pushed();
            self.merged.clear();
            self.merged.insert(hash.into());
        }
    }

    /// Notes that what [`poll`](Self::poll) gave without a message was deleted.
    pub fn deleted(&mut self) {
        self.farewell = None;
    }

    /// Notes that the publication of [`poll`](Self::poll) was stored.
    pub fn published(&mut self) {
        let current = self.group.keyring().current();
        self.published = current.map(|key| key.seed.duplicate());
    }

    /// Takes what was fetched from the own namespace −21, in the order of the answer: if it does not show
    /// the current keys, they are published again.
    pub fn receive_published<'m>(
        &mut self,
        account: &Account,
        messages: impl IntoIterator<Item = &'m [u8]>,
    ) {
        let keyring: &Keyring = self.group.keyring();
        let shown = published(account.id(), keyring, messages);
        let current = shown.into_iter().find(|key| key.rotated.is_none());
        self.published = current.map(|key| key.seed.duplicate());
    }
}

/// A message of the group, for the account's swarm.
const fn group_message(data: Vec<u8>) -> SealedMessage {
    let namespace = super::NAMESPACE;
    SealedMessage {
        namespace,
        ttl: namespace.usual_ttl(),
        data,
    }
}

/// Returns the Unix seconds of a time.
fn seconds(time: UnixMillis) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device")
            .field("group", &self.group)
            .field("pending", &self.pending.len())
            .finish_non_exhaustive()
    }
}
