//! A network of 2,000 nodes, some of which are dead or lie.

use std::collections::{BTreeMap, BTreeSet};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use session_crypto::{Ed25519Public, Ed25519PublicExt, Ed25519Secret};
use session_storage::replication::{Form, Membership, PushedMessage, bodies, read};
use session_storage::value::Value;
use session_storage::*;
use session_swarm::record::Version;
use session_swarm::{ServiceNode, SwarmRing};
use session_types::{AnyId, SwarmId, UnixMillis};

pub const NODES: usize = 2_000;
pub const START: u64 = 1_800_000_000_000;
pub const MINUTE_MS: u64 = 60_000;
pub const HOUR_MS: u64 = 60 * MINUTE_MS;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Honest,
    Dead,
    /// Says that every account is in a swarm of its accomplices.
    ForgesRedirects,
    /// Says that it stored what it did not, for members that never signed.
    ForgesEntries,
    /// Tells a list of its accomplices alone, and blames others as a hop.
    LiesAboutNodes,
    /// Tells the list as it was at the beginning.
    StaleList,
    /// Has a clock that is hours off, refuses good times and signs what it stores.
    WrongClock,
}

pub struct SimNode {
    pub secret: Ed25519Secret,
    pub record: ServiceNode,
    pub kind: Kind,
    /// By account and hash.
    pub stored: BTreeMap<(AnyId, String), PushedMessage>,
}

pub struct World {
    rng: ChaCha8Rng,
    pub nodes: BTreeMap<Ed25519Public, SimNode>,
    pub ring: SwarmRing,
    /// The time on the network.
    pub now: u64,
    made: u64,
    pub loss_percent: u64,
    pub sends: u64,
    /// The list as it was at the beginning.
    first_list: Vec<u8>,
}

impl SimNode {
    fn keep(&mut self, message: PushedMessage) {
        let key = (message.account, message.hash.clone());
        self.stored.insert(key, message);
    }
}

impl World {
    pub fn new(seed: u64) -> Self {
        let mut world = Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            nodes: BTreeMap::new(),
            ring: SwarmRing::default(),
            now: START,
            made: 0,
            loss_percent: 5,
            sends: 0,
            first_list: Vec::new(),
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
        world.draw_ring();
        world.first_list = world.list(|_| true);
        world
    }

    fn draw_ring(&mut self) {
        let nodes = self.nodes.values();
        self.ring = nodes.map(|node| node.record.swarm_id).collect();
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
            17..20 => Kind::StaleList,
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
        self.nodes.insert(
            key,
            SimNode {
                secret,
                record,
                kind,
                stored: BTreeMap::new(),
            },
        );
        key
    }

    /// The first honest node of each swarm, which stays.
    fn anchors(&self) -> BTreeSet<Ed25519Public> {
        let mut anchors = BTreeMap::new();
        for (key, node) in &self.nodes {
            if node.kind == Kind::Honest {
                anchors.entry(node.record.swarm_id).or_insert(*key);
            }
        }
        anchors.into_values().collect()
    }

    fn records(&self) -> Vec<ServiceNode> {
        self.nodes.values().map(|node| node.record).collect()
    }

    /// Changes the list of nodes, and lets honest ones hand over what they have to.
    fn change(&mut self, change: impl FnOnce(&mut Self)) {
        let (before, old_ring) = (self.records(), self.ring.clone());
        change(self);
        self.draw_ring();
        let after = self.records();
        let known: BTreeSet<_> = before
            .iter()
            .map(|node| (node.ed25519, node.swarm_id))
            .collect();
        let newcomers = after
            .iter()
            .filter(|node| !known.contains(&(node.ed25519, node.swarm_id)));
        let grown: BTreeSet<SwarmId> = newcomers.map(|node| node.swarm_id).collect();
        let mut delivered = Vec::new();
        for (key, node) in &self.nodes {
            let is_concerned = self.ring != old_ring || grown.contains(&node.record.swarm_id);
            if node.kind != Kind::Honest || node.stored.is_empty() || !is_concerned {
                continue;
            }
            let mut membership = Membership::new(*key);
            membership.update(before.iter().copied());
            for handover in membership.update(after.iter().copied()) {
                let stored = node.stored.values();
                let messages: Vec<_> = stored
                    .filter(|message| handover.covers(&message.account))
                    .cloned()
                    .collect();
                for body in bodies(&messages, Form::WithNamespace) {
                    delivered.extend(handover.to.iter().map(|to| (to.ed25519, body.clone())));
                }
            }
        }
        for (to, body) in delivered {
            let node = self.nodes.get_mut(&to).unwrap();
            if node.kind != Kind::Dead {
                for message in read(&body).unwrap() {
                    assert!(message.is_intact());
                    node.keep(message);
                }
            }
        }
    }

    /// Some nodes leave, others come, some die.
    pub fn churn(&mut self) {
        let anchors = self.anchors();
        let keys: Vec<Ed25519Public> = self.nodes.keys().copied().collect();
        self.change(|world| {
            for key in keys.iter().filter(|key| !anchors.contains(key)) {
                let swarm = world.nodes[key].record.swarm_id;
                match world.rng.next_u64() % 200 {
                    0 => {
                        world.nodes.remove(key);
                        let kind = world.random_kind();
                        world.add(swarm, kind);
                    }
                    1 => world.nodes.get_mut(key).unwrap().kind = Kind::Dead,
                    _ => {}
                }
            }
        });
    }

