//! The nodes that a client knows, and when it asks for new ones (protocol: swarm, section 7).

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use session_crypto::Ed25519PublicExt;

use crate::limits::HOUR_MS;
use rand_core::Rng;
use session_crypto::{Ed25519Public, X25519Public};
use session_swarm::record::ServiceNode;
use session_swarm::ring::SwarmRing;
use session_types::{AnyId, SwarmId};

use crate::random;
use crate::strikes::Strikes;

/// Rules of the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolConfig {
    /// How long a list of nodes is good.
    pub lifetime_ms: u64,
    /// The least time between two refreshes.
    pub min_refresh_gap_ms: u64,
    /// With fewer usable nodes than this the pool is refreshed, and a list of fewer is refused.
    pub min_nodes: usize,
    /// The least members of a swarm that are offered, struck out or not.
    pub min_swarm: usize,
    /// Nodes asked in a refresh.
    pub refresh_sources: usize,
    /// Answers that must agree on a node.
    pub refresh_agreement: usize,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            lifetime_ms: 2 * HOUR_MS,
            min_refresh_gap_ms: 2_000,
            min_nodes: 12,
            min_swarm: 3,
            refresh_sources: 3,
            refresh_agreement: 2,
        }
    }
}

/// A list of nodes that does not replace the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// Too few nodes to work with.
    #[error("expected at least {expected} nodes, got {got}")]
    TooFew {
        /// The least that will do.
        expected: usize,
        /// Nodes in the list.
        got: usize,
    },
    /// Less than half of the nodes that are known: rather a lie than news.
    #[error("the list has {got} nodes, the pool {known}")]
    Shrunk {
        /// Nodes in the pool.
        known: usize,
        /// Nodes in the list.
        got: usize,
    },
}

/// The nodes that a client knows.
#[derive(Debug, Clone, Default)]
pub struct Pool {
    nodes: Vec<ServiceNode>,
    by_key: BTreeMap<Ed25519Public, usize>,
    ring: SwarmRing,
    swarms: BTreeMap<SwarmId, Vec<usize>>,
    updated_ms: Option<u64>,
    /// The X25519 keys that were made of Ed25519 keys; none where there is none. They never change,
    /// and making one takes as long as verifying a signature.
    onion_keys: BTreeMap<Ed25519Public, Option<X25519Public>>,
}

impl Pool {
    /// Makes a pool of a list whose source is trusted, in random order.
    pub fn new(nodes: Vec<ServiceNode>, now_ms: u64, rng: &mut (impl Rng + ?Sized)) -> Self {
        let mut nodes = nodes;
        random::shuffle(rng, &mut nodes);
        Self::from_ordered(nodes, Some(now_ms))
    }

    pub(crate) fn from_ordered(mut nodes: Vec<ServiceNode>, updated_ms: Option<u64>) -> Self {
        let mut by_key = BTreeMap::new();
        let mut swarms: BTreeMap<SwarmId, Vec<usize>> = BTreeMap::new();
        // The first of two records with the same key stays.
        let mut seen = alloc::collections::BTreeSet::new();
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
            updated_ms,
            onion_keys: BTreeMap::new(),
        }
    }

    /// Takes a list whose source is trusted. Keys that were made for nodes of the old list are kept.
    pub(crate) fn renew(
        &mut self,
        nodes: Vec<ServiceNode>,
        now_ms: u64,
        rng: &mut (impl Rng + ?Sized),
    ) {
        let mut onion_keys = core::mem::take(&mut self.onion_keys);
        *self = Self::new(nodes, now_ms, rng);
        onion_keys.retain(|key, _| self.by_key.contains_key(key));
        self.onion_keys = onion_keys;
    }

    /// Replaces the nodes by those of a new list.
    ///
    /// # Errors
    ///
    /// [`PoolError`] if the list is too short to be believed; the pool stays as it is.
    pub fn replace(
        &mut self,
        nodes: Vec<ServiceNode>,
        now_ms: u64,
        config: &PoolConfig,
        rng: &mut (impl Rng + ?Sized),
    ) -> Result<(), PoolError> {
        let got = nodes.len();
        let known = self.nodes.len();
        if got < config.min_nodes {
            return Err(PoolError::TooFew {
                expected: config.min_nodes,
                got,
            });
        }
        if got < known / 2 {
            return Err(PoolError::Shrunk { known, got });
        }
        self.renew(nodes, now_ms, rng);
        Ok(())
    }

    /// All nodes, in random order.
    #[must_use]
    pub fn nodes(&self) -> &[ServiceNode] {
        &self.nodes
    }

    /// When the list came, in milliseconds since 1970.
    #[must_use]
    pub const fn updated_ms(&self) -> Option<u64> {
        self.updated_ms
    }

    /// The times that it keeps.
    pub(crate) fn times(&mut self) -> impl Iterator<Item = &mut u64> {
        self.updated_ms.iter_mut()
    }

    /// The node of a key.
    #[must_use]
    pub fn get(&self, key: &Ed25519Public) -> Option<&ServiceNode> {
        self.nodes.get(*self.by_key.get(key)?)
    }

    /// Whether a node of the pool is still where this record says.
    pub(crate) fn is_where_it_was(&self, node: &ServiceNode) -> bool {
        let known = self.get(&node.ed25519);
        known.is_some_and(|known| (known.ip, known.https_port) == (node.ip, node.https_port))
    }

    /// The record of a node with the checked key of its onion layer as `x25519`. The key is made
    /// once, when a node of the pool is used for the first time. `None` if the node has no such
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

    /// The swarms.
    #[must_use]
    pub const fn ring(&self) -> &SwarmRing {
        &self.ring
    }

    /// The members of a swarm.
    pub fn members(&self, swarm: SwarmId) -> impl Iterator<Item = &ServiceNode> {
        let indices = self.swarms.get(&swarm).map(Vec::as_slice);
        let indices = indices.unwrap_or_default().iter();
        indices.filter_map(|index| self.nodes.get(*index))
    }

    /// The members of an account's swarm to ask, in random order: without those that are struck
    /// out if enough others are left, otherwise filled up with the least struck.
    pub fn candidates(
        &self,
        account: &AnyId,
        strikes: &Strikes,
        now_ms: u64,
        config: &PoolConfig,
        rng: &mut (impl Rng + ?Sized),
    ) -> Vec<ServiceNode> {
        let Some(swarm) = self.ring.swarm_of(account) else {
            return Vec::new();
        };
        let mut members: Vec<ServiceNode> = self.members(swarm).copied().collect();
        random::shuffle(rng, &mut members);
        members.sort_by_key(|node| strikes.count(&node.ed25519, now_ms));
        let usable = members.iter();
        let usable = usable
            .filter(|node| !strikes.is_out(&node.ed25519, now_ms))
            .count();
        members.truncate(usable.max(config.min_swarm));
        members
    }

    /// Whether it is time for a new list: there is none, it is old, or too few of its nodes can be
    /// used.
    #[must_use]
    pub fn needs_refresh(
        &self,
        strikes: &Strikes,
        now_ms: u64,
        config: &PoolConfig,
        is_in_use: impl Fn(&Ed25519Public) -> bool,
    ) -> bool {
        let Some(updated) = self.updated_ms else {
            return true;
        };
        let age = now_ms.saturating_sub(updated);
        if self.nodes.is_empty() || age >= config.lifetime_ms {
            return true;
        }
        let keys = self.nodes.iter().map(|node| &node.ed25519);
        let usable = keys.filter(|key| !strikes.is_out(key, now_ms) && !is_in_use(key));
        usable.take(config.min_nodes).count() < config.min_nodes
    }
}

