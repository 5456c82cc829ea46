//! The rules of a client. Each is local policy: no other party sees it.

use alloc::collections::BTreeSet;
use core::time::Duration;

use session_swarm::ServiceNode;
use session_swarm::record::{AddressPolicy, ReadOptions};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Rules of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Rules of the pool.
    pub pool: PoolConfig,
    /// Rules of paths.
    pub path: PathConfig,
    /// Rules of transports.
    pub transport: TransportConfig,
    /// Selection of nodes from a list.
    pub nodes: ReadOptions,
    /// Maximum number of attempts of a request; redirects do not count.
    pub attempts: u32,
    /// Maximum number of redirects that a request follows.
    pub redirects: u32,
    /// How long one attempt may take.
    pub attempt_timeout: Duration,
    /// How long an attempt may stay unanswered before the next one is started beside it, at most.
    /// It is less where the usual time of answers is known to be shorter.
    pub patience: Duration,
    /// The shortest such time. While nothing is known it is that of requests that a node answers by
    /// itself.
    pub min_patience: Duration,
    /// How long a node may wait for other members of its swarm before it answers. Until then its
    /// silence is not held against it.
    pub member_timeout: Duration,
    /// Attempts of one request that are under way at once.
    pub beside: usize,
    /// How long a request may take with all its attempts.
    pub request_timeout: Duration,
    /// Maximum number of requests under way; more are refused.
    pub max_requests: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            pool: PoolConfig::default(),
            path: PathConfig::default(),
            transport: TransportConfig::default(),
            nodes: ReadOptions::default(),
            attempts: 6,
            redirects: 5,
            attempt_timeout: SECOND.saturating_mul(15),
            patience: SECOND.saturating_mul(2),
            min_patience: SECOND,
            member_timeout: SECOND.saturating_mul(5),
            beside: 3,
            request_timeout: MINUTE,
            max_requests: 10_000,
        }
    }
}

impl Config {
    /// Rules for a network on one machine or in a laboratory: nodes may have any address, may be
    /// few and in one subnet, and a destination may be a hop.
    ///
    /// Not for the real network, where each of these is a sign of an attack.
    #[must_use]
    pub fn test_network() -> Self {
        let mut config = Self::default();
        config.nodes.addresses = AddressPolicy::Any;
        config.pool.min_nodes = config.path.hops;
        config.path.distinct_subnets = false;
        config.path.allow_destination_in_path = true;
        config
    }

    /// Adapts the rules to a network of these nodes, which may be too few for them: a short list is
    /// then taken, hops may share a /24 network, and a destination may be a hop.
    ///
    /// Only where the nodes are known to be all there are, such as on one machine. In the real
    /// network a short list is a lie.
    #[must_use]
    pub fn fitted_to(mut self, nodes: &[ServiceNode]) -> Self {
        let subnets: BTreeSet<_> = nodes.iter().map(ServiceNode::subnet).collect();
        let hops = self.path.hops;
        self.pool.min_nodes = self.pool.min_nodes.min(nodes.len() / 2);
        self.path.distinct_subnets &= subnets.len() > hops;
        self.path.allow_destination_in_path |= nodes.len() <= self.path.paths.saturating_mul(hops);
        self
    }
}

/// Rules of transports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TransportConfig {
    /// Whether guards are reached over QUIC, as far as UDP passes: only with a driver that can do
    /// [`Endpoint::Quic`](crate::Endpoint::Quic).
    pub quic: bool,
    /// Time limit of a handshake of QUIC, before HTTPS is taken. It is less than
    /// [`PathConfig::guard_test_timeout`].
    pub handshake_timeout: Duration,
}

impl Default for TransportConfig {
    fn default() -> Self {
        Self {
            quic: false,
            handshake_timeout: SECOND.saturating_mul(2),
        }
    }
}

/// Rules of the pool of nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolConfig {
    /// How long a list of nodes is good.
    pub lifetime: Duration,
    /// Minimum time between two refreshes of a pool that is too small to work with.
    pub min_refresh_gap: Duration,
    /// Minimum time between two refreshes that hints ask for. It doubles while hints go on.
    pub hint_gap: Duration,
    /// The longest such time.
    pub max_hint_gap: Duration,
    /// With fewer usable nodes than this the pool is refreshed, and a list of fewer is refused.
    pub min_nodes: usize,
    /// Minimum number of members of a swarm that are offered, struck out or not.
    pub min_swarm: usize,
    /// Nodes asked in a refresh.
    pub refresh_sources: usize,
    /// Answers that must agree on a node.
    pub refresh_agreement: usize,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            lifetime: HOUR.saturating_mul(2),
            min_refresh_gap: SECOND.saturating_mul(2),
            hint_gap: MINUTE,
            max_hint_gap: HOUR,
            min_nodes: 12,
            min_swarm: 3,
            refresh_sources: 3,
            refresh_agreement: 2,
        }
    }
}

/// Rules of paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PathConfig {
    /// Hops of a path, the guard included.
    pub hops: usize,
    /// Paths kept for each purpose that is in use.
    pub paths: usize,
    /// Failures in a row after which a path is rebuilt without further tests.
    pub failures: u32,
    /// Whether a guard has to answer before its first use, and after a connection to it failed.
    pub test_guards: bool,
    /// How long a guard may take for that.
    pub guard_test_timeout: Duration,
    /// Guards that fail one after the other before the own connection is taken for broken: the
    /// requests that wait for a path count it as a failed attempt, and no guard is blamed.
    pub guard_tests: u32,
    /// How long the answer through a path that is being tested may take, at most. It is less where
    /// the usual time of answers is known to be shorter, and the shortest while nothing is known.
    pub probe_timeout: Duration,
    /// The shortest such time. It is half as long again for guards.
    pub min_probe_timeout: Duration,
    /// Whether a path that is new, of an earlier run or long unused is tested while others carry
    /// what is asked for.
    pub try_paths: bool,
    /// Age at which a path is replaced by one with the same guard.
    pub rotation: Duration,
    /// Time after which a rotation that failed is tried again.
    pub rotation_retry: Duration,
    /// Age at which a guard is replaced.
    pub guard_lifetime: Duration,
    /// How long a guard is kept that is in no list any more.
    pub guard_grace: Duration,
    /// Maximum number of guards that are sampled within their lifetime.
    pub max_guards: usize,
    /// Rebuilds of paths that one guard is granted at once. Another one is granted every ten
    /// minutes.
    pub rebuilds: u32,
    /// Nodes from which second hops are taken.
    pub middles: usize,
    /// Age at which such a node is replaced.
    pub middle_lifetime: Duration,
    /// Whether no two hops of all paths may be in the same /24 network.
    pub distinct_subnets: bool,
    /// Whether a request may go through a path that its destination is in, if there is no other.
    pub allow_destination_in_path: bool,
}

impl Default for PathConfig {
    fn default() -> Self {
        Self {
            hops: 3,
            paths: 2,
            failures: 4,
            test_guards: true,
            guard_test_timeout: SECOND.saturating_mul(3),
            guard_tests: 10,
            probe_timeout: SECOND.saturating_mul(5),
            min_probe_timeout: SECOND,
            try_paths: true,
            rotation: MINUTE.saturating_mul(10),
            rotation_retry: MINUTE,
            guard_lifetime: DAY.saturating_mul(10),
            guard_grace: DAY.saturating_mul(3),
            max_guards: 12,
            rebuilds: 8,
            middles: 4,
            middle_lifetime: DAY.saturating_mul(10),
            distinct_subnets: true,
            allow_destination_in_path: false,
        }
    }
}
