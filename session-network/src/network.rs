//! A client's view of the network, as one state machine without I/O (protocol: [swarm, section 7];
//! onion, sections [9] and [10]).
//!
//! [swarm, section 7]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/swarm.md#section-7
//! [9]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/onion.md#section-9
//! [10]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/onion.md#section-10

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;

use rand_core::CryptoRng;
use session_crypto::Ed25519Public;
use session_swarm::ServiceNode;
use session_types::{AnyId, MonotonicTime, UnixMillis};

use crate::clock::Clock;
use crate::config::Config;
use crate::endpoint::{Outcome, Post, Seed, Ticket};
use crate::evidence::Suspicions;
use crate::exchange::{
    Event, Purpose, Reply, Request, RequestError, RequestId, Route, StorageReply, Target,
};
use crate::guard::Guards;
use crate::onion::{Encrypted, Onion};
use crate::path::{Health, PathId, Paths};
use crate::pool::Pool;
use crate::strikes::Strikes;
use crate::time::{Instant, Now};

mod answers;
mod belief;
mod building;
mod dispatch;
mod exam;
mod inquiry;
mod receipts;
mod refresh;
mod release;
mod report;
mod resync;
mod saved;
mod send;
mod transport;
mod trial;
mod upkeep;
mod watch;

use building::GuardTests;
use inquiry::{Inquiries, Part};
use refresh::Refresh;
use transport::{Again, Transports};
pub use watch::Notice;
use watch::Watches;

/// Nodes that answered last, which are asked when a path is tested.
pub(crate) const LATELY: usize = 8;

/// Something other than an answer or a time that a request waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waiting {
    /// A guard is being tested.
    ForPath,
    /// A new list is being fetched.
    ForPool,
}

/// One request.
#[derive(Debug, Clone)]
struct Pending {
    target: Target,
    purpose: Purpose,
    request: Request,
    deadline: Instant,
    attempts: u32,
    /// Attempts whose path turned out to be broken.
    broken: u32,
    redirects: u32,
    clock_refusals: u32,
    /// Whether an attempt ended without an answer that says that nothing was done.
    in_doubt: bool,
    /// Whether a node has said that all members failed.
    nobody_did: bool,
    /// Nodes that were asked already.
    asked: Vec<Ed25519Public>,
    /// Paths on which it was sent.
    tried: Vec<PathId>,
    last_error: RequestError,
    /// When to try again; `None` while it waits for an answer or for something else.
    try_at: Option<Instant>,
    waiting: Option<Waiting>,
    /// Attempts on their way.
    open: usize,
    /// Members that have proved what they did, over all attempts.
    signers: BTreeSet<Ed25519Public>,
    /// Nodes that have answered themselves, whatever they said.
    answered: BTreeSet<Ed25519Public>,
    /// The last answer with too few signatures.
    best: Option<StorageReply>,
}

impl Pending {
    /// Returns whether a node may have stored a message for this request.
    fn may_be_stored(&self) -> bool {
        use session_storage::Request::{Batch, IfElse, Sequence, Store};
        let stores = self
            .request
            .to_nodes()
            .any(|request| matches!(request, Store(_) | Batch(_) | Sequence(_) | IfElse(_)));
        let is_open = self.in_doubt || self.open > 0;
        stores && (is_open || !self.signers.is_empty() || self.best.is_some())
    }
}

/// Something that was posted and not reported yet.
#[derive(Debug)]
struct Sent<K> {
    errand: Errand,
    key: Option<K>,
    sent: Instant,
    deadline: Instant,
    /// When to start another attempt beside this one.
    patience: Option<Instant>,
    /// Whether that time is over.
    is_slow: bool,
    /// Whether its path was found to be broken, so that it counts as failed already.
    is_released: bool,
    /// Whether its time says how fast its path is.
    is_quick: bool,
    /// How to send it over HTTPS, if it went over QUIC.
    again: Option<alloc::boxed::Box<Again>>,
}

