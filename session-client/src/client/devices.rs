//! The devices of the account: upcoming, with the feature `v2`.
//!
//! ```text
//! fetch namespaces 21 and −21 whole -> Device::receive -> events
//! Device::poll -> persist -> store, delete, publish -> Device::stored -> persist
//! ```

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use rand_core::CryptoRng;
use session_config::devices::{Device, FetchedMessage, NAMESPACE, Outgoing};
use session_crypto::{Blake2b, Ed25519Public};
use session_identity::Account;
use session_message::v2::publication;
use session_network::{
    Network, Now, Onion, Request as NetworkRequest, RequestError, StorageReply, Target,
};
use session_storage::{Batch, Delete, Request, Retrieve, Store, StoredMessage};
use session_types::{MessageHash, MonotonicTime, UnixMillis};

use super::{Client, Doing, hashes, read_member};
use crate::event::Event;
use crate::record::Key;

/// Maximum length of what one fetch brings, in bytes. Devices replace their messages, so that honest ones
/// have a few, of some KiB each.
const MAX_FETCHED: usize = 8 << 20;
/// Maximum number of messages that one fetch brings: an empty one takes memory, too.
const MAX_MESSAGES: usize = 1_000;

/// A fetch that is under way: one page of the messages of devices, and on the first page the keys.
#[derive(Debug)]
pub(crate) struct DeviceFetch {
    call: Batch,
    /// What came before this page.
    messages: Vec<StoredMessage>,
    published: Vec<StoredMessage>,
}

/// What is being stored.
#[derive(Debug)]
pub(crate) struct DeviceSend {
    call: Batch,
    /// The name of the message, if there is one.
    stored: Option<String>,
    publishes: bool,
}

/// The state of the own device.
#[derive(Debug, Default)]
pub(super) struct Devices {
    pub(super) device: Option<Device>,
    due: MonotonicTime,
    is_under_way: bool,
    /// Whether the device changed while a request was under way: what is being sent does not tell it.
    has_changed: bool,
    failures: u32,
    /// The next page, and the node that has it.
    next: Option<(Ed25519Public, DeviceFetch)>,
    /// What is to be sent, once the state behind it is persisted.
    outgoing: Option<Outgoing>,
    /// The hash of the dump that was persisted last.
    saved: Option<[u8; 32]>,
}

impl Devices {
    pub(super) fn due(&self) -> Option<MonotonicTime> {
        let waits = self.device.is_some() && !self.is_under_way;
        waits.then_some(match self.outgoing.is_some() || self.next.is_some() {
            true => MonotonicTime::default(),
            false => self.due,
        })
    }
}

impl Client {
    /// Begins to use device groups: makes a device for this installation, unless there is one. Draws 64
    /// bytes.
    ///
    /// The device belongs to no group yet. On the device that created the account, found one with
    /// [`Device::start`]; on others ask to be admitted with [`Device::request`], as soon as
    /// [`devices`](Self::devices) shows that a group is there: both by
    /// [`act_on_devices`](Self::act_on_devices).
    pub fn use_devices(&mut self, rng: &mut (impl CryptoRng + ?Sized)) {
        if self.devices.device.is_none() {
            self.devices.device = Some(Device::generate(rng));
            self.note_device();
        }
    }

    /// Returns the own device, which knows the others. `None` before
    /// [`use_devices`](Self::use_devices).
    #[must_use]
    pub const fn devices(&self) -> Option<&Device> {
        self.devices.device.as_ref()
    }

    /// Does something with the own device: founds a group, asks, admits, denies, confirms, removes, renames,
    /// leaves.
    /// It is persisted; then all messages of the devices are fetched, and what there is to send is sent.
    /// `None` before [`use_devices`](Self::use_devices).
    ///
    /// Compare the emoji of both sides before you admit or confirm: `session_identity::link_sas`.
    pub fn act_on_devices<O: Onion, T>(
        &mut self,
        act: impl FnOnce(&mut Device, &Account, UnixMillis) -> T,
        network: &Network<O>,
        now: Now,
    ) -> Option<T> {
        let time = network.network_time(now);
        let device = self.devices.device.as_mut()?;
        let done = act(device, &self.account, time);
        // What was prepared before may not be true any more.
        self.devices.outgoing = None;
        self.devices.has_changed = self.devices.is_under_way;
        self.devices.due = MonotonicTime::default();
        self.note_device();
        Some(done)
    }

