//! The client as one state machine without I/O (protocol: swarm, section 7; onion, sections 9 and
//! 10).
//!
//! [`Client`] owns the pool of nodes, their strikes, the paths, the clock offset and all requests
//! that are under way. Its user carries out the [`Action`]s that [`Client::poll`] returns, reports
//! what became of each with [`Client::report`], and takes finished requests from
//! [`Client::next_event`]. Every request that was submitted ends in exactly one [`Event`].
//!
//! Nodes are not believed more than they can prove: an entry of a swarm counts only with the
//! signature of a node that the pool has in that swarm, a message only under its own hash, a
//! redirect only from inside the encryption and to nodes of the pool, and a list of nodes only where
//! two of three agree.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use rand_core::Rng;
use session_crypto::Ed25519Public;
use session_storage::{Request, ServiceNodesRequest};
use session_swarm::record::ServiceNode;
use session_types::AnyId;

use crate::path::{PathId, Paths, Purpose};
use crate::pool::Pool;
use crate::strikes::Strikes;

mod answers;
mod belief;
mod building;
mod clock;
mod config;
mod dispatch;
mod exchange;
mod outcome;
mod refresh;
mod setback;
mod state;
mod upkeep;

pub use clock::ClockOffset;
pub use config::ClientConfig;
pub use exchange::{Action, Event, Reply, RequestError, RequestId, Target, Ticket};
pub use outcome::Outcome;
pub use state::{SavedPath, SavedState, StateError};

use building::GuardTests;
use clock::Resync;
use refresh::Refresh;

/// One request of the user, or of the client itself.
#[derive(Debug, Clone)]
struct Pending {
    target: Target,
    purpose: Purpose,
    request: Request,
    deadline_ms: u64,
    attempts: u32,
    redirects: u32,
    clock_refusals: u32,
    /// Whether a node has said that all members of the swarm failed.
    nobody_did: bool,
    /// Nodes that were asked already.
    asked: Vec<Ed25519Public>,
    last_error: RequestError,
    /// The path of the last attempt that failed on its way.
    failed_on: Option<PathId>,
    /// When to try again; none while an attempt is under way, and while it waits for a path.
    try_at_ms: Option<u64>,
    waits_for_path: bool,
}

/// Something that was sent and not reported yet.
#[derive(Debug, Clone)]
struct Sent {
    errand: Errand,
    sent_ms: u64,
    deadline_ms: u64,
}

/// Why it was sent.
#[derive(Debug, Clone)]
enum Errand {
    /// An attempt of a request.
    Attempt {
        request: RequestId,
        path: PathId,
        destination: Ed25519Public,
    },
    /// A node may become the guard of a path.
    Guard { path: PathId },
    /// A seed is asked for nodes.
    Seed,
    /// A node is asked for nodes.
    Nodes {
        path: PathId,
        destination: Ed25519Public,
    },
    /// A node is asked for its clock.
    Clock {
        path: PathId,
        destination: Ed25519Public,
    },
    /// A new path is tried before it replaces an old one.
    Probe {
        replaces: PathId,
        purpose: Purpose,
        hops: Vec<ServiceNode>,
    },
}

