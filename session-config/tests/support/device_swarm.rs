//! The swarm of an account in memory, and devices that use it.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::sync::Arc;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use session_config::devices::record::Version;
use session_config::devices::{About, Device, DeviceEvent, DeviceId, FetchedMessage};
use session_crypto::v2::PublicKeys;
use session_identity::{Account, Seed};
use session_message::v2::publication;
use session_types::{SealedMessage, UnixMillis};

pub(crate) const START: u64 = 1_795_377_199_000;
pub(crate) const HOUR: u64 = 60 * 60 * 1000;

pub(crate) struct Stored {
    pub(crate) hash: String,
    pub(crate) data: Vec<u8>,
    pub(crate) at: u64,
    pub(crate) expires: u64,
}

impl Stored {
    pub(crate) fn fetched(&self) -> FetchedMessage<'_> {
        FetchedMessage {
            hash: &self.hash,
            data: &self.data,
            stored_at: UnixMillis::new(self.at),
            expires_at: UnixMillis::new(self.expires),
        }
    }
}

/// Namespaces 21 and −21 of one account.
pub(crate) struct Swarm {
    pub(crate) account: Arc<Account>,
    pub(crate) rng: ChaCha20Rng,
    pub(crate) now: u64,
    pub(crate) stored: Vec<Stored>,
    pub(crate) published: Vec<Vec<u8>>,
    pub(crate) pushes: usize,
}

impl Swarm {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            account: Arc::new(Account::from_seed(&Seed::from_short(&[7; 16]))),
            rng: ChaCha20Rng::seed_from_u64(seed),
            now: START,
            stored: Vec::new(),
            published: Vec::new(),
            pushes: 0,
        }
    }

    pub(crate) fn at(&self) -> UnixMillis {
        UnixMillis::new(self.now)
    }

    pub(crate) fn store(&mut self, message: &SealedMessage) -> String {
        self.now += 1000;
        self.pushes += 1;
        let hash = format!("hash{:04}", self.pushes);
        self.stored.push(Stored {
            hash: hash.clone(),
            data: message.data.clone(),
            at: self.now,
            expires: self.now + message.ttl.as_millis() as u64,
        });
        hash
    }

    pub(crate) fn fetch(&mut self, device: &mut Device) -> Vec<DeviceEvent> {
        let now = self.now;
        self.stored.retain(|one| one.expires > now);
        let fetched: Vec<_> = self.stored.iter().map(Stored::fetched).collect();
        let at = UnixMillis::new(now);
        let events = device.receive(&mut self.rng, &self.account, &fetched, at);
        let published = self.published.iter().map(Vec::as_slice);
        device.receive_published(&self.account, published);
        events
    }

    /// Sends what a device has to send. Returns how many messages that were.
    pub(crate) fn send(&mut self, device: &mut Device) -> usize {
        let mut count = 0;
        loop {
            let at = self.at();
            let account = Arc::clone(&self.account);
            let Some(outgoing) = device.poll(&mut self.rng, &account, at).unwrap() else {
                return count;
            };
            if let Some(message) = outgoing.message {
                let hash = self.store(&message);
                self.stored
                    .retain(|one| !outgoing.delete.contains(&one.hash));
                device.stored(&hash);
            }
            if let Some(publication) = outgoing.publication {
                self.published = vec![publication.data];
                device.published();
            }
            count += 1;
            assert!(count < 9, "it never ends");
        }
    }

    /// Fetches and sends; the program is started anew in between.
    pub(crate) fn sync(&mut self, device: &mut Device) -> Vec<DeviceEvent> {
        self.restart(device);
        let events = self.fetch(device);
        self.send(device);
        events
    }

    pub(crate) fn restart(&mut self, device: &mut Device) {
        let dump = device.dump();
        *device = Device::load(&self.account, &dump).unwrap();
        assert_eq!(*device.dump(), *dump);
    }

    /// The keys that everybody sees.
    pub(crate) fn public_keys(&self) -> Option<PublicKeys> {
        let published = self.published.iter().map(Vec::as_slice);
        publication::read_last(self.account.id(), published).map(|(_, keys)| keys)
    }

    pub(crate) fn founder(&mut self) -> Device {
        let mut device = Device::generate(&mut self.rng);
        self.fetch(&mut device);
        let at = self.at();
        device.start(&mut self.rng, about("first"), at).unwrap();
        self.send(&mut device);
        device
    }

    /// A new device that is admitted by another one.
    pub(crate) fn link(&mut self, member: &mut Device, name: &str) -> Device {
        let mut new = Device::generate(&mut self.rng);
        self.fetch(&mut new);
        let account = Arc::clone(&self.account);
        let at = self.at();
        new.request(&mut self.rng, &account, about(name), at)
            .unwrap();
        self.send(&mut new);
        let id = *new.id();
        assert_eq!(self.sync(member), [DeviceEvent::Request(id)]);
        let at = self.at();
        member.admit(&mut self.rng, &id, at).unwrap();
        self.send(member);
        assert_eq!(self.sync(&mut new), [DeviceEvent::Admitted]);
        new.confirm().unwrap();
        assert_eq!(self.sync(&mut new), [DeviceEvent::Joined]);
        new
    }
}

pub(crate) fn about(description: &str) -> About<'_> {
    About {
        description,
        kind: "c",
        version: Version::new(1, 2, 3),
    }
}

pub(crate) fn seeds(device: &Device) -> Vec<[u8; 32]> {
    let keys = device.group().keyring().keys().iter();
    keys.map(|key| *key.seed.expose_bytes()).collect()
}

pub(crate) fn registered(device: &Device) -> Vec<DeviceId> {
    let rows = device.group().rows().iter();
    rows.filter(|(_, row)| row.state == session_config::devices::DeviceState::Registered)
        .map(|(id, _)| *id)
        .collect()
}
