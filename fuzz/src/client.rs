//! The client's side of the network: what it keeps, whom it chooses, and how it takes what comes.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use rand_chacha::ChaCha20Rng;
use session_crypto::{Blake2b, Ed25519Public, Ed25519PublicExt as _, Ed25519Secret};
use session_network::{Client, LastHashes, Strikes};
use session_network::client::{Action, ClientConfig, Outcome, RequestId, SavedState, Target, Ticket};
use session_network::path::{Exclusions, PathConfig, Purpose, pick};
use session_network::pool::{Pool, PoolConfig, intersect};
use session_network::{Client, LastHashes, Strikes};
use session_storage::{
    Request, Retrieve, ServiceNodesRequest, ServiceNodesState, Signer, Store, SwarmInfo,
};
use session_swarm::ServiceNode;
use session_swarm::record::Version;
use session_types::{AnyId, Namespace, SealedMessage, SwarmId, UnixMillis};

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
    PathConfig {
        hops: usize::from(bits & 3),
        paths: usize::from(bits >> 2 & 1) + 1,
        test_guards: bits & 8 != 0,
        distinct_subnets: bits & 16 != 0,
        allow_destination_in_path: bits & 32 != 0,
        ..PathConfig::default()
    }
}

fn user() -> AnyId {
    account(1).id().into()
}

/// No node twice, and no network twice if that is the rule.
fn assert_distinct(hops: &[ServiceNode], config: &PathConfig) {
    let keys: BTreeSet<_> = hops.iter().map(|hop| hop.ed25519).collect();
    assert_eq!(keys.len(), hops.len());
    if config.distinct_subnets {
        let networks: BTreeSet<_> = hops.iter().map(ServiceNode::subnet).collect();
        assert_eq!(networks.len(), hops.len());
    }
}

/// A saved state, as it is and with the digest that the client writes.
pub fn state(data: &[u8]) {
    let digest = Blake2b::<32>::new().chain(data).finalize();
    for bytes in [data.to_vec(), [data, &digest].concat()] {
        let Ok(state) = SavedState::from_bytes(&bytes) else {
            continue;
        };
        // Records that say the same twice are written once.
        let again = SavedState::from_bytes(&state.to_bytes());
        assert_eq!(again.as_ref(), Ok(&state));
        let mut client = Client::restore(ClientConfig::default(), &state, NOW);
        assert!(client.paths().guards().len() <= state.guards.len());
        client.submit(Target::Any, request(0), NOW);
        let mut rng = rng();
        for _ in 0..32 {
            if client.poll(NOW, &mut rng).is_none() {
                break;
            }
        }
        let saved = client.save(&state.last_hashes);
        assert_eq!(SavedState::from_bytes(&saved.to_bytes()), Ok(saved));
    }
}

/// Pools, strikes and the choice of hops, against the plainest way to say the same.
pub fn pool(data: &[u8]) {
    let mut input = Input::new(data);
    let mut rng = rng();
    let config = rules(&mut input);
    let list = nodes(&mut input, 40);
    let mut pool = Pool::new(list.clone(), NOW, &mut rng);
    let keys: BTreeSet<_> = list.iter().map(|node| node.ed25519).collect();
    assert_eq!(pool.nodes().len(), keys.len());

    let mut strikes = Strikes::default();
    let mut exclusions = Exclusions::default();
    let mut excluded = Vec::new();
    for _ in 0..input.byte() % 24 {
        let (kind, node) = (input.byte(), node(&mut input));
        match kind % 5 {
            0 => strikes.strike_out(&node.ed25519, NOW),
            1 => strikes.add(&node.ed25519, NOW - u64::from(kind) * MINUTE_MS),
            2 => strikes.forgive(&node.ed25519),
            3 => drop(strikes.forgive_oldest(|key| *key != node.ed25519)),
            _ => {
                exclusions.add(&node);
                excluded.push(node);
            }
        }
    }

    let is_allowed = |node: &&ServiceNode| {
        node.is_reachable()
            && !strikes.is_out(&node.ed25519, NOW)
            && excluded.iter().all(|other| {
                other.ed25519 != node.ed25519
                    && !(config.distinct_subnets && other.subnet() == node.subnet())
            })
    };
    let allowed: Vec<_> = pool.nodes().iter().filter(is_allowed).collect();
    let networks: BTreeSet<_> = allowed.iter().map(|node| node.subnet()).collect();
    let most = match config.distinct_subnets {
        true => networks.len(),
        false => allowed.len(),
    };
    let hops = pick(&pool, &strikes, NOW, None, &exclusions, &config, &mut rng);
    assert_eq!(hops.is_some(), config.hops > 0 && most >= config.hops);
    if let Some(hops) = &hops {
        assert_eq!(hops.len(), config.hops);
        assert_distinct(hops, &config);
        assert!(hops.iter().all(|hop| is_allowed(&hop)));
    }

    let members = pool.ring().swarm_of(&user());
    let candidates = pool.candidates(&user(), &strikes, NOW, &PoolConfig::default(), &mut rng);
    assert!(candidates.iter().all(|node| Some(node.swarm_id) == members));
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
    let before = pool.nodes().to_vec();
    if pool
        .replace(other, NOW, &PoolConfig::default(), &mut rng)
        .is_err()
    {
        assert_eq!(pool.nodes(), before);
    }
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
    client: Client,
    config: ClientConfig,
    rng: ChaCha20Rng,
    now: u64,
    open: Vec<Ticket>,
    waiting: BTreeSet<RequestId>,
}