/// The reason for a post.
#[derive(Debug, Clone)]
enum Errand {
    /// Something goes through a path.
    Onion {
        why: Why,
        path: PathId,
        route: Route,
    },
    /// A node may become the guard of a path.
    Guard { path: PathId, guard: Ed25519Public },
    /// The guard of a path in doubt is tested.
    Ping { path: PathId, guard: Ed25519Public },
    /// A seed is asked for nodes.
    Seed,
    /// A node is asked to tell of new messages.
    Watch { account: AnyId, node: Ed25519Public },
}

/// The reason for a packet.
#[derive(Debug, Clone)]
enum Why {
    /// An attempt of a request.
    Attempt(RequestId),
    /// A node is asked for nodes.
    Nodes,
    /// A node is asked for its clock.
    Clock,
    /// A path in doubt is tested.
    Probe,
    /// A hop of a path that failed behind this guard is asked itself.
    Hop { guard: Ed25519Public },
    /// A member of a swarm that has not signed is asked whether it is up, or a witness beside it.
    Inquiry(u64, Part),
    /// A new path is tested before it replaces an old one.
    Rotation {
        replaces: PathId,
        purpose: Purpose,
        hops: Vec<ServiceNode>,
    },
}

/// A client's view of the network, without I/O.
///
/// [`poll`](Self::poll) gives what to post where, [`report`](Self::report) takes what became of it,
/// [`next_event`](Self::next_event) gives what it means, and [`next_wakeup`](Self::next_wakeup) says
/// when to poll again. Every request ends in exactly one [`Event`].
///
/// ```
/// # use getrandom::{SysRng, rand_core::UnwrapErr};
/// # let rng = &mut UnwrapErr(SysRng);
/// use session_network::{Config, Network, Now, Outcome, Seed, Target};
/// use session_network::types::{MonotonicTime, UnixMillis};
/// use session_storage::Info;
///
/// let mut network = Network::new(Config::default(), vec![Seed::new("https://seed.example", [])]);
/// let mut now = Now::new(MonotonicTime::ORIGIN, UnixMillis::new(1_754_971_101_000));
/// let request = network.request(Target::AnyNode, Info, now);
/// // Without nodes it asks a seed first. This one can never be reached.
/// let event = loop {
///     while let Some(post) = network.poll(now, rng) {
///         network.report(post.ticket, Outcome::Unreachable, now, rng);
///     }
///     match network.next_event() {
///         Some(event) => break event,
///         None => now.monotonic = network.next_wakeup().expect("a request is under way"),
///     }
/// };
/// // Whatever happens, every request ends.
/// assert_eq!(event.request, request);
/// assert!(event.result.is_err());
/// ```
#[derive(Debug)]
pub struct Network<O: Onion = Encrypted> {
    config: Config,
    seeds: Vec<Seed>,
    onion: O,
    pool: Pool,
    strikes: Strikes,
    suspicions: Suspicions,
    guards: Guards,
    paths: Paths,
    clock: Clock,
    guard_tests: GuardTests,
    inquiries: Inquiries,
    refresh: Refresh,
    /// Nodes of the pool that redirects named for an id, until the next list. They are tried; they
    /// prove nothing.
    redirects: BTreeMap<AnyId, Vec<Ed25519Public>>,
    requests: BTreeMap<RequestId, Pending>,
    sent: BTreeMap<Ticket, Sent<O::Key>>,
    posts: VecDeque<Post>,
    events: VecDeque<Event>,
    lately: VecDeque<Ed25519Public>,
    /// How long answers take, over all paths.
    health: Health,
    transports: Transports,
    watches: Watches,
    next_number: u64,
    latest: Instant,
}

impl Network {
    /// Makes a client that knows nothing but its seeds.
    #[must_use]
    pub fn new(config: Config, seeds: Vec<Seed>) -> Self {
        Self::with_onion(config, seeds, Encrypted)
    }
}

