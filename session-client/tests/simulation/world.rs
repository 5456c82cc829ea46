//! A network of nodes in memory, in virtual time: two swarms of seven, with loss and dead nodes.

use std::collections::{BTreeMap, BTreeSet};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use session_client::network::{Endpoint, Outcome, Post};
use session_crypto::{Ed25519Public, Ed25519PublicExt, Ed25519Secret, X25519Public};
use session_storage::value::Value;
use session_storage::{
    Batch, Host, MemoryStorage, NetworkState, OxendRequest, PeerOutcome, Request,
    ServiceNodesRequest, ServiceNodesState, Storage as _, StoredMessage, SwarmInfo, serve_peer,
    serve_with,
};
use session_swarm::record::Version;
use session_swarm::{ServiceNode, SwarmRing};
use session_types::{AnyId, MessageHash, Namespace, SwarmId, UnixMillis};

use crate::clear::Packet;
use crate::file_server::FileServer;
use crate::rooms::Rooms;

/// Nothing comes back of what was sent.
const SILENCE: (u16, Vec<u8>) = (0, Vec::new());

pub const START: u64 = 1_800_000_000_000;
const NODES: u64 = 14;

pub struct Node {
    secret: Ed25519Secret,
    pub record: ServiceNode,
    pub storage: MemoryStorage,
}

pub struct World {
    rng: ChaCha8Rng,
    nodes: BTreeMap<Ed25519Public, Node>,
    ring: SwarmRing,
    /// The network's time in milliseconds.
    pub now: u64,
    pub loss_percent: u64,
    pub dead: BTreeSet<Ed25519Public>,
    /// Nodes that have no messages for anybody, and take none.
    pub liars: BTreeSet<Ed25519Public>,
    /// A namespace whose messages no node gives.
    pub withheld: Option<Namespace>,
    pub files: FileServer,
    /// Servers of communities, by their keys.
    pub servers: BTreeMap<X25519Public, Rooms>,
    /// Whether what is lost may be the answer of a server that has done what was asked.
    pub loses_answers: bool,
}

/// A node at work: the others lend their records.
struct At<'a> {
    node: &'a mut Node,
    ring: &'a SwarmRing,
    records: &'a [ServiceNode],
    now: u64,
}

impl Host for At<'_> {
    type Storage = MemoryStorage;

    fn storage(&self) -> &MemoryStorage {
        &self.node.storage
    }

    fn storage_mut(&mut self) -> &mut MemoryStorage {
        &mut self.node.storage
    }

    fn now(&self) -> UnixMillis {
        UnixMillis::new(self.now)
    }

    fn secret(&self) -> &Ed25519Secret {
        &self.node.secret
    }

    fn state(&self) -> NetworkState {
        NetworkState {
            hf: [19, 4],
            version: [2, 8, 0],
            height: 5,
        }
    }

    fn serves(&self, account: &AnyId) -> bool {
        self.ring.swarm_of(account) == Some(self.node.record.swarm_id)
    }

    fn swarm_of(&self, account: &AnyId) -> SwarmInfo {
        let swarm = self.ring.swarm_of(account).unwrap();
        let members = self.records.iter().filter(|node| node.swarm_id == swarm);
        SwarmInfo {
            swarm,
            nodes: members.copied().collect(),
        }
    }

    fn peers(&self) -> Vec<Ed25519Public> {
        let own = &self.node.record;
        let others = self
            .records
            .iter()
            .filter(|node| node.swarm_id == own.swarm_id && node.ed25519 != own.ed25519);
        others.map(|node| node.ed25519).collect()
    }

    fn nodes(&self) -> Vec<ServiceNode> {
        self.records.to_vec()
    }

    fn daemon(&self, _: &OxendRequest) -> Value {
        let list = Value::from_json(&list(self.records)).unwrap();
        list.get("result").unwrap().clone()
    }
}

fn list(records: &[ServiceNode]) -> Vec<u8> {
    let state = ServiceNodesState {
        nodes: records,
        height: 5,
        block_hash: "00",
        hardfork: 19,
    };
    ServiceNodesRequest::default().to_seed_answer(&state)
}

