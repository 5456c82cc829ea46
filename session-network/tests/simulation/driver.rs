//! The client and what is on its way to it, in virtual time.

use std::collections::{BTreeMap, BTreeSet};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use session_crypto::Ed25519Public;
use session_network::client::{
    Action, Client, Event, Outcome, Reply, RequestError, RequestId, Target, Ticket,
};
use session_network::limits::{HOUR_MS, MINUTE_MS};
use session_network::path::Purpose;
use session_storage::{Request, ServiceNodesRequest};
use session_swarm::ServiceNode;

use crate::world::{Came, START, World};

/// How wrong the client's clock is.
const CLIENT_CLOCK_ERROR: u64 = 5 * MINUTE_MS;

/// The client and what is on its way to it.
pub struct Driver {
    pub world: World,
    pub client: Client,
    pub rng: ChaCha8Rng,
    arriving: BTreeMap<(u64, u64), (Ticket, Came)>,
    order: u64,
    pub submitted: BTreeSet<RequestId>,
    pub ended: BTreeMap<RequestId, Result<Reply, RequestError>>,
    next_churn: u64,
    /// Nodes that were tried as guards.
    tested: BTreeSet<Ed25519Public>,
    /// Whether the client may know guards of an earlier life, which it does not try again.
    pub restored: bool,
}

impl Driver {
    pub fn new(seed: u64, client: Client) -> Self {
        Self {
            world: World::new(seed),
            client,
            rng: ChaCha8Rng::seed_from_u64(seed + 1),
            arriving: BTreeMap::new(),
            order: 0,
            submitted: BTreeSet::new(),
            ended: BTreeMap::new(),
            next_churn: START + 10 * MINUTE_MS,
            tested: BTreeSet::new(),
            restored: false,
        }
    }

    /// The time by the client's clock.
    pub fn local(&self) -> u64 {
        self.world.now + CLIENT_CLOCK_ERROR
    }

    pub fn submit(&mut self, target: Target, request: impl Into<Request>) -> RequestId {
        self.submit_for(Purpose::Standard, target, request)
    }

    pub fn submit_for(
        &mut self,
        purpose: Purpose,
        target: Target,
        request: impl Into<Request>,
    ) -> RequestId {
        let now = self.local();
        let id = self.client.submit_for(purpose, target, request, now);
        assert!(self.submitted.insert(id));
        id
    }

    fn check_path(&self, hops: &[ServiceNode], destination: &ServiceNode, body: &[u8]) {
        assert_eq!(hops.len(), 3);
        for node in hops.iter().chain([destination]) {
            assert_eq!(
                node.x25519,
                node.onion_key().ok(),
                "a key that is not the node's"
            );
        }
        let keys: BTreeSet<_> = hops.iter().map(|hop| hop.ed25519).collect();
        assert_eq!(keys.len(), 3, "a node is twice in a path");
        assert!(
            !keys.contains(&destination.ed25519),
            "the destination is in its path"
        );
        let nets: BTreeSet<_> = hops.iter().map(ServiceNode::subnet).collect();
        assert_eq!(nets.len(), 3, "two hops share a /24");
        assert!(
            self.restored || self.tested.contains(&hops[0].ed25519),
            "a guard was not tried"
        );
        let live = self.client.paths().live();
        // What goes by a path of files here asks for a swarm, and nothing else does.
        let path = live.iter().find(|path| path.hops == hops);
        let is_file =
            Request::from_json(body).is_ok_and(|body| matches!(body, Request::GetSwarm(_)));
        if let Some(path) = path {
            assert_eq!(
                path.purpose == Purpose::File,
                is_file,
                "on a path of another purpose"
            );
        }
        let all: Vec<_> = live.iter().flat_map(|path| &path.hops).collect();
        let nets: BTreeSet<_> = all.iter().map(|hop| hop.subnet()).collect();
        assert_eq!(nets.len(), all.len(), "two paths share a /24");
    }

    /// Does what the client wants done now.
    fn pump(&mut self) {
        let local = self.local();
        while let Some(action) = self.client.poll(local, &mut self.rng) {
            let (ticket, came) = match action {
                Action::Send {
                    ticket,
                    hops,
                    destination,
                    body,
                    ..
                } => {
                    self.check_path(&hops, &destination, &body);
                    (ticket, self.world.send(&hops, &destination, &body))
                }
                Action::TestGuard { ticket, guard, .. } => {
                    self.tested.insert(guard.ed25519);
                    (ticket, self.world.connect(&guard.ed25519))
                }
                Action::AskSeed {
                    ticket, seed, body, ..
                } => {
                    assert!(ServiceNodesRequest::from_seed_json(&body).is_some());
                    let came = if seed == 0 {
                        Came::NoConnection
                    } else {
                        Came::Sealed(200, self.world.list(|_| true))
                    };
                    (ticket, came)
                }
                other => panic!("{other:?}"),
            };
            let latency = 50 + self.rng.next_u64() % 400;
            self.order += 1;
            if !matches!(came, Came::Nothing) {
                let key = (self.world.now + latency, self.order);
                self.arriving.insert(key, (ticket, came));
            }
        }
        while let Some(Event { request, result }) = self.client.next_event() {
            assert!(self.submitted.contains(&request), "an event for no request");
            let before = self.ended.insert(request, result);
            assert!(before.is_none(), "two events for one request");
        }
    }

    /// Lets time pass until `end` or until nothing is under way.
    pub fn run(&mut self, end: u64) {
        loop {
            self.pump();
            let is_idle = self.client.pending() == 0 && !self.client.is_resyncing();
            if is_idle && self.arriving.is_empty() {
                self.world.now = self.world.now.max(end);
                return;
            }
            let wakeup = self
                .client
                .next_wakeup()
                .map(|time| time - CLIENT_CLOCK_ERROR);
            let arrival = self.arriving.keys().next().map(|(time, _)| *time);
            let next = wakeup
                .into_iter()
                .chain(arrival)
                .min()
                .expect("work without a time");
            assert!(next <= end + HOUR_MS, "a request that never ends");
            self.world.now = self.world.now.max(next);
            if self.world.now >= self.next_churn {
                self.world.churn();
                self.next_churn = self.world.now + 10 * MINUTE_MS;
            }
            let due: Vec<_> = self
                .arriving
                .range(..=(self.world.now, u64::MAX))
                .map(|(k, _)| *k)
                .collect();
            for key in due {
                let (ticket, came) = self.arriving.remove(&key).unwrap();
                let outcome = match &came {
                    Came::Sealed(status, body) => Outcome::Answer {
                        status: *status,
                        body,
                    },
                    Came::Plain(status, body) => Outcome::PathError {
                        status: *status,
                        body,
                    },
                    Came::NoConnection => Outcome::Unreachable,
                    Came::Nothing => Outcome::TimedOut,
                };
                let local = self.local();
                self.client.report(ticket, outcome, local, &mut self.rng);
            }
        }
    }

    /// Makes a request again with a new time as long as only the clock was wrong.
    pub fn until_clock_is_right(
        &mut self,
        target: Target,
        make: impl Fn(u64) -> Request,
    ) -> Result<Reply, RequestError> {
        let mut result = Err(RequestError::ClockOutOfSync);
        for _ in 0..3 {
            let time = self.client.network_time(self.local());
            let id = self.submit(target, make(time));
            self.run(self.world.now);
            result = self
                .ended
                .get(&id)
                .cloned()
                .expect("a request without an event");
            if !matches!(result, Err(RequestError::ClockOutOfSync)) {
                break;
            }
        }
        result
    }
}
