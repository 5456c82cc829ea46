//! A client whose answers the test gives.

pub use core::time::Duration;

pub use session_crypto::{Ed25519Public, Ed25519Secret};
pub use session_network::types::{MonotonicTime, UnixMillis};
pub use session_network::{
    Config, Endpoint, Event, Network, Now, Outcome, Path, Post, PostPurpose, Purpose, Reply,
    RequestError, RequestId, STRIKE_LIMIT, Seed, StorageReply, Target, Ticket,
};
pub use session_storage::{Info, InfoAnswer, Response, Retrieve, Signer, Stamp, SwarmInfo};
pub use session_swarm::ServiceNode;
pub use session_swarm::record::Version;
pub use session_types::{AnyId, Namespace, SwarmId};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::clear::{Clear, Packet};

pub const START: u64 = 1_800_000_000_000;
pub const MINUTE: Duration = Duration::from_secs(60);
pub const DAY: Duration = Duration::from_secs(86_400);

/// A client in a network of so many nodes, whose answers the test gives.
pub struct World {
    pub client: Network<Clear>,
    pub nodes: Vec<ServiceNode>,
    pub rng: ChaCha8Rng,
    pub now: Now,
}

/// An onion request on its way.
#[derive(Clone)]
pub struct Sent {
    pub ticket: Ticket,
    pub hops: Vec<ServiceNode>,
    pub destination: ServiceNode,
    pub packet: Packet,
    pub purpose: PostPurpose,
}

/// What a node that is up answers to a ping.
pub const UP: Outcome<'_> = Outcome::Answer {
    status: 404,
    body: b"",
};

pub fn secret(number: u8) -> Ed25519Secret {
    Ed25519Secret::from_seed(&[number; 32])
}

pub fn node(number: u8) -> ServiceNode {
    ServiceNode {
        ed25519: secret(number).public(),
        x25519: None,
        legacy: None,
        ip: [45, 0, number, 1].into(),
        https_port: 22021,
        omq_port: 22020,
        version: Version([2, 8, 0]),
        swarm_id: SwarmId::new(u64::from(number % 2) << 62),
        requested_unlock_height: 0,
    }
}

/// One path of three, no test of guards and no second attempts beside the first, unless the test
/// is about them.
pub fn config() -> Config {
    let mut config = Config::default();
    config.path.paths = 1;
    config.path.test_guards = false;
    config.path.rotation = DAY * 100;
    config.pool.min_nodes = 4;
    config.pool.min_refresh_gap = DAY * 100;
    config.pool.lifetime = DAY * 100;
    config.request_timeout = DAY;
    config.patience = DAY;
    config.min_patience = DAY;
    config.path.try_paths = false;
    config.attempts = 1;
    config
}

pub fn start() -> Now {
    Now::new(MonotonicTime::new(DAY), UnixMillis::new(START))
}

pub fn seeds(count: usize) -> Vec<Seed> {
    (0..count)
        .map(|number| Seed::new(format!("https://seed{number}.example/"), []))
        .collect()
}

impl World {
    pub fn new(count: u8, config: Config) -> Self {
        Self::of((0..count).map(node).collect(), config)
    }

    pub fn of(nodes: Vec<ServiceNode>, config: Config) -> Self {
        Self::seeded(nodes, config, 5)
    }

    pub fn seeded(nodes: Vec<ServiceNode>, config: Config, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut client = Network::with_onion(config, seeds(1), Clear::default());
        client.set_nodes(nodes.clone(), start(), &mut rng);
        Self {
            client,
            nodes,
            rng,
            now: start(),
        }
    }

    pub fn pass(&mut self, span: Duration) {
        self.now.monotonic = self.now.monotonic.saturating_add(span);
        self.now.wall = self.now.wall.saturating_add(span);
    }

    pub fn posts(&mut self) -> Vec<Post> {
        let (client, now, rng) = (&mut self.client, self.now, &mut self.rng);
        core::iter::from_fn(|| client.poll(now, rng)).collect()
    }

    fn node_of(&self, key: &Ed25519Public) -> ServiceNode {
        let known = self.nodes.iter().find(|node| node.ed25519 == *key);
        *known.unwrap()
    }

