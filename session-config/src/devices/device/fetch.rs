//! What was fetched from namespace 21.

use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use rand_core::CryptoRng;
use session_identity::Account;
use session_types::UnixMillis;

use super::{Device, PendingRequest, Seen, VisibleGroup, seconds};
use crate::devices::group::{DeviceState, Received};
use crate::devices::link;
use crate::devices::message::{GroupMessage, ReadError};
use crate::devices::record::DeviceId;

/// A message that was fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchedMessage<'a> {
    /// The name that the storage servers give it.
    pub hash: &'a str,
    /// Its bytes.
    pub data: &'a [u8],
    /// When it was stored, by the servers' clock.
    pub stored_at: UnixMillis,
    /// When it expires.
    pub expires_at: UnixMillis,
}

/// What a fetch has brought. A program shows each to the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeviceEvent {
    /// Another device belongs to the group that did not before. If the user does not know of it, somebody
    /// else has the account's seed.
    NewDevice(DeviceId),
    /// A device does not belong to the group any more.
    Gone(DeviceId),
    /// A device asks to be admitted, or to replace itself. Show its emoji.
    Request(DeviceId),
    /// This device was admitted. The emoji must be compared before it joins: see
    /// [`confirm`](Device::confirm).
    Admitted,
    /// This device has joined.
    Joined,
    /// Another device has removed this one.
    Removed,
    /// Another device took the place of this one.
    Displaced,
    /// The account key was replaced, because a device left.
    Rotated,
}

impl Device {
    /// Takes a complete fetch of namespace 21, at `now`.
    ///
    /// Messages that are malformed or for others are ignored. May draw 32 bytes for each message, if the
    /// account key is replaced.
    pub fn receive(
        &mut self,
        rng: &mut (impl CryptoRng + ?Sized),
        account: &Account,
        messages: &[FetchedMessage<'_>],
        now: UnixMillis,
    ) -> Vec<DeviceEvent> {
        let mut messages: Vec<_> = messages.iter().collect();
        messages.sort_by_key(|message| message.stored_at);
        let mut events = Vec::new();
        let before = self.registered();
        let was_member = self.group.is_member();
        self.seen = Some(see(account, &messages));
        self.held = None;
        self.pending.retain(|_, request| request.expires_at > now);
        let keys = self.own_keys();
        for message in messages {
            let FetchedMessage {
                hash,
                data,
                stored_at,
                ..
            } = *message;
            let received =
                self.group
                    .receive(rng, account.ed25519(), &keys, data, stored_at, seconds(now));
            match received {
                Ok(Received::Merged { has_rotated }) => {
                    self.merged.insert(hash.to_owned());
                    events.extend(has_rotated.then_some(DeviceEvent::Rotated));
                }
                Ok(Received::Joined { has_rotated }) => {
                    self.merged.insert(hash.to_owned());
                    (self.unsent, self.inner) = (None, None);
                    events.push(DeviceEvent::Joined);
                    events.extend(has_rotated.then_some(DeviceEvent::Rotated));
                }
                Ok(Received::Held(number)) => {
                    self.held = Some(number);
                    events.push(DeviceEvent::Admitted);
                }
                Ok(Received::Kicked) => events.push(DeviceEvent::Removed),
                Ok(Received::Displaced) => events.push(DeviceEvent::Displaced),
                Ok(_) | Err(ReadError::Invalid) => {}
                Err(ReadError::OtherType) => {
                    events.extend(self.receive_request(account, message, now));
                }
            }
        }
        self.drop_answered(&mut events);
        if was_member {
            let (own, after) = (*self.id(), self.registered());
            let others = |id: &&DeviceId| **id != own;
            let new = after.difference(&before).filter(others);
            events.extend(new.copied().map(DeviceEvent::NewDevice));
            let gone = before.difference(&after).filter(others);
            events.extend(gone.copied().map(DeviceEvent::Gone));
        }
        events
    }

    /// Ids of the devices in the group.
    fn registered(&self) -> BTreeSet<DeviceId> {
        let rows = self.group.rows().iter();
        rows.filter(|(_, row)| row.state == DeviceState::Registered)
            .map(|(id, _)| *id)
            .collect()
    }

    /// Forgets requests that another member has answered.
    fn drop_answered(&mut self, events: &mut Vec<DeviceEvent>) {
        let rows = self.group.rows();
        self.pending.retain(|id, pending| {
            let row = rows.get(id);
            let is_admitted = || {
                let record = row.and_then(|row| row.record.as_ref());
                record.is_some_and(|record| record.keys == pending.request.record.keys)
            };
            match row.map(|row| row.state) {
                Some(DeviceState::Pending) => true,
                Some(DeviceState::Registered) => pending.replaces && !is_admitted(),
                _ => false,
            }
        });
        let pending = &self.pending;
        events.retain(|event| match event {
            DeviceEvent::Request(id) => pending.contains_key(id),
            _ => true,
        });
    }

    fn receive_request(
        &mut self,
        account: &Account,
        message: &FetchedMessage<'_>,
        now: UnixMillis,
    ) -> Option<DeviceEvent> {
        // The servers drop it then; one that does not is not believed.
        if message.expires_at <= now || !self.group.is_member() {
            return None;
        }
        let keys = self.group.keyring().keys();
        let request = link::read(account, keys, message.data).ok().flatten()?;
        let replaces = self.group.note_request(&request)?;
        let device = request.device;
        self.pending.insert(
            device,
            PendingRequest {
                request,
                replaces,
                expires_at: message.expires_at,
            },
        );
        Some(DeviceEvent::Request(device))
    }
}

/// The groups of which messages are stored, each with what its newest message shows.
fn see(account: &Account, messages: &[&FetchedMessage<'_>]) -> BTreeMap<super::GroupId, Seen> {
    let mut seen: BTreeMap<_, Seen> = BTreeMap::new();
    for message in messages {
        let Ok(read) = GroupMessage::read(account.ed25519(), message.data) else {
            continue;
        };
        let (Some(group), Some(link_key)) = (read.group, read.link_key) else {
            continue;
        };
        let one = Seen {
            visible: VisibleGroup {
                group,
                expires_at: seconds(message.expires_at),
            },
            link_key,
            stored_at: message.stored_at,
        };
        let newest = seen.entry(group).or_insert(one);
        if newest.stored_at <= one.stored_at {
            *newest = one;
        }
    }
    seen
}