/// The nodes on which at least `agreement` answers agree: same key, address, ports and swarm.
///
/// Of the other fields a record has what as many answers say, too, and otherwise what stands for
/// unknown: a single answer decides nothing. It never has an X25519 key, which is made of the
/// Ed25519 key anyway.
#[must_use]
pub fn intersect(answers: &[Vec<ServiceNode>], agreement: usize) -> Vec<ServiceNode> {
    type Said = (Ed25519Public, [u8; 4], u16, u16, SwarmId);
    let said = |node: &ServiceNode| -> Said {
        (
            node.ed25519,
            node.ip.octets(),
            node.https_port,
            node.omq_port,
            node.swarm_id,
        )
    };
    let mut votes: BTreeMap<Said, Vec<&ServiceNode>> = BTreeMap::new();
    for answer in answers {
        let distinct: BTreeMap<Said, &ServiceNode> =
            answer.iter().map(|node| (said(node), node)).collect();
        for (key, node) in distinct {
            votes.entry(key).or_default().push(node);
        }
    }
    let agreed = votes.into_values();
    let agreed = agreed.filter(|records| records.len() >= agreement);
    let merged = agreed.filter_map(|records| {
        let record = **records.first()?;
        Some(ServiceNode {
            x25519: None,
            legacy: common(&records, agreement, |node| node.legacy),
            version: common(&records, agreement, |node| node.version),
            requested_unlock_height: common(&records, agreement, |node| {
                node.requested_unlock_height
            }),
            ..record
        })
    });
    merged.collect()
}

/// What at least `agreement` records have in a field, or else its default.
fn common<T: PartialEq + Default>(
    records: &[&ServiceNode],
    agreement: usize,
    field: impl Fn(&ServiceNode) -> T,
) -> T {
    let agree = |value: &T| {
        records
            .iter()
            .filter(|other| field(other) == *value)
            .count()
    };
    let mut values = records.iter().map(|node| field(node));
    values
        .find(|value| agree(value) >= agreement)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use session_crypto::Ed25519Secret;
    use session_swarm::record::Version;

    fn node(number: u8) -> ServiceNode {
        let ed25519 = Ed25519Secret::from_seed(&[number; 32]).public();
        ServiceNode {
            ed25519,
            x25519: ed25519.to_x25519().ok(),
            legacy: Some([number; 32]),
            ip: [45, 0, number, 1].into(),
            https_port: 22021,
            omq_port: 22020,
            version: Version([2, 8, 0]),
            swarm_id: SwarmId::new(u64::from(number)),
            requested_unlock_height: 7,
        }
    }

    #[test]
    fn a_liar_among_three_decides_no_field_wherever_it_stands() {
        let honest: Vec<ServiceNode> = (1..6).map(node).collect();
        let mut lies = honest.clone();
        for lie in &mut lies {
            lie.x25519 = Some(X25519Public::from_bytes([9; 32]));
            lie.legacy = Some([9; 32]);
            lie.version = Version([9, 9, 9]);
            lie.requested_unlock_height = 999;
        }
        let mut expected = honest.clone();
        expected.sort_by_key(|node| node.ed25519);
        for node in &mut expected {
            node.x25519 = None;
        }
        for place in 0..3 {
            let mut answers = alloc::vec![honest.clone(); 3];
            answers[place] = lies.clone();
            assert_eq!(intersect(&answers, 2), expected, "the liar at {place}");
        }
        // Where the honest ones are not of one mind either, nothing is known.
        let mut answers = [lies, honest.clone(), honest];
        answers[2][0].version = Version([2, 9, 0]);
        let key = answers[2][0].ed25519;
        let agreed = intersect(&answers, 2);
        let found = agreed.iter().find(|node| node.ed25519 == key);
        assert_eq!(found.map(|node| node.version), Some(Version::default()));
    }
}