impl World {
    pub fn new(seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut nodes = BTreeMap::new();
        for index in 0..NODES {
            let secret = Ed25519Secret::generate(&mut rng);
            let record = ServiceNode {
                ed25519: secret.public(),
                x25519: Some(secret.public().to_x25519().unwrap()),
                legacy: None,
                ip: [45, 1, index as u8, 1].into(),
                https_port: 22021,
                omq_port: 22020,
                version: Version([2, 8, 0]),
                swarm_id: SwarmId::new(index % 2 * (u64::MAX / 2)),
                requested_unlock_height: 0,
            };
            let storage = MemoryStorage::new();
            nodes.insert(
                record.ed25519,
                Node {
                    secret,
                    record,
                    storage,
                },
            );
        }
        let ring = nodes
            .values()
            .map(|node: &Node| node.record.swarm_id)
            .collect();
        Self {
            rng,
            nodes,
            ring,
            now: START,
            loss_percent: 0,
            dead: BTreeSet::new(),
            liars: BTreeSet::new(),
            withheld: None,
            files: FileServer::default(),
            servers: BTreeMap::new(),
            loses_answers: false,
        }
    }

    fn records(&self) -> Vec<ServiceNode> {
        self.nodes.values().map(|node| node.record).collect()
    }

    pub fn keys(&self) -> Vec<Ed25519Public> {
        self.nodes.keys().copied().collect()
    }

    fn is_up(&self, key: &Ed25519Public) -> bool {
        self.nodes.contains_key(key) && !self.dead.contains(key)
    }

    fn serve(&mut self, key: &Ed25519Public, request: &Request) -> (u16, Vec<u8>) {
        let (records, ring, now) = (self.records(), self.ring.clone(), self.now);
        let mut node = self.nodes.remove(key).unwrap();
        let mut at = At {
            node: &mut node,
            ring: &ring,
            records: &records,
            now,
        };
        let response = serve_with(request, &mut at, |_, forward| {
            if !self.is_up(&forward.to) {
                return PeerOutcome::TimedOut;
            }
            let peer = self.nodes.get_mut(&forward.to).unwrap();
            let mut at = At {
                node: peer,
                ring: &ring,
                records: &records,
                now,
            };
            match serve_peer(forward.method.name(), &forward.body, &mut at) {
                Ok(body) => PeerOutcome::Answered(body),
                Err(error) => PeerOutcome::Refused(error.status(), error.to_string()),
            }
        });
        self.nodes.insert(*key, node);
        if self.liars.contains(key) {
            return match request {
                Request::Batch(batch) => {
                    let body = response.json_body();
                    (response.status, without(|_| true, batch, body))
                }
                _ => (500, b"internal error".to_vec()),
            };
        }
        let body = match (self.withheld, request) {
            (Some(namespace), Request::Batch(batch)) => {
                without(|other| other == namespace, batch, response.json_body())
            }
            _ => response.json_body(),
        };
        (response.status, body)
    }

    /// What comes back for a post, and after how many milliseconds. `None` if nothing comes.
    pub fn carry(&mut self, post: &Post) -> Option<(u16, Vec<u8>)> {
        let is_lost = self.rng.next_u64() % 100 < self.loss_percent;
        if is_lost && !self.loses_answers {
            return None;
        }
        match &post.endpoint {
            Endpoint::Seed { .. } => Some((200, list(&self.records()))),
            Endpoint::Node { address, path } => {
                let mut nodes = self.nodes.values();
                let guard = nodes.find(|node| node.record.ip == *address.ip()).unwrap();
                let guard = guard.record.ed25519;
                if !self.is_up(&guard) {
                    return None;
                }
                if *path == Endpoint::PING {
                    return Some((404, Vec::new()));
                }
                let packet = Packet::read(&post.body);
                for hop in packet.hops.iter().skip(1).chain(&packet.node) {
                    if !self.is_up(hop) {
                        let name: String = hop
                            .as_bytes()
                            .iter()
                            .map(|byte| format!("{byte:02x}"))
                            .collect();
                        return Some((502, format!("Next node not found: {name}").into_bytes()));
                    }
                }
                let (status, body) = match (packet.node, packet.server) {
                    (Some(node), _) if !is_lost => match Request::from_json(&packet.body) {
                        Ok(request) => self.serve(&node, &request),
                        Err(error) => panic!("{error}"),
                    },
                    (None, Some(server)) => {
                        let (body, now) = (packet.body.clone(), UnixMillis::new(self.now));
                        match self.servers.get_mut(&server) {
                            Some(rooms) => rooms.answer(body, now).unwrap_or(SILENCE),
                            None => self.files.answer(&body, now),
                        }
                    }
                    _ => return None,
                };
                if is_lost || (status, body.as_slice()) == (0, &[]) {
                    return Some(SILENCE);
                }
                Some((200, packet.answer(status, &body)))
            }
            other => panic!("{other:?}"),
        }
    }

    /// Stores a message at all members of a swarm, whoever may have written it.
    pub fn inject(&mut self, account: &AnyId, namespace: Namespace, message: &StoredMessage) {
        let swarm = self.ring.swarm_of(account);
        for node in self.nodes.values_mut() {
            if Some(node.record.swarm_id) == swarm {
                let Ok(_) = node.storage.insert(account, namespace, message.clone());
            }
        }
    }

