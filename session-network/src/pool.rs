//! The nodes that a client knows (protocol: [swarm, section 7]).
//!
//! [swarm, section 7]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/swarm.md#section-7

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use session_crypto::Ed25519PublicExt;

use rand_core::Rng;
use session_crypto::{Ed25519Public, X25519Public};
use session_swarm::{ServiceNode, SwarmRing};
use session_types::{AnyId, SwarmId};

use crate::config::PoolConfig;
use crate::random;
use crate::strikes::Strikes;
use crate::time::Instant;

mod change;
mod merge;

pub use change::{Change, PoolError};
pub use merge::intersect;

/// The nodes that a client knows.
#[derive(Debug, Clone, Default)]
pub struct Pool {
    nodes: Vec<ServiceNode>,
    by_key: BTreeMap<Ed25519Public, usize>,
    ring: SwarmRing,
    swarms: BTreeMap<SwarmId, Vec<usize>>,
    updated: Option<Instant>,
    /// The X25519 keys that were made of Ed25519 keys, or `None` where that failed. They never
    /// change, and making one takes as long as verifying a signature.
    onion_keys: BTreeMap<Ed25519Public, Option<X25519Public>>,
}

impl Pool {
    /// Makes a pool of a list whose source is trusted, in random order.
    pub fn new(mut nodes: Vec<ServiceNode>, rng: &mut (impl Rng + ?Sized)) -> Self {
        random::shuffle(rng, &mut nodes);
        Self::from_ordered(nodes, None)
    }

    pub(crate) fn from_ordered(mut nodes: Vec<ServiceNode>, updated: Option<Instant>) -> Self {
        let mut by_key = BTreeMap::new();
        let mut swarms: BTreeMap<SwarmId, Vec<usize>> = BTreeMap::new();
        // The first of two records with the same key stays.
        let mut seen = BTreeSet::new();
        nodes.retain(|node| seen.insert(node.ed25519));
        for (index, node) in nodes.iter().enumerate() {
            by_key.insert(node.ed25519, index);
            if node.swarm_id.is_assigned() {
                swarms.entry(node.swarm_id).or_default().push(index);
            }
        }
        Self {
            ring: swarms.keys().copied().collect(),
            nodes,
            by_key,
            swarms,
            updated,
            onion_keys: BTreeMap::new(),
        }
    }

    /// Takes a list whose source is trusted. Keys that were made for nodes of the old list are kept.
    pub(crate) fn renew(
        &mut self,
        mut nodes: Vec<ServiceNode>,
        now: Instant,
        rng: &mut (impl Rng + ?Sized),
    ) {
        let mut onion_keys = core::mem::take(&mut self.onion_keys);
        random::shuffle(rng, &mut nodes);
        *self = Self::from_ordered(nodes, Some(now));
        onion_keys.retain(|key, _| self.by_key.contains_key(key));
        self.onion_keys = onion_keys;
    }

    /// Replaces the nodes by those of a list that nodes of the pool agree on.
    ///
    /// # Errors
    ///
    /// [`PoolError`] if the list is too short to work with, or differs more from the pool than two
    /// lists of one network can; the pool stays as it is.
    pub(crate) fn replace(
        &mut self,
        nodes: Vec<ServiceNode>,
        now: Instant,
        config: &PoolConfig,
        rng: &mut (impl Rng + ?Sized),
    ) -> Result<(), PoolError> {
        let age = self
            .updated
            .map_or_else(Default::default, |at| now.since(at));
        Change::between(self, &nodes).check(age, config)?;
        self.renew(nodes, now, rng);
        Ok(())
    }

    /// Returns all nodes, in random order.
    #[must_use]
    pub fn nodes(&self) -> &[ServiceNode] {
        &self.nodes
    }

    /// When the list came.
    pub(crate) const fn updated(&self) -> Option<Instant> {
        self.updated
    }

