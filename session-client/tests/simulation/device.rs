//! A device: a client, its network, and the records that survive a crash.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use session_client::config::group::{ActError, Group};
use session_client::content::Content;
use session_client::network::{Config, Network, Now, Seed, Ticket};
use session_client::types::{GroupId, MonotonicTime, UnixMillis};
use session_client::{
    Batch, Change, Client, ConversationId, DecryptFileError, DownloadId, Event, FetchError,
    GroupError, Key, Message, MessageId, Settings, Status,
};
use session_identity::{Account, AccountId};

use crate::clear::Clear;
use crate::world::{START, World, outcome};

/// A moment at which a device can crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kill {
    Never,
    /// Before the batch of this number is persisted.
    Before(u64),
    /// After it is persisted, before its events are handed out.
    After(u64),
}

/// What comes back for a post: status and body, or nothing.
type Arrival = (Ticket, Option<(u16, Vec<u8>)>);
/// The end of a download, with the content.
pub type Ended = (
    DownloadId,
    Result<Result<Vec<u8>, DecryptFileError<core::convert::Infallible>>, FetchError>,
);

pub struct Device {
    account: Arc<Account>,
    settings: Settings,
    client: Client,
    network: Network<Clear>,
    rng: ChaCha8Rng,
    /// By time and order.
    arriving: BTreeMap<(u64, u64), Arrival>,
    order: u64,
    /// What is on the disk.
    pub records: BTreeMap<Vec<u8>, Vec<u8>>,
    pub history: BTreeMap<MessageId, Message>,
    /// What was handed out.
    pub shown: Vec<Message>,
    pub events: Vec<Event>,
    pub downloads: Vec<Ended>,
    pub kill: Kill,
    batches: u64,
    pub crashes: u64,
    pub is_off: bool,
    /// Whether messages are deleted in this story.
    pub forgets: bool,
    /// Whether nothing can be persisted, and the batch that waits for it.
    pub is_full: bool,
    stuck: Option<Batch>,
}

fn network() -> Network<Clear> {
    let seeds = vec![Seed::new("https://seed.example", [])];
    Network::with_onion(Config::test_network(), seeds, Clear::default())
}

impl Device {
    pub fn new(account: Account, is_new: bool, seed: u64) -> Self {
        Self::with_settings(account, is_new, seed, Settings::default())
    }

    /// A device with a rhythm of its own.
    pub fn with_settings(account: Account, is_new: bool, seed: u64, settings: Settings) -> Self {
        let account = Arc::new(account);
        Self {
            settings,
            client: match is_new {
                true => Client::created(Arc::clone(&account), settings),
                false => Client::linked(Arc::clone(&account), settings),
            },
            account,
            network: network(),
            rng: ChaCha8Rng::seed_from_u64(seed),
            arriving: BTreeMap::new(),
            order: 0,
            records: BTreeMap::new(),
            history: BTreeMap::new(),
            shown: Vec::new(),
            events: Vec::new(),
            downloads: Vec::new(),
            kill: Kill::Never,
            batches: 0,
            crashes: 0,
            is_off: false,
            forgets: false,
            is_full: false,
            stuck: None,
        }
    }

    pub fn id(&self) -> AccountId {
        *self.account.id()
    }

