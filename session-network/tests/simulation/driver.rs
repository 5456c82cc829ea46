//! The client and what is on its way to it, in virtual time.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use session_crypto::Ed25519Public;
use session_network::types::{MonotonicTime, UnixMillis};
use session_network::{
    Config, Endpoint, Event, LastHashes, Network, Now, Outcome, Post, Purpose, Reply, RequestError,
    RequestId, SavedState, Seed, StorageReply, Target, Ticket,
};
use session_storage::{Request, ServiceNodesRequest};
use session_swarm::ServiceNode;

use crate::clear::{Clear, Packet};
use crate::world::{Came, HOUR_MS, MINUTE_MS, START, World};

/// How wrong the client's clock is.
const CLIENT_CLOCK_ERROR: u64 = 5 * MINUTE_MS;

pub fn seeds(count: usize) -> Vec<Seed> {
    (0..count)
        .map(|number| Seed::new(format!("https://seed{number}.example"), []))
        .collect()
}

/// The client and what is on its way to it.
pub struct Driver {
    pub world: World,
    pub client: Network<Clear>,
    pub rng: ChaCha8Rng,
    arriving: BTreeMap<(u64, u64), (Ticket, Option<Packet>, Came)>,
    order: u64,
    pub submitted: BTreeSet<RequestId>,
    pub ended: BTreeMap<RequestId, Result<StorageReply, RequestError>>,
    next_churn: u64,
    /// Nodes that were tried as guards.
    tested: BTreeSet<Ed25519Public>,
    /// Whether the client may know guards of an earlier life, which it does not try again.
    pub restored: bool,
}

impl Driver {
    pub fn new(seed: u64, config: Config, seed_nodes: usize) -> Self {
        Self {
            world: World::new(seed),
            client: Network::with_onion(config, seeds(seed_nodes), Clear::default()),
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

    /// The time by the client's clocks.
    pub fn local(&self) -> Now {
        Now::new(
            MonotonicTime::new(Duration::from_millis(self.world.now - START)),
            UnixMillis::new(self.world.now + CLIENT_CLOCK_ERROR),
        )
    }

    /// Starts the client again with what it kept.
    pub fn restart(&mut self, config: Config) {
        let now = self.local();
        let bytes = self.client.save(&LastHashes::default(), now).to_bytes();
        let state = SavedState::from_bytes(&bytes).unwrap();
        let onion = Clear::default();
        self.client = Network::restore_with_onion(config, seeds(3), onion, &state, now);
        self.restored = true;
        self.submitted.clear();
        self.ended.clear();
        // What is on its way to the old one is lost.
        self.arriving.clear();
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
        let id = self
            .client
            .request_for(purpose, target, request.into(), now);
        assert!(self.submitted.insert(id));
        id
    }

    fn nodes(&self, keys: &[Ed25519Public]) -> Vec<ServiceNode> {
        let record = |key| match self.world.nodes.get(key) {
            Some(node) => node.record,
            // It has left the network, and the client does not know yet.
            None => *self.client.pool().get(key).unwrap(),
        };
        keys.iter().map(record).collect()
    }

    fn check_path(&self, hops: &[ServiceNode], destination: &ServiceNode, body: &[u8]) {
        assert_eq!(hops.len(), 3);
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
            "a guard was not tested"
        );
        let live = self.client.paths().live();
        // What goes by a path of files here asks for a swarm, and nothing else does.
        let is_this = |hop: &[ServiceNode]| {
            let hops = hops.iter().map(|hop| hop.ed25519);
            hops.eq(hop.iter().map(|hop| hop.ed25519))
        };
        let path = live.iter().find(|path| is_this(path.hops()));
        let is_file =
            Request::from_json(body).is_ok_and(|body| matches!(body, Request::GetSwarm(_)));
        let is_info = Request::from_json(body).is_ok_and(|body| matches!(body, Request::Info(_)));
        if let Some(path) = path {
            // Tests of a path go through it, whatever it is for.
            let is_right = (path.purpose() == Purpose::File) == is_file;
            assert!(is_right || is_info, "on a path of another purpose");
        }
        let all: Vec<_> = live.iter().flat_map(|path| path.hops()).collect();
        let nets: BTreeSet<_> = all.iter().map(|hop| hop.subnet()).collect();
        assert_eq!(nets.len(), all.len(), "two paths share a /24");
    }

    /// What comes back for a post.
    fn carry(&mut self, post: &Post) -> (Option<Packet>, Came) {
        match &post.endpoint {
            Endpoint::Seed { url, .. } => {
                assert!(ServiceNodesRequest::from_seed_json(&post.body).is_some());
                let came = if url.starts_with("https://seed0") {
                    Came::NoConnection
                } else {
                    Came::Plain(200, self.world.list(|_| true))
                };
                (None, came)
            }
            Endpoint::Node { address, path } if *path == Endpoint::PING => {
                let nodes = self.world.nodes.values();
                let mut nodes = nodes.filter(|node| node.record.ip == *address.ip());
                let key = nodes.next().map(|node| node.record.ed25519);
                let came = match key {
                    Some(key) => {
                        self.tested.insert(key);
                        self.world.connect(&key)
                    }
                    None => Came::NoConnection,
                };
                (None, came)
            }
            Endpoint::Node { address, .. } => {
                let packet = Packet::read(&post.body);
                let hops = self.nodes(&packet.hops);
                let destination = self.nodes(&[packet.node.unwrap()])[0];
                assert_eq!(*address.ip(), hops[0].ip);
                self.check_path(&hops, &destination, &packet.body);
                let came = self.world.send(&hops, &destination, &packet.body);
                (Some(packet), came)
            }
            other => panic!("{other:?}"),
        }
    }

    /// Does what the client wants done now.
    fn pump(&mut self) {
        let local = self.local();
        while let Some(post) = self.client.poll(local, &mut self.rng) {
            let (packet, came) = self.carry(&post);
            let latency = 50 + self.rng.next_u64() % 400;
            self.order += 1;
            if !matches!(came, Came::Nothing) {
                let key = (self.world.now + latency, self.order);
                self.arriving.insert(key, (post.ticket, packet, came));
            }
        }
        while let Some(Event { request, result }) = self.client.next_event() {
            assert!(self.submitted.contains(&request), "an event for no request");
            let result = result.map(|reply| match reply {
                Reply::Storage(reply) => reply,
                other => panic!("{other:?}"),
            });
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
            let wakeup = self.client.next_wakeup();
            let wakeup = wakeup.map(|time| START + time.since_origin().as_millis() as u64);
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
                let (ticket, packet, came) = self.arriving.remove(&key).unwrap();
                let (status, body) = match (came, packet) {
                    (Came::Sealed(status, body), Some(packet)) => {
                        (200, packet.answer(status, &body))
                    }
                    (Came::Sealed(status, body) | Came::Plain(status, body), _) => (status, body),
                    (Came::NoConnection | Came::Nothing, _) => (0, Vec::new()),
                };
                let outcome = match status {
                    0 => Outcome::Unreachable,
                    status => Outcome::Answer {
                        status,
                        body: &body,
                    },
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
    ) -> Result<StorageReply, RequestError> {
        let mut result = Err(RequestError::ClockOutOfSync);
        for _ in 0..3 {
            let time = self.client.network_time(self.local()).get();
            let id = self.submit(target.clone(), make(time));
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