    /// Seven nodes of other swarms, one of them honest for sure, become a new swarm at this place
    /// of the ring.
    pub fn found_swarm(&mut self, at: u64) {
        let anchors = self.anchors();
        let free = self.nodes.iter().filter(|(key, _)| !anchors.contains(key));
        let honest = free.clone().find(|(_, node)| node.kind == Kind::Honest);
        let first = *honest.unwrap().0;
        let others = free.map(|(key, _)| *key).filter(|key| *key != first);
        let members: Vec<_> = others.step_by(200).take(6).chain([first]).collect();
        assert_eq!(members.len(), 7);
        self.change(|world| {
            for key in members {
                world.nodes.get_mut(&key).unwrap().record.swarm_id = SwarmId::new(at);
            }
        });
    }

    /// The members of a swarm go to the one behind it.
    pub fn dissolve_swarm(&mut self, swarm: SwarmId) {
        let ids: Vec<SwarmId> = self.ring.ids().collect();
        let index = ids.iter().position(|id| *id == swarm).unwrap();
        let next = ids[(index + 1) % ids.len()];
        self.change(|world| {
            for node in world.nodes.values_mut() {
                if node.record.swarm_id == swarm {
                    node.record.swarm_id = next;
                }
            }
        });
    }

    pub fn list(&self, only: impl Fn(&SimNode) -> bool) -> Vec<u8> {
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
    pub fn connect(&mut self, key: &Ed25519Public) -> Came {
        if self.chance(self.loss_percent) {
            return Came::Nothing;
        }
        match self.nodes.get(key).map(|node| node.kind) {
            None | Some(Kind::Dead) => Came::NoConnection,
            Some(_) => Came::Sealed(404, Vec::new()),
        }
    }

    /// What comes back through a path, and after how long.
    pub fn send(&mut self, hops: &[ServiceNode], destination: &ServiceNode, body: &[u8]) -> Came {
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
            t: UnixMillis::new(now),
            hf: [19, 4],
        };
        self.answer(own, kind, &request, stamp)
    }

    fn answer(
        &mut self,
        own: &Ed25519Public,
        kind: Kind,
        request: &Request,
        stamp: Stamp,
    ) -> Response {
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
        let serves = |account: &AnyId| self.ring.swarm_of(account) == Some(swarm);
        let checks = Checks {
            now: stamp.t,
            hf: [19, 4],
            forwarded: false,
            serves: &serves,
            is_revoked: &|_, _| false,
        };
        match request.check(&checks) {
            Ok(()) => {}
            Err(RpcError::WrongSwarm) => {
                let info = self.swarm_info(request.account().unwrap());
                return Response::wrong_swarm(&info, stamp);
            }
            Err(error) => return Response::refuse(&error),
        }
        match request {
            Request::Store(store) => self.store(own, kind, swarm, store, stamp),
            Request::Retrieve(retrieve) => {
                let stored = self.nodes[own].stored.values();
                let stored = stored.filter(|message| {
                    message.account == retrieve.account && message.namespace == retrieve.namespace()
                });
                let messages = stored
                    .map(|message| StoredMessage {
                        hash: message.hash.parse().unwrap(),
                        timestamp: message.timestamp,
                        expiration: message.expiry,
                        data: message.data.clone(),
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
            Request::GetSwarm(get) => {
                let swarm = self.swarm_info(&get.account);
                Response::ok(GetSwarmAnswer { swarm, stamp }.to_value())
            }
            Request::Batch(batch) => {
                let members = batch.requests().iter();
                let results = members.map(|member| self.answer(own, kind, member, stamp));
                let results = results.collect();
                Response::ok(BatchAnswer { results }.to_value())
            }
            Request::Sequence(batch) => {
                let mut results = Vec::new();
                for member in batch.requests() {
                    results.push(self.answer(own, kind, member, stamp));
                    if !results.last().unwrap().is_success() {
                        break;
                    }
                }
                Response::ok(BatchAnswer { results }.to_value())
            }
            Request::IfElse(choice) => {
                let state = NetworkState {
                    hf: [19, 4],
                    version: [2, 8, 0],
                    height: 5,
                };
                let (condition, branch) = choice.choose(&state);
                let result = branch.map(|branch| self.answer(own, kind, branch, stamp));
                Response::ok(
                    IfElseAnswer {
                        state,
                        condition,
                        result,
                    }
                    .to_value(),
                )
            }
            Request::Info(_) => {
                let version = Version([2, 8, 0]);
                Response::ok(
                    InfoAnswer {
                        version,
                        timestamp: stamp.t,
                        stamp,
                    }
                    .to_value(),
                )
            }
            Request::OxendRequest(_) => {
                let list = match kind {
                    Kind::LiesAboutNodes => self.list(|node| node.kind == kind),
                    Kind::StaleList => self.first_list.clone(),
                    _ => self.list(|_| true),
                };
                let list = Value::from_json(&list).unwrap();
                let result = list.get("result").unwrap().clone();
                Response::ok(OxendAnswer { result, stamp }.to_value())
            }
            other => panic!("{other:?}"),
        }
    }

    fn swarm_info(&self, account: &AnyId) -> SwarmInfo {
        let swarm = self.ring.swarm_of(account).unwrap();
        let members = self.members(swarm);
        let nodes = members.iter().map(|key| self.nodes[key].record).collect();
        SwarmInfo { swarm, nodes }
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
        let message = PushedMessage {
            account: store.account,
            namespace: store.namespace,
            hash: entry.hash.as_str().into(),
            timestamp: store.timestamp,
            expiry: store.expiry(),
            data: store.data.clone(),
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
                (_, Kind::Honest | Kind::WrongClock | Kind::StaleList) => {
                    node.keep(message.clone());
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

pub enum Came {
    Sealed(u16, Vec<u8>),
    Plain(u16, Vec<u8>),
    NoConnection,
    Nothing,
}