impl<O: Onion> Network<O> {
    /// Makes a client that builds its packets by other means, for simulations.
    #[must_use]
    pub fn with_onion(config: Config, seeds: Vec<Seed>, onion: O) -> Self {
        Self {
            config,
            seeds,
            onion,
            pool: Pool::default(),
            strikes: Strikes::default(),
            suspicions: Suspicions::default(),
            guards: Guards::default(),
            paths: Paths::default(),
            clock: Clock::default(),
            guard_tests: GuardTests::default(),
            inquiries: Inquiries::default(),
            refresh: Refresh::default(),
            redirects: BTreeMap::new(),
            requests: BTreeMap::new(),
            sent: BTreeMap::new(),
            posts: VecDeque::new(),
            events: VecDeque::new(),
            lately: VecDeque::new(),
            health: Health::default(),
            transports: Transports::default(),
            watches: Watches::default(),
            next_number: 0,
            latest: Instant::default(),
        }
    }

    /// Takes the nodes of a list whose source is trusted, such as one that came with the
    /// application. Their age counts from `now`.
    pub fn set_nodes(
        &mut self,
        nodes: Vec<ServiceNode>,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) {
        let now = self.notice(now);
        self.pool.renew(nodes, now, rng);
        self.after_new_pool(now);
    }

    /// Returns the rules.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Replaces the rules, for what begins from now on.
    pub const fn set_config(&mut self, config: Config) {
        self.config = config;
    }

    /// Returns the nodes that the client knows.
    #[must_use]
    pub const fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Returns what is held against nodes.
    #[must_use]
    pub const fn strikes(&self) -> &Strikes {
        &self.strikes
    }

    /// Returns the nodes at which requests failed lately.
    #[must_use]
    pub const fn suspicions(&self) -> &Suspicions {
        &self.suspicions
    }

    /// Returns the paths.
    #[must_use]
    pub const fn paths(&self) -> &Paths {
        &self.paths
    }

    /// Returns the guards.
    #[must_use]
    pub const fn guards(&self) -> &Guards {
        &self.guards
    }

    /// Returns the network's clock.
    #[must_use]
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Returns the network's time, to sign requests with.
    #[must_use]
    pub fn network_time(&self, now: Now) -> UnixMillis {
        self.clock.network_time(now)
    }

    /// Returns the members of the swarm of an id, those first that failed least lately.
    #[must_use]
    pub fn members(&self, account: &AnyId, now: Now) -> Vec<ServiceNode> {
        let now = now.instant();
        let mut members: Vec<ServiceNode> = self.pool.swarm_of(account).copied().collect();
        members.sort_by_key(|node| {
            let key = node.ed25519;
            let is_struck = self.strikes.is_struck_at(&key, now);
            let is_last = self.strikes.is_out_at(&key, now) || self.comes_last(&key, now);
            (is_struck, is_last, key)
        });
        members
    }

    /// Returns whether other nodes are asked before this one: it is not to be used, a request failed
    /// at it lately, or it could not be reached and has not worked since.
    #[must_use]
    pub fn is_doubtful(&self, node: &Ed25519Public, now: Now) -> bool {
        let now = now.instant();
        self.strikes.is_out_at(node, now) || self.comes_last(node, now)
    }

    /// Starts a request. It ends in exactly one [`Event`].
    pub fn request(
        &mut self,
        target: impl Into<Target>,
        request: impl Into<Request>,
        now: Now,
    ) -> RequestId {
        self.request_for(Purpose::Standard, target, request, now)
    }

    /// Starts a request on the paths of a purpose.
    pub fn request_for(
        &mut self,
        purpose: Purpose,
        target: impl Into<Target>,
        request: impl Into<Request>,
        now: Now,
    ) -> RequestId {
        let now = self.notice(now);
        let id = RequestId(self.number());
        let (target, request) = (target.into(), request.into());
        let error = if self.requests.len() >= self.config.max_requests {
            Some(RequestError::TooMany)
        } else if !request.fits(&target) {
            Some(RequestError::Mismatch)
        } else {
            None
        };
        if let Some(error) = error {
            self.events.push_back(Event {
                request: id,
                result: Err(error),
            });
            return id;
        }
        let pending = Pending {
            target,
            purpose,
            request,
            deadline: now.after(self.config.request_timeout),
            attempts: 0,
            broken: 0,
            redirects: 0,
            clock_refusals: 0,
            in_doubt: false,
            nobody_did: false,
            asked: Vec::new(),
            tried: Vec::new(),
            last_error: RequestError::TimedOut,
            try_at: Some(now),
            waiting: None,
            open: 0,
            signers: BTreeSet::new(),
            answered: BTreeSet::new(),
            best: None,
        };
        self.requests.insert(id, pending);
        id
    }

