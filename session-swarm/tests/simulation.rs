//! The client against a simulated network of 2,000 nodes in virtual time: loss, dead nodes, lying
//! nodes, wrong clocks and churn.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    clippy::std_instead_of_alloc,
    missing_docs
)]

use std::collections::{BTreeMap, BTreeSet};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use session_crypto::{Ed25519Public, Ed25519Secret};
use session_swarm::client::{
    Action, Client, ClientConfig, Event, Outcome, RequestError, RequestId, SavedState, Target,
    Ticket,
};
use session_swarm::limits::{DAY_MS, HOUR_MS, MINUTE_MS};
use session_swarm::record::{ServiceNodesRequest, ServiceNodesState, SwarmInfo, Version};
use session_swarm::rpc::*;
use session_swarm::{
    LastHashes, MessageHash, Namespace, ServiceNode, StorageAccount, SwarmId, SwarmRing,
};

const NODES: usize = 2_000;
const START: u64 = 1_800_000_000_000;
/// How wrong the client's clock is.
const CLIENT_CLOCK_ERROR: u64 = 5 * MINUTE_MS;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Honest,
    Dead,
    /// Says that every account is in a swarm of its accomplices.
    ForgesRedirects,
    /// Says that it stored what it did not, for members that never signed.
    ForgesEntries,
    /// Tells a list of its accomplices alone, and blames others as a hop.
    LiesAboutNodes,
    /// Has a clock that is hours off, refuses good times and signs what it stores.
    WrongClock,
}

struct SimNode {
    secret: Ed25519Secret,
    record: ServiceNode,
    kind: Kind,
    stored: Vec<Store>,
}

