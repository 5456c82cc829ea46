//! The network: nodes, lists and packets.

use core::net::Ipv4Addr;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use session_crypto::{Ed25519Public, Ed25519PublicExt, Ed25519Secret};
use session_swarm::record::Version;
use session_swarm::{ServiceNode, SwarmRing};
use session_types::{AnyId, GroupId, SwarmId};

use crate::clear::Packet;
use crate::plan::{Attack, Plan};

mod meddle;
mod serve;

pub const START: u64 = 1_800_000_000_000;
const HOUR: u64 = 3_600_000;
/// How long the node list stays as it is.
const EPOCH: u64 = 6 * HOUR;
/// Packets that are lost on the line, of a thousand.
const LOSS: u64 = 5;
/// Members of a swarm.
const SWARM: usize = 10;
/// Accounts that clients read and write to.
pub const OWNERS: usize = 100;
/// The one to which each fourth message goes. Colluders that forge receipts hold half of its swarm.
pub const VICTIM: usize = OWNERS - 1;

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

/// The outcome of a post.
pub enum Came {
    Answer(u16, Vec<u8>),
    NoConnection,
    Nothing,
}

/// A group account: everything that a client asks is about one.
pub struct Owner {
    pub secret: Ed25519Secret,
    pub account: AnyId,
}

pub struct World {
    attack: Attack,
    pub rng: ChaCha8Rng,
    nodes: Vec<Node>,
    by_key: BTreeMap<Ed25519Public, usize>,
    by_ip: BTreeMap<Ipv4Addr, usize>,
    by_swarm: BTreeMap<SwarmId, Vec<usize>>,
    colluders: Vec<usize>,
    ring: SwarmRing,
    pub owners: Vec<Owner>,
    /// Lists as a seed and as a node tell them, by time and whether they are lies.
    lists: BTreeMap<(u64, bool), [Rc<[u8]>; 2]>,
    /// Messages that an honest member has.
    stored: BTreeSet<String>,
    /// The packets over the same hops at the same time, and which of those to come is dropped.
    burst: ((u64, Vec<Ed25519Public>), u64),
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
            .split_at_checked(plan.count_colluders())
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
        let mut by_swarm: BTreeMap<SwarmId, Vec<usize>> = BTreeMap::new();
        for (index, node) in nodes.iter().enumerate() {
            by_swarm
                .entry(node.record.swarm_id)
                .or_default()
                .push(index);
        }
        let ring: SwarmRing = nodes.iter().map(|node| node.record.swarm_id).collect();
        let owners: Vec<Owner> = (0..OWNERS).map(Owner::new).collect();
        if plan.attack.has(Attack::ForgeReceipts) {
            take_half(&mut nodes, ring.swarm_of(&owners[VICTIM].account));
        }
        let numbered = || nodes.iter().enumerate();
        let is_ours =
            |(index, node): (usize, &Node)| (node.kind == Kind::Colluder).then_some(index);
        Self {
            attack: plan.attack,
            by_key: numbered()
                .map(|(at, node)| (node.record.ed25519, at))
                .collect(),
            by_ip: numbered().map(|(at, node)| (node.record.ip, at)).collect(),
            by_swarm,
            colluders: numbered().filter_map(is_ours).collect(),
            ring,
            nodes,
            owners,
            rng,
            lists: BTreeMap::new(),
            stored: BTreeSet::new(),
            burst: Default::default(),
        }
    }

    fn victim(&self) -> Option<SwarmId> {
        self.ring.swarm_of(&self.owners[VICTIM].account)
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

    /// The number of a node, the same as long as it lives.
    pub fn number(&self, key: &Ed25519Public) -> Option<usize> {
        self.by_key.get(key).copied()
    }

    pub fn key(&self, number: usize) -> Ed25519Public {
        self.nodes[number].record.ed25519
    }

    /// The numbers of the nodes of which any may collude: those that are up all the time.
    pub fn possible_colluders(&self) -> Vec<usize> {
        let may_collude = |node: &Node| {
            matches!(node.kind, Kind::Honest | Kind::Colluder)
                && node.from == 0
                && node.until == u64::MAX
        };
        let nodes = self.nodes.iter().enumerate();
        nodes
            .filter_map(|(number, node)| may_collude(node).then_some(number))
            .collect()
    }

    /// The kind of a node now; one that has left is dead.
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
        let [list, _] = self.list(now, false);
        Came::Answer(200, list.to_vec())
    }

    pub fn ping(&mut self, ip: Ipv4Addr, now: u64) -> Came {
        let key = self.by_ip.get(&ip);
        let key = key.map(|index| self.key(*index));
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
        if let Some(came) = self.silence(packet, now) {
            return (came, latency);
        }
        let node = packet.node.unwrap();
        let served = match self.kind(&node, now) {
            Kind::Dead | Kind::Frozen => return (Came::Nothing, 0),
            kind => self.serve(&node, kind, &packet.body, now),
        };
        let body = packet.answer(served.status, &served.body);
        (Came::Answer(200, body), latency + served.wait)
    }
}

/// Lets colluders be half of a swarm, and the others be up, but for one, and stay: nodes change places
/// with nodes of other swarms.
fn take_half(nodes: &mut [Node], swarm: Option<SwarmId>) {
    let is_inside = |node: &Node| node.from == 0 && Some(node.record.swarm_id) == swarm;
    let members: Vec<usize> = (0..nodes.len())
        .filter(|number| is_inside(&nodes[*number]))
        .collect();
    for (place, member) in members.into_iter().enumerate() {
        let wanted = match place {
            0 => Kind::Dead,
            _ if place <= SWARM / 2 => Kind::Colluder,
            _ => Kind::Honest,
        };
        let fits = |node: &Node| node.kind == wanted && node.from == 0 && node.until == u64::MAX;
        let mut others = nodes.iter();
        let other = others.position(|node| fits(node) && !is_inside(node));
        if let Some(other) = other.filter(|_| !fits(&nodes[member])) {
            let (kind, until) = (nodes[member].kind, nodes[member].until);
            nodes[member].kind = wanted;
            nodes[member].until = u64::MAX;
            nodes[other].kind = kind;
            nodes[other].until = until;
        }
    }
}

impl Node {
    fn is_listed(&self, now: u64) -> bool {
        (self.from..self.until).contains(&(now / EPOCH))
    }
}

impl Owner {
    fn new(number: usize) -> Self {
        let number = (number as u64).to_be_bytes();
        let secret = Ed25519Secret::from_seed(&core::array::from_fn(|at| {
            number.get(at).copied().unwrap_or(7)
        }));
        let account = AnyId::from(GroupId::from_ed25519(&secret.public()));
        Self { secret, account }
    }
}
