//! Drives the state machine of `session-network`: all decisions — paths, guards, retries, the
//! clock — are made there, and it builds and opens the packets; all I/O is done here.

mod servers;

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use session_crypto::Ed25519Public;
use session_network::types::{MonotonicTime, UnixMillis};
use session_network::{
    Config, Endpoint, LastHashes, Network, Now, Outcome, Post, PostPurpose, Reply, Request,
    RequestError, RequestId, SavedState, StorageReply, Target, Ticket,
};
use session_storage::{Body, Call, Info};
use session_swarm::record::ServiceNode;
use session_types::{AnyId, SwarmId};
use tokio::task::JoinSet;

use crate::error::ClientError;
use crate::foreign::Foreign;
use crate::http::{Answer, Http, HttpError, Trust};
use crate::network::{HOPS, Options, Route, Seeds};
use crate::session::Step;

/// Maximum time to wait until nodes agree on the network's time.
const CLOCK_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum distance, in ms, of the clock of one node at which no others are waited for.
const CLOCK_TOLERANCE: u64 = 1_000;

/// A watcher of what is done.
pub(crate) type Watch = Box<dyn Fn(&Step) + Send + Sync>;

/// The state machine and what it has under way.
pub(crate) struct Driver {
    network: Network,
    seeds: Seeds,
    nodes: Http,
    under_way: JoinSet<(Ticket, Result<Answer, HttpError>)>,
    /// Requests that have ended before they were waited for.
    ended: BTreeMap<RequestId, Result<Reply, RequestError>>,
    /// The last failure, which says more than that all attempts failed.
    last_failure: Option<ClientError>,
    watch: Watch,
}

/// An answer and how it came.
pub(crate) struct Answered<A> {
    pub(crate) answer: A,
    pub(crate) node: ServiceNode,
    pub(crate) route: Route,
    /// Members of the swarm that have proved that they did it.
    pub(crate) signers: Vec<Ed25519Public>,
}

impl Driver {
    /// Asks the seed nodes for the service nodes. `kept` is what an earlier run saved.
    pub(crate) async fn connect(
        options: &Options,
        kept: SavedState,
        watch: Watch,
    ) -> Result<Self, ClientError> {
        let seeds = Seeds::new(options)?;
        let mut driver = Self {
            network: Network::new(Config::default(), seeds.list()),
            seeds,
            nodes: Http::new(Trust::Any, options.from),
            under_way: JoinSet::new(),
            ended: BTreeMap::new(),
            last_failure: None,
            watch,
        };
        driver.begin(kept).await?;
        Ok(driver)
    }

    /// Fetches a new list of nodes. Everything else stays as it is, what failed included.
    pub(crate) async fn renew(&mut self) -> Result<(), ClientError> {
        let nodes = self.seeds.nodes().await?;
        let config = self.config(&nodes)?;
        self.network.set_config(config);
        self.network.set_nodes(nodes, now(), &mut UnwrapErr(SysRng));
        Ok(())
    }

    /// Begins again with a new list of nodes and the same guards: what failed is forgotten.
    pub(crate) async fn begin_again(&mut self) -> Result<(), ClientError> {
        let mut kept = self.save();
        kept.strikes.clear();
        kept.suspicions.clear();
        kept.paths.clear();
        self.begin(kept).await
    }

    async fn begin(&mut self, mut kept: SavedState) -> Result<(), ClientError> {
        kept.nodes = self.seeds.nodes().await?;
        kept.updated = Some(now().wall);
        let subnets = kept.nodes.iter().map(ServiceNode::subnet);
        let subnets = subnets.collect::<std::collections::BTreeSet<_>>().len();
        let config = self.config(&kept.nodes)?;
        self.under_way.abort_all();
        self.under_way = JoinSet::new();
        self.ended.clear();
        self.last_failure = None;
        self.network = Network::restore(config, self.seeds.list(), &kept, now());
        (self.watch)(&Step::Bootstrapped {
            nodes: kept.nodes.len(),
            swarms: self.network.pool().ring().len(),
        });
        if !config.path.distinct_subnets {
            (self.watch)(&Step::SubnetsShared { subnets });
        }
        if !self.network.clock().is_known() {
            self.network.resync_clock();
        }
        Ok(())
    }

    /// The rules for a network of these nodes, which may be one that is too small for those of the
    /// protocol.
    fn config(&self, nodes: &[ServiceNode]) -> Result<Config, ClientError> {
        if nodes.len() <= HOPS {
            return Err(ClientError::TooFewNodes {
                usable: nodes.len(),
                needed: HOPS + 1,
            });
        }
        let mut config = Config::default();
        config.path.hops = HOPS;
        config.nodes = self.seeds.read;
        Ok(config.fitted_to(nodes))
    }