    /// Returns the node of a key.
    #[must_use]
    pub fn get(&self, key: &Ed25519Public) -> Option<&ServiceNode> {
        self.nodes.get(*self.by_key.get(key)?)
    }

    /// Whether a node of the pool is still where this record says.
    pub(crate) fn is_where_it_was(&self, node: &ServiceNode) -> bool {
        let known = self.get(&node.ed25519);
        known.is_some_and(|known| (known.ip, known.https_port) == (node.ip, node.https_port))
    }

    /// Returns the record of a node with the checked key of its onion layer as `x25519`. The key is
    /// made once, when a node of the pool is used for the first time. `None` if the node has no such
    /// key, as [`ServiceNode::onion_key`] has it.
    pub fn with_onion_key(&mut self, node: &ServiceNode) -> Option<ServiceNode> {
        let make = || node.ed25519.to_x25519().ok();
        let key = if self.by_key.contains_key(&node.ed25519) {
            *self.onion_keys.entry(node.ed25519).or_insert_with(make)
        } else {
            make()
        }?;
        let is_right = node.x25519.is_none_or(|given| given == key);
        is_right.then_some(ServiceNode {
            x25519: Some(key),
            ..*node
        })
    }

    /// Whether it is known that a node cannot be used because of its key.
    pub(crate) fn has_bad_key(&self, node: &ServiceNode) -> bool {
        let made = self.onion_keys.get(&node.ed25519);
        made.is_some_and(|key| {
            key.is_none() || node.x25519.is_some_and(|given| Some(given) != *key)
        })
    }

    /// Returns the swarms.
    #[must_use]
    pub const fn ring(&self) -> &SwarmRing {
        &self.ring
    }

    /// Returns the members of a swarm.
    pub fn members(&self, swarm: SwarmId) -> impl Iterator<Item = &ServiceNode> {
        let indices = self.swarms.get(&swarm).map(Vec::as_slice);
        let indices = indices.unwrap_or(&[]).iter();
        indices.filter_map(|index| self.nodes.get(*index))
    }

    /// Returns the members of the swarm of an id, in the order of the pool.
    pub fn swarm_of(&self, account: &AnyId) -> impl Iterator<Item = &ServiceNode> {
        let swarm = self.ring.swarm_of(account);
        swarm.into_iter().flat_map(|swarm| self.members(swarm))
    }

    /// Whether a node is a member of the swarm of an id.
    pub(crate) fn serves(&self, node: &Ed25519Public, account: &AnyId) -> bool {
        let swarm = self.ring.swarm_of(account);
        self.get(node)
            .is_some_and(|node| Some(node.swarm_id) == swarm)
    }

    /// The members of the swarm of an id to ask, in random order: without those that are struck if
    /// enough others are left, otherwise filled up with the least struck. Those that rest, or at
    /// which requests failed lately, come last, up to half of the swarm: failures do not decide about
    /// more, and never exclude a member.
    pub(crate) fn candidates(
        &self,
        account: &AnyId,
        strikes: &Strikes,
        is_suspect: impl Fn(&Ed25519Public) -> bool,
        now: Instant,
        config: &PoolConfig,
        rng: &mut (impl Rng + ?Sized),
    ) -> Vec<ServiceNode> {
        let mut members: Vec<ServiceNode> = self.swarm_of(account).copied().collect();
        random::shuffle(rng, &mut members);
        members.sort_by_key(|node| {
            let is_struck = strikes.is_struck_at(&node.ed25519, now);
            (is_struck, strikes.count_at(&node.ed25519, now))
        });
        let usable = members.iter();
        let usable = usable
            .filter(|node| !strikes.is_struck_at(&node.ed25519, now))
            .count();
        members.truncate(usable.max(config.min_swarm));
        put_last(&mut members, |key| {
            strikes.is_out_at(key, now) || is_suspect(key)
        });
        members
    }