    /// Moves a node to the other swarm, unless its own gets too small. It gets the messages of the other one.
    pub fn move_node(&mut self, key: &Ed25519Public) {
        let of_node = |node: &Node| node.record.swarm_id;
        let from = of_node(&self.nodes[key]);
        let left = self
            .nodes
            .values()
            .filter(|node| of_node(node) == from)
            .count();
        let to = self
            .nodes
            .values()
            .map(of_node)
            .find(|swarm| *swarm != from);
        let Some(to) = to.filter(|_| left > 5) else {
            return;
        };
        let of_swarm = self.nodes.values().filter(|node| of_node(node) == to);
        let messages = of_swarm.flat_map(|node| node.storage.messages());
        let messages: Vec<_> = messages
            .filter(|(account, ..)| self.ring.swarm_of(account) == Some(to))
            .map(|(account, namespace, message)| (*account, namespace, message.clone()))
            .collect();
        let node = self.nodes.get_mut(key).unwrap();
        node.record.swarm_id = to;
        for (account, namespace, message) in messages {
            let Ok(_) = node.storage.insert(&account, namespace, message);
        }
    }

    /// The members of the swarm of an account.
    pub fn members(&self, account: &AnyId) -> Vec<Ed25519Public> {
        let swarm = self.ring.swarm_of(account);
        let nodes = self.nodes.values();
        let members = nodes.filter(|node| Some(node.record.swarm_id) == swarm);
        members.map(|node| node.record.ed25519).collect()
    }

    /// Lets all nodes forget what has expired.
    pub fn expire(&mut self) {
        let now = UnixMillis::new(self.now);
        for node in self.nodes.values_mut() {
            node.storage.expire(now);
        }
    }

    /// Lets all nodes lose the messages of a namespace of an account. Returns how many there were.
    pub fn lose(&mut self, account: &AnyId, namespace: Namespace) -> usize {
        let hashes: BTreeSet<_> = self.names(account, namespace);
        let lost: Vec<_> = hashes.iter().copied().collect();
        for node in self.nodes.values_mut() {
            let Ok(_) = node.storage.delete(account, &lost);
        }
        lost.len()
    }

    /// The names of the messages of a namespace that any node has.
    pub fn names(&self, account: &AnyId, namespace: Namespace) -> BTreeSet<MessageHash> {
        let all = self.nodes.values().flat_map(|node| node.storage.messages());
        all.filter(|(other, place, _)| *other == account && *place == namespace)
            .map(|(_, _, message)| message.hash)
            .collect()
    }

    /// When the messages of an account in namespace 0 end.
    pub fn expiries(&self, account: &AnyId) -> BTreeSet<u64> {
        let all = self.nodes.values().flat_map(|node| node.storage.messages());
        let own = all
            .filter(|(other, namespace, _)| *other == account && *namespace == Namespace::DEFAULT);
        own.map(|(_, _, message)| message.expiration.get())
            .collect()
    }

    pub fn last_expiry(&self, account: &AnyId) -> Option<u64> {
        self.expiries(account).last().copied()
    }

    pub fn latency(&mut self) -> u64 {
        20 + self.rng.next_u64() % 200
    }

    /// The messages of a namespace that any node has.
    pub fn stored(&self, account: &AnyId) -> usize {
        let all = self.nodes.values().flat_map(|node| {
            let mine = node
                .storage
                .messages()
                .filter(|(other, _, _)| *other == account);
            mine.map(|(_, namespace, message)| (namespace, message.hash))
        });
        all.collect::<BTreeSet<_>>().len()
    }
}

/// The answer to a batch without the messages of some namespaces.
fn without(is_kept: impl Fn(Namespace) -> bool, batch: &Batch, body: Vec<u8>) -> Vec<u8> {
    let mut body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let results = body["results"].as_array_mut().unwrap();
    for (request, result) in batch.requests().iter().zip(results) {
        if matches!(request, Request::Retrieve(retrieve) if is_kept(retrieve.namespace())) {
            result["body"]["messages"] = serde_json::json!([]);
        }
    }
    serde_json::to_vec(&body).unwrap()
}

/// What the network reports of an answer.
pub const fn outcome(came: &Option<(u16, Vec<u8>)>) -> Outcome<'_> {
    match came {
        Some((0, _)) => Outcome::TimedOut,
        Some((status, body)) => Outcome::Answer {
            status: *status,
            body: body.as_slice(),
        },
        None => Outcome::Unreachable,
    }
}