    /// Persists the device if it changed, and opens messages with its keys.
    fn note_device(&mut self) {
        let Some(device) = &self.devices.device else {
            return;
        };
        let dump = device.dump();
        let hash = Blake2b::<32>::new().chain(&dump).finalize();
        if self.devices.saved != Some(hash) {
            self.devices.saved = Some(hash);
            self.opener.set_account_keys(device.account_keys());
            self.journal.put(Key::Device, dump);
        }
    }

    /// Goes on with a device from its record.
    pub(super) fn restore_device(&mut self, dump: &[u8]) -> Option<()> {
        let device = Device::load(&self.account, dump).ok()?;
        self.opener.set_account_keys(device.account_keys());
        self.devices.saved = Some(Blake2b::<32>::new().chain(dump).finalize());
        self.devices.device = Some(device);
        Some(())
    }

    pub(super) fn poll_devices<O: Onion>(&mut self, network: &mut Network<O>, now: Now) {
        if self.devices.due().is_none_or(|due| due > now.monotonic) {
            return;
        }
        let time = network.network_time(now);
        if let Some(outgoing) = self.devices.outgoing.take() {
            if let Some(send) = self.device_send(&outgoing, time) {
                self.devices.is_under_way = true;
                let request = Request::Sequence(send.call.clone()).into();
                let request = (Target::SwarmOf(self.id), request);
                self.begin(network, request, Doing::DeviceSend(send), now);
            }
            return;
        }
        let (request, fetch) = match self.devices.next.take() {
            Some((node, fetch)) => {
                let request = Request::Batch(fetch.call.clone());
                (NetworkRequest::each([(node, request)]), fetch)
            }
            None => {
                let retrieve = |namespace| {
                    let retrieve = Retrieve::new(self.id, namespace);
                    retrieve.sign(time, &self.signer())
                };
                let calls = [NAMESPACE, publication::NAMESPACE].map(retrieve);
                let Ok(call) = Batch::new(calls) else {
                    return;
                };
                let request = Request::Batch(call.clone()).into();
                let fetch = DeviceFetch {
                    call,
                    messages: Vec::new(),
                    published: Vec::new(),
                };
                ((Target::SwarmOf(self.id), request), fetch)
            }
        };
        self.devices.is_under_way = true;
        self.begin(network, request, Doing::DeviceFetch(fetch), now);
    }

    /// Store, then delete what it replaces, then publish: each only if the one before was done.
    fn device_send(&self, outgoing: &Outgoing, time: UnixMillis) -> Option<DeviceSend> {
        let mut requests = Vec::new();
        let mut stored = None;
        if let Some(message) = &outgoing.message {
            let store = Store::new(self.id, message.clone(), time).ok()?;
            stored = Some(store.hash().to_string());
            requests.push(Request::from(store.sign(time, &self.signer())));
        }
        let obsolete: Vec<MessageHash> = hashes(outgoing.delete.iter().map(String::as_str));
        if let Ok(delete) = Delete::new(self.id, obsolete) {
            requests.push(delete.sign(time, &self.signer()).into());
        }
        if let Some(publication) = &outgoing.publication {
            let store = Store::new(self.id, publication.clone(), time).ok()?;
            requests.push(store.sign(time, &self.signer()).into());
        }
        Some(DeviceSend {
            call: Batch::new(requests).ok()?,
            stored,
            publishes: outgoing.publication.is_some(),
        })
    }

    pub(super) fn device_fetched<O: Onion>(
        &mut self,
        fetch: DeviceFetch,
        result: Result<StorageReply, RequestError>,
        network: &Network<O>,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) {
        self.devices.is_under_way = false;
        self.devices.has_changed = false;
        let time = network.network_time(now);
        match self.read_page(fetch, result, time) {
            Some(Page::More(node, next)) => self.devices.next = Some((node, next)),
            Some(Page::Last(messages, published)) => {
                self.devices.failures = 0;
                let interval = self.settings.device_fetch_interval;
                self.devices.due = now.monotonic.saturating_add(interval);
                self.take_device_messages(&messages, &published, time, rng);
            }
            None => self.device_failed(now),
        }
    }