/// A client of the network, without I/O.
///
/// ```
/// # use getrandom::{SysRng, rand_core::UnwrapErr};
/// # let rng = &mut UnwrapErr(SysRng);
/// use session_network::client::{Action, Client, ClientConfig, Outcome, Target};
/// use session_storage::Info;
///
/// let mut client = Client::new(ClientConfig { seeds: 1, ..ClientConfig::default() });
/// let mut now_ms = 1_754_971_101_000;
/// let request = client.submit(Target::Any, Info, now_ms);
/// // Without nodes it asks a seed first. This one cannot be reached, ever.
/// let event = loop {
///     while let Some(action) = client.poll(now_ms, rng) {
///         match action {
///             Action::AskSeed { ticket, .. } | Action::Send { ticket, .. } => {
///                 client.report(ticket, Outcome::Unreachable, now_ms, rng);
///             }
///             _ => {}
///         }
///     }
///     match client.next_event() {
///         Some(event) => break event,
///         None => now_ms = client.next_wakeup().unwrap_or(now_ms + 1_000),
///     }
/// };
/// // Whatever happens, every request ends.
/// assert_eq!(event.request, request);
/// assert!(event.result.is_err());
/// ```
#[derive(Debug)]
pub struct Client {
    config: ClientConfig,
    pool: Pool,
    strikes: Strikes,
    paths: Paths,
    clock: ClockOffset,
    resync: Resync,
    guard_tests: GuardTests,
    refresh: Refresh,
    /// Swarms that nodes of the pool were named for in redirects, until the next list.
    redirects: BTreeMap<AnyId, Vec<Ed25519Public>>,
    requests: BTreeMap<RequestId, Pending>,
    sent: BTreeMap<Ticket, Sent>,
    actions: VecDeque<Action>,
    events: VecDeque<Event>,
    next_number: u64,
    /// The latest time of a call.
    latest_ms: u64,
}

impl Client {
    /// A client that knows nothing but the number of its seeds.
    #[must_use]
    pub fn new(config: ClientConfig) -> Self {
        Self {
            config,
            pool: Pool::default(),
            strikes: Strikes::default(),
            paths: Paths::default(),
            clock: ClockOffset::default(),
            resync: Resync::default(),
            guard_tests: GuardTests::default(),
            refresh: Refresh::default(),
            redirects: BTreeMap::new(),
            requests: BTreeMap::new(),
            sent: BTreeMap::new(),
            actions: VecDeque::new(),
            events: VecDeque::new(),
            next_number: 0,
            latest_ms: 0,
        }
    }

    /// Takes the nodes of a list whose source is trusted, such as one that came with the
    /// application. Their age counts from `now_ms`.
    pub fn set_nodes(
        &mut self,
        nodes: Vec<ServiceNode>,
        now_ms: u64,
        rng: &mut (impl Rng + ?Sized),
    ) {
        self.notice_time(now_ms);
        self.pool.renew(nodes, now_ms, rng);
        self.after_new_pool(now_ms);
    }

    /// The nodes that the client knows.
    #[must_use]
    pub const fn pool(&self) -> &Pool {
        &self.pool
    }

    /// The strikes of nodes.
    #[must_use]
    pub const fn strikes(&self) -> &Strikes {
        &self.strikes
    }

    /// The paths.
    #[must_use]
    pub const fn paths(&self) -> &Paths {
        &self.paths
    }

    /// The network's time, to sign requests with, in milliseconds since 1970.
    #[must_use]
    pub fn network_time(&self, now_ms: u64) -> u64 {
        self.clock.network_time(now_ms)
    }

    /// The members of the swarm of an account, to ask several of them.
    #[must_use]
    pub fn swarm_of(&self, account: &AnyId) -> Vec<ServiceNode> {
        let swarm = self.pool.ring().swarm_of(account);
        let members = swarm.map(|swarm| self.pool.members(swarm).copied().collect());
        members.unwrap_or_default()
    }

    /// Starts a request. It ends in exactly one [`Event`].
    pub fn submit(
        &mut self,
        target: Target,
        request: impl Into<Request>,
        now_ms: u64,
    ) -> RequestId {
        self.submit_for(Purpose::Standard, target, request, now_ms)
    }

    /// Starts a request on the paths of a purpose.
    pub fn submit_for(
        &mut self,
        purpose: Purpose,
        target: Target,
        request: impl Into<Request>,
        now_ms: u64,
    ) -> RequestId {
        self.notice_time(now_ms);
        let id = RequestId(self.number());
        if self.requests.len() >= self.config.max_requests {
            self.events.push_back(Event {
                request: id,
                result: Err(RequestError::TooMany),
            });
            return id;
        }
        let pending = Pending {
            target,
            purpose,
            request: request.into(),
            deadline_ms: now_ms.saturating_add(self.config.request_timeout_ms),
            attempts: 0,
            redirects: 0,
            clock_refusals: 0,
            nobody_did: false,
            asked: Vec::new(),
            last_error: RequestError::TimedOut,
            failed_on: None,
            try_at_ms: Some(now_ms),
            waits_for_path: false,
        };
        self.requests.insert(id, pending);
        id
    }