struct World {
    rng: ChaCha8Rng,
    nodes: BTreeMap<Ed25519Public, SimNode>,
    ring: SwarmRing,
    /// The time on the network.
    now: u64,
    made: u64,
    loss_percent: u64,
    sends: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut world = Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            nodes: BTreeMap::new(),
            ring: SwarmRing::default(),
            now: START,
            made: 0,
            loss_percent: 5,
            sends: 0,
        };
        let swarms = NODES as u64 / 7;
        for index in 0..NODES as u64 {
            let swarm = SwarmId::new(index % swarms * (u64::MAX / swarms));
            // The first member of each swarm is honest and stays.
            let kind = if index < swarms {
                Kind::Honest
            } else {
                world.random_kind()
            };
            world.add(swarm, kind);
        }
        world.ring = world
            .nodes
            .values()
            .map(|node| node.record.swarm_id)
            .collect();
        world
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.rng.next_u64() % 100 < percent
    }

    fn random_kind(&mut self) -> Kind {
        match self.rng.next_u64() % 100 {
            0..5 => Kind::Dead,
            5..8 => Kind::ForgesRedirects,
            8..11 => Kind::ForgesEntries,
            11..14 => Kind::LiesAboutNodes,
            14..17 => Kind::WrongClock,
            _ => Kind::Honest,
        }
    }

    fn add(&mut self, swarm: SwarmId, kind: Kind) -> Ed25519Public {
        let secret = Ed25519Secret::generate(&mut self.rng);
        self.made += 1;
        // Three nodes to a /24.
        let net = (self.made / 3) as u16;
        let [high, low] = net.to_be_bytes();
        let record = ServiceNode {
            ed25519: secret.public(),
            x25519: Some(secret.public().to_x25519().unwrap()),
            legacy: None,
            ip: [45, high, low, (self.made % 3) as u8 + 1].into(),
            https_port: 22021,
            omq_port: 22020,
            version: Version([2, 8, 0]),
            swarm_id: swarm,
            requested_unlock_height: 0,
        };
        let key = record.ed25519;
        let others = self
            .nodes
            .values()
            .filter(|node| node.record.swarm_id == swarm);
        // Honest members push what they have to a new one.
        let stored = others
            .filter(|node| node.kind == Kind::Honest)
            .map(|node| node.stored.clone())
            .next()
            .unwrap_or_default();
        self.nodes.insert(
            key,
            SimNode {
                secret,
                record,
                kind,
                stored,
            },
        );
        key
    }

    /// Some nodes leave, others come, some die and some come to life again.
    fn churn(&mut self) {
        let keys: Vec<Ed25519Public> = self.nodes.keys().copied().collect();
        let mut anchors = BTreeSet::new();
        for (key, node) in &self.nodes {
            if node.kind == Kind::Honest && !anchors.iter().any(|(s, _)| *s == node.record.swarm_id)
            {
                anchors.insert((node.record.swarm_id, *key));
            }
        }
        for key in keys {
            let swarm = self.nodes[&key].record.swarm_id;
            if anchors.contains(&(swarm, key)) {
                continue;
            }
            match self.rng.next_u64() % 200 {
                0 => {
                    self.nodes.remove(&key);
                    let kind = self.random_kind();
                    self.add(swarm, kind);
                }
                1 => self.nodes.get_mut(&key).unwrap().kind = Kind::Dead,
                _ => {}
            }
        }
    }

    fn list(&self, only: impl Fn(&SimNode) -> bool) -> Vec<u8> {
        let nodes = self.nodes.values().filter(|node| only(node));
        let nodes: Vec<ServiceNode> = nodes.map(|node| node.record).collect();
        let state = ServiceNodesState {
            nodes: &nodes,
            height: 5,
            block_hash: "00",
            hardfork: 19,
        };
        ServiceNodesRequest::default().to_seed_answer(&state)
    }

    fn members(&self, swarm: SwarmId) -> Vec<Ed25519Public> {
        let nodes = self.nodes.iter();
        let members = nodes.filter(|(_, node)| node.record.swarm_id == swarm);
        members.map(|(key, _)| *key).collect()
    }

    /// What a client sees that connects to a node.
    fn connect(&mut self, key: &Ed25519Public) -> Came {
        if self.chance(self.loss_percent) {
            return Came::Nothing;
        }
        match self.nodes.get(key).map(|node| node.kind) {
            None | Some(Kind::Dead) => Came::NoConnection,
            Some(_) => Came::Sealed(404, Vec::new()),
        }
    }

    /// What comes back through a path, and after how long.
    fn send(&mut self, hops: &[ServiceNode], destination: &ServiceNode, body: &[u8]) -> Came {
        self.sends += 1;
        if self.chance(self.loss_percent) {
            return Came::Nothing;
        }
        for (index, hop) in hops.iter().enumerate() {
            match self.nodes.get(&hop.ed25519).map(|node| node.kind) {
                None | Some(Kind::Dead) if index == 0 => return Came::NoConnection,
                None | Some(Kind::Dead) => {
                    let text = format!("Next node not found: {}", hex(&hop.ed25519));
                    return Came::Plain(502, text.into_bytes());
                }
                Some(Kind::LiesAboutNodes) if self.chance(50) => {
                    // Blames the destination, or redirects in clear.
                    if self.chance(50) {
                        let text = format!("Next node not found: {}", hex(&destination.ed25519));
                        return Came::Plain(502, text.into_bytes());
                    }
                    return Came::Plain(421, b"{\"snodes\":[],\"swarm\":\"0\"}".to_vec());
                }
                _ => {}
            }
        }
        match self.nodes.get(&destination.ed25519).map(|node| node.kind) {
            None => {
                let text = format!("Next node not found: {}", hex(&destination.ed25519));
                Came::Plain(502, text.into_bytes())
            }
            Some(Kind::Dead) => Came::Plain(504, b"Request time out".to_vec()),
            Some(kind) => {
                let response = self.serve(&destination.ed25519, kind, body);
                Came::Sealed(response.status, response.json_body())
            }
        }
    }

    fn serve(&mut self, own: &Ed25519Public, kind: Kind, body: &[u8]) -> Response {
        let request = match Request::from_json(body) {
            Ok(request) => request,
            Err(error) => return Response::refuse(&error),
        };
        let now = match kind {
            Kind::WrongClock => self.now + 7 * HOUR_MS,
            _ => self.now,
        };
        let stamp = Stamp {
            t: now,
            hf: [19, 4],
        };
        if kind == Kind::ForgesRedirects && request.account().is_some() {
            let nodes = self
                .nodes
                .values()
                .filter(|node| node.kind == Kind::ForgesRedirects);
            let nodes = nodes.take(7).map(|node| node.record).collect();
            let swarm = SwarmInfo {
                swarm: SwarmId::new(1),
                nodes,
            };
            return Response::wrong_swarm(&swarm, stamp);
        }
        let swarm = self.nodes[own].record.swarm_id;
        let serves = |account: &StorageAccount| self.ring.swarm_of(account) == Some(swarm);
        let checks = Checks {
            now_ms: now,
            hf: [19, 4],
            forwarded: false,
            serves: &serves,
            is_revoked: &|_, _| false,
        };
        match request.check(&checks) {
            Ok(()) => {}
            Err(RpcError::WrongSwarm) => {
                let swarm = self.ring.swarm_of(request.account().unwrap()).unwrap();
                let nodes = self.members(swarm);
                let nodes = nodes.iter().map(|key| self.nodes[key].record).collect();
                return Response::wrong_swarm(&SwarmInfo { swarm, nodes }, stamp);
            }
            Err(error) => return Response::refuse(&error),
        }
        match request {
            Request::Store(store) => self.store(own, kind, swarm, &store, stamp),
            Request::Retrieve(retrieve) => {
                let stored = self.nodes[own].stored.iter();
                let stored = stored.filter(|store| store.account == retrieve.account);
                let messages = stored
                    .map(|store| StoredMessage {
                        hash: store.hash(),
                        timestamp: store.timestamp,
                        expiration: store.expiry(),
                        data: store.data.clone(),
                    })
                    .collect();
                let answer = RetrieveAnswer {
                    messages,
                    malformed: 0,
                    more: false,
                    stamp,
                };
                Response::ok(answer.to_value())
            }
            Request::Info(_) => {
                let version = Version([2, 8, 0]);
                Response::ok(
                    InfoAnswer {
                        version,
                        timestamp: now,
                        stamp,
                    }
                    .to_value(),
                )
            }
            Request::OxendRequest(_) => {
                let list = match kind {
                    Kind::LiesAboutNodes => self.list(|node| node.kind == kind),
                    _ => self.list(|_| true),
                };
                let list = session_swarm::value::Value::from_json(&list).unwrap();
                let result = list.get("result").unwrap().clone();
                Response::ok(OxendAnswer { result, stamp }.to_value())
            }
            other => panic!("{other:?}"),
        }
    }

    fn store(
        &mut self,
        own: &Ed25519Public,
        kind: Kind,
        swarm: SwarmId,
        store: &Store,
        stamp: Stamp,
    ) -> Response {
        let entry = StoreEntry {
            hash: store.hash(),
            expiry: store.expiry(),
            already: false,
        };
        let mut answer = SwarmAnswer::new(stamp);
        for key in self.members(swarm) {
            let node = self.nodes.get_mut(&key).unwrap();
            let outcome = match (kind, node.kind) {
                // Nobody is told, and all signatures are those of the liar.
                (Kind::ForgesEntries, _) => {
                    let liar = &self.nodes[own].secret;
                    let mut signed = store.sign_entry(liar, entry);
                    if key == *own {
                        // Its own would be good, for a message that it dropped.
                        signed.signature = liar.sign(b"something else");
                    }
                    Entry::Done(signed)
                }
                (_, Kind::Honest | Kind::WrongClock) => {
                    node.stored.push(store.clone());
                    Entry::Done(store.sign_entry(&node.secret, entry))
                }
                _ => Entry::Failed(Failure {
                    timeout: true,
                    ..Failure::default()
                }),
            };
            answer.entries.insert(key, outcome);
        }
        answer.hash = Some(entry.hash);
        Response::ok(answer.to_value(own))
    }
}