    pub fn account(&self) -> &Account {
        &self.account
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Does something with the client. Acknowledged, if the second value is true: it was persisted.
    pub fn act<T>(
        &mut self,
        world: &World,
        act: impl FnOnce(&mut Client, &Network<Clear>, Now, &mut ChaCha8Rng) -> T,
    ) -> (T, bool) {
        let now = Self::now(world);
        let result = act(&mut self.client, &self.network, now, &mut self.rng);
        let crashes = self.crashes;
        self.persist(world);
        (result, crashes == self.crashes)
    }

    /// Does something in a group.
    pub fn in_group<T>(
        &mut self,
        id: &GroupId,
        world: &World,
        act: impl FnOnce(&mut Group) -> Result<T, ActError>,
    ) -> Result<T, GroupError> {
        let (result, _) = self.act(world, |client, _, now, _| client.act_in_group(id, act, now));
        result
    }

    /// The times of the messages in the outbox, as they are on the disk.
    pub fn sending_times(&self) -> Vec<u64> {
        let outgoing = self.records.iter().filter(|(key, _)| key[0] == b'o');
        let time = |value: &[u8]| {
            session_proto::bt::parse_dict(value)
                .unwrap()
                .u64("t")
                .unwrap()
        };
        outgoing.map(|(_, value)| time(value)).collect()
    }

    pub fn batches(&self) -> u64 {
        self.batches
    }

    fn now(world: &World) -> Now {
        let elapsed = Duration::from_millis(world.now - START);
        Now::new(MonotonicTime::new(elapsed), UnixMillis::new(world.now))
    }

    /// Sends a text. Acknowledged, if it returns true: the message was persisted.
    pub fn send(&mut self, to: impl Into<ConversationId>, text: &str, world: &World) -> bool {
        let content = Content::text(text);
        let (sent, is_persisted) = self.act(world, |client, network, now, rng| {
            client.send(to, content, network, now, rng)
        });
        sent.unwrap();
        is_persisted
    }

    pub fn edit(
        &mut self,
        change: impl FnOnce(&mut session_client::config::UserConfigs),
        world: &World,
    ) {
        let edited: Result<(), ()> = self.client.edit(
            |configs| {
                change(configs);
                Ok(())
            },
            Self::now(world),
        );
        edited.unwrap();
        self.persist(world);
    }

    fn apply(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Put {
                    key: Key::Message(id),
                    value,
                } => {
                    let message = Message::from_value(id, &value).unwrap();
                    self.history.insert(id, message);
                }
                Change::Put { key, value } => {
                    self.records.insert(key.to_bytes(), value.to_vec());
                }
                Change::Delete {
                    key: Key::Message(id),
                } => drop(self.history.remove(&id)),
                Change::Delete { key } => drop(self.records.remove(&key.to_bytes())),
                Change::Move { from, to } => {
                    let all = core::mem::take(&mut self.history).into_values();
                    let moved = |mut message: Message| {
                        if *message.conversation() == from {
                            message.id = message.id.moved_to(to);
                        }
                        message
                    };
                    let all = all.map(moved);
                    self.history = all.map(|message| (message.id, message)).collect();
                    self.shown = core::mem::take(&mut self.shown)
                        .into_iter()
                        .map(moved)
                        .collect();
                }
                Change::EraseExpired { now } => {
                    self.history.retain(|_, message| !message.is_expired(now));
                }
                Change::Erase {
                    conversation,
                    erased,
                } => self.history.retain(|id, message| {
                    *id.conversation() != conversation || !erased.covers(message)
                }),
                other => panic!("{other:?}"),
            }
        }
    }

    fn persist(&mut self, world: &World) {
        while let Some(batch) = self.stuck.take().or_else(|| self.client.take_batch()) {
            if self.is_full {
                self.stuck = Some(batch);
                return;
            }
            let Batch { changes, events } = batch;
            self.batches += 1;
            if self.kill == Kill::Before(self.batches) {
                return self.crash(world);
            }
            self.apply(changes);
            self.client.persisted();
            if self.kill == Kill::After(self.batches) {
                return self.crash(world);
            }
            for event in events {
                self.follow_reading(&event, world);
                if let Event::Message(message) = &event {
                    self.shown.push(Message::clone(message));
                }
                self.events.push(event);
            }
        }
    }

    /// Begins the time of messages that were read on another device, as a driver does.
    fn follow_reading(&mut self, event: &Event, world: &World) {
        let Event::Config(session_client::config::Change::Conversation((place, _))) = event else {
            return;
        };
        let Some(progress) = self.client.configs().conversations.get(place) else {
            return;
        };
        let read: Vec<Message> = self
            .history
            .values()
            .filter(|message| message.sent_at() <= progress.last_read)
            .cloned()
            .collect();
        let now = Self::now(world);
        self.client.begin_timers(&read, &self.network, now);
    }

    /// Notes that everything of a conversation was read.
    pub fn read_all(&mut self, conversation: impl Into<ConversationId>, world: &World) {
        let conversation = conversation.into();
        let all = self.history.values();
        let all = all.filter(|message| *message.conversation() == conversation);
        let all: Vec<Message> = all.cloned().collect();
        let (read, _) = self.act(world, |client, network, now, rng| {
            client.mark_read(&conversation, &all, network, now, rng)
        });
        read.unwrap();
    }

    /// Forgets all but the records, and goes on from them.
    pub fn crash(&mut self, world: &World) {
        self.crashes += 1;
        self.stuck = None;
        self.kill = Kill::Never;
        self.arriving.clear();
        self.network = network();
        let now = UnixMillis::new(world.now);
        let account = Arc::clone(&self.account);
        // As a store does: contents of files are read when they are asked for.
        let records = self.records.iter().filter(|(key, _)| key[0] != b'b');
        let restored = Client::restore(account, self.settings, records, now);
        assert_eq!(restored.damaged, []);
        self.client = restored.client;
    }

    /// Does what is due now. Returns when something is due again.
    pub fn step(&mut self, world: &mut World) -> Option<u64> {
        if self.is_off {
            return None;
        }
        let due: Vec<_> = self
            .arriving
            .range(..=(world.now, u64::MAX))
            .map(|(key, _)| *key)
            .collect();
        for key in due {
            let Some((ticket, came)) = self.arriving.remove(&key) else {
                continue;
            };
            let now = Self::now(world);
            self.network
                .report(ticket, outcome(&came), now, &mut self.rng);
        }
        loop {
            let now = Self::now(world);
            self.client.poll(&mut self.network, now, &mut self.rng);
            while let Some(key) = self.client.wanted_file() {
                let content = self.records.get(&key.to_bytes()).cloned();
                self.client.give_file(content, &mut self.network, now);
            }
            while let Some(post) = self.network.poll(now, &mut self.rng) {
                let came = world.carry(&post);
                let after = match came {
                    Some(_) => world.latency(),
                    None => 1_000,
                };
                self.order += 1;
                self.arriving
                    .insert((world.now + after, self.order), (post.ticket, came));
            }
            let mut any = false;
            while let Some(event) = self.network.next_event() {
                any = true;
                let foreign = self
                    .client
                    .report(event, &mut self.network, now, &mut self.rng);
                assert!(foreign.is_none(), "every request is the client's");
            }
            while let Some((id, ended)) = self.client.take_download() {
                let content = ended.map(|file| file.content().map(|content| content.to_vec()));
                self.downloads.push((id, content));
            }
            let batches = self.batches;
            self.persist(world);
            if !any && batches == self.batches {
                break;
            }
        }
        let wakeups = [self.network.next_wakeup(), self.client.next_wakeup()];
        let wakeup = wakeups.into_iter().flatten().min();
        let wakeup = wakeup.map(|time| START + time.since_origin().as_millis() as u64);
        let arrival = self.arriving.keys().next().map(|(time, _)| *time);
        wakeup
            .into_iter()
            .chain(arrival)
            .min()
            .map(|time| time.max(world.now + 1))
    }

    /// The texts of the history, in order of their times.
    pub fn texts(&self) -> Vec<String> {
        self.texts_where(|_| true)
    }

    /// The texts of a conversation, in order of their times.
    pub fn texts_of(&self, conversation: impl Into<ConversationId>) -> Vec<String> {
        let conversation = conversation.into();
        self.texts_where(|id| *id.conversation() == conversation)
    }

    fn texts_where(&self, is: impl Fn(&MessageId) -> bool) -> Vec<String> {
        let messages = self.history.iter().filter(|(id, _)| is(id));
        let mut messages: Vec<&Message> = messages.map(|(_, message)| message).collect();
        messages.sort_by_key(|message| (message.sent_at(), message.id));
        messages
            .iter()
            .map(|message| message.text().unwrap().to_owned())
            .collect()
    }

    /// Whether nothing was handed out twice, and everything that was is in the history.
    pub fn check(&self) {
        let shown: Vec<MessageId> = self.shown.iter().map(|message| message.id).collect();
        let distinct: BTreeSet<_> = shown.iter().collect();
        assert_eq!(distinct.len(), shown.len(), "a message was shown twice");
        let is_kept = |id: &&MessageId| self.history.contains_key(id) || self.forgets;
        assert!(shown.iter().all(|id| is_kept(&id)));
        let texts: BTreeSet<String> = self.texts().into_iter().collect();
        assert_eq!(
            texts.len(),
            self.history.len(),
            "a message is in the history twice"
        );
    }

    pub fn is_settled(&self) -> bool {
        let waits = self
            .history
            .values()
            .any(|message| message.status == Status::Sending);
        self.client.outgoing() == 0 && !waits && !self.client.configs().needs_push()
    }
}

/// Lets time pass.
pub fn run(world: &mut World, devices: &mut [Device], time: Duration) {
    let end = world.now + time.as_millis() as u64;
    while world.now < end {
        let next = devices
            .iter_mut()
            .filter_map(|device| device.step(world))
            .min();
        world.now = next.unwrap_or(end).min(end);
    }
}
