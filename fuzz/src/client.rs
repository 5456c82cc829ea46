//! The client's side of the network: what it keeps, whom it chooses, and how it takes what comes.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use session_crypto::{Blake2b, Ed25519Public, Ed25519PublicExt as _, Ed25519Secret};
use session_network::pool::{Change, Pool, intersect};
use session_network::types::{MonotonicTime, UnixMillis};
use session_network::{
    Config, Endpoint, LastHashes, Network, Now, Outcome, PathConfig, PoolConfig, Post, Purpose,
    RequestId, SavedState, Seed, Target, Ticket,
};
use session_storage::{
    Request, Retrieve, ServiceNodesRequest, ServiceNodesState, Signer, Store, SwarmInfo,
};
use session_swarm::ServiceNode;
use session_swarm::record::Version;
use session_types::{AnyId, Namespace, SealedMessage, SwarmId};

use crate::clear::{Clear, Packet};
use crate::input::{Input, account, rng};

const NOW: u64 = 1_795_377_199_099;
const MINUTE_MS: u64 = 60_000;

/// Good keys, and one that is no point.
static KEYS: LazyLock<Vec<Ed25519Public>> = LazyLock::new(|| {
    let good = (1..32).map(|number| Ed25519Secret::from_seed(&[number; 32]).public());
    good.chain([Ed25519Public::from_bytes([2; 32])]).collect()
});

/// A node of few keys, networks and swarms, so that they meet.
fn node(input: &mut Input<'_>) -> ServiceNode {
    let [key, network, swarm, bits] = input.array();
    ServiceNode {
        ed25519: KEYS[usize::from(key) % KEYS.len()],
        // Right, left out, or wrong.
        x25519: match bits & 3 {
            0 | 1 => KEYS[usize::from(key) % KEYS.len()].to_x25519().ok(),
            2 => None,
            _ => KEYS[0].to_x25519().ok(),
        },
        legacy: None,
        ip: match bits & 0x3c {
            0x3c => [0; 4],
            _ => [5, 6, network % 16, key],
        }
        .into(),
        https_port: u16::from(bits != 0xff) * 22021,
        omq_port: 22020,
        version: Version([2, 8, 0]),
        swarm_id: match swarm % 8 {
            7 => SwarmId::UNASSIGNED,
            number => SwarmId::new(u64::from(number) << 60),
        },
        requested_unlock_height: 0,
    }
}

fn nodes(input: &mut Input<'_>, most: u8) -> Vec<ServiceNode> {
    let count = input.byte() % most;
    (0..count).map(|_| node(input)).collect()
}

fn rules(input: &mut Input<'_>) -> PathConfig {
    let bits = input.byte();
    let mut config = PathConfig::default();
    config.hops = usize::from(bits & 3);
    config.paths = usize::from(bits >> 2 & 1) + 1;
    config.test_guards = bits & 8 != 0;
    config.distinct_subnets = bits & 16 != 0;
    config.allow_destination_in_path = bits & 32 != 0;
    config
}

fn now(after_ms: u64) -> Now {
    Now::new(
        MonotonicTime::new(Duration::from_millis(after_ms)),
        UnixMillis::new(NOW + after_ms),
    )
}

fn seeds(count: u8) -> Vec<Seed> {
    (0..count)
        .map(|number| Seed::new(format!("https://seed{number}.example"), []))
        .collect()
}

fn user() -> AnyId {
    account(1).id().into()
}

/// A saved state, as it is and with the digest that the client writes.
pub fn state(data: &[u8]) {
    let digest = Blake2b::<32>::new().chain(data).finalize();
    let length = data.len().to_string();
    let whole = [
        b"l32:",
        digest.as_slice(),
        length.as_bytes(),
        b":",
        data,
        b"e",
    ]
    .concat();
    for bytes in [data.to_vec(), whole] {
        let Ok(state) = SavedState::from_bytes(&bytes) else {
            continue;
        };
        // Records that say the same twice are written once.
        let again = SavedState::from_bytes(&state.to_bytes());
        assert_eq!(again.as_ref(), Ok(&state));
        let mut client = Network::restore(Config::default(), seeds(1), &state, now(0));
        assert!(client.guards().list().len() <= state.guards.len());
        client.request(Target::AnyNode, request(0), now(0));
        let mut rng = rng();
        for _ in 0..32 {
            if client.poll(now(0), &mut rng).is_none() {
                break;
            }
        }
        let saved = client.save(&state.last_hashes, now(0));
        assert_eq!(SavedState::from_bytes(&saved.to_bytes()), Ok(saved));
    }
}