    /// Asks one node for the time unless an earlier run has known it, and waits for others only if it
    /// contradicts.
    pub(crate) async fn check_clock(&mut self) -> Result<(), ClientError> {
        if self.network.clock().is_known() {
            return Ok(());
        }
        let (before, offset) = (self.network_time(), self.clock_offset());
        let answered = self.ask(Target::AnyNode, &Info).await?;
        let said = answered.answer.timestamp.get();
        let after = self.network_time();
        let early = before.saturating_sub(CLOCK_TOLERANCE);
        if !(early..=after.saturating_add(CLOCK_TOLERANCE)).contains(&said) {
            self.settle_clock(offset).await;
        }
        Ok(())
    }

    /// Waits for the nodes that are being asked for the time, unless it is another one already than when
    /// the clock had this offset. Without enough answers the clock stays as it is.
    pub(crate) async fn settle_clock(&mut self, offset: i64) {
        let settled = async {
            while self.network.is_resyncing() && self.clock_offset() == offset {
                self.step().await;
            }
        };
        let _ = tokio::time::timeout(CLOCK_TIMEOUT, settled).await;
    }

    /// The network's clock ahead of this machine's, in ms.
    pub(crate) const fn clock_offset(&self) -> i64 {
        self.network.clock().offset()
    }

    pub(crate) fn network_time(&self) -> u64 {
        self.network.network_time(now()).get()
    }

    /// What the next run goes on with. It gets the nodes anew.
    pub(crate) fn save(&self) -> SavedState {
        let mut kept = self.network.save(&LastHashes::default(), now());
        kept.nodes.clear();
        kept
    }

    /// The members of an account's swarm, those that failed least lately first.
    pub(crate) fn members(&self, account: &AnyId) -> Vec<ServiceNode> {
        self.network.members(account, now())
    }

    /// Whether requests failed at a node lately.
    pub(crate) fn is_doubtful(&self, node: &Ed25519Public) -> bool {
        self.network.is_doubtful(node, now())
    }

    pub(crate) fn swarm_of(&self, account: &AnyId) -> Option<SwarmId> {
        self.network.pool().ring().swarm_of(account)
    }

    /// Sends a request and reads its answer.
    pub(crate) async fn ask<C>(
        &mut self,
        target: Target,
        call: &C,
    ) -> Result<Answered<C::Answer>, ClientError>
    where
        C: Call + Clone + Into<Request>,
    {
        let id = self.network.request(target, call.clone(), now());
        let result = self.wait(id).await;
        self.read(result, |_| Some(call))
    }

    /// Starts a request to one of several nodes, to each with a call of its own, in this order.
    pub(crate) fn start<C>(&mut self, calls: &[(Ed25519Public, C)]) -> RequestId
    where
        C: Clone + Into<session_storage::Request>,
    {
        let (target, request) = Request::each(calls.iter().cloned());
        self.network.request(target, request, now())
    }

    /// Gives up a request.
    pub(crate) fn cancel(&mut self, request: RequestId) {
        self.network.cancel(request);
        self.ended.remove(&request);
    }

    /// Reads the answer of a node to the call that it was sent.
    pub(crate) fn read<'a, C: Call + 'a>(
        &mut self,
        result: Result<Reply, RequestError>,
        call: impl FnOnce(&Ed25519Public) -> Option<&'a C>,
    ) -> Result<Answered<C::Answer>, ClientError> {
        let method = C::METHOD.name();
        let nonsense = |reason: String| ClientError::Nonsense {
            method,
            reason: reason.into(),
        };
        let reply: StorageReply = match result {
            Ok(Reply::Storage(reply)) => reply,
            Ok(_) => return Err(nonsense("it is of another kind".to_owned())),
            Err(error) => return Err(self.explain(error)),
        };
        let body = match reply.response.body {
            Body::Structure(body) if reply.response.status == 200 => body,
            body => {
                let text = match body {
                    Body::Text(text) => text,
                    Body::Structure(value) => String::from_utf8_lossy(&value.to_json()).into(),
                    _ => String::new(),
                };
                return Err(ClientError::Refused {
                    method,
                    status: reply.response.status,
                    text: excerpt(&text),
                });
            }
        };
        let call = call(&reply.node.ed25519);
        let call = call.ok_or_else(|| nonsense("nobody asked that node".to_owned()))?;
        let answer = call.read_answer(&body);
        Ok(Answered {
            answer: answer.map_err(|error| nonsense(error.to_string()))?,
            node: reply.node,
            route: route(&reply.route).ok_or_else(|| nonsense("it came by no path".to_owned()))?,
            signers: reply.signers.into_iter().collect(),
        })
    }