impl Session {
    /// Does all that there is to do, and takes all that has ended.
    fn settle(&mut self) {
        for round in 0.. {
            assert!(round < 2_000, "there is no end to what the client wants");
            let Some(action) = self.client.poll(self.now, &mut self.rng) else {
                break;
            };
            self.check(&action);
        }
        while let Some(event) = self.client.next_event() {
            assert!(self.waiting.remove(&event.request), "it ended twice");
        }
        assert_eq!(self.client.pending(), self.waiting.len());
    }

    fn check(&mut self, action: &Action) {
        match action {
            Action::Send {
                ticket,
                hops,
                destination,
                body,
                deadline_ms,
            } => {
                assert_eq!(hops.len(), self.config.path.hops);
                assert_distinct(hops, &self.config.path);
                for node in hops.iter().chain([destination]) {
                    assert_eq!(node.x25519, node.ed25519.to_x25519().ok());
                    assert!(node.x25519.is_some());
                }
                if !self.config.path.allow_destination_in_path {
                    assert!(hops.iter().all(|hop| hop.ed25519 != destination.ed25519));
                }
                assert!(*deadline_ms >= self.now);
                let request = Request::from_json(body);
                assert!(
                    request.is_ok(),
                    "{request:?} {}",
                    String::from_utf8_lossy(body)
                );
                self.open.push(*ticket);
            }
            Action::TestGuard { ticket, .. } => self.open.push(*ticket),
            Action::AskSeed {
                ticket, seed, body, ..
            } => {
                assert!(*seed < self.config.seeds);
                assert!(ServiceNodesRequest::from_seed_json(body).is_some());
                self.open.push(*ticket);
            }
            _ => {}
        }
    }

    fn report(&mut self, input: &mut Input<'_>) {
        let (which, kind) = (input.byte(), input.byte());
        let Some(last) = self.open.len().checked_sub(1) else {
            return;
        };
        let index = usize::from(which & 0x7f).min(last);
        // Some tickets are reported again, or when the client has long given up.
        let ticket = match which & 0x80 {
            0 => self.open.remove(index),
            _ => self.open[index],
        };
        let (status, body) = answer(input, kind >> 3);
        let outcome = match kind & 7 {
            0..4 => Outcome::Answer {
                status,
                body: &body,
            },
            4 => Outcome::PathError {
                status,
                body: &body,
            },
            5 => Outcome::Undecryptable,
            6 => Outcome::Unreachable,
            _ => Outcome::TimedOut,
        };
        self.client.report(ticket, outcome, self.now, &mut self.rng);
    }
}

/// The state machine of a client, fed with whatever comes in whatever order: what it sends is right,
/// it comes to rest, and every request ends once.
pub fn machine(data: &[u8]) {
    let mut input = Input::new(data);
    let path = rules(&mut input);
    let config = ClientConfig {
        pool: PoolConfig {
            min_nodes: usize::from(input.byte() % 8),
            min_refresh_gap_ms: u64::from(input.byte()) * 100,
            ..PoolConfig::default()
        },
        path,
        seeds: usize::from(input.byte() % 4),
        max_requests: 16,
        ..ClientConfig::default()
    };
    let mut session = Session {
        client: Client::new(config),
        config,
        rng: rng(),
        now: NOW,
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
                let now = session.now;
                session.client.set_nodes(list, now, &mut session.rng);
            }
            1 | 2 => {
                let (kind, purpose) = (input.byte(), input.flag());
                let target = match kind % 3 {
                    0 => Target::Swarm(user()),
                    1 => Target::Node(KEYS[usize::from(kind) % KEYS.len()]),
                    _ => Target::Any,
                };
                let purpose = match purpose {
                    true => Purpose::Standard,
                    false => Purpose::File,
                };
                let (request, now) = (request(kind >> 2), session.now);
                let id = session.client.submit_for(purpose, target, request, now);
                assert!(session.waiting.insert(id));
            }
            3 => session.now += u64::from(u16::from_le_bytes(input.array())),
            4 => session.now += u64::from(input.byte()) * MINUTE_MS,
            _ => session.report(&mut input),
        }
        session.settle();
    }
    // Time ends every request, whatever came.
    session.now += config.request_timeout_ms;
    session.settle();
    assert!(session.waiting.is_empty());
    let saved = session.client.save(&LastHashes::default());
    assert_eq!(SavedState::from_bytes(&saved.to_bytes()), Ok(saved));
}
