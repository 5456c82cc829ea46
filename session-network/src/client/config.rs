//! The rules of a client.

use alloc::collections::BTreeSet;

use crate::limits::MINUTE_MS;
use session_swarm::record::{ReadOptions, ServiceNode};

use crate::path::PathConfig;
use crate::pool::PoolConfig;

/// Rules of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientConfig {
    /// Rules of the pool.
    pub pool: PoolConfig,
    /// Rules of paths.
    pub path: PathConfig,
    /// Which nodes of a list are taken.
    pub nodes: ReadOptions,
    /// The number of seeds that [`Action::AskSeed`](super::Action::AskSeed) can name.
    pub seeds: usize,
    /// Attempts of a request, redirects not counted.
    pub attempts: u32,
    /// Redirects that a request follows.
    pub redirects: u32,
    /// How long one attempt may take.
    pub attempt_timeout_ms: u64,
    /// How long a request may take with all its attempts.
    pub request_timeout_ms: u64,
    /// Most requests under way; more are refused.
    pub max_requests: usize,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            pool: PoolConfig::default(),
            path: PathConfig::default(),
            nodes: ReadOptions::default(),
            seeds: 3,
            attempts: 4,
            redirects: 5,
            attempt_timeout_ms: 15_000,
            request_timeout_ms: MINUTE_MS,
            max_requests: 10_000,
        }
    }
}

impl ClientConfig {
    /// These rules for a network of these nodes, which may be too few for them: a short list is then
    /// taken, hops may share a /24 network, and a destination may be a hop.
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