    /// Runs the machine until a request has ended.
    async fn wait(&mut self, request: RequestId) -> Result<Reply, RequestError> {
        self.wait_any(&[request]).await.1
    }

    /// Runs the machine until one of some requests has ended.
    pub(crate) async fn wait_any(
        &mut self,
        requests: &[RequestId],
    ) -> (RequestId, Result<Reply, RequestError>) {
        loop {
            self.start_posts();
            while let Some(event) = self.network.next_event() {
                self.ended.insert(event.request, event.result);
            }
            let mut ended = requests.iter();
            if let Some(found) = ended.find_map(|id| self.ended.remove_entry(id)) {
                return found;
            }
            self.step().await;
        }
    }

    /// Posts what is to be posted.
    fn start_posts(&mut self) {
        let now = now();
        while let Some(post) = self.network.poll(now, &mut UnwrapErr(SysRng)) {
            self.tell(&post);
            let http = match &post.endpoint {
                Endpoint::Seed { .. } => self.seeds.http.clone(),
                _ => self.nodes.clone(),
            };
            let limit = post.deadline.since(now.monotonic);
            let (url, kind) = (post.endpoint.url(), post.endpoint.content_type());
            self.under_way.spawn(async move {
                let answer = http.post(&url, kind, post.body.into(), limit).await;
                (post.ticket, answer)
            });
        }
    }

    /// Waits for the next answer, or until the machine wants to be asked again, and reports.
    async fn step(&mut self) {
        self.start_posts();
        let pause = self.network.next_wakeup();
        let pause = pause.map_or(Duration::from_secs(1), |at| at.since(now().monotonic));
        tokio::select! {
            Some(Ok((ticket, came))) = self.under_way.join_next() => {
                let outcome = match &came {
                    Ok(Answer { status, body, .. }) => Outcome::Answer { status: *status, body },
                    Err(HttpError::Timeout { .. }) => Outcome::TimedOut,
                    Err(_) => Outcome::Unreachable,
                };
                self.network.report(ticket, outcome, now(), &mut UnwrapErr(SysRng));
                self.note_failure(came);
            }
            () = tokio::time::sleep(pause.max(Duration::from_millis(1))) => {}
        }
    }

    /// Tells the watcher what goes out.
    fn tell(&self, post: &Post) {
        match &post.purpose {
            PostPurpose::Guard(node) => (self.watch)(&Step::Guard {
                node: Box::new(*node),
            }),
            PostPurpose::Request { method, route, .. } | PostPurpose::Upkeep { method, route } => {
                if let Some(route) = self::route(route) {
                    (self.watch)(&Step::Request {
                        method,
                        route: Box::new(route),
                    });
                }
            }
            _ => {}
        }
    }

    /// Remembers why something failed, for a person. The machine judges by itself.
    fn note_failure(&mut self, came: Result<Answer, HttpError>) {
        let failure = match came {
            Ok(answer) if answer.is_ok() || answer.status == 404 => return,
            Ok(answer) => ClientError::Path {
                status: answer.status,
                text: excerpt(&String::from_utf8_lossy(&answer.body)),
            },
            Err(error) => error.into(),
        };
        (self.watch)(&Step::Retry {
            reason: failure.to_string(),
        });
        self.last_failure = Some(failure);
    }

    /// The error for a person: why the last attempt failed, if the machine knows no more. What was
    /// learnt of the network is told, because a program that fails may end here.
    fn explain(&mut self, error: RequestError) -> ClientError {
        (self.watch)(&Step::Failed {
            network: Box::new(self.save()),
        });
        let last = self.last_failure.take();
        match (error, last) {
            (RequestError::PathsFailed | RequestError::TimedOut, Some(last)) => last,
            (error, _) => ClientError::Request(error),
        }
    }
}

/// The beginning of a text that somebody else wrote.
fn excerpt(text: &str) -> Foreign {
    let text: String = text.trim_end().chars().take(200).collect();
    text.into()
}

/// A route of as many hops as this client uses, to a node.
fn route(route: &session_network::Route) -> Option<Route> {
    Some(Route {
        path: route.path.clone().try_into().ok()?,
        destination: route.node?,
    })
}

/// This machine's clocks.
pub(crate) fn now() -> Now {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    let origin = ORIGIN.get_or_init(Instant::now);
    Now::new(
        MonotonicTime::new(origin.elapsed()),
        UnixMillis::new(local_ms()),
    )
}

/// This machine's clock, in ms since 1970.
pub(crate) fn local_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
}