    /// Reads a page. `None` if it is not one, or if there is more than devices have for each other.
    fn read_page(
        &self,
        mut fetch: DeviceFetch,
        result: Result<StorageReply, RequestError>,
        time: UnixMillis,
    ) -> Option<Page> {
        let reply = result.ok()?;
        let node = reply.node.ed25519;
        let answer = reply.read(&fetch.call).ok()?;
        let mut last = None;
        for (request, response) in fetch.call.requests().iter().zip(&answer.results) {
            let Request::Retrieve(retrieve) = request else {
                continue;
            };
            let answer = read_member(retrieve, response)?;
            if retrieve.namespace() == NAMESPACE {
                let end = answer.messages.last().map(|message| message.hash);
                last = end.filter(|_| answer.more);
                fetch.messages.extend(answer.messages);
            } else {
                fetch.published.extend(answer.messages);
            }
        }
        let all = fetch.messages.iter().chain(&fetch.published);
        let length = all.fold(0_usize, |sum, one| sum.saturating_add(one.data.len()));
        let count = fetch.messages.len().saturating_add(fetch.published.len());
        if length > MAX_FETCHED || count > MAX_MESSAGES {
            return None;
        }
        let Some(last) = last else {
            return Some(Page::Last(fetch.messages, fetch.published));
        };
        let retrieve = Retrieve::new(self.id, NAMESPACE).after(Some(last));
        fetch.call = Batch::new([retrieve.sign(time, &self.signer())]).ok()?;
        Some(Page::More(node, fetch))
    }

    fn take_device_messages(
        &mut self,
        messages: &[StoredMessage],
        published: &[StoredMessage],
        time: UnixMillis,
        rng: &mut (impl CryptoRng + ?Sized),
    ) {
        let names: Vec<String> = messages.iter().map(|one| one.hash.to_string()).collect();
        let messages: Vec<FetchedMessage<'_>> = messages
            .iter()
            .zip(&names)
            .map(|(one, hash)| FetchedMessage {
                hash,
                data: &one.data,
                stored_at: one.timestamp,
                expires_at: one.expiration,
            })
            .collect();
        let Some(device) = &mut self.devices.device else {
            return;
        };
        let events = device.receive(rng, &self.account, &messages, time);
        let published = published.iter().map(|one| one.data.as_slice());
        device.receive_published(&self.account, published);
        // A group that is too large for a message stays as it is on the other devices.
        self.devices.outgoing = device.poll(rng, &self.account, time).ok().flatten();
        for event in events {
            self.journal.event(Event::Device(event));
        }
        self.note_device();
    }

    pub(super) fn device_sent<O: Onion>(
        &mut self,
        send: &DeviceSend,
        result: Result<StorageReply, RequestError>,
        network: &Network<O>,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) {
        self.devices.is_under_way = false;
        if core::mem::take(&mut self.devices.has_changed) {
            // What was stored is read again with the next fetch, which is due, and the rest is sent then.
            return;
        }
        let results = result
            .ok()
            .and_then(|reply| reply.read(&send.call).ok())
            .map(|answer| answer.results);
        let is_done = results.is_some_and(|results| {
            results.len() == send.call.requests().len()
                && results.iter().all(|response| response.status == 200)
        });
        if !is_done {
            return self.device_failed(now);
        }
        let Some(device) = &mut self.devices.device else {
            return;
        };
        match &send.stored {
            Some(name) => device.stored(name),
            None if !send.publishes => device.deleted(),
            None => {}
        }
        if send.publishes {
            device.published();
        }
        let time = network.network_time(now);
        self.devices.outgoing = device.poll(rng, &self.account, time).ok().flatten();
        self.note_device();
    }

    /// Fetches again after a while: what is to be sent depends on what the others have done.
    fn device_failed(&mut self, now: Now) {
        self.devices.failures = self.devices.failures.saturating_add(1);
        let wait = self.settings.backoff(self.devices.failures);
        self.devices.due = now.monotonic.saturating_add(wait);
    }
}

/// A page of a fetch.
enum Page {
    More(Ed25519Public, DeviceFetch),
    /// All messages of the devices, and the published keys.
    Last(Vec<StoredMessage>, Vec<StoredMessage>),
}