    /// The next thing to do. Call it until it returns none, whenever something was submitted or
    /// reported and when [`next_wakeup`](Self::next_wakeup) says so.
    pub fn poll(&mut self, now_ms: u64, rng: &mut (impl Rng + ?Sized)) -> Option<Action> {
        self.notice_time(now_ms);
        if let Some(action) = self.actions.pop_front() {
            return Some(action);
        }
        self.expire(now_ms, rng);
        self.mend_paths(now_ms, rng);
        self.look_after_pool(now_ms, rng);
        self.look_after_paths(now_ms, rng);
        self.look_after_clock(now_ms, rng);
        self.dispatch_due(now_ms, rng);
        self.actions.pop_front()
    }

    /// The next request that has ended.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The number of requests that have not ended.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.requests.len()
    }

    /// When to call [`poll`](Self::poll) again if nothing happens, in milliseconds since 1970.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<u64> {
        let sent = self.sent.values().map(|sent| sent.deadline_ms);
        let deadlines = self.requests.values().map(|request| request.deadline_ms);
        let (attempts, refresh) = if self.pool.nodes().is_empty() {
            // No attempt can start before there are nodes.
            let is_waited_for = !self.requests.is_empty();
            (None, self.refresh.retry_at().filter(|_| is_waited_for))
        } else {
            let times = self
                .requests
                .values()
                .filter_map(|request| request.try_at_ms);
            (times.min(), None)
        };
        let resync = self.guard_tests.rest().filter(|_| self.resync.is_stuck());
        sent.chain(deadlines)
            .chain(attempts)
            .chain(refresh)
            .chain(resync)
            .min()
    }

    fn number(&mut self) -> u64 {
        let number = self.next_number;
        self.next_number = number.wrapping_add(1);
        number
    }

    fn finish(&mut self, id: RequestId, result: Result<Reply, RequestError>) {
        if self.requests.remove(&id).is_some() {
            self.events.push_back(Event {
                request: id,
                result,
            });
        }
    }

    /// Sends through a path; the path counts the request until it is reported.
    fn send(
        &mut self,
        errand: Errand,
        hops: Vec<ServiceNode>,
        destination: ServiceNode,
        body: Vec<u8>,
        now_ms: u64,
    ) {
        let deadline_ms = now_ms.saturating_add(self.config.attempt_timeout_ms);
        let ticket = Ticket(self.number());
        if let Some(path) = errand.path() {
            self.paths.started(path);
        }
        let sent = Sent {
            errand,
            sent_ms: now_ms,
            deadline_ms,
        };
        self.sent.insert(ticket, sent);
        self.actions.push_back(Action::Send {
            ticket,
            hops,
            destination,
            body,
            deadline_ms,
        });
    }

    fn ask_seed(&mut self, seed: usize, now_ms: u64) {
        let deadline_ms = now_ms.saturating_add(self.config.attempt_timeout_ms);
        let ticket = Ticket(self.number());
        let sent = Sent {
            errand: Errand::Seed,
            sent_ms: now_ms,
            deadline_ms,
        };
        self.sent.insert(ticket, sent);
        self.actions.push_back(Action::AskSeed {
            ticket,
            seed,
            body: ServiceNodesRequest::default().to_seed_json(),
            deadline_ms,
        });
    }
}

impl Errand {
    const fn path(&self) -> Option<PathId> {
        match self {
            Self::Attempt { path, .. } | Self::Nodes { path, .. } | Self::Clock { path, .. } => {
                Some(*path)
            }
            Self::Guard { .. } | Self::Seed | Self::Probe { .. } => None,
        }
    }
}
