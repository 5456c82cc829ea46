//! Which nodes may be hops together.

use alloc::vec::Vec;

use rand_core::Rng;
use session_crypto::Ed25519Public;
use session_swarm::record::ServiceNode;

use super::PathConfig;
use crate::pool::Pool;
use crate::random;
use crate::strikes::Strikes;

/// The nodes and networks that a new path must not touch.
#[derive(Debug, Clone, Default)]
pub struct Exclusions {
    keys: Vec<Ed25519Public>,
    subnets: Vec<[u8; 3]>,
}

impl Exclusions {
    /// Excludes a node and its network.
    pub fn add(&mut self, node: &ServiceNode) {
        self.keys.push(node.ed25519);
        self.subnets.push(node.subnet());
    }

    pub(super) fn allow(&self, node: &ServiceNode, config: &PathConfig) -> bool {
        let is_free_subnet = !config.distinct_subnets || !self.subnets.contains(&node.subnet());
        is_free_subnet && !self.keys.contains(&node.ed25519)
    }
}

/// Picks the hops of a path: a walk through the pool from a random node on, past those that are
/// excluded, struck out, known to have no usable key, or in a network that has a hop already.
/// `guard` is taken as it is. `None` if there are too few nodes.
///
/// The keys of the hops are not converted here but where they are first used, by
/// [`Pool::with_onion_key`].
pub fn pick(
    pool: &Pool,
    strikes: &Strikes,
    now_ms: u64,
    guard: Option<ServiceNode>,
    exclusions: &Exclusions,
    config: &PathConfig,
    rng: &mut (impl Rng + ?Sized),
) -> Option<Vec<ServiceNode>> {
    let mut excluded = exclusions.clone();
    let mut hops = Vec::with_capacity(config.hops);
    if let Some(guard) = guard {
        excluded.add(&guard);
        hops.push(guard);
    }
    let nodes = pool.nodes();
    let start = random::below(rng, nodes.len());
    let (before, after) = nodes.split_at_checked(start)?;
    for node in after.iter().chain(before) {
        if hops.len() >= config.hops {
            break;
        }
        // The cheapest question first.
        if node.is_reachable()
            && excluded.allow(node, config)
            && !strikes.is_out(&node.ed25519, now_ms)
            && !pool.has_bad_key(node)
        {
            excluded.add(node);
            hops.push(*node);
        }
    }
    (hops.len() == config.hops && !hops.is_empty()).then_some(hops)
}
