//! The nodes, dead and alive.

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;
use session_crypto::{Ed25519Public, Ed25519PublicExt, Ed25519Secret};
use session_storage::value::Value;
use session_storage::{
    Entry, Failure, Info, InfoAnswer, OxendAnswer, Request, Response, RetrieveAnswer,
    ServiceNodesRequest, ServiceNodesState, Stamp, Store, StoreEntry, SwarmAnswer, SwarmCall,
};
use session_swarm::record::Version;
use session_swarm::{ServiceNode, SwarmRing};
use session_types::{AnyId, SwarmId, UnixMillis};

use super::{Came, START};
use crate::clear::Packet;

/// Members of a swarm.
const SWARM: usize = 5;
/// How long a relay waits for the next hop, in milliseconds.
const RELAY: u64 = 30_000;
/// How long a storing node waits for a member of its swarm.
const MEMBER: u64 = 5_000;

/// How a node is dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    /// It refuses connections.
    Refuses,
    /// It accepts them and says nothing.
    Silent,
}

struct Node {
    secret: Ed25519Secret,
    record: ServiceNode,
    death: Option<Death>,
}

pub struct World {
    nodes: BTreeMap<Ed25519Public, Node>,
    ring: SwarmRing,
}

impl World {
    pub fn new(count: usize, rng: &mut ChaCha8Rng) -> Self {
        let swarms = (count / SWARM).max(1);
        let mut nodes = BTreeMap::new();
        for number in 0..count {
            let secret = Ed25519Secret::generate(rng);
            let [high, low] = u16::try_from(number).unwrap().to_be_bytes();
            let record = ServiceNode {
                ed25519: secret.public(),
                x25519: Some(secret.public().to_x25519().unwrap()),
                legacy: None,
                ip: [45, high, low, 1].into(),
                https_port: 22021,
                omq_port: 22020,
                version: Version([2, 8, 0]),
                swarm_id: SwarmId::new((number % swarms) as u64 * (u64::MAX / swarms as u64)),
                requested_unlock_height: 0,
            };
            let node = Node {
                secret,
                record,
                death: None,
            };
            nodes.insert(record.ed25519, node);
        }
        let ring = nodes.values().map(|node| node.record.swarm_id).collect();
        Self { nodes, ring }
    }

    pub fn records(&self) -> Vec<ServiceNode> {
        self.nodes.values().map(|node| node.record).collect()
    }

    /// Kills some random nodes.
    pub fn kill(&mut self, count: usize, kind: impl Fn(usize) -> Death, rng: &mut ChaCha8Rng) {
        let mut keys: Vec<Ed25519Public> = self.nodes.keys().copied().collect();
        for number in 0..count {
            let index = rng.next_u64() as usize % keys.len();
            let last = keys.pop().unwrap();
            let key = keys
                .get_mut(index)
                .map_or(last, |key| core::mem::replace(key, last));
            self.nodes.get_mut(&key).unwrap().death = Some(kind(number));
        }
    }

    pub fn freeze(&mut self, key: &Ed25519Public) {
        self.nodes.get_mut(key).unwrap().death = Some(Death::Silent);
    }

    pub fn is_dead(&self, key: &Ed25519Public) -> bool {
        self.nodes[key].death.is_some()
    }

    fn members(&self, account: &AnyId) -> impl Iterator<Item = &Node> {
        let swarm = self.ring.swarm_of(account);
        let nodes = self.nodes.values();
        nodes.filter(move |node| Some(node.record.swarm_id) == swarm)
    }

    pub fn swarm_has_dead(&self, account: &AnyId) -> bool {
        self.members(account).any(|node| node.death.is_some())
    }

    pub fn list(&self) -> Vec<u8> {
        let nodes = self.records();
        let state = ServiceNodesState {
            nodes: &nodes,
            height: 5,
            block_hash: "00",
            hardfork: 19,
        };
        ServiceNodesRequest::default().to_seed_answer(&state)
    }

    fn link(rng: &mut ChaCha8Rng) -> u64 {
        // There and back.
        40 + rng.next_u64() % 120
    }

    pub fn ping(&self, ip: core::net::Ipv4Addr, rng: &mut ChaCha8Rng) -> (Came, u64) {
        let mut nodes = self.nodes.values();
        let node = nodes.find(|node| node.record.ip == ip).unwrap();
        let wait = Self::link(rng);
        match node.death {
            None => (Came::Answer(404, Vec::new()), wait),
            Some(Death::Refuses) => (Came::NoConnection, wait),
            Some(Death::Silent) => (Came::Nothing, 0),
        }
    }

    /// Passes a packet on, hop by hop.
    pub fn carry(&self, packet: &Packet, now: u64, rng: &mut ChaCha8Rng) -> (Came, u64) {
        let mut wait = 0;
        let destination = packet.node.unwrap();
        for (place, key) in packet.hops.iter().chain([&destination]).enumerate() {
            wait += Self::link(rng);
            match self.nodes[key].death {
                None => {}
                Some(Death::Refuses) if place == 0 => return (Came::NoConnection, wait),
                Some(Death::Silent) if place == 0 => return (Came::Nothing, 0),
                Some(_) => {
                    let text = b"Request time out".to_vec();
                    return (Came::Answer(504, text), wait + RELAY);
                }
            }
        }
        let (response, more) = self.serve(&destination, &packet.body, now + wait);
        let body = packet.answer(response.status, &response.json_body());
        (Came::Answer(200, body), wait + more)
    }

    fn serve(&self, own: &Ed25519Public, body: &[u8], now: u64) -> (Response, u64) {
        let stamp = Stamp {
            t: UnixMillis::new(START + now),
            hf: [19, 4],
        };
        match Request::from_json(body).unwrap() {
            Request::Store(store) => self.store(own, &store, stamp),
            Request::Retrieve(_) => {
                let answer = RetrieveAnswer {
                    messages: Vec::new(),
                    malformed: 0,
                    more: false,
                    stamp,
                };
                (Response::ok(answer.to_value()), 0)
            }
            Request::OxendRequest(_) => {
                let list = Value::from_json(&self.list()).unwrap();
                let result = list.get("result").unwrap().clone();
                (Response::ok(OxendAnswer { result, stamp }.to_value()), 0)
            }
            Request::Info(Info) => {
                let answer = InfoAnswer {
                    version: Version([2, 8, 0]),
                    timestamp: stamp.t,
                    stamp,
                };
                (Response::ok(answer.to_value()), 0)
            }
            other => panic!("{other:?}"),
        }
    }

    fn store(&self, own: &Ed25519Public, store: &Store, stamp: Stamp) -> (Response, u64) {
        let entry = StoreEntry {
            hash: store.hash(),
            expiry: store.expiry(),
            already: false,
        };
        let mut answer = SwarmAnswer::new(stamp);
        let mut wait = 0;
        for node in self.members(&store.account) {
            let outcome = if node.death.is_none() {
                Entry::Done(store.sign_entry(&node.secret, entry))
            } else {
                wait = MEMBER;
                Entry::Failed(Failure {
                    timeout: true,
                    ..Failure::default()
                })
            };
            answer.entries.insert(node.record.ed25519, outcome);
        }
        answer.hash = Some(entry.hash);
        (Response::ok(answer.to_value(own)), wait)
    }
}
