//! The network, and what its colluders do.

use std::collections::{BTreeMap, BTreeSet};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use session_crypto::{Ed25519Public, Ed25519PublicExt, Ed25519Secret};
use session_storage::value::Value;
use session_storage::{
    Entry, Failure, Info, InfoAnswer, OxendAnswer, Request, Response, RetrieveAnswer,
    ServiceNodesRequest, ServiceNodesState, Stamp, Store, StoreEntry, SwarmAnswer, SwarmCall,
    SwarmInfo,
};
use session_swarm::record::Version;
use session_swarm::{ServiceNode, SwarmRing};
use session_types::{AnyId, SwarmId, UnixMillis};

use crate::clear::Packet;

pub const START: u64 = 1_800_000_000_000;
const HOUR: u64 = 3_600_000;
/// How long the node list stays as it is.
const EPOCH: u64 = 6 * HOUR;
/// Packets that are lost on the line, of a thousand.
const LOSS: u64 = 5;
/// Members of a swarm.
const SWARM: usize = 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attack {
    None,
    BurnGuard,
    SteerPath,
    DropSilently,
    StrikeDestination,
    ForgeReceipts,
    ShrinkList,
    Clock,
    All,
}

impl Attack {
    const NAMES: [(&'static str, Self); 9] = [
        ("none", Self::None),
        ("burn-guard", Self::BurnGuard),
        ("steer-path", Self::SteerPath),
        ("drop-silently", Self::DropSilently),
        ("strike-destination", Self::StrikeDestination),
        ("forge-receipts", Self::ForgeReceipts),
        ("shrink-list", Self::ShrinkList),
        ("clock", Self::Clock),
        ("all", Self::All),
    ];

    pub fn parse(name: &str) -> Option<Self> {
        let known = Self::NAMES.iter().find(|(known, _)| *known == name);
        known.map(|(_, attack)| *attack)
    }

    pub fn name(self) -> &'static str {
        Self::NAMES
            .iter()
            .find(|(_, attack)| *attack == self)
            .unwrap()
            .0
    }

    /// Whether this attack is a part of what goes on.
    fn has(self, part: Self) -> bool {
        self == part || self == Self::All
    }
}

pub struct Plan {
    pub attack: Attack,
    pub colluders: f64,
    /// Share of nodes that are in the list and down.
    pub dead: f64,
    pub nodes: usize,
    pub days: u64,
    pub clients: usize,
    /// Seconds between two requests of a client.
    pub interval: u64,
    pub seed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Honest,
    Colluder,
    /// Refuses connections.
    Dead,
    /// Takes connections and never answers.
    Frozen,
}

pub struct Node {
    secret: Ed25519Secret,
    pub record: ServiceNode,
    pub kind: Kind,
    /// The epochs in which it is in the list.
    from: u64,
    until: u64,
}

/// What comes back, and after how many milliseconds.
pub enum Came {
    Answer(u16, Vec<u8>),
    NoConnection,
    Nothing,
}

pub struct World {
    attack: Attack,
    pub rng: ChaCha8Rng,
    pub nodes: Vec<Node>,
    by_key: BTreeMap<Ed25519Public, usize>,
    ring: SwarmRing,
    lists: BTreeMap<(u64, bool), Vec<u8>>,
    /// Messages that an honest member has.
    stored: BTreeSet<String>,
}

