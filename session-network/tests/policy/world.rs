//! A client whose answers the test gives.

pub use session_crypto::{Ed25519Public, Ed25519Secret};
pub use session_network::STRIKE_LIMIT;
pub use session_network::client::{
    Action, Client, ClientConfig, Event, Outcome, RequestError, RequestId, Target, Ticket,
};
pub use session_network::limits::DAY_MS;
pub use session_network::limits::MINUTE_MS;
pub use session_network::path::{Path, PathConfig, Purpose};
pub use session_network::pool::PoolConfig;
pub use session_storage::Info;
pub use session_storage::InfoAnswer;
pub use session_storage::Response;
pub use session_storage::Retrieve;
pub use session_storage::Signer;
pub use session_storage::Stamp;
pub use session_storage::SwarmInfo;
pub use session_swarm::ServiceNode;
pub use session_swarm::record::Version;
pub use session_types::AnyId;
pub use session_types::Namespace;
pub use session_types::SwarmId;
pub use session_types::UnixMillis;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

pub const START: u64 = 1_800_000_000_000;

/// A client in a network of so many nodes, whose answers the test gives.
pub struct World {
    pub client: Client,
    pub nodes: Vec<ServiceNode>,
    pub rng: ChaCha8Rng,
    pub now: u64,
}

/// An onion request on its way.
#[derive(Clone)]
pub struct Sent {
    pub ticket: Ticket,
    pub hops: Vec<ServiceNode>,
    pub destination: ServiceNode,
    pub body: Vec<u8>,
}

pub fn node(number: u8) -> ServiceNode {
    ServiceNode {
        ed25519: Ed25519Secret::from_seed(&[number; 32]).public(),
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

/// One path of three, and no test of guards unless the test is about them.
pub fn config() -> ClientConfig {
    ClientConfig {
        path: PathConfig {
            paths: 1,
            test_guards: false,
            ..PathConfig::default()
        },
        pool: PoolConfig {
            min_nodes: 4,
            min_refresh_gap_ms: 100 * DAY_MS,
            lifetime_ms: 100 * DAY_MS,
            ..PoolConfig::default()
        },
        request_timeout_ms: DAY_MS,
        attempts: 1,
        seeds: 1,
        ..ClientConfig::default()
    }
}

impl World {
    pub fn new(count: u8, config: ClientConfig) -> Self {
        Self::of((0..count).map(node).collect(), config)
    }

    pub fn of(nodes: Vec<ServiceNode>, config: ClientConfig) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let mut client = Client::new(config);
        client.set_nodes(nodes.clone(), START, &mut rng);
        Self {
            client,
            nodes,
            rng,
            now: START,
        }
    }

    pub fn actions(&mut self) -> Vec<Action> {
        let (client, now, rng) = (&mut self.client, self.now, &mut self.rng);
        core::iter::from_fn(|| client.poll(now, rng)).collect()
    }

    /// Everything that the client sends now; nothing else is asked for.
    pub fn sends(&mut self) -> Vec<Sent> {
        let actions = self.actions().into_iter();
        let sends = actions.map(|action| match action {
            Action::Send {
                ticket,
                hops,
                destination,
                body,
                ..
            } => Sent {
                ticket,
                hops,
                destination,
                body,
            },
            other => panic!("{other:?}"),
        });
        sends.collect()
    }

    pub fn ask(&mut self, target: Target) -> (RequestId, Sent) {
        let id = self.client.submit(target, Info, self.now);
        let sent = self.sends().pop().unwrap();
        (id, sent)
    }

    pub fn report(&mut self, ticket: Ticket, outcome: Outcome<'_>) {
        self.client.report(ticket, outcome, self.now, &mut self.rng);
    }

    pub fn fail(&mut self, sent: &Sent, status: u16, text: &str) {
        let body = text.as_bytes();
        self.report(sent.ticket, Outcome::PathError { status, body });
    }

    pub fn succeed(&mut self, sent: &Sent) {
        let stamp = Stamp {
            t: UnixMillis::new(self.now),
            hf: [19, 4],
        };
        let answer = InfoAnswer {
            version: Version([2, 8, 0]),
            timestamp: UnixMillis::new(self.now),
            stamp,
        };
        let body = Response::ok(answer.to_value()).json_body();
        let status = 200;
        self.report(
            sent.ticket,
            Outcome::Answer {
                status,
                body: &body,
            },
        );
    }

    pub fn path(&self) -> &Path {
        &self.client.paths().live()[0]
    }

    pub fn keys(&self) -> Vec<Ed25519Public> {
        keys(&self.path().hops)
    }

    pub fn strikes(&self, keys: &[Ed25519Public]) -> Vec<usize> {
        let strikes = self.client.strikes();
        let counts = keys.iter().map(|key| strikes.count(key, self.now));
        counts.collect()
    }

    pub fn total_strikes(&self) -> usize {
        let keys = keys(&self.nodes);
        self.strikes(&keys).iter().sum()
    }
}

pub fn keys(nodes: &[ServiceNode]) -> Vec<Ed25519Public> {
    nodes.iter().map(|node| node.ed25519).collect()
}

pub fn hex(key: &Ed25519Public) -> String {
    const_hex::encode(key.as_bytes())
}