fn hex(key: &Ed25519Public) -> String {
    const_hex::encode(key.as_bytes())
}

enum Came {
    Sealed(u16, Vec<u8>),
    Plain(u16, Vec<u8>),
    NoConnection,
    Nothing,
}

/// The client and what is on its way to it.
struct Driver {
    world: World,
    client: Client,
    rng: ChaCha8Rng,
    arriving: BTreeMap<(u64, u64), (Ticket, Came)>,
    order: u64,
    submitted: BTreeSet<RequestId>,
    ended: BTreeMap<RequestId, Result<session_swarm::client::Reply, RequestError>>,
    next_churn: u64,
    /// Nodes that were tried as guards.
    tested: BTreeSet<Ed25519Public>,
}

impl Driver {
    fn new(seed: u64, client: Client) -> Self {
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
        }
    }

    /// The time by the client's clock.
    fn local(&self) -> u64 {
        self.world.now + CLIENT_CLOCK_ERROR
    }

    fn submit(&mut self, target: Target, request: impl Into<Request>) -> RequestId {
        let id = self.client.submit(target, request, self.local());
        assert!(self.submitted.insert(id));
        id
    }

    fn check_path(&self, hops: &[ServiceNode], destination: &ServiceNode) {
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
        let live = self.client.paths().live();
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
                    self.check_path(&hops, &destination);
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
    fn run(&mut self, end: u64) {
        loop {
            self.pump();
            if self.client.pending() == 0 && self.arriving.is_empty() {
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
    fn until_clock_is_right(
        &mut self,
        target: Target,
        make: impl Fn(u64) -> Request,
    ) -> Result<session_swarm::client::Reply, RequestError> {
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

struct Account {
    secret: Ed25519Secret,
    id: StorageAccount,
    stored: Vec<MessageHash>,
}

#[test]
fn every_stored_message_is_found_again() {
    let mut driver = Driver::new(7, Client::new(ClientConfig::default()));
    let mut accounts: Vec<Account> = (0..40)
        .map(|_| {
            let secret = Ed25519Secret::generate(&mut driver.rng);
            let id = StorageAccount::user(&secret.public().to_x25519().unwrap());
            Account {
                secret,
                id,
                stored: Vec::new(),
            }
        })
        .collect();
    let (mut stored, mut failed) = (0, 0);
    for round in 0..5u64 {
        for account in &mut accounts {
            let signer = Signer::user(&account.secret);
            let data = format!("message {round}").into_bytes();
            let make = |time| {
                let namespace = Namespace::USER_PROFILE;
                let store = Store::new(account.id, namespace, data.clone(), time, 14 * DAY_MS);
                store.sign(&signer).into()
            };
            match driver.until_clock_is_right(Target::Swarm(account.id), make) {
                Ok(reply) => {
                    assert!(reply.response.is_success());
                    account.stored.push(MessageHash::of(
                        &account.id,
                        Namespace::USER_PROFILE,
                        &data,
                    ));
                    stored += 1;
                }
                Err(error) => {
                    println!("store failed: {error}");
                    failed += 1;
                }
            }
        }
        // Long enough for rotations, new lists and churn.
        driver.world.now += 50 * MINUTE_MS;
        driver.world.churn();
        // A client that was started again goes on with what it kept.
        if round == 2 {
            let bytes = driver.client.save(&LastHashes::default()).to_bytes();
            let state = SavedState::from_bytes(&bytes).unwrap();
            let local = driver.local();
            driver.client = Client::restore(ClientConfig::default(), &state, local);
            driver.submitted.clear();
            driver.ended.clear();
        }
    }
    assert!(stored >= 190, "{stored} stored, {failed} failed");
    for account in &accounts {
        let mut found = BTreeSet::new();
        let signer = Signer::user(&account.secret);
        for node in driver.client.swarm_of(&account.id) {
            let make = |time| {
                let retrieve = Retrieve::new(account.id, Namespace::USER_PROFILE);
                retrieve.sign(time, &signer).into()
            };
            let result = driver.until_clock_is_right(Target::Node(node.ed25519), make);
            let Ok(reply) = result else { continue };
            if let Body::Structure(body) = &reply.response.body
                && let Ok(answer) =
                    Retrieve::new(account.id, Namespace::USER_PROFILE).read_answer(body)
            {
                found.extend(answer.messages.iter().map(|message| message.hash));
            }
        }
        for hash in &account.stored {
            assert!(found.contains(hash), "a stored message is lost");
        }
    }
    assert_eq!(driver.submitted.len(), driver.ended.len());
    println!(
        "{stored} stored, {failed} failed, {} onion requests",
        driver.world.sends
    );
}

#[test]
fn many_requests_at_once_all_end() {
    let mut driver = Driver::new(11, Client::new(ClientConfig::default()));
    driver.world.loss_percent = 30;
    let ids: Vec<RequestId> = (0..400).map(|_| driver.submit(Target::Any, Info)).collect();
    driver.run(START);
    let ok = ids.iter().filter(|id| driver.ended[id].is_ok()).count();
    assert_eq!(driver.ended.len(), ids.len());
    assert!(ok > 300, "{ok} of {}", ids.len());
}

#[test]
fn without_any_seed_requests_end_with_an_error() {
    let mut driver = Driver::new(
        3,
        Client::new(ClientConfig {
            seeds: 1,
            ..ClientConfig::default()
        }),
    );
    let id = driver.submit(Target::Any, Info);
    driver.run(START);
    assert_eq!(driver.ended[&id], Err(RequestError::TimedOut));
    assert!(driver.world.now >= START + MINUTE_MS);
}

#[test]
fn an_unknown_node_and_too_many_requests_are_errors_at_once() {
    let config = ClientConfig {
        max_requests: 1,
        ..ClientConfig::default()
    };
    let mut driver = Driver::new(5, Client::new(config));
    let stranger = Ed25519Public::from_bytes([9; 32]);
    let first = driver.submit(Target::Node(stranger), Info);
    let second = driver.submit(Target::Any, Info);
    driver.run(START);
    assert_eq!(driver.ended[&first], Err(RequestError::UnknownNode));
    assert_eq!(driver.ended[&second], Err(RequestError::TooMany));
}
