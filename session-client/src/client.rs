//! The machine.

mod communities;
mod deliver;
#[cfg(feature = "v2")]
mod devices;
mod downloads;
mod fetch;
mod files;
mod group_fetch;
mod group_receive;
mod group_work;
mod groups;
mod notices;
mod obsolete;
mod pictures;
mod push;
mod read;
mod receive;
mod restore;
mod send;

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use rand_core::CryptoRng;
use session_config::UserConfigs;
use session_identity::Account;
use session_message::{Opener, Sealer};
use session_network::{Event as NetworkEvent, Network, Now, Onion, RequestId};
use session_proto::bt;
use session_types::MonotonicTime;
use session_types::{AccountId, AnyId, GroupId, MessageHash, UnixMillis};

pub use communities::JoinedRoom;
pub use restore::Restored;

use crate::journal::{Batch, Journal};
use crate::outbox::{Outbox, Part, SendId};
use crate::record::Key;
use crate::settings::Settings;
use crate::waiting::Inbox;
use communities::Communities;
use fetch::Fetching;
use groups::GroupState;
use obsolete::Deleting;
use push::{LIFETIME, Pushing};
use read::Disappearing;

/// Senders whose keys are remembered, so that their next message opens faster.
const SENDERS: usize = 1_000;
/// Time between two searches for records that are not needed any more.
const PRUNE_INTERVAL: core::time::Duration = core::time::Duration::from_secs(3_600);

/// A request that is under way.
#[derive(Debug)]
pub(crate) enum Doing {
    /// A message is being stored.
    Store(SendId, Part, Box<session_storage::Store>),
    /// Messages are being fetched.
    Fetch(fetch::Fetch),
    /// Shared configs are being stored.
    Push(push::Push),
    /// The lifetime of stored configs is being extended.
    KeepAlive,
    /// The lifetime of messages that were read is being shortened.
    Shorten(Vec<MessageHash>),
    /// Messages of our own swarm are being deleted.
    Delete(Vec<MessageHash>),
    /// The namespaces of a group are being fetched.
    GroupFetch(GroupId, fetch::Fetch),
    /// A step is being done in the swarm of a group.
    GroupCalls(GroupId, group_work::Sequence),
    /// An invitation or promotion is being stored.
    GroupSend(GroupId, group_work::Sending),
    /// The lifetime of what is stored of a group is being extended.
    GroupKeepAlive(GroupId, Box<session_storage::Expire>),
    /// A file is being uploaded or downloaded.
    File(files::FileWork),
    /// The server of a community is asked.
    Community(Box<communities::ServerCall>),
    /// The messages of the account's devices are being fetched.
    #[cfg(feature = "v2")]
    DeviceFetch(devices::DeviceFetch),
    /// A message of this device is being stored.
    #[cfg(feature = "v2")]
    DeviceSend(devices::DeviceSend),
}

/// An account on the network, as a machine without I/O.
///
/// ```text
/// send, edit, act_in_group        what the user does
/// poll(network)                   requests that are due go to the network
/// report(event)                   an answer of the network
/// take_batch -> persist           records that changed; then
/// persisted -> hand out events    what is new
/// next_wakeup                     when to call poll again
/// ```
///
/// Several accounts can share one [`Network`]: each takes the events that are its own.
pub struct Client {
    account: Arc<Account>,
    id: AnyId,
    sealer: Sealer<Arc<Account>>,
    opener: Opener<Arc<Account>>,
    configs: UserConfigs,
    settings: Settings,
    /// The time of the last message that was sent: no other message has the same.
    last_sent: UnixMillis,
    next_send: u64,
    outbox: Outbox,
    inbox: Inbox,
    fetching: Fetching,
    /// When to sign the request for notices anew.
    notices_due: MonotonicTime,
    pushing: Pushing,
    deleting: Deleting,
    disappearing: Disappearing,
    files: files::Files,
    downloads: downloads::Downloads,
    pictures: pictures::Pictures,
    groups: BTreeMap<GroupId, GroupState>,
    communities: Communities,
    #[cfg(feature = "v2")]
    devices: devices::Devices,
    /// The network's time minus ours, in milliseconds.
    clock_offset: i64,
    prune_due: MonotonicTime,
    under_way: BTreeMap<RequestId, Doing>,
    journal: Journal,
}

impl Client {
    /// Makes the client of a new account, which has nothing in its swarm.
    #[must_use]
    pub fn created(account: Arc<Account>, settings: Settings) -> Self {
        let configs = UserConfigs::created(Arc::clone(&account));
        Self::with_configs(account, configs, settings)
    }