    /// Whether it is time for a new list: there is none, it is old, or too few of its nodes can be
    /// used.
    pub(crate) fn needs_refresh(
        &self,
        strikes: &Strikes,
        now: Instant,
        config: &PoolConfig,
        is_in_use: impl Fn(&Ed25519Public) -> bool,
    ) -> bool {
        let Some(updated) = self.updated else {
            return true;
        };
        if self.nodes.is_empty() || now.since(updated) >= config.lifetime {
            return true;
        }
        let keys = self.nodes.iter().map(|node| &node.ed25519);
        let usable = keys.filter(|key| !strikes.is_out_at(key, now) && !is_in_use(key));
        usable.take(config.min_nodes).count() < config.min_nodes
    }
}

/// Puts nodes last that `is_last` names: the first of them, at most half of all.
pub(crate) fn put_last(nodes: &mut [ServiceNode], is_last: impl Fn(&Ed25519Public) -> bool) {
    let half = nodes.len() / 2;
    let named = nodes.iter().filter(|node| is_last(&node.ed25519));
    let last: BTreeSet<Ed25519Public> = named.take(half).map(|node| node.ed25519).collect();
    nodes.sort_by_key(|node| last.contains(&node.ed25519));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Evidence, Proof};
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;
    use session_crypto::Ed25519Secret;
    use session_swarm::record::Version;
    use session_types::GroupId;

    fn node(number: u8) -> ServiceNode {
        ServiceNode {
            ed25519: Ed25519Secret::from_seed(&[number; 32]).public(),
            x25519: None,
            legacy: None,
            ip: [45, 0, number, 1].into(),
            https_port: 22021,
            omq_port: 22020,
            version: Version([2, 8, 0]),
            swarm_id: SwarmId::new(1),
            requested_unlock_height: 0,
        }
    }

    /// The members that are offered when there is evidence of one kind against all but one.
    fn offered(evidence: Evidence) -> Vec<Ed25519Public> {
        let rng = &mut ChaCha8Rng::seed_from_u64(1);
        let pool = Pool::new((0..7).map(node).collect(), rng);
        let account = AnyId::from(GroupId::from_ed25519(&node(9).ed25519));
        let (mut strikes, now) = (Strikes::default(), Instant::default());
        for number in 1..7 {
            strikes.add_all(&Proof::of(node(number).ed25519, evidence), now);
        }
        let config = PoolConfig::default();
        let offered = pool.candidates(&account, &strikes, |_| false, now, &config, rng);
        offered.iter().map(|node| node.ed25519).collect()
    }

    #[test]
    fn failures_of_paths_exclude_no_destination() {
        for evidence in [Evidence::Corroborated, Evidence::Observed] {
            assert_eq!(offered(evidence).len(), 7, "{evidence:?}");
        }
    }

    #[test]
    fn the_own_words_of_a_destination_exclude_it_as_far_as_three_are_left() {
        let offered = offered(Evidence::Authenticated);
        assert_eq!(offered.len(), 3);
        assert_eq!(offered.first(), Some(&node(0).ed25519));
    }

    #[test]
    fn at_most_half_of_a_swarm_is_asked_last() {
        let rng = &mut ChaCha8Rng::seed_from_u64(1);
        let pool = Pool::new((0..8).map(node).collect(), rng);
        let account = AnyId::from(GroupId::from_ed25519(&node(9).ed25519));
        let (mut strikes, now) = (Strikes::default(), Instant::default());
        let rests: Vec<Ed25519Public> = (1..4).map(|number| node(number).ed25519).collect();
        for key in &rests {
            strikes.add(&Proof::of(*key, Evidence::Corroborated), now);
        }
        let config = PoolConfig::default();
        let offered = pool.candidates(&account, &strikes, |_| false, now, &config, rng);
        let last = offered.iter().skip(5).map(|node| node.ed25519);
        assert!(last.clone().count() == 3 && last.clone().all(|key| rests.contains(&key)));
    }
}
