//! The task that drives a client: all decisions are made by `session-client` and `session-network`, all
//! I/O is done here.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use session_client::config::Change as ConfigChange;
use session_client::config::conversations::Conversation as Place;
use session_client::content::Attachment;
use session_client::types::UnixMillis;
use session_client::{
    Batch, Change, Client as Machine, ConversationId, DownloadId, FetchError, Fetched, FileHost,
    Message, MessageId, RecordError, Settings,
};
use session_identity::Account;
use session_network::{Config, Network, Now, Seed};
use tokio::sync::{Notify, mpsc, oneshot, watch};

use crate::error::{Error, FileError, StoreError};
use crate::handle::Client;
use crate::hub::{Hub, SharedNetwork};
use crate::proxy::Proxy;
use crate::store::{Page, Store};
use tracing::Instrument as _;

/// Events that wait for a reader, before the client stops to fetch.
const MAX_EVENTS: usize = 500;
/// Commands that wait.
const MAX_COMMANDS: usize = 100;
/// Wait before a store that failed is tried again. It doubles with each failure, up to the maximum.
const STORE_RETRY: Duration = Duration::from_secs(1);
/// Maximum wait before a store that failed is tried again.
const MAX_STORE_RETRY: Duration = Duration::from_secs(30);
/// Time between two writes of the state of the network.
const SAVE_INTERVAL: Duration = Duration::from_secs(60);
/// The record with the state of the network.
const NETWORK: &[u8] = b"!network";
/// Accounts of this process so far.
static ACCOUNTS: AtomicU64 = AtomicU64::new(0);
/// The record with the id of the account.
const ACCOUNT: &[u8] = b"!account";

type Answered<T> = oneshot::Sender<Result<T, Error>>;

/// An answer that waits for everything to be persisted.
type Answer = Box<dyn FnOnce() + Send>;

/// Something that is done with the machine. It returns the answer.
pub(crate) type Act = Box<dyn FnOnce(Turn<'_>) -> Option<Answer> + Send>;

/// Whether something can be done now.
pub(crate) enum Turn<'a> {
    Go(&'a mut Machine, &'a Network, Now),
    /// What cannot be persisted is not begun.
    StoreFails,
}

/// What a handle asks for.
pub(crate) enum Command {
    Run(Act),
    History(ConversationId, Page, Answered<Vec<Message>>),
    Search(String, u32, Answered<Vec<Message>>),
    All(Option<MessageId>, u32, Answered<Vec<Message>>),
    Import(Vec<Change>, Answered<()>),
    Flush(Answered<()>),
    Sync(Answered<()>),
    Pushed(Answered<()>),
    Download(Wanted, Answered<Fetched>),
}

/// A file that is to be downloaded.
pub(crate) enum Wanted {
    File(Box<Attachment>),
    Picture(String, [u8; 32]),
}

/// The network of an account.
pub(crate) enum Origins {
    /// One of its own.
    Own(Box<Config>, Vec<Seed>, Option<Proxy>),
    /// That of another client.
    Shared(SharedNetwork),
}

/// What a client begins with.
pub(crate) struct Start {
    pub(crate) account: Arc<Account>,
    pub(crate) is_new: bool,
    pub(crate) network: Origins,
    pub(crate) settings: Settings,
    pub(crate) files: Option<FileHost>,
}

/// Who reads the events.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    pub(crate) is_there: AtomicBool,
    pub(crate) came: Notify,
}

/// What is reported to the application.
#[derive(Debug)]
pub(crate) enum Report {
    Machine(Box<session_client::Event>),
    StoreFailed(StoreError),
    StoreRecovered,
    Damaged(Vec<u8>, RecordError),
}

/// A batch that could not be persisted.
struct Stuck {
    changes: Arc<Vec<Change>>,
    events: Vec<session_client::Event>,
    failures: u32,
    retry_at: Instant,
}

/// What the task waited for.
enum Step {
    Command(Option<Command>),
    None,
}

