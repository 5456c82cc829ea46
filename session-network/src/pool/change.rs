//! How far two lists of one network can differ.

use alloc::collections::BTreeMap;
use core::time::Duration;

use session_swarm::ServiceNode;
use session_types::SwarmId;

use super::Pool;
use crate::config::PoolConfig;

/// Nodes in a thousand that may be new in a list, at once and for each hour of the pool's age.
const NEW: [usize; 2] = [10, 5];
/// Nodes in a thousand that may be gone or moved, at once and for each hour of the pool's age.
const GONE: [usize; 2] = [20, 20];
/// Nodes that may be new or gone however few there are.
const FREE: usize = 2;
/// New members that one swarm may have, as far as the pool knows the swarm.
const NEW_IN_SWARM: usize = 2;
/// Members that one swarm may lack. Without such a limit a list of liars leaves colluders alone in the
/// swarm that they choose.
const GONE_FROM_SWARM: usize = 2;
/// Hours after which the allowance grows no further.
const MAX_HOURS: u64 = 8;

/// The reason for which a list of nodes does not replace the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// Too few nodes to work with.
    #[error("expected at least {expected} nodes, got {got}")]
    TooFew {
        /// The minimum.
        expected: usize,
        /// Nodes in the list.
        got: usize,
    },
    /// The list lacks, or has elsewhere, more known nodes than can have left in that time.
    #[error("the list lacks {got} known nodes, more than the {allowed} that can have left")]
    Gone {
        /// Known nodes that are missing, or have another address or swarm.
        got: usize,
        /// How many there may be.
        allowed: usize,
    },
    /// The list has more unknown nodes than can have joined in that time.
    #[error("the list has {got} unknown nodes, more than the {allowed} that can have joined")]
    New {
        /// Nodes that the pool does not know.
        got: usize,
        /// How many there may be.
        allowed: usize,
    },
    /// A swarm has more new members than can have joined it in that time.
    #[error("a swarm has {got} new members")]
    Swarm {
        /// Its members that were not in it.
        got: usize,
    },
    /// A swarm lacks more members than can have left it in that time.
    #[error("a swarm lacks {got} of its members")]
    Shrunk {
        /// Its members that are not in it any more.
        got: usize,
    },
}

/// How a list differs from the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Nodes in the pool.
    pub known: usize,
    /// Nodes in the list.
    pub listed: usize,
    /// Nodes of the pool that are missing in the list, or have another address or swarm there.
    pub gone: usize,
    /// Nodes of the list that the pool does not know.
    pub new: usize,
    /// Largest number of members that a swarm of the pool has gained.
    pub gained: usize,
    /// Largest number of members that a swarm of the pool has lost.
    pub lost: usize,
}

impl Change {
    /// Compares a list with the pool.
    #[must_use]
    pub fn between(pool: &Pool, list: &[ServiceNode]) -> Self {
        let listed: BTreeMap<_, &ServiceNode> =
            list.iter().map(|node| (node.ed25519, node)).collect();
        let is_same = |known: &ServiceNode, node: &ServiceNode| {
            (known.ip, known.https_port, known.swarm_id)
                == (node.ip, node.https_port, node.swarm_id)
        };
        let stayed = pool.nodes().iter().filter(|known| {
            let node = listed.get(&known.ed25519);
            node.is_some_and(|node| is_same(known, node))
        });
        let mut losses: BTreeMap<SwarmId, usize> = BTreeMap::new();
        let assigned = pool.nodes().iter();
        for known in assigned.filter(|known| known.swarm_id.is_assigned()) {
            let node = listed.get(&known.ed25519);
            if node.is_none_or(|node| node.swarm_id != known.swarm_id) {
                let loss = losses.entry(known.swarm_id).or_default();
                *loss = loss.saturating_add(1);
            }
        }
        let new = listed.keys().filter(|key| pool.get(key).is_none());
        let mut gains: BTreeMap<SwarmId, usize> = BTreeMap::new();
        for node in listed.values() {
            let was_there = pool
                .get(&node.ed25519)
                .is_some_and(|known| known.swarm_id == node.swarm_id);
            if !was_there && pool.ring().contains(node.swarm_id) {
                let gain = gains.entry(node.swarm_id).or_default();
                *gain = gain.saturating_add(1);
            }
        }
        Self {
            known: pool.nodes().len(),
            listed: listed.len(),
            gone: pool.nodes().len().saturating_sub(stayed.count()),
            new: new.count(),
            gained: gains.into_values().max().unwrap_or(0),
            lost: losses.into_values().max().unwrap_or(0),
        }
    }

    /// Checks that two lists of one network can differ like this after `age`.
    ///
    /// # Errors
    ///
    /// [`PoolError`] says in what the list goes too far.
    pub fn check(&self, age: Duration, config: &PoolConfig) -> Result<(), PoolError> {
        if self.listed < config.min_nodes {
            return Err(PoolError::TooFew {
                expected: config.min_nodes,
                got: self.listed,
            });
        }
        let allowed = |rate| share(self.known, rate, age);
        if self.gone > allowed(GONE) {
            return Err(PoolError::Gone {
                got: self.gone,
                allowed: allowed(GONE),
            });
        }
        if self.new > allowed(NEW) {
            return Err(PoolError::New {
                got: self.new,
                allowed: allowed(NEW),
            });
        }
        if self.gained > NEW_IN_SWARM {
            return Err(PoolError::Swarm { got: self.gained });
        }
        if self.lost > GONE_FROM_SWARM {
            return Err(PoolError::Shrunk { got: self.lost });
        }
        Ok(())
    }
}

/// A number of nodes at a rate in a thousand, at once and by the hour.
fn share(nodes: usize, [at_once, hourly]: [usize; 2], age: Duration) -> usize {
    let hours = (age.as_secs() / 3600).min(MAX_HOURS);
    let hours = usize::try_from(hours).unwrap_or(0);
    let rate = hourly.saturating_mul(hours).saturating_add(at_once);
    (nodes.saturating_mul(rate) / 1000).saturating_add(FREE)
}
