//! Carries out what the state machine of `session-swarm` asks for: all decisions — paths, guards,
//! strikes, retries, redirects, the clock — are made there, all I/O is done here.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use session_crypto::Ed25519Public;
use session_network::Client as Machine;
use session_network::client::{
    Action, ClientConfig, Outcome, Reply, RequestError, RequestId, SavedState, Target, Ticket,
};
use session_network::path::{Guard, PathConfig};
use session_onion::client::{Hop, HopRefusal, ReplyError, Request as Packet, seal};
use session_onion::status::Hearsay;
use session_storage::value::Value;
use session_storage::{Body, Call, Info, Method, Request};
use session_swarm::record::ServiceNode;
use session_types::{AnyId, SwarmId};
use tokio::task::JoinSet;

use crate::error::ClientError;
use crate::http::{Http, HttpError, Trust};
use crate::network::{HOPS, Options, Route, Seeds};
use crate::session::Step;

/// Nodes that are asked for the time, and how many have to answer.
const CLOCKS: (usize, usize) = (3, 2);

/// Whoever watches.
pub(crate) type Watch = Box<dyn Fn(&Step) + Send + Sync>;

/// The state machine and what it has under way.
pub(crate) struct Driver {
    machine: Machine,
    seeds: Seeds,
    http: Http,
    under_way: JoinSet<(Ticket, Came)>,
    /// Where requests that are under way go.
    routes: BTreeMap<Ticket, Route>,
    /// The way of the last answer of a node.
    answered: BTreeMap<Ed25519Public, Route>,
    /// The last failure, which says more than that all attempts failed.
    last_failure: Option<ClientError>,
    watch: Watch,
}

/// What came back.
enum Came {
    Answer { status: u16, body: Vec<u8> },
    PathError { status: u16, text: String },
    Undecryptable(String),
    Unreachable(ClientError),
    TimedOut(ClientError),
}

/// An answer and how it came.
pub(crate) struct Answered<A> {
    pub(crate) answer: A,
    pub(crate) node: Ed25519Public,
    pub(crate) route: Route,
}

impl Driver {
    /// Asks the seed nodes for the service nodes. `guards` are those of an earlier run.
    pub(crate) async fn connect(
        options: &Options,
        guards: Vec<Guard>,
        watch: Watch,
    ) -> Result<Self, ClientError> {
        let seeds = Seeds::new(options)?;
        let mut driver = Self {
            machine: Machine::new(ClientConfig::default()),
            seeds,
            http: Http::new(Trust::Any, options.from),
            under_way: JoinSet::new(),
            routes: BTreeMap::new(),
            answered: BTreeMap::new(),
            last_failure: None,
            watch,
        };
        driver.begin(guards).await?;
        Ok(driver)
    }

    /// Begins again with a new list of nodes and the same guards: strikes are forgotten.
    pub(crate) async fn begin_again(&mut self) -> Result<(), ClientError> {
        let guards = self.machine.paths().guards().to_vec();
        self.begin(guards).await
    }

    async fn begin(&mut self, guards: Vec<Guard>) -> Result<(), ClientError> {
        let nodes = self.seeds.nodes().await?;
        let subnets = nodes.iter().map(ServiceNode::subnet);
        let subnets = subnets.collect::<std::collections::BTreeSet<_>>().len();
        let config = self.config(&nodes)?;
        let state = SavedState {
            nodes,
            updated_ms: Some(local_ms()),
            guards,
            ..SavedState::default()
        };
        self.under_way.abort_all();
        self.under_way = JoinSet::new();
        self.routes.clear();
        self.answered.clear();
        self.last_failure = None;
        self.machine = Machine::restore(config, &state, local_ms());
        (self.watch)(&Step::Bootstrapped {
            nodes: state.nodes.len(),
            swarms: self.machine.pool().ring().len(),
        });
        if !config.path.distinct_subnets {
            (self.watch)(&Step::SubnetsShared { subnets });
        }
        self.set_clock().await
    }

    /// The rules for a network of these nodes, which may be one that is too small for those of the
    /// protocol.
    fn config(&self, nodes: &[ServiceNode]) -> Result<ClientConfig, ClientError> {
        if nodes.len() <= HOPS {
            return Err(ClientError::TooFewNodes {
                usable: nodes.len(),
                needed: HOPS + 1,
            });
        }
        let path = PathConfig {
            hops: HOPS,
            ..PathConfig::default()
        };
        let config = ClientConfig {
            path,
            nodes: self.seeds.read,
            seeds: self.seeds.len(),
            ..ClientConfig::default()
        };
        Ok(config.fitted_to(nodes))
    }