/// The machine of an account, and what is under way for it.
pub(crate) struct Driver {
    machine: Machine,
    hub: Arc<Hub>,
    bell: watch::Receiver<()>,
    store: Arc<Mutex<Box<dyn Store>>>,
    /// Who waits for downloads.
    downloads: HashMap<DownloadId, Answered<Fetched>>,
    /// When to read the content of a file again that could not be read.
    read_again_at: Option<Instant>,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<Report>,
    reader: Arc<Reader>,
    waiting: VecDeque<Report>,
    stuck: Option<Stuck>,
    /// Answers to commands that wait for their changes to be persisted.
    persisting: Vec<Answer>,
    flushing: Vec<Answered<()>>,
    /// Who waits for the shared configs to be stored.
    pushing: Vec<Answered<()>>,
    /// Who waits for so many fetches.
    syncing: Vec<(u64, Answered<()>)>,
    saved_at: Instant,
}

impl Driver {
    /// Restores the records, and starts the task.
    pub(crate) async fn start(start: Start, mut store: Box<dyn Store>) -> Result<Client, Error> {
        let Start {
            account,
            is_new,
            network,
            settings,
            files,
        } = start;
        let id = *account.id();
        let (store, records) = tokio::task::spawn_blocking(move || {
            let records = store.load();
            (store, records)
        })
        .await
        .map_err(|_| Error::Stopped)?;
        let mut store = store;
        let (own, records): (Vec<_>, Vec<_>) = records?
            .into_iter()
            .partition(|(key, _)| key.starts_with(b"!"));
        let find = |name: &[u8]| {
            own.iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value)
        };
        match find(ACCOUNT) {
            Some(known) if known.as_slice() != id.as_bytes() => {
                return Err(StoreError::OtherAccount.into());
            }
            Some(_) => {}
            None => store.put(ACCOUNT, id.as_bytes())?,
        }
        let hub = match network {
            Origins::Shared(SharedNetwork(hub)) => hub,
            Origins::Own(config, seeds, proxy) => Hub::new(
                *config,
                seeds,
                find(NETWORK).map(|state| state.as_slice()),
                proxy,
            ),
        };
        let now = now();
        let mut waiting = VecDeque::new();
        let mut machine = if records.is_empty() && is_new {
            Machine::created(Arc::clone(&account), settings)
        } else {
            let restored = Machine::restore(Arc::clone(&account), settings, records, now.wall);
            let damaged = restored.damaged.into_iter();
            waiting.extend(damaged.map(|(key, reason)| Report::Damaged(key, reason)));
            restored.client
        };
        if let Some(host) = files {
            machine.set_file_host(host);
        }
        let (command_sender, commands) = mpsc::channel(MAX_COMMANDS);
        let (events, event_receiver) = mpsc::channel(MAX_EVENTS);
        let reader = Arc::new(Reader::default());
        let driver = Self {
            reader: Arc::clone(&reader),
            machine,
            bell: hub.bell(),
            hub: Arc::clone(&hub),
            store: Arc::new(Mutex::new(store)),
            downloads: HashMap::new(),
            read_again_at: None,
            commands,
            events,
            waiting,
            stuck: None,
            persisting: Vec::new(),
            flushing: Vec::new(),
            pushing: Vec::new(),
            syncing: Vec::new(),
            saved_at: Instant::now(),
        };
        // Accounts are told apart by a number: neither their ids nor anything of messages is traced.
        let number = ACCOUNTS.fetch_add(1, Ordering::Relaxed);
        let span = tracing::info_span!("account", number);
        tokio::spawn(driver.run().instrument(span));
        Ok(Client {
            id,
            account,
            hub,
            commands: command_sender,
            events: Arc::new(Mutex::new(Some(event_receiver))),
            reader,
        })
    }

    async fn run(mut self) {
        tracing::info!("started");
        loop {
            self.bell.borrow_and_update();
            self.persist().await;
            self.answer_flushes();
            self.answer_syncs();
            self.drop_downloads();
            let now = now();
            // While nobody reads the events, no more are made.
            let is_free = !self.is_read() || self.waiting.len() < MAX_EVENTS;
            if is_free {
                let network = &mut self.hub.lock().network;
                self.machine.poll(network, now, &mut UnwrapErr(SysRng));
            }
            self.give_wanted_file().await;
            self.hub.start_posts(now);
            // What polling changed is persisted before anything is waited for.
            if self.take_ends(now) || self.persist().await {
                continue;
            }
            let wakeups = [
                self.hub.next_wakeup(),
                self.machine.next_wakeup().filter(|_| is_free),
            ];
            let wakeup = wakeups.into_iter().flatten().min();
            let pause = wakeup.map_or(SAVE_INTERVAL, |at| at.since(now.monotonic));
            let stuck = self.stuck.as_ref().map(|stuck| stuck.retry_at);
            let retry = stuck.into_iter().chain(self.read_again_at).min();
            let pause = retry.map_or(pause, |at| {
                pause.min(at.saturating_duration_since(Instant::now()))
            });
            self.drop_unread();
            let has_waiting = self.is_read() && !self.waiting.is_empty();
            let (events, reader) = (self.events.clone(), Arc::clone(&self.reader));
            let step = tokio::select! {
                command = self.commands.recv() => Step::Command(command),
                // The hub is there as long as this is.
                _ = self.bell.changed() => Step::None,
                Ok(permit) = events.reserve(), if has_waiting => {
                    if let Some(event) = self.waiting.pop_front() {
                        permit.send(event);
                    }
                    Step::None
                }
                () = reader.came.notified() => Step::None,
                () = tokio::time::sleep(pause.max(Duration::from_millis(1))) => Step::None,
            };
            match step {
                Step::Command(Some(command)) => self.take_command(command).await,
                Step::Command(None) => break,
                Step::None => {}
            }
            if self.saved_at.elapsed() > SAVE_INTERVAL {
                self.save_network().await;
            }
        }
        self.hub.leave(&mut self.machine, now());
        self.persist().await;
        self.save_network().await;
        tracing::info!("stopped");
    }

    /// Whether somebody asked for the events.
    fn is_read(&self) -> bool {
        self.reader.is_there.load(Ordering::Acquire)
    }

    /// Drops the oldest events if nobody reads them. What they report is in the history and in the shared
    /// configs.
    fn drop_unread(&mut self) {
        if self.events.is_closed() {
            self.waiting.clear();
        }
        while !self.is_read() && self.waiting.len() > MAX_EVENTS {
            self.waiting.pop_front();
        }
    }

    /// Persists what changed, and takes the events that waited for it. Returns whether something was
    /// persisted. What cannot be persisted now is tried again later: until then the machine rests.
    async fn persist(&mut self) -> bool {
        let mut any = false;
        while let Some(stuck) = self.stuck.take().or_else(|| self.next_batch()) {
            if stuck.retry_at > Instant::now() {
                self.stuck = Some(stuck);
                return any;
            }
            let (store, changes) = (Arc::clone(&self.store), Arc::clone(&stuck.changes));
            let stored = blocking(store, move |store| store.apply(&changes)).await;
            if let Err(error) = stored {
                self.note_store_failure(stuck, error);
                return any;
            }
            if stuck.failures > 0 {
                tracing::info!("the store works again");
                self.waiting.push_back(Report::StoreRecovered);
            }
            self.machine.persisted();
            self.follow_reading(&stuck.events).await;
            for event in &stuck.events {
                tracing::debug!(event = crate::trace::name(event), "event");
            }
            let events = stuck.events.into_iter().map(Box::new);
            self.waiting.extend(events.map(Report::Machine));
            any = true;
        }
        for answer in self.persisting.drain(..) {
            answer();
        }
        any
    }

    /// Begins the time of messages that were read on another device of the account.
    async fn follow_reading(&mut self, events: &[session_client::Event]) {
        for event in events {
            let session_client::Event::Config(ConfigChange::Conversation((place, _))) = event
            else {
                continue;
            };
            let conversation = match place {
                Place::Account(id) => ConversationId::Account(*id),
                Place::Group(id) => ConversationId::Group(*id),
                Place::Blinded(id) => ConversationId::Blinded(*id),
                _ => continue,
            };
            let progress = self.machine.configs().conversations.get(place);
            let mut end = progress.map(|progress| progress.last_read);
            while let Some(last) = end {
                let before = Some(last.saturating_add(Duration::from_millis(1)));
                let page = Page { before, limit: 200 };
                let store = Arc::clone(&self.store);
                let found = blocking(store, move |store| store.history(&conversation, page)).await;
                // What cannot be read now begins when it is read again.
                let Ok(found) = found else { break };
                let first = found.last().map(Message::sent_at);
                let begun = self.begin_timers(&found);
                let next = first.map(|first| first.saturating_sub(Duration::from_millis(1)));
                end = next.filter(|_| begun > 0);
            }
        }
    }

    fn next_batch(&mut self) -> Option<Stuck> {
        let Batch { changes, events } = self.machine.take_batch()?;
        Some(Stuck {
            changes: Arc::new(changes),
            events,
            failures: 0,
            retry_at: Instant::now(),
        })
    }

    fn note_store_failure(&mut self, mut stuck: Stuck, error: StoreError) {
        // Its text may name paths.
        tracing::warn!(failures = stuck.failures, "the store fails");
        if stuck.failures == 0 {
            self.waiting.push_back(Report::StoreFailed(error));
        }
        let doubled = STORE_RETRY.saturating_mul(1 << stuck.failures.min(8));
        stuck.failures = stuck.failures.saturating_add(1);
        stuck.retry_at = Instant::now() + doubled.min(MAX_STORE_RETRY);
        self.stuck = Some(stuck);
    }

    /// Tells those who wait that everything was fetched, and is persisted.
    fn answer_syncs(&mut self) {
        let fetches = self.machine.fetches();
        if self.stuck.is_none() && !self.syncing.is_empty() {
            let due = |(wanted, _): &mut (u64, _)| fetches >= *wanted;
            for (_, done) in self.syncing.extract_if(.., due) {
                let _ = done.send(Ok(()));
            }
            // The next one follows at once.
            if !self.syncing.is_empty() && fetches > 0 {
                self.machine.fetch_now();
            }
        }
    }

    fn answer_flushes(&mut self) {
        if !self.machine.configs().needs_push() {
            for done in self.pushing.drain(..) {
                let _ = done.send(Ok(()));
            }
        }
        if self.machine.outgoing() == 0 {
            for done in self.flushing.drain(..) {
                let _ = done.send(Ok(()));
            }
        }
    }

    fn begin_timers(&mut self, found: &[Message]) -> usize {
        let network = &self.hub.lock().network;
        self.machine.begin_timers(found, network, now())
    }

    /// Reads the content of a file that is to be uploaded.
    async fn give_wanted_file(&mut self) {
        let is_late = self.read_again_at.is_some_and(|at| at > Instant::now());
        let Some(key) = self.machine.wanted_file().filter(|_| !is_late) else {
            return;
        };
        let store = Arc::clone(&self.store);
        let found = blocking(store, move |store| store.get(&key.to_bytes())).await;
        let Ok(mut found) = found else {
            self.read_again_at = Some(Instant::now() + MAX_STORE_RETRY);
            return;
        };
        self.read_again_at = None;
        let content = found.as_mut().map(|content| std::mem::take(&mut **content));
        let network = &mut self.hub.lock().network;
        self.machine.give_file(content, network, now());
    }

    /// Takes the ends of requests of this account. Returns whether there were some.
    fn take_ends(&mut self, now: Now) -> bool {
        let any = self.hub.deliver(&mut self.machine, now);
        while let Some((id, ended)) = self.machine.take_download() {
            // Nobody may wait any more.
            if let Some(done) = self.downloads.remove(&id) {
                let _ = done.send(ended.map_err(|reason| FileError::from(reason).into()));
            }
        }
        any
    }

    /// Gives up the downloads that nobody waits for any more.
    fn drop_downloads(&mut self) {
        let machine = &mut self.machine;
        self.downloads.retain(|id, done| {
            let is_waited_for = !done.is_closed();
            if !is_waited_for {
                machine.cancel_download(*id);
            }
            is_waited_for
        });
    }

    fn begin_download(&mut self, wanted: &Wanted, done: Answered<Fetched>) {
        let begun: Result<DownloadId, FetchError> = match wanted {
            Wanted::File(file) => self.machine.download(file),
            Wanted::Picture(url, key) => self.machine.download_picture(url, *key),
        };
        match begun {
            Ok(id) => drop(self.downloads.insert(id, done)),
            Err(reason) => drop(done.send(Err(FileError::from(reason).into()))),
        }
    }

    async fn take_command(&mut self, command: Command) {
        match command {
            Command::Run(act) if self.stuck.is_some() => drop(act(Turn::StoreFails)),
            Command::Run(act) => {
                let network = &self.hub.lock().network;
                let answer = act(Turn::Go(&mut self.machine, network, now()));
                self.persisting.extend(answer);
            }
            Command::History(id, page, done) => {
                let store = Arc::clone(&self.store);
                let found = blocking(store, move |store| store.history(&id, page)).await;
                let _ = done.send(self.without_expired(found));
            }
            Command::Search(text, limit, done) => {
                let store = Arc::clone(&self.store);
                let found = blocking(store, move |store| store.search(&text, limit)).await;
                let _ = done.send(self.without_expired(found));
            }
            Command::All(after, limit, done) => {
                let store = Arc::clone(&self.store);
                let found = blocking(store, move |store| store.messages(after.as_ref(), limit));
                let found = found.await;
                let _ = done.send(found.map_err(Error::from));
            }
            Command::Import(changes, done) => {
                let store = Arc::clone(&self.store);
                let taken = blocking(store, move |store| store.apply(&changes)).await;
                let _ = done.send(taken.map_err(Error::from));
            }
            Command::Flush(done) => self.flushing.push(done),
            Command::Pushed(done) => self.pushing.push(done),
            Command::Sync(done) => self.syncing.push((self.machine.fetch_all(), done)),
            Command::Download(wanted, done) => self.begin_download(&wanted, done),
        }
    }

    /// What is over is not shown, even if it is not deleted yet.
    fn without_expired(
        &self,
        found: Result<Vec<Message>, StoreError>,
    ) -> Result<Vec<Message>, Error> {
        let time = self.hub.network_time();
        let mut found = found?;
        found.retain(|message| !message.is_expired(time));
        Ok(found)
    }

    async fn save_network(&mut self) {
        self.saved_at = Instant::now();
        let bytes = self.hub.save();
        let store = Arc::clone(&self.store);
        // Without it the next start takes longer, and nothing else.
        let _ = blocking(store, move |store| store.put(NETWORK, &bytes)).await;
    }
}

/// Runs what may wait for the disk.
async fn blocking<T: Send + 'static>(
    store: Arc<Mutex<Box<dyn Store>>>,
    run: impl FnOnce(&mut dyn Store) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let ran = tokio::task::spawn_blocking(move || {
        let mut store = match store.lock() {
            Ok(store) => store,
            Err(poisoned) => poisoned.into_inner(),
        };
        run(store.as_mut())
    });
    match ran.await {
        Ok(result) => result,
        Err(_) => Err(StoreError::Interrupted),
    }
}

/// This machine's clocks.
pub(crate) fn now() -> Now {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    let origin = ORIGIN.get_or_init(Instant::now);
    // A clock before 1970 is wrong; the network's time corrects it.
    let wall = SystemTime::now().duration_since(UNIX_EPOCH);
    let wall = wall.map_or(UnixMillis::EPOCH, UnixMillis::from_duration);
    Now::from_elapsed(origin.elapsed(), wall)
}
