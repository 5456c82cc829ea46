//! Answers of nodes, honest ones and colluders.

use std::rc::Rc;

use rand_chacha::rand_core::Rng;
use session_crypto::{Ed25519Public, Ed25519Secret};
use session_storage::value::Value;
use session_storage::{
    Entry, Failure, Info, InfoAnswer, OxendAnswer, Request, Response, RetrieveAnswer,
    ServiceNodesRequest, ServiceNodesState, Stamp, Store, StoreEntry, SwarmAnswer, SwarmCall,
    SwarmInfo,
};
use session_swarm::ServiceNode;
use session_swarm::record::Version;
use session_types::{AnyId, SwarmId, UnixMillis};

use super::{EPOCH, HOUR, Kind, START, VICTIM, World};
use crate::plan::Attack;

/// An answer, and how long the node takes for it, in milliseconds.
pub struct Served {
    pub status: u16,
    pub body: Rc<[u8]>,
    pub wait: u64,
}

impl From<Response> for Served {
    fn from(response: Response) -> Self {
        Self {
            status: response.status,
            body: response.json_body().into(),
            wait: 0,
        }
    }
}

impl World {
    pub(super) fn serve(
        &mut self,
        own: &Ed25519Public,
        kind: Kind,
        body: &[u8],
        now: u64,
    ) -> Served {
        let request = Request::from_json(body).unwrap();
        let lies = kind == Kind::Colluder;
        let ahead = match lies && self.has(Attack::Clock) {
            true => HOUR / 2,
            false => 0,
        };
        let stamp = Stamp {
            t: UnixMillis::new(START + now + ahead),
            hf: [19, 4],
        };
        if let Some(account) = request.account().copied() {
            // One liar in the own swarm has a new list asked for, again and again.
            let redirects = self.has(Attack::ShrinkList) || self.has(Attack::ForgeReceipts);
            // Where they are half of the swarm, they sign.
            let victim = self.owners[VICTIM].account;
            let signs = account == victim && self.has(Attack::ForgeReceipts);
            if lies && redirects && !signs && self.chance(500) {
                let swarm = SwarmInfo {
                    swarm: SwarmId::new(1),
                    nodes: self.friends(5).map(|node| node.record).collect(),
                };
                return Response::wrong_swarm(&swarm, stamp).into();
            }
            let own_swarm = self.get(own).map(|node| node.record.swarm_id);
            if self.ring.swarm_of(&account) != own_swarm && !lies {
                let swarm = self.ring.swarm_of(&account).unwrap();
                let nodes = self.members(&account, now);
                let nodes = nodes
                    .iter()
                    .map(|key| self.get(key).unwrap().record)
                    .collect();
                return Response::wrong_swarm(&SwarmInfo { swarm, nodes }, stamp).into();
            }
        }
        if lies && self.has(Attack::Clock) && request.account().is_some() && self.chance(300) {
            let body = session_storage::Body::Text("clock".into());
            return Response { status: 406, body }.into();
        }
        match &request {
            Request::Store(store) => self.store(own, lies, store, stamp, now),
            Request::Retrieve(_) => {
                let answer = RetrieveAnswer {
                    messages: Vec::new(),
                    malformed: 0,
                    more: false,
                    stamp,
                };
                Response::ok(answer.to_value()).into()
            }
            Request::OxendRequest(_) => {
                let [_, body] = self.list(now, lies && self.has(Attack::ShrinkList));
                Served {
                    status: 200,
                    body,
                    wait: 0,
                }
            }
            Request::Info(Info) => {
                let answer = InfoAnswer {
                    version: Version([2, 8, 0]),
                    timestamp: stamp.t,
                    stamp,
                };
                Response::ok(answer.to_value()).into()
            }
            other => panic!("{other:?}"),
        }
    }

    /// Colluders that are everywhere.
    fn friends(&self, count: usize) -> impl Iterator<Item = &super::Node> {
        let friends = self.colluders.iter().take(count);
        friends.map(|index| &self.nodes[*index])
    }