impl World {
    pub fn new(plan: &Plan) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(plan.seed);
        let swarms = (plan.nodes / SWARM).max(1);
        let epochs = plan.days * 24 * HOUR / EPOCH + 1;
        // Half a percent of the honest nodes is replaced in each epoch.
        let changes = plan.nodes / 200;
        let mut nodes = Vec::new();
        for index in 0..plan.nodes + changes * epochs as usize {
            let secret = Ed25519Secret::generate(&mut rng);
            let [high, low] = ((index / 3) as u16).to_be_bytes();
            let newcomer = index.checked_sub(plan.nodes);
            let from = newcomer.map_or(0, |number| number as u64 / changes.max(1) as u64 + 1);
            let record = ServiceNode {
                ed25519: secret.public(),
                x25519: None,
                legacy: None,
                ip: [
                    45 + (index / 190_000) as u8,
                    high,
                    low,
                    (index % 3) as u8 + 1,
                ]
                .into(),
                https_port: 22021,
                omq_port: 22020,
                version: Version([2, 8, 0]),
                swarm_id: SwarmId::new((index % swarms) as u64 * (u64::MAX / swarms as u64)),
                requested_unlock_height: 0,
            };
            assert!(record.ed25519.to_x25519().is_ok());
            nodes.push(Node {
                secret,
                record,
                kind: Kind::Honest,
                from,
                until: u64::MAX,
            });
        }
        let mut order: Vec<usize> = (0..plan.nodes).collect();
        for end in (1..order.len()).rev() {
            order.swap(end, rng.next_u64() as usize % (end + 1));
        }
        let share = |share: f64| (plan.nodes as f64 * share).round() as usize;
        let (colluders, rest) = order
            .split_at_checked(share(plan.colluders))
            .expect("a share of them");
        let (dead, honest) = rest
            .split_at_checked(share(plan.dead))
            .expect("a share of the rest");
        for index in colluders {
            nodes[*index].kind = Kind::Colluder;
        }
        for (number, index) in dead.iter().enumerate() {
            nodes[*index].kind = match number % 2 {
                0 => Kind::Dead,
                _ => Kind::Frozen,
            };
        }
        // Those that leave, some in each epoch.
        let leaving = honest.iter().take(changes * epochs as usize);
        for (number, index) in leaving.enumerate() {
            nodes[*index].until = number as u64 / changes.max(1) as u64 + 1;
        }
        let by_key = nodes.iter().enumerate();
        let by_key = by_key.map(|(index, node)| (node.record.ed25519, index));
        Self {
            attack: plan.attack,
            by_key: by_key.collect(),
            ring: nodes.iter().map(|node| node.record.swarm_id).collect(),
            nodes,
            rng,
            lists: BTreeMap::new(),
            stored: BTreeSet::new(),
        }
    }

    fn chance(&mut self, per_mille: u64) -> bool {
        self.rng.next_u64() % 1000 < per_mille
    }

    fn has(&self, part: Attack) -> bool {
        self.attack.has(part)
    }

    pub fn get(&self, key: &Ed25519Public) -> Option<&Node> {
        self.by_key.get(key).map(|index| &self.nodes[*index])
    }

    /// What a node is now; one that has left is dead.
    pub fn kind(&self, key: &Ed25519Public, now: u64) -> Kind {
        match self.get(key) {
            Some(node) if node.is_listed(now) => node.kind,
            Some(node) if node.kind == Kind::Colluder => Kind::Colluder,
            _ => Kind::Dead,
        }
    }

    pub fn is_colluder(&self, key: &Ed25519Public) -> bool {
        self.get(key).is_none_or(|node| node.kind == Kind::Colluder)
    }

    /// Whether an honest node is up and in the list.
    pub fn is_good(&self, key: &Ed25519Public, now: u64) -> bool {
        self.kind(key, now) == Kind::Honest
    }

    pub fn has_message(&self, hash: &str) -> bool {
        self.stored.contains(hash)
    }

    pub fn seed(&mut self, now: u64) -> Came {
        Came::Answer(200, self.list(now, false))
    }

    pub fn ping(&mut self, ip: core::net::Ipv4Addr, now: u64) -> Came {
        let key = self.nodes.iter().find(|node| node.record.ip == ip);
        let key = key.map(|node| node.record.ed25519);
        match key.map(|key| self.kind(&key, now)) {
            _ if self.chance(LOSS) => Came::Nothing,
            Some(Kind::Honest | Kind::Colluder) => Came::Answer(404, Vec::new()),
            Some(Kind::Frozen) => Came::Nothing,
            Some(Kind::Dead) | None => Came::NoConnection,
        }
    }

    /// Passes a packet on, hop by hop.
    pub fn carry(&mut self, packet: &Packet, now: u64) -> (Came, u64) {
        let latency = 150 + self.rng.next_u64() % 250;
        if self.chance(LOSS) {
            return (Came::Nothing, 0);
        }
        let kinds: Vec<Kind> = packet.hops.iter().map(|key| self.kind(key, now)).collect();
        let is_ours = |kind: &Kind| *kind == Kind::Colluder;
        let is_captured = kinds.iter().all(is_ours);
        for (place, kind) in kinds.iter().enumerate() {
            match kind {
                Kind::Dead if place == 0 => return (Came::NoConnection, latency),
                // A relay waits for half a minute, longer than a client does.
                Kind::Dead | Kind::Frozen => return (Came::Nothing, 0),
                Kind::Colluder if !is_captured => {
                    if let Some(came) = self.meddle(packet, place, now) {
                        return (came, latency);
                    }
                }
                _ => {}
            }
        }
        let node = packet.node.unwrap();
        let (response, wait) = match self.kind(&node, now) {
            Kind::Dead | Kind::Frozen => return (Came::Nothing, 0),
            kind => self.serve(&node, kind, &packet.body, now),
        };
        let body = packet.answer(response.status, &response.json_body());
        (Came::Answer(200, body), latency + wait)
    }

    /// What a colluder in a place of a path does that is not theirs alone.
    fn meddle(&mut self, packet: &Packet, place: usize, now: u64) -> Option<Came> {
        let text = |status: u16, text: String| Some(Came::Answer(status, text.into_bytes()));
        let guard_is_ours = self.is_colluder(&packet.hops[0]);
        if place == 0 {
            // A guard lets nothing pass but paths of friends.
            let honest = packet
                .hops
                .iter()
                .copied()
                .find(|hop| self.is_good(hop, now));
            if self.has(Attack::DropSilently) && (self.attack != Attack::All || self.chance(500)) {
                return Some(Came::Nothing);
            }
            if let Some(honest) = honest.filter(|_| self.has(Attack::SteerPath)) {
                return text(502, format!("Next node not found: {honest}"));
            }
        } else if !guard_is_ours {
            // Behind an honest guard a colluder makes that guard look bad.
            if self.has(Attack::BurnGuard) && self.chance(500) {
                return match self.rng.next_u64() % 3 {
                    0 => text(503, "Server busy, try again later".into()),
                    1 => text(503, format!("Snode not ready: {}", packet.hops[0])),
                    _ => text(502, format!("Next node not found: {}", packet.hops[0])),
                };
            }
            if self.attack == Attack::DropSilently {
                return Some(Came::Nothing);
            }
        }
        let is_last = place + 1 == packet.hops.len();
        let destination = packet.node.filter(|node| self.is_good(node, now));
        if let Some(destination) = destination.filter(|_| is_last)
            && self.has(Attack::StrikeDestination)
        {
            return match self.rng.next_u64() % 3 {
                0 => text(502, "oxend returned unparsable data".into()),
                1 => text(502, format!("Next node not found: {destination}")),
                _ => text(503, format!("Snode not ready: {destination}")),
            };
        }
        None
    }

    fn serve(&mut self, own: &Ed25519Public, kind: Kind, body: &[u8], now: u64) -> (Response, u64) {
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
            if lies && redirects && self.chance(500) {
                let friends = self.nodes.iter().filter(|node| node.kind == Kind::Colluder);
                let swarm = SwarmInfo {
                    swarm: SwarmId::new(1),
                    nodes: friends.take(5).map(|node| node.record).collect(),
                };
                return (Response::wrong_swarm(&swarm, stamp), 0);
            }
            let own_swarm = self.get(own).map(|node| node.record.swarm_id);
            if self.ring.swarm_of(&account) != own_swarm && !lies {
                let swarm = self.ring.swarm_of(&account).unwrap();
                let nodes = self.members(&account, now);
                let nodes = nodes
                    .iter()
                    .map(|key| self.get(key).unwrap().record)
                    .collect();
                return (Response::wrong_swarm(&SwarmInfo { swarm, nodes }, stamp), 0);
            }
        }
        if lies && self.has(Attack::Clock) && request.account().is_some() && self.chance(300) {
            let body = session_storage::Body::Text("clock".into());
            return (Response { status: 406, body }, 0);
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
                (Response::ok(answer.to_value()), 0)
            }
            Request::OxendRequest(_) => {
                let lies = lies && self.has(Attack::ShrinkList);
                let list = Value::from_json(&self.list(now, lies)).unwrap();
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

    fn members(&self, account: &AnyId, now: u64) -> Vec<Ed25519Public> {
        let swarm = self.ring.swarm_of(account);
        let nodes = self.nodes.iter().filter(|node| node.is_listed(now));
        let members = nodes.filter(|node| Some(node.record.swarm_id) == swarm);
        members.map(|node| node.record.ed25519).collect()
    }

    fn store(
        &mut self,
        own: &Ed25519Public,
        lies: bool,
        store: &Store,
        stamp: Stamp,
        now: u64,
    ) -> (Response, u64) {
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
            let friends = self.nodes.iter().filter(|node| node.kind == Kind::Colluder);
            members.extend(friends.take(20).map(|node| node.record.ed25519));
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
        (Response::ok(answer.to_value(own)), waits)
    }

    /// The list of an epoch: the right one, or what the colluders have agreed on for this hour.
    fn list(&mut self, now: u64, lies: bool) -> Vec<u8> {
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
        let list = ServiceNodesRequest::default().to_seed_answer(&state);
        self.lists.insert(key, list.clone());
        list
    }
}

impl Node {
    fn is_listed(&self, now: u64) -> bool {
        (self.from..self.until).contains(&(now / EPOCH))
    }
}