/// Pools and the comparison of lists, against the plainest way to say the same.
pub fn pool(data: &[u8]) {
    let mut input = Input::new(data);
    let mut rng = rng();
    let list = nodes(&mut input, 40);
    let mut pool = Pool::new(list.clone(), &mut rng);
    let keys: BTreeSet<_> = list.iter().map(|node| node.ed25519).collect();
    assert_eq!(pool.nodes().len(), keys.len());
    let swarm = pool.ring().swarm_of(&user());
    assert!(
        pool.swarm_of(&user())
            .all(|node| Some(node.swarm_id) == swarm)
    );
    for node in &list {
        if let Some(usable) = pool.with_onion_key(node) {
            assert_eq!(usable.x25519, node.ed25519.to_x25519().ok());
        }
    }
    let other = nodes(&mut input, 40);
    let agreed = intersect(&[list.clone(), other.clone()], 2);
    for node in &agreed {
        let is_same = |known: &&ServiceNode| {
            (known.ed25519, known.ip, known.https_port, known.omq_port)
                == (node.ed25519, node.ip, node.https_port, node.omq_port)
                && known.swarm_id == node.swarm_id
        };
        assert!(list.iter().any(|known| is_same(&known)));
        assert!(other.iter().any(|known| is_same(&known)));
        assert_eq!(node.x25519, None);
    }
    let change = Change::between(&pool, &other);
    let listed: BTreeSet<_> = other.iter().map(|node| node.ed25519).collect();
    assert_eq!((change.known, change.listed), (keys.len(), listed.len()));
    assert_eq!(change.new, listed.difference(&keys).count());
    assert!(change.gone >= keys.difference(&listed).count() && change.gone <= keys.len());
    assert!(change.gained <= change.listed);
    // More time allows more.
    let config = PoolConfig::default();
    let hours = |hours: u64| Duration::from_secs(3_600 * hours);
    if change.check(hours(0), &config).is_ok() {
        assert_eq!(change.check(hours(5), &config), Ok(()));
    }
    let same = Change::between(&pool, pool.nodes());
    assert_eq!((same.gone, same.new, same.gained), (0, 0, 0));
}

/// A request that any node may answer, or that stores.
fn request(kind: u8) -> Request {
    match kind & 1 {
        0 => Retrieve::new(user(), Namespace::DEFAULT)
            .sign(UnixMillis::new(NOW), &Signer::user(account(1).ed25519()))
            .into(),
        _ => {
            let message = SealedMessage {
                namespace: Namespace::DEFAULT,
                ttl: core::time::Duration::from_secs(60),
                data: b"data".to_vec(),
            };
            let store = Store::new(user(), message, UnixMillis::new(NOW));
            store.expect("short").into()
        }
    }
}