    pub fn sent(&self, post: &Post) -> Sent {
        let Endpoint::Node { address, path } = &post.endpoint else {
            panic!("{post:?}");
        };
        assert_eq!(*path, Endpoint::ONION);
        let packet = Packet::read(&post.body);
        let hops: Vec<_> = packet.hops.iter().map(|key| self.node_of(key)).collect();
        assert_eq!(
            (*address.ip(), address.port()),
            (hops[0].ip, hops[0].https_port)
        );
        Sent {
            ticket: post.ticket,
            hops,
            destination: self.node_of(&packet.node.unwrap()),
            packet,
            purpose: post.purpose.clone(),
        }
    }

    /// Everything that the client sends through paths now. Guards that it tests are up.
    pub fn sends(&mut self) -> Vec<Sent> {
        let mut sends = Vec::new();
        loop {
            let posts = self.posts();
            if posts.is_empty() {
                return sends;
            }
            for post in posts {
                if matches!(post.purpose, PostPurpose::Guard(_)) {
                    self.report(post.ticket, UP);
                } else {
                    sends.push(self.sent(&post));
                }
            }
        }
    }

    /// Everything that the client sends now for requests; what it asks for itself is dropped.
    pub fn attempts(&mut self) -> Vec<Sent> {
        let posts = self.posts();
        let is_attempt = |post: &&Post| matches!(post.purpose, PostPurpose::Request { .. });
        posts
            .iter()
            .filter(is_attempt)
            .map(|post| self.sent(post))
            .collect()
    }

    pub fn ask(&mut self, target: Target) -> (RequestId, Sent) {
        let id = self.client.request(target, Info, self.now);
        let sent = self.attempts().pop().unwrap();
        (id, sent)
    }

    pub fn report(&mut self, ticket: Ticket, outcome: Outcome<'_>) {
        self.client.report(ticket, outcome, self.now, &mut self.rng);
    }

    /// A hop answers in clear.
    pub fn fail(&mut self, sent: &Sent, status: u16, text: &str) {
        let body = text.as_bytes();
        self.report(sent.ticket, Outcome::Answer { status, body });
    }

    /// The destination answers.
    pub fn answer(&mut self, sent: &Sent, status: u16, body: &[u8]) {
        let body = sent.packet.answer(status, body);
        let outcome = Outcome::Answer {
            status: 200,
            body: &body,
        };
        self.report(sent.ticket, outcome);
    }

    /// The destination answers `info` with its clock.
    pub fn tell(&mut self, sent: &Sent, t: u64) {
        let answer = InfoAnswer {
            version: Version([2, 8, 0]),
            timestamp: UnixMillis::new(t),
            stamp: Stamp {
                t: UnixMillis::new(t),
                hf: [19, 4],
            },
        };
        let body = Response::ok(answer.to_value()).json_body();
        self.answer(sent, 200, &body);
    }

    pub fn succeed(&mut self, sent: &Sent) {
        let t = self.now.wall.get();
        self.tell(sent, t);
    }

    pub fn events(&mut self) -> Vec<Event> {
        core::iter::from_fn(|| self.client.next_event()).collect()
    }

    pub fn path(&self) -> &Path {
        &self.client.paths().live()[0]
    }

    pub fn keys(&self) -> Vec<Ed25519Public> {
        keys(self.path().hops())
    }

    pub fn is_out(&self, key: &Ed25519Public) -> bool {
        self.client.strikes().is_out(key, self.now.monotonic)
    }

    pub fn is_avoided(&self, key: &Ed25519Public) -> bool {
        self.client.suspicions().is_avoided(key, self.now.monotonic)
    }

    pub fn strikes(&self, keys: &[Ed25519Public]) -> Vec<usize> {
        let strikes = self.client.strikes();
        let counts = keys
            .iter()
            .map(|key| strikes.count(key, self.now.monotonic));
        counts.collect()
    }

    /// All strikes, and all nodes that are out for another reason.
    pub fn total_strikes(&self) -> usize {
        let keys = keys(&self.nodes);
        let out = keys.iter().filter(|key| self.is_out(key)).count();
        self.strikes(&keys).iter().sum::<usize>().max(out)
    }

    pub fn members(&self, account: &AnyId) -> Vec<ServiceNode> {
        self.client.members(account, self.now)
    }
}

pub fn keys(nodes: &[ServiceNode]) -> Vec<Ed25519Public> {
    nodes.iter().map(|node| node.ed25519).collect()
}

pub fn storage(event: Event) -> Result<StorageReply, RequestError> {
    match event.result? {
        Reply::Storage(reply) => Ok(reply),
        other => panic!("{other:?}"),
    }
}