    /// Makes the client of an account that may be in use elsewhere. Its shared configs are fetched before
    /// they are changed.
    #[must_use]
    pub fn linked(account: Arc<Account>, settings: Settings) -> Self {
        let configs = UserConfigs::restored(Arc::clone(&account));
        Self::with_configs(account, configs, settings)
    }

    fn with_configs(account: Arc<Account>, configs: UserConfigs, settings: Settings) -> Self {
        Self {
            id: AnyId::from(account.id()),
            sealer: Sealer::new(Arc::clone(&account)),
            opener: Opener::new(Arc::clone(&account)).remembering(SENDERS),
            account,
            configs,
            settings,
            last_sent: UnixMillis::new(0),
            next_send: 1,
            outbox: Outbox::new(),
            inbox: Inbox::default(),
            fetching: Fetching::default(),
            notices_due: MonotonicTime::default(),
            pushing: Pushing::default(),
            deleting: Deleting::default(),
            disappearing: Disappearing::default(),
            files: files::Files::default(),
            downloads: downloads::Downloads::default(),
            pictures: pictures::Pictures::default(),
            groups: BTreeMap::new(),
            communities: Communities::default(),
            #[cfg(feature = "v2")]
            devices: devices::Devices::default(),
            clock_offset: 0,
            prune_due: MonotonicTime::default(),
            under_way: BTreeMap::new(),
            journal: Journal::default(),
        }
    }

    /// Returns the account's id.
    #[must_use]
    pub fn id(&self) -> &AccountId {
        self.account.id()
    }

    /// Returns the shared configs.
    #[must_use]
    pub const fn configs(&self) -> &UserConfigs {
        &self.configs
    }

    /// Changes the shared configs. They are persisted and pushed. What they say is deleted is erased from the
    /// history.
    ///
    /// # Errors
    ///
    /// The error of `change`. What it had changed before it failed stays: make one change in each call, or
    /// check first.
    pub fn edit<T, E>(
        &mut self,
        change: impl FnOnce(&mut UserConfigs) -> Result<T, E>,
        now: Now,
    ) -> Result<T, E> {
        let before = self.deletions();
        let result = change(&mut self.configs);
        self.follow_deletions(&before);
        self.note_configs(now);
        result
    }

    /// Returns the number of messages that are being sent.
    #[must_use]
    pub fn outgoing(&self) -> usize {
        let communities = self.communities.outgoing();
        self.outbox.len().saturating_add(communities)
    }

    /// Hands the requests that are due to the network. Nothing is done while changes wait for being
    /// persisted.
    pub fn poll<O: Onion>(
        &mut self,
        network: &mut Network<O>,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) {
        self.clock_offset = network.clock().offset();
        self.note_configs(now);
        if now.monotonic >= self.prune_due {
            self.prune_due = now.monotonic.saturating_add(PRUNE_INTERVAL);
            self.inbox
                .prune(network.network_time(now), &mut self.journal);
        }
        self.sweep(now);
        if !self.journal.is_settled() {
            return;
        }
        self.poll_shorten(network, now);
        self.poll_outbox(network, now, rng);
        self.poll_push(network, now);
        self.poll_deletions(network, now);
        self.poll_notices(network, now);
        self.poll_fetch(network, now, rng);
        self.poll_groups(network, now, rng);
        self.poll_communities(network, now, rng);
        #[cfg(feature = "v2")]
        self.poll_devices(network, now);
        self.poll_files(network, now);
    }

