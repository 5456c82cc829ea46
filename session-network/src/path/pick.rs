//! Selects nodes that may be hops of one path.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use rand_core::Rng;
use session_crypto::Ed25519Public;
use session_swarm::ServiceNode;

use crate::config::PathConfig;
use crate::evidence::Suspicions;
use crate::guard::Guards;
use crate::pool::Pool;
use crate::random;
use crate::strikes::Strikes;
use crate::time::Instant;

/// The nodes and networks that a new path must not touch.
#[derive(Debug, Clone, Default)]
pub(crate) struct Exclusions {
    keys: BTreeSet<Ed25519Public>,
    subnets: BTreeSet<[u8; 3]>,
}

impl Exclusions {
    /// Excludes a node and its network.
    pub(crate) fn add(&mut self, node: &ServiceNode) {
        self.keys.insert(node.ed25519);
        self.subnets.insert(node.subnet());
    }

    pub(crate) fn allow(&self, node: &ServiceNode, config: &PathConfig) -> bool {
        let is_free_subnet = !config.distinct_subnets || !self.subnets.contains(&node.subnet());
        is_free_subnet && !self.keys.contains(&node.ed25519)
    }
}

/// All that decides whether a node can be used.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) pool: &'a Pool,
    pub(crate) strikes: &'a Strikes,
    pub(crate) suspicions: &'a Suspicions,
    pub(crate) guards: &'a Guards,
    pub(crate) config: &'a PathConfig,
    pub(crate) now: Instant,
}

impl View<'_> {
    /// Whether a node can be a hop or be asked.
    pub(crate) fn is_usable(&self, node: &ServiceNode) -> bool {
        node.is_reachable()
            && !self.strikes.is_out_at(&node.ed25519, self.now)
            && !self.guards.is_failing(&node.ed25519)
            && !self.guards.is_suspect(&node.ed25519)
            && !self.pool.has_bad_key(node)
    }

    fn is_noted(&self, node: &ServiceNode, guard: Option<&Ed25519Public>) -> bool {
        let key = &node.ed25519;
        self.suspicions.is_noted(key, guard, self.now) || self.strikes.has_rested(key)
    }

    /// A random usable node that is not excluded; if there is one, one at which no path failed
    /// lately.
    pub(crate) fn any(
        &self,
        exclusions: &Exclusions,
        rng: &mut (impl Rng + ?Sized),
    ) -> Option<ServiceNode> {
        self.any_behind(None, exclusions, rng)
    }

    fn any_behind(
        &self,
        guard: Option<&Ed25519Public>,
        exclusions: &Exclusions,
        rng: &mut (impl Rng + ?Sized),
    ) -> Option<ServiceNode> {
        let nodes = self.pool.nodes();
        let (before, after) = nodes.split_at_checked(random::below(rng, nodes.len()))?;
        let mut noted = None;
        for node in after.iter().chain(before) {
            // The cheapest question first.
            if !exclusions.allow(node, self.config) || !self.is_usable(node) {
                continue;
            }
            if !self.is_noted(node, guard) {
                return Some(*node);
            }
            noted = noted.or(Some(*node));
        }
        noted
    }

    /// A random one of the second hops that can be used. Once no more may be drawn, one that rests or
    /// was given up is better than a random node: otherwise an attacker that has second hops put out
    /// would sample the network. `None` if there is no such node.
    fn middle(
        &self,
        guard: &Ed25519Public,
        exclusions: &Exclusions,
        rng: &mut (impl Rng + ?Sized),
    ) -> Option<ServiceNode> {
        let free = |key: &Ed25519Public| {
            let node = self.pool.get(key).copied();
            node.filter(|node| exclusions.allow(node, self.config))
        };
        let usable = self.guards.usable_middles().filter_map(free);
        let mut known: Vec<ServiceNode> = usable.filter(|node| self.is_usable(node)).collect();
        if known.is_empty() && self.guards.has_all_middles(self.config) {
            let can_be_hop =
                |node: &ServiceNode| node.is_reachable() && !self.pool.has_bad_key(node);
            known = self
                .guards
                .middles()
                .filter_map(free)
                .filter(can_be_hop)
                .collect();
        }
        random::shuffle(rng, &mut known);
        known
            .into_iter()
            .min_by_key(|node| self.is_noted(node, Some(guard)))
    }

    /// Picks the hops of a path behind a guard: the second one of a few that are kept for days, the
    /// others at random. `None` if there are too few nodes.
    ///
    /// The keys of the hops are not converted here but where they are first used, by
    /// [`Pool::with_onion_key`].
    pub(crate) fn hops(
        &self,
        guard: ServiceNode,
        exclusions: &Exclusions,
        rng: &mut (impl Rng + ?Sized),
    ) -> Option<Vec<ServiceNode>> {
        let mut excluded = exclusions.clone();
        excluded.add(&guard);
        let key = &guard.ed25519;
        let mut hops = alloc::vec![guard];
        while hops.len() < self.config.hops {
            let is_middle = hops.len() == 1 && self.config.hops > 2;
            let middle = is_middle
                .then(|| self.middle(key, &excluded, rng))
                .flatten();
            let hop = middle.or_else(|| self.any_behind(Some(key), &excluded, rng))?;
            excluded.add(&hop);
            hops.push(hop);
        }
        (hops.len() == self.config.hops).then_some(hops)
    }
}