    /// Asks some nodes for the time.
    pub(crate) async fn set_clock(&mut self) -> Result<(), ClientError> {
        let (ask, enough) = CLOCKS;
        let ids: Vec<RequestId> = (0..ask)
            .map(|_| self.machine.submit(Target::Any, Info, local_ms()))
            .collect();
        let results = self.wait(&ids, enough).await;
        let (answers, failures): (Vec<_>, Vec<_>) =
            results.into_iter().partition(|(_, result)| result.is_ok());
        match failures.into_iter().next() {
            Some((_, Err(error))) if answers.is_empty() => Err(self.explain(error)),
            _ => Ok(()),
        }
    }

    pub(crate) fn network_time(&self) -> u64 {
        self.machine.network_time(local_ms())
    }

    pub(crate) fn guards(&self) -> &[Guard] {
        self.machine.paths().guards()
    }

    /// The members of an account's swarm, those that failed least lately first.
    pub(crate) fn members(&self, account: &AnyId) -> Vec<ServiceNode> {
        let mut members = self.machine.swarm_of(account);
        let strikes = self.machine.strikes();
        let now = local_ms();
        members.sort_by_key(|node| (strikes.is_out(&node.ed25519, now), node.ed25519));
        members
    }

    pub(crate) fn swarm_of(&self, account: &AnyId) -> Option<SwarmId> {
        self.machine.pool().ring().swarm_of(account)
    }

    pub(crate) fn node(&self, key: &Ed25519Public) -> Option<&ServiceNode> {
        self.machine.pool().get(key)
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
        let method = C::METHOD.name();
        let id = self.machine.submit(target, call.clone(), local_ms());
        let result = self.wait(&[id], 1).await.pop().map(|(_, result)| result);
        let Reply { node, response } = match result {
            Some(Ok(reply)) => reply,
            Some(Err(error)) => return Err(self.explain(error)),
            None => return Err(ClientError::Request(RequestError::TimedOut)),
        };
        let body = match response.body {
            Body::Structure(body) if response.status == 200 => body,
            body => {
                let text = match body {
                    Body::Text(text) => text,
                    Body::Structure(value) => String::from_utf8_lossy(&value.to_json()).into(),
                    _ => String::new(),
                };
                return Err(ClientError::Refused {
                    method,
                    status: response.status,
                    text: text.trim_end().chars().take(200).collect::<String>().into(),
                });
            }
        };
        let nonsense = |reason: String| ClientError::Nonsense {
            method,
            reason: reason.into(),
        };
        let answer = call
            .read_answer(&body)
            .map_err(|error| nonsense(error.to_string()))?;
        let route = self.answered.get(&node).cloned();
        let route = route.ok_or_else(|| nonsense("it came by no path".to_owned()))?;
        Ok(Answered {
            answer,
            node,
            route,
        })
    }

    /// Runs the machine until so many of these requests succeeded, or all have ended.
    async fn wait(
        &mut self,
        ids: &[RequestId],
        enough: usize,
    ) -> Vec<(RequestId, Result<Reply, RequestError>)> {
        let mut ended = Vec::new();
        loop {
            let now = local_ms();
            while let Some(action) = self.machine.poll(now, &mut UnwrapErr(SysRng)) {
                self.start(action, now);
            }
            while let Some(event) = self.machine.next_event() {
                if ids.contains(&event.request) {
                    ended.push((event.request, event.result));
                }
            }
            let succeeded = ended.iter().filter(|(_, result)| result.is_ok()).count();
            if ended.len() >= ids.len() || succeeded >= enough {
                return ended;
            }
            let wakeup = self.machine.next_wakeup();
            let pause = wakeup.map_or(1_000, |at| at.saturating_sub(now)).max(1);
            let pause = tokio::time::sleep(Duration::from_millis(pause));
            tokio::select! {
                Some(Ok((ticket, came))) = self.under_way.join_next() => self.report(ticket, came),
                () = pause => {}
            }
        }
    }

    /// Carries out an action in the background.
    fn start(&mut self, action: Action, now: u64) {
        match action {
            Action::Send {
                ticket,
                hops,
                destination,
                body,
                deadline_ms,
            } => {
                let limit = Duration::from_millis(deadline_ms.saturating_sub(now));
                if let Ok(path) = <[ServiceNode; HOPS]>::try_from(hops.clone()) {
                    let route = Route { path, destination };
                    (self.watch)(&Step::Request {
                        method: method_of(&body),
                        route: Box::new(route.clone()),
                    });
                    self.routes.insert(ticket, route);
                }
                let http = self.http.clone();
                self.under_way.spawn(async move {
                    let came = carry(&http, &hops, &destination, &body, limit).await;
                    (ticket, came)
                });
            }
            Action::AskSeed {
                ticket,
                seed,
                body,
                deadline_ms,
            } => {
                let limit = Duration::from_millis(deadline_ms.saturating_sub(now));
                let seeds = self.seeds.clone();
                self.under_way.spawn(async move {
                    let came = match seeds.ask(seed, body, limit).await {
                        Ok(body) => Came::Answer {
                            status: 200,
                            body: body.into(),
                        },
                        Err(reason) => Came::Unreachable(ClientError::Seeds(reason.into())),
                    };
                    (ticket, came)
                });
            }
            Action::TestGuard {
                ticket,
                guard,
                deadline_ms,
            } => {
                let limit = Duration::from_millis(deadline_ms.saturating_sub(now));
                (self.watch)(&Step::Guard {
                    node: Box::new(guard),
                });
                let http = self.http.clone();
                self.under_way.spawn(async move {
                    let url = format!("https://{}:{}/ping_test/v1", guard.ip, guard.https_port);
                    let sent = http.post(&url, "application/octet-stream", Bytes::new(), limit);
                    let came = match sent.await {
                        Ok(answer) => Came::Answer {
                            status: answer.status,
                            body: Vec::new(),
                        },
                        Err(error) => Came::Unreachable(error.into()),
                    };
                    (ticket, came)
                });
            }
            // What a later version may ask for ends by its deadline.
            _ => {}
        }
    }

