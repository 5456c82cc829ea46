//! Requests: those of this device to be admitted, and those of others to this one.

use core::time::Duration;

use rand_core::CryptoRng;
use session_crypto::EncryptError;
use session_identity::Account;
use session_types::{SealedMessage, UnixMillis};

use super::{About, Device, seconds};
use crate::devices::group::{DeviceError, DeviceState, request_record};
use crate::devices::link::{self, LinkRequest};
use crate::devices::record::DeviceId;

/// A request of another device that waits for the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingRequest {
    /// The request. Its emoji are those of `request.inner`.
    pub request: LinkRequest,
    /// Whether it replaces a device that is in the group: the user must be told.
    pub replaces: bool,
    /// When it expires.
    pub expires_at: UnixMillis,
}

/// Why no request was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// No group is visible that could be asked.
    #[error("no device group is visible")]
    NoGroup,
    /// This device is in a group.
    #[error("this device is a member of a group")]
    Member,
    /// This device was removed or displaced: start anew first.
    #[error("this device was removed or displaced")]
    Removed,
    /// The group's key is not usable.
    #[error(transparent)]
    Encrypt(#[from] EncryptError),
}

pub(super) fn sealed(data: &[u8]) -> SealedMessage {
    SealedMessage {
        namespace: crate::devices::NAMESPACE,
        ttl: Duration::from_secs(link::TTL),
        data: data.to_vec(),
    }
}

impl Device {
    /// Asks the group whose newest message was stored last to admit this device. Returns the inner dict, of
    /// which the emoji are derived: show them, so that the user compares them on both devices.
    ///
    /// # Errors
    ///
    /// [`RequestError`] if there is no group to ask, or this device is in one.
    pub fn request(
        &mut self,
        rng: &mut (impl CryptoRng + ?Sized),
        account: &Account,
        about: About<'_>,
        now: UnixMillis,
    ) -> Result<&[u8], RequestError> {
        let row = self.group.rows().get(self.id());
        match row.map(|row| row.state) {
            Some(DeviceState::Kicked) => return Err(RequestError::Removed),
            Some(DeviceState::Registered) if self.group.displaced_at().is_some() => {
                return Err(RequestError::Removed);
            }
            Some(DeviceState::Registered) => return Err(RequestError::Member),
            _ => {}
        }
        let own_seqno = row.and_then(|row| row.record.as_ref());
        let own_seqno = own_seqno.map_or(0, |record| record.seqno);
        let seen = self.seen.iter().flat_map(|seen| seen.iter());
        let newest = seen.max_by_key(|(_, seen)| seen.stored_at);
        let (group, link_key) = newest
            .map(|(group, seen)| (*group, seen.link_key))
            .ok_or(RequestError::NoGroup)?;
        let keys = self.current_keys().ok_or(RequestError::NoGroup)?;
        let requests = self.group.requests().iter();
        let earlier = requests.map(|request| request.updated).max();
        let record = request_record(keys.public(), own_seqno, earlier, seconds(now), |record| {
            about.describe(record);
        });
        let sent = link::write(rng, account, &link_key, self.id(), &record)?;
        self.group.note_own_request(group, &record);
        self.unsent = Some(sent.message);
        self.held = None;
        Ok(self.inner.insert(sent.inner))
    }

    /// Returns the inner dict of the newest request of this device, of which its emoji are derived.
    #[must_use]
    pub fn own_request(&self) -> Option<&[u8]> {
        self.inner.as_deref()
    }

    /// Notes that the user has compared the emoji of the newest request of this device with those that a
    /// member shows, and that they are the same. Then fetch again: an admission is merged now.
    ///
    /// # Errors
    ///
    /// [`DeviceError::NotPending`] if there is no request.
    pub fn confirm(&mut self) -> Result<(), DeviceError> {
        let newest = self.group.requests().len().checked_sub(1);
        self.group.confirm(newest.ok_or(DeviceError::NotPending)?);
        Ok(())
    }

    /// Admits a device whose emoji the user has compared.
    ///
    /// # Errors
    ///
    /// [`DeviceError`] if this device is no member, or there is no such request or it has expired.
    pub fn admit(
        &mut self,
        rng: &mut (impl CryptoRng + ?Sized),
        device: &DeviceId,
        now: UnixMillis,
    ) -> Result<(), DeviceError> {
        let pending = self.pending.get(device).ok_or(DeviceError::NotPending)?;
        let expires = seconds(pending.expires_at);
        let (request, replaces) = (&pending.request, pending.replaces);
        self.group
            .accept(rng, request, replaces, expires, seconds(now))?;
        self.pending.remove(device);
        Ok(())
    }

    /// Denies a request: nothing is sent, and the same request is not shown again.
    ///
    /// # Errors
    ///
    /// [`DeviceError::NotPending`] if there is no such request.
    pub fn deny(&mut self, device: &DeviceId) -> Result<(), DeviceError> {
        let denied = self.pending.remove(device);
        denied.map(|_| ()).ok_or(DeviceError::NotPending)
    }
}
