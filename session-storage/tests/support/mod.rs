//! A network in memory, whose nodes serve with the crate: enough to answer what the observed network
//! answered.

use std::collections::VecDeque;

use session_crypto::{Ed25519PublicExt, Ed25519Secret};
use session_storage::value::Value;
use session_storage::*;
use session_swarm::record::Version;
use session_swarm::{ServiceNode, SwarmRing};
use session_types::{AnyId, Ed25519Public, SwarmId, UnixMillis};

/// A node of the observed network.
pub struct Node {
    pub secret: Ed25519Secret,
    pub record: ServiceNode,
    storage: MemoryStorage,
}

impl Node {
    pub fn new(seed: [u8; 32], ip: [u8; 4], https_port: u16, omq_port: u16, swarm: u64) -> Self {
        let secret = Ed25519Secret::from_seed(&seed);
        let record = ServiceNode {
            ed25519: secret.public(),
            x25519: Some(secret.public().to_x25519().unwrap()),
            legacy: None,
            ip: ip.into(),
            https_port,
            omq_port,
            version: Version([2, 8, 0]),
            swarm_id: SwarmId::new(swarm),
            requested_unlock_height: 0,
        };
        Self {
            secret,
            record,
            storage: MemoryStorage::new(),
        }
    }
}

/// All nodes and what they store.
pub struct Network {
    pub nodes: Vec<Node>,
    /// The answer of the chain daemon.
    pub daemon: Value,
}

impl Network {
    pub fn new(nodes: Vec<Node>) -> Self {
        Self {
            nodes,
            daemon: Value::Null,
        }
    }

    pub fn ring(&self) -> SwarmRing {
        self.nodes.iter().map(|node| node.record.swarm_id).collect()
    }

    pub fn node(&self, key: &Ed25519Public) -> &Node {
        let mut nodes = self.nodes.iter();
        nodes.find(|node| node.record.ed25519 == *key).unwrap()
    }

    fn storage(&mut self, key: &Ed25519Public) -> &mut MemoryStorage {
        let mut nodes = self.nodes.iter_mut();
        &mut nodes
            .find(|node| node.record.ed25519 == *key)
            .unwrap()
            .storage
    }

    pub fn members(&self, swarm: SwarmId) -> impl Iterator<Item = &Node> {
        self.nodes
            .iter()
            .filter(move |node| node.record.swarm_id == swarm)
    }

    /// Serves a request at the node `own`; its swarm gets what it forwards.
    pub fn serve(&mut self, own: &Ed25519Public, request: &Request, at: At<'_>) -> Response {
        let mut here = Here {
            network: self,
            own: *own,
            at,
            is_peer: false,
        };
        let mut serving = Serving::start(request, &mut here);
        let mut open: VecDeque<Forward> = serving.forwards().into();
        while let Some(forward) = open.pop_front() {
            let mut there = Here {
                network: here.network,
                own: forward.to,
                at,
                is_peer: true,
            };
            let served = serve_peer(forward.method.name(), &forward.body, &mut there);
            let outcome = match served {
                Ok(entry) => PeerOutcome::Answered(entry),
                Err(error) => PeerOutcome::Refused(error.status(), error.to_string()),
            };
            here.network = there.network;
            serving.report(forward.id, &outcome, &mut here);
            open.extend(serving.forwards());
        }
        serving.into_response().unwrap()
    }
}

/// When a request is served, and the clocks that the answer shows.
#[derive(Clone, Copy)]
pub struct At<'a> {
    pub clock_of: &'a dyn Fn(&Ed25519Public) -> UnixMillis,
    pub t: UnixMillis,
}

/// One node of the network while it serves.
struct Here<'a> {
    network: &'a mut Network,
    own: Ed25519Public,
    at: At<'a>,
    is_peer: bool,
}

impl Host for Here<'_> {
    type Storage = MemoryStorage;

    fn storage(&self) -> &MemoryStorage {
        &self.network.node(&self.own).storage
    }

    fn storage_mut(&mut self) -> &mut MemoryStorage {
        let own = self.own;
        self.network.storage(&own)
    }

    fn now(&self) -> UnixMillis {
        // Each node limits an expiry with its own clock.
        (self.at.clock_of)(&self.own)
    }

    fn stamp(&self) -> Stamp {
        assert!(!self.is_peer);
        Stamp {
            t: self.at.t,
            hf: [19, 4],
        }
    }

    fn secret(&self) -> &Ed25519Secret {
        &self.network.node(&self.own).secret
    }

    fn state(&self) -> NetworkState {
        NetworkState {
            hf: [19, 4],
            version: [2, 8, 0],
            height: 1_600_000,
        }
    }

    fn serves(&self, account: &AnyId) -> bool {
        let own = self.network.node(&self.own).record.swarm_id;
        self.network.ring().swarm_of(account) == Some(own)
    }

    fn swarm_of(&self, account: &AnyId) -> SwarmInfo {
        let swarm = self.network.ring().swarm_of(account).unwrap();
        let nodes = self.network.members(swarm).map(|node| node.record);
        SwarmInfo {
            swarm,
            nodes: nodes.collect(),
        }
    }

    fn peers(&self) -> Vec<Ed25519Public> {
        let own = self.network.node(&self.own).record.swarm_id;
        let members = self.network.members(own).map(|node| node.record.ed25519);
        members.filter(|key| *key != self.own).collect()
    }

    fn nodes(&self) -> Vec<ServiceNode> {
        self.network.nodes.iter().map(|node| node.record).collect()
    }

    fn daemon(&self, _: &OxendRequest) -> Value {
        self.network.daemon.clone()
    }
}