    /// Gives up a request: it ends without an event.
    pub fn cancel(&mut self, request: RequestId) {
        self.requests.remove(&request);
    }

    /// Returns the next thing to post. Call it until it returns `None`, whenever something was
    /// requested or reported and when [`next_wakeup`](Self::next_wakeup) says so.
    pub fn poll(&mut self, now: Now, rng: &mut (impl CryptoRng + ?Sized)) -> Option<Post> {
        let instant = self.notice(now);
        if let Some(post) = self.posts.pop_front() {
            return Some(post);
        }
        self.expire(now, rng);
        self.look_after_pool(instant, rng);
        self.look_after_paths(instant, rng);
        self.look_after_clock(instant, rng);
        self.fill_missing(instant, rng);
        self.dispatch_due(instant, rng);
        self.check_members(instant, rng);
        self.try_paths(instant, rng);
        self.look_after_watches(instant, rng);
        self.posts.pop_front()
    }

    /// Reports what became of a [`Post`]. A ticket that is not open any more is ignored: the
    /// machine has given up on it.
    pub fn report(
        &mut self,
        ticket: Ticket,
        outcome: Outcome<'_>,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) {
        let instant = self.notice(now);
        let sent = self.sent.remove(&ticket);
        let sent = sent.and_then(|sent| self.fall_back(sent, outcome, instant));
        if let Some(sent) = sent {
            self.received(sent, outcome, instant, rng);
        }
    }

    /// Returns the next request that has ended.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Returns the number of requests that have not ended.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.requests.len()
    }

    /// Returns when to call [`poll`](Self::poll) again if nothing happens, or `None` if there is
    /// nothing to wait for.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<MonotonicTime> {
        let sent = self.sent.values();
        let sent = sent.flat_map(|sent| [Some(sent.deadline), sent.patience]);
        let deadlines = self.requests.values().map(|request| Some(request.deadline));
        let is_waited_for = !self.requests.is_empty();
        let others = if self.pool.nodes().is_empty() {
            // No attempt can start before there are nodes.
            [self.refresh.retry_at().filter(|_| is_waited_for), None]
        } else {
            let times = self.requests.values().filter_map(|request| request.try_at);
            let is_idle = self.clock.resync.open == 0;
            let rest = self.clock.rests_until().filter(|_| is_idle);
            [times.min(), rest]
        };
        let guards = self
            .guard_tests
            .rest()
            .filter(|_| is_waited_for || (self.clock.resync.wanted && self.clock.resync.open == 0));
        // What was due at the last call waits for something else by now.
        let watches = self.watches.due();
        let others = others.into_iter().chain([guards, watches]).flatten();
        let others = others.filter(|at| *at > self.latest);
        sent.chain(deadlines)
            .flatten()
            .chain(others)
            .min()
            .map(Instant::monotonic)
    }

    /// Notes the time of a call. Callers that take the time in several places may come out of
    /// order.
    fn notice(&mut self, now: Now) -> Instant {
        self.clock.notice(now);
        self.latest = self.latest.max(now.instant());
        self.latest
    }

    fn number(&mut self) -> u64 {
        let number = self.next_number;
        self.next_number = number.wrapping_add(1);
        number
    }

    fn finish(&mut self, id: RequestId, result: Result<Reply, RequestError>) {
        let Some(pending) = self.requests.remove(&id) else {
            return;
        };
        let result = match result {
            // Signed again it would be another message: only what nobody can have stored may be.
            Err(RequestError::ClockOutOfSync) if pending.may_be_stored() => {
                Err(RequestError::NoUsableAnswer)
            }
            result => result,
        };
        self.events.push_back(Event {
            request: id,
            result,
        });
    }
}