    fn members(&self, account: &AnyId, now: u64) -> Vec<Ed25519Public> {
        let swarm = self.ring.swarm_of(account).unwrap();
        let nodes = self.by_swarm[&swarm]
            .iter()
            .map(|index| &self.nodes[*index]);
        let listed = nodes.filter(|node| node.is_listed(now));
        listed.map(|node| node.record.ed25519).collect()
    }

    fn store(
        &mut self,
        own: &Ed25519Public,
        lies: bool,
        store: &Store,
        stamp: Stamp,
        now: u64,
    ) -> Served {
        let forges = lies && self.has(Attack::ForgeReceipts);
        let entry = StoreEntry {
            hash: store.hash(),
            expiry: store.expiry(),
            already: false,
        };
        let mut answer = SwarmAnswer::new(stamp);
        let mut members = self.members(&store.account, now);
        if forges {
            // All friends sign, whatever swarm they are in; nobody else is told.
            members.extend(self.friends(20).map(|node| node.record.ed25519));
            members.push(*own);
        }
        let mut waits = 0;
        for key in members {
            let signs = match self.kind(&key, now) {
                Kind::Honest => !forges,
                Kind::Colluder => forges || !self.has(Attack::ForgeReceipts),
                Kind::Dead | Kind::Frozen => {
                    waits = if forges { 0 } else { 5_000 };
                    false
                }
            };
            if signs && self.kind(&key, now) == Kind::Honest {
                self.stored.insert(entry.hash.as_str().into());
            }
            let entry = match self.get(&key).filter(|_| signs) {
                Some(node) => Entry::Done(store.sign_entry(&node.secret, entry)),
                None => Entry::Failed(Failure {
                    timeout: true,
                    ..Failure::default()
                }),
            };
            answer.entries.insert(key, entry);
        }
        answer.hash = Some(entry.hash);
        Served {
            wait: waits,
            ..Response::ok(answer.to_value(own)).into()
        }
    }

    /// The list of an epoch: the right one, or what the colluders have agreed on for this hour.
    pub(super) fn list(&mut self, now: u64, lies: bool) -> [Rc<[u8]>; 2] {
        let key = (if lies { now / HOUR } else { now / EPOCH }, lies);
        if let Some(list) = self.lists.get(&key) {
            return list.clone();
        }
        let listed = self.nodes.iter().filter(|node| node.is_listed(now));
        let listed = listed.map(|node| (node.kind, node.record));
        let mut nodes: Vec<ServiceNode> = match (lies, key.0 % 3) {
            (false, _) => listed.map(|(_, record)| record).collect(),
            // Friends alone.
            (true, 0) => listed
                .filter(|(kind, _)| *kind == Kind::Colluder)
                .map(|(_, record)| record)
                .collect(),
            // As many honest nodes less as the client may believe.
            (true, _) => {
                let mut nodes: Vec<ServiceNode> = listed.map(|(_, record)| record).collect();
                let less = nodes.len() / 50;
                let mut left_out = 0;
                nodes.retain(|node| {
                    let out = left_out < less && !self.is_colluder(&node.ed25519);
                    left_out += usize::from(out);
                    !out
                });
                nodes
            }
        };
        if lies && key.0 % 3 == 2 {
            // And as many nodes that nobody knew.
            for _ in 0..nodes.len() / 100 {
                let mut fake = nodes[0];
                fake.ed25519 = Ed25519Secret::generate(&mut self.rng).public();
                fake.ip =
                    (u32::from(fake.ip) ^ 0x4000_0000 ^ self.rng.next_u64() as u32 >> 8).into();
                fake.swarm_id = nodes[self.rng.next_u64() as usize % nodes.len()].swarm_id;
                nodes.push(fake);
            }
        }
        let state = ServiceNodesState {
            nodes: &nodes,
            height: 5,
            block_hash: "00",
            hardfork: 19,
        };
        let by_seed = ServiceNodesRequest::default().to_seed_answer(&state);
        let told = Value::from_json(&by_seed).unwrap();
        let stamp = Stamp {
            t: UnixMillis::new(START + now),
            hf: [19, 4],
        };
        let result = told.get("result").unwrap().clone();
        let by_node = Response::ok(OxendAnswer { result, stamp }.to_value());
        let list = [by_seed.into(), by_node.json_body().into()];
        self.lists.insert(key, list.clone());
        list
    }
}