    /// Takes the end of a request. Returns the event if the request is not this client's.
    pub fn report<O: Onion>(
        &mut self,
        event: NetworkEvent,
        network: &mut Network<O>,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Option<NetworkEvent> {
        let Some(doing) = self.under_way.remove(&event.request) else {
            return Some(event);
        };
        self.clock_offset = network.clock().offset();
        if let Doing::Community(call) = doing {
            self.community_answered(*call, event.into_server(), network, now);
            self.note_configs(now);
            return None;
        }
        match doing {
            // It was answered above.
            Doing::Community(_) => {}
            Doing::Store(send, part, call) => {
                self.stored(send, part, &call, event.into_storage(), network, now, rng);
            }
            Doing::File(work) => {
                self.file_answered(&work, event.into_server(), network, now, rng);
            }
            Doing::Fetch(fetch) => self.fetched(&fetch, event.into_storage(), network, now),
            Doing::Push(push) => self.pushed(&push, event.into_storage(), now),
            Doing::KeepAlive => self.kept_alive(event.into_storage().is_ok(), now),
            Doing::Shorten(names) => self.shortened(&names, event.into_storage().is_ok(), now),
            Doing::Delete(names) => self.deleted(&names, event.into_storage().is_ok(), now),
            Doing::GroupFetch(id, fetch) => {
                self.group_fetched(&id, &fetch, event.into_storage(), network, now);
            }
            Doing::GroupCalls(id, calls) => {
                self.group_called(&id, &calls, event.into_storage(), now)
            }
            Doing::GroupSend(id, sending) => {
                self.group_sent(&id, &sending, event.into_storage(), now)
            }
            Doing::GroupKeepAlive(id, call) => {
                self.group_kept_alive(&id, &call, event.into_storage(), now)
            }
            #[cfg(feature = "v2")]
            Doing::DeviceFetch(fetch) => {
                self.device_fetched(fetch, event.into_storage(), network, now, rng)
            }
            #[cfg(feature = "v2")]
            Doing::DeviceSend(send) => {
                self.device_sent(&send, event.into_storage(), network, now, rng)
            }
        }
        self.note_configs(now);
        None
    }

    /// Gives up all requests that are under way, and notices of new messages: other clients go on with the
    /// network.
    pub fn leave<O: Onion>(&mut self, network: &mut Network<O>) {
        for request in core::mem::take(&mut self.under_way).into_keys() {
            network.cancel(request);
        }
        network.unwatch(&self.id);
    }

    /// Returns when to call [`poll`](Self::poll) again, unless something happens before. `None` while
    /// changes wait for being persisted.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<MonotonicTime> {
        if !self.journal.is_settled() {
            return None;
        }
        // Those that wait for their files are due with them.
        let waiting = self.outbox.values().filter(|entry| entry.files.is_empty());
        let waiting = waiting.map(|entry| entry.attempt);
        let sends = waiting
            .filter(|attempt| attempt.under_way.is_none())
            .map(|attempt| attempt.due);
        let push = self.pushing.due();
        let groups = self.groups.values().flat_map(GroupState::due);
        #[cfg(feature = "v2")]
        let groups = groups.chain(self.devices.due());
        sends
            .chain(push)
            .chain(self.fetching.due())
            .chain(self.deleting.due())
            .chain(self.disappearing.due())
            .chain(self.files_due())
            .chain(groups)
            .chain(self.communities.due())
            .min()
    }

    /// Returns what is to be persisted, and the events that may be handed out after that. `None` if
    /// nothing changed, or the last batch was not [`persisted`](Self::persisted).
    ///
    /// If a batch cannot be persisted, keep it and try again: until then the client makes no requests.
    #[must_use]
    pub fn take_batch(&mut self) -> Option<Batch> {
        self.journal.take()
    }

    /// Confirms that the last batch is persisted.
    pub const fn persisted(&mut self) {
        self.journal.persisted();
    }

    fn put_state(&mut self) {
        let value = bt::dict(|d| {
            d.int(b"e", u8::from(self.disappearing.is_used));
            d.int(b"n", self.next_send);
            d.int(b"t", self.last_sent.get());
        });
        self.journal.put(Key::State, value);
    }

    /// Persists the shared configs if they changed, and plans their push.
    fn note_configs(&mut self, now: Now) {
        if self.configs.needs_dump() {
            self.follow_rooms();
            let dump = self.configs.dump(now.wall);
            self.journal.put(Key::Configs, dump);
        }
        if self.configs.needs_push() {
            self.pushing.plan(now.monotonic, &self.settings);
        }
    }

    /// The signed requests of this account.
    fn signer(&self) -> session_storage::Signer<'_> {
        session_storage::Signer::user(self.account.ed25519())
    }

    fn begin<O: Onion>(
        &mut self,
        network: &mut Network<O>,
        (target, request): (session_network::Target, session_network::Request),
        doing: Doing,
        now: Now,
    ) -> RequestId {
        let id = network.request(target, request, now);
        self.under_way.insert(id, doing);
        id
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("id", self.account.id())
            .field("outgoing", &self.outbox.len())
            .field("under_way", &self.under_way.len())
            .finish_non_exhaustive()
    }
}

/// The answer to one member of a batch.
fn read_member<C: session_storage::Call>(
    call: &C,
    response: &session_storage::Response,
) -> Option<C::Answer> {
    match response {
        session_storage::Response {
            status: 200,
            body: session_storage::Body::Structure(body),
        } => call.read_answer(body).ok(),
        _ => None,
    }
}

/// The hashes of names that storage servers gave.
fn hashes<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<MessageHash> {
    names
        .into_iter()
        .filter_map(|name| name.parse().ok())
        .collect()
}