/// What comes back, from honest to hostile; the body belongs to it.
fn answer(input: &mut Input<'_>, kind: u8) -> (u16, Vec<u8>) {
    match kind % 6 {
        0 => (200, input.piece().to_vec()),
        1 => {
            let swarm = SwarmId::new(input.number());
            let nodes = nodes(input, 12);
            (421, SwarmInfo { swarm, nodes }.to_value(None).to_json())
        }
        2 => {
            let t = NOW.wrapping_add(input.number());
            (406, format!(r#"{{"t":{t},"reason":"clock"}}"#).into_bytes())
        }
        3 => {
            let nodes = nodes(input, 24);
            let state = ServiceNodesState {
                nodes: &nodes,
                height: 1,
                block_hash: "",
                hardfork: 19,
            };
            (200, ServiceNodesRequest::default().to_seed_answer(&state))
        }
        4 => (
            200,
            format!(r#"{{"messages":[],"hf":[19,4],"t":{NOW}}}"#).into_bytes(),
        ),
        _ => (u16::from_le_bytes(input.array()), input.piece().to_vec()),
    }
}

/// The client, what is open, and what was promised.
struct Session {
    client: Network<Clear>,
    config: Config,
    rng: ChaCha20Rng,
    now: u64,
    open: Vec<(Ticket, Option<Packet>)>,
    waiting: BTreeSet<RequestId>,
}

impl Session {
    /// Does all that there is to do, and takes all that has ended.
    fn settle(&mut self) {
        for round in 0.. {
            assert!(round < 4_000, "there is no end to what the client wants");
            let Some(post) = self.client.poll(now(self.now), &mut self.rng) else {
                break;
            };
            self.check(&post);
        }
        while let Some(event) = self.client.next_event() {
            assert!(self.waiting.remove(&event.request), "it ended twice");
        }
        assert_eq!(self.client.pending(), self.waiting.len());
    }

    fn check(&mut self, post: &Post) {
        assert!(post.deadline >= now(self.now).monotonic);
        let packet = match &post.endpoint {
            Endpoint::Seed { .. } => {
                assert!(ServiceNodesRequest::from_seed_json(&post.body).is_some());
                None
            }
            Endpoint::Node { path, .. } if *path == Endpoint::ONION => {
                let packet = Packet::read(&post.body);
                assert_eq!(packet.hops.len(), self.config.path.hops);
                let keys: BTreeSet<_> = packet.hops.iter().collect();
                assert_eq!(keys.len(), packet.hops.len());
                if !self.config.path.allow_destination_in_path {
                    assert!(packet.hops.iter().all(|hop| Some(*hop) != packet.node));
                }
                assert!(Request::from_json(&packet.body).is_ok());
                Some(packet)
            }
            _ => None,
        };
        self.open.push((post.ticket, packet));
    }

    fn report(&mut self, input: &mut Input<'_>) {
        let (which, kind) = (input.byte(), input.byte());
        let Some(last) = self.open.len().checked_sub(1) else {
            return;
        };
        let index = usize::from(which & 0x7f).min(last);
        // Some tickets are reported again, or when the client has long given up.
        let (ticket, packet) = match which & 0x80 {
            0 => self.open.remove(index),
            _ => self.open[index].clone(),
        };
        let (status, body) = answer(input, kind >> 3);
        let sealed = packet.map(|packet| packet.answer(status, &body));
        let outcome = match (kind & 7, &sealed) {
            (0..4, Some(sealed)) => Outcome::Answer {
                status: 200,
                body: sealed,
            },
            (0..6, _) => Outcome::Answer {
                status,
                body: &body,
            },
            (6, _) => Outcome::Unreachable,
            _ => Outcome::TimedOut,
        };
        let now = now(self.now);
        self.client.report(ticket, outcome, now, &mut self.rng);
    }
}

/// One of several nodes, some of them unknown or named twice, which are asked the same or each for itself,
/// and not always all of them.
fn one_of(input: &mut Input<'_>, to: &Request) -> (Target, session_network::Request) {
    let [count, kind] = input.array();
    let keys: Vec<Ed25519Public> = (0..count % 6)
        .map(|_| KEYS[usize::from(input.byte()) % KEYS.len()])
        .collect();
    let asked = keys.len().saturating_sub(usize::from(kind & 7 == 7));
    match kind & 8 {
        0 => (Target::OneOf(keys), to.clone().into()),
        _ => {
            let each = keys[..asked].iter().map(|key| (*key, to.clone()));
            let (target, request) = session_network::Request::each(each);
            match kind & 7 {
                7 => (Target::OneOf(keys), request),
                _ => (target, request),
            }
        }
    }
}

/// The state machine of a client, fed with whatever comes in whatever order: what it sends is right,
/// it comes to rest, and every request ends once.
pub fn machine(data: &[u8]) {
    let mut input = Input::new(data);
    let mut config = Config::default();
    config.path = rules(&mut input);
    config.pool.min_nodes = usize::from(input.byte() % 8);
    config.pool.min_refresh_gap = Duration::from_millis(u64::from(input.byte()) * 100);
    config.max_requests = 16;
    let seeds = seeds(input.byte() % 4);
    let mut session = Session {
        client: Network::with_onion(config, seeds, Clear::default()),
        config,
        rng: rng(),
        now: 0,
        open: Vec::new(),
        waiting: BTreeSet::new(),
    };
    for _ in 0..200 {
        if input.is_empty() {
            break;
        }
        match input.byte() % 8 {
            0 => {
                let list = nodes(&mut input, 32);
                let now = now(session.now);
                session.client.set_nodes(list, now, &mut session.rng);
            }
            1 | 2 => {
                let (kind, purpose) = (input.byte(), input.flag());
                let to = request(kind >> 2);
                let (target, request) = match kind % 4 {
                    0 => (Target::SwarmOf(user()), to.into()),
                    1 => (
                        Target::Node(KEYS[usize::from(kind) % KEYS.len()]),
                        to.into(),
                    ),
                    2 => (Target::AnyNode, to.into()),
                    _ => one_of(&mut input, &to),
                };
                let purpose = match purpose {
                    true => Purpose::Standard,
                    false => Purpose::File,
                };
                let now = now(session.now);
                let id = session.client.request_for(purpose, target, request, now);
                assert!(session.waiting.insert(id));
            }
            3 => session.now += u64::from(u16::from_le_bytes(input.array())),
            4 => session.now += u64::from(input.byte()) * MINUTE_MS,
            _ => session.report(&mut input),
        }
        session.settle();
    }
    // Time ends every request, whatever came.
    session.now += config.request_timeout.as_millis() as u64;
    session.settle();
    assert!(session.waiting.is_empty());
    let saved = session
        .client
        .save(&LastHashes::default(), now(session.now));
    assert_eq!(SavedState::from_bytes(&saved.to_bytes()), Ok(saved));
}