    /// Tells the machine what became of an action.
    fn report(&mut self, ticket: Ticket, came: Came) {
        let route = self.routes.remove(&ticket);
        let (outcome, failure) = match &came {
            Came::Answer { status, body } => {
                if let Some(route) = route {
                    self.answered.insert(route.destination.ed25519, route);
                }
                let status = *status;
                (Outcome::Answer { status, body }, None)
            }
            Came::PathError { status, text } => (
                Outcome::PathError {
                    status: *status,
                    body: text.as_bytes(),
                },
                Some(ClientError::Path {
                    status: *status,
                    text: text.trim_end().chars().take(200).collect::<String>().into(),
                }),
            ),
            Came::Undecryptable(reason) => (
                Outcome::Undecryptable,
                Some(ClientError::Onion(reason.clone().into())),
            ),
            Came::Unreachable(_) => (Outcome::Unreachable, None),
            Came::TimedOut(_) => (Outcome::TimedOut, None),
        };
        let now = local_ms();
        let rng = &mut UnwrapErr(SysRng);
        self.machine.report(ticket, outcome, now, rng);
        let failure = match came {
            Came::Unreachable(error) | Came::TimedOut(error) => Some(error),
            _ => failure,
        };
        if let Some(failure) = failure {
            (self.watch)(&Step::Retry {
                reason: failure.to_string(),
            });
            self.last_failure = Some(failure);
        }
    }

    /// The error for a person: why the last attempt failed, if the machine knows no more.
    fn explain(&mut self, error: RequestError) -> ClientError {
        let last = self.last_failure.take();
        match (error, last) {
            (RequestError::PathsFailed | RequestError::TimedOut, Some(last)) => last,
            (error, _) => ClientError::Request(error),
        }
    }
}

/// Sends one onion request.
async fn carry(
    http: &Http,
    hops: &[ServiceNode],
    destination: &ServiceNode,
    body: &[u8],
    limit: Duration,
) -> Came {
    // The machine has checked the keys.
    let hop = |node: &ServiceNode| node.x25519.map(|key| Hop::new(node.ed25519, key));
    let layers: Option<Vec<Hop>> = hops.iter().map(hop).collect();
    let (Some(guard), Some(layers), Some(last)) = (hops.first(), layers, hop(destination)) else {
        return Came::Undecryptable("a node of the path has no key".to_owned());
    };
    let packet = Packet::storage(&last, body);
    let sealed = match seal(&mut UnwrapErr(SysRng), &layers, &packet) {
        Ok(sealed) => sealed,
        Err(error) => return Came::Undecryptable(error.to_string()),
    };
    let url = format!("https://{}:{}/onion_req/v2", guard.ip, guard.https_port);
    let packet = Bytes::from(sealed.packet);
    let sent = http.post(&url, "application/octet-stream", packet, limit);
    let answer = match sent.await {
        Ok(answer) => answer,
        Err(error @ HttpError::Timeout { .. }) => return Came::TimedOut(error.into()),
        Err(error) => return Came::Unreachable(error.into()),
    };
    match sealed.reply_key.open(answer.status, &answer.body) {
        Ok(reply) => Came::Answer {
            status: reply.status,
            body: reply.body.unwrap_or_default(),
        },
        Err(ReplyError::Hearsay(Hearsay {
            status: Some(status),
            text,
            ..
        })) if !(200..300).contains(&status) => Came::PathError { status, text },
        Err(ReplyError::Refused(HopRefusal {
            status: Some(status),
            text,
            ..
        })) => Came::PathError { status, text },
        Err(error) => Came::Undecryptable(error.to_string()),
    }
}

/// What a body asks for.
fn method_of(body: &[u8]) -> &'static str {
    let body = Value::from_json(body).ok();
    let name = body.as_ref().and_then(|body| body.get("method")?.as_text());
    name.and_then(Method::from_name)
        .map_or("request", Method::name)
}

/// This machine's clock, in ms since 1970.
pub(crate) fn local_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
}
