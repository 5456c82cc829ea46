//! Assignment of nodes to swarms by the chain (protocol: swarm, section 5).
//!
//! Every chain daemon computes the assignment for each block that changes the set of active nodes,
//! and all daemons must agree. Clients never compute it. The module serves simulation, research and
//! audit: [`Order::Reference`] replays the deployed daemons exactly.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

mod reference_sort;
mod twister;

pub use twister::Mt19937_64;

use session_types::SwarmId;

/// Minimum number of nodes of a swarm; one with fewer is starving.
pub const MIN_SIZE: usize = 5;
/// Number of nodes above which further ones are excess.
pub const EXCESS_BASE: usize = 5;
/// Average excess per swarm that creates a new swarm.
pub const IDEAL_MARGIN: usize = 2;
/// Number of nodes of a new swarm.
pub const NEW_SIZE: usize = 7;
/// New nodes go to swarms at or below this percentile of the sizes.
pub const FILL_PERCENT: usize = 25;
/// Starving swarms take nodes from swarms at or above this percentile of the sizes.
pub const STEAL_PERCENT: usize = 75;
/// Percentile like [`FILL_PERCENT`], for the nodes of a dissolved swarm.
pub const REDISTRIBUTE_PERCENT: usize = 0;

/// The order of swarms of equal size. The protocol leaves it to an unstable sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The order of the deployed daemons: `std::sort` of GNU libstdc++.
    #[default]
    Reference,
    /// Ascending ids. The statistics are the same.
    Stable,
}

/// All swarms and their nodes. `N` is the name of a node, such as its 32-byte legacy key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment<N> {
    swarms: BTreeMap<SwarmId, Vec<N>>,
    order: Order,
}

impl<N> Default for Assignment<N> {
    fn default() -> Self {
        Self {
            swarms: BTreeMap::new(),
            order: Order::default(),
        }
    }
}

/// A node in a swarm that can give nodes away.
#[derive(Debug, Clone, Copy)]
struct Place {
    swarm: SwarmId,
    index: usize,
}

impl<N> Assignment<N> {
    /// Takes the nodes of each swarm. In a replay each list must be in ascending order of the
    /// legacy keys, as a daemon has it at the beginning of a block. [`SwarmId::UNASSIGNED`] is not
    /// a swarm and is left out.
    pub fn new(swarms: impl IntoIterator<Item = (SwarmId, Vec<N>)>, order: Order) -> Self {
        let swarms = swarms.into_iter();
        Self {
            swarms: swarms.filter(|(id, _)| id.is_assigned()).collect(),
            order,
        }
    }

    /// Returns the swarms, ascending, and their nodes.
    #[must_use]
    pub const fn swarms(&self) -> &BTreeMap<SwarmId, Vec<N>> {
        &self.swarms
    }

    /// Removes nodes, such as those that left the network. Swarms without nodes remain, and count
    /// as swarms in the next run. A daemon has no empty swarms at the beginning of a block. To
    /// replay a block in which a swarm may have lost all its nodes, remove that swarm too
    /// ([`remove_swarm`](Self::remove_swarm)), or begin each block with [`new`](Self::new) and the
    /// swarms that have nodes.
    pub fn retain(&mut self, mut keep: impl FnMut(SwarmId, &N) -> bool) {
        for (id, nodes) in &mut self.swarms {
            nodes.retain(|node| keep(*id, node));
        }
    }

    /// Removes a whole swarm.
    pub fn remove_swarm(&mut self, id: SwarmId) -> Option<Vec<N>> {
        self.swarms.remove(&id)
    }

    /// Returns the nodes above five of all swarms.
    #[must_use]
    pub fn excess(&self) -> usize {
        let sizes = self.swarms.values().map(Vec::len);
        sizes.fold(0, |sum, size| {
            sum.saturating_add(size.saturating_sub(EXCESS_BASE))
        })
    }

    /// Returns the excess from which on a new swarm is created.
    #[must_use]
    pub fn threshold(&self) -> usize {
        let margin = self.swarms.len().saturating_mul(IDEAL_MARGIN);
        NEW_SIZE.saturating_add(margin)
    }

    /// Runs the assignment once, as a daemon does for a block. `unassigned` are the nodes without a
    /// swarm, in ascending order of the legacy keys. `seed` is the first eight bytes of the block's
    /// hash, little-endian.
    pub fn run(&mut self, unassigned: Vec<N>, seed: u64) {
        if self.swarms.is_empty() && unassigned.is_empty() {
            return;
        }
        let mut random = Mt19937_64::new(seed);
        if self.swarms.is_empty() {
            self.swarms.insert(new_swarm_id([]), Vec::new());
        }
        self.assign(unassigned, FILL_PERCENT, &mut random);
        self.feed_starving(&mut random);
        self.create_new(&mut random);
        self.dissolve_starving(&mut random);
    }

    /// Puts each node into a random one of the smallest swarms.
    fn assign(&mut self, nodes: Vec<N>, percent: usize, random: &mut Mt19937_64) {
        for node in nodes {
            let sizes = self.by_size();
            let last = sizes.len().saturating_sub(1);
            let start = percent.saturating_mul(last) / 100;
            let Some((bound, _)) = sizes.get(start).copied() else {
                return;
            };
            let larger = sizes.iter().skip(start).position(|(size, _)| *size > bound);
            let choices = larger.map_or(sizes.len(), |offset| start.saturating_add(offset));
            let choice = sizes.get(random.uniform(choices));
            if let Some(nodes) = choice.and_then(|(_, id)| self.swarms.get_mut(id)) {
                nodes.push(node);
            }
            self.create_new(random);
        }
    }

    /// Moves nodes from large swarms to starving ones.
    fn feed_starving(&mut self, random: &mut Mt19937_64) {
        let sizes = self.by_size();
        let last = sizes.len().saturating_sub(1);
        let bound = sizes.get(STEAL_PERCENT.saturating_mul(last) / 100);
        // The subtraction wraps for an empty swarm, so that no swarm is large enough.
        let bound = bound.map_or(usize::MAX, |(size, _)| size.wrapping_sub(1));
        let bound = bound.max(MIN_SIZE);
        for (size, id) in sizes {
            if size >= MIN_SIZE {
                return;
            }
            loop {
                let (places, excess) = self.pool(bound);
                let live = self.swarms.get(&id).map_or(0, Vec::len);
                if excess < MIN_SIZE.saturating_sub(live) {
                    return;
                }
                let Some(node) = self.take(&places, random) else {
                    return;
                };
                let Some(nodes) = self.swarms.get_mut(&id) else {
                    return;
                };
                nodes.push(node);
                if nodes.len() >= MIN_SIZE {
                    break;
                }
            }
        }
    }

    /// Creates new swarms as long as there is enough excess and no swarm starves.
    fn create_new(&mut self, random: &mut Mt19937_64) {
        if self.swarms.values().any(|nodes| nodes.len() < MIN_SIZE) {
            return;
        }
        while self.excess() >= self.threshold() {
            let mut nodes = Vec::with_capacity(NEW_SIZE);
            while nodes.len() < NEW_SIZE {
                let (places, _) = self.pool(EXCESS_BASE);
                let Some(node) = self.take(&places, random) else {
                    return;
                };
                nodes.push(node);
            }
            let id = new_swarm_id(self.swarms.keys().copied());
            self.swarms.insert(id, nodes);
        }
    }

    /// Dissolves the swarms that still starve. One swarm always remains.
    fn dissolve_starving(&mut self, random: &mut Mt19937_64) {
        while self.swarms.len() > 1 {
            let starving = self.swarms.iter().find(|(_, nodes)| nodes.len() < MIN_SIZE);
            let Some(id) = starving.map(|(id, _)| *id) else {
                return;
            };
            let Some(nodes) = self.swarms.remove(&id) else {
                return;
            };
            self.assign(nodes, REDISTRIBUTE_PERCENT, random);
        }
    }

    /// Returns all nodes of the swarms larger than `bound`, and how many of them are excess.
    fn pool(&self, bound: usize) -> (Vec<Place>, usize) {
        let large = self.swarms.iter();
        let large = large.filter(|(_, nodes)| nodes.len() > bound);
        let mut excess: usize = 0;
        let mut places = Vec::new();
        for (swarm, nodes) in large {
            excess = excess.saturating_add(nodes.len().saturating_sub(EXCESS_BASE));
            places.extend((0..nodes.len()).map(|index| Place {
                swarm: *swarm,
                index,
            }));
        }
        (places, excess)
    }

    /// Removes a random node from its swarm.
    fn take(&mut self, places: &[Place], random: &mut Mt19937_64) -> Option<N> {
        if places.is_empty() {
            return None;
        }
        let place = places.get(random.uniform(places.len()))?;
        let nodes = self.swarms.get_mut(&place.swarm)?;
        (place.index < nodes.len()).then(|| nodes.remove(place.index))
    }

    /// Returns sizes and ids, smallest first.
    fn by_size(&self) -> Vec<(usize, SwarmId)> {
        let swarms = self.swarms.iter();
        let mut sizes: Vec<_> = swarms.map(|(id, nodes)| (nodes.len(), *id)).collect();
        match self.order {
            Order::Stable => sizes.sort_by_key(|(size, _)| *size),
            Order::Reference => reference_sort::sort_by_key(&mut sizes, |(size, _)| *size),
        }
        sizes
    }
}

/// Returns the id of a new swarm: the middle of the widest gap. `ids` ascending.
pub fn new_swarm_id(ids: impl IntoIterator<Item = SwarmId>) -> SwarmId {
    let ids: Vec<u64> = ids.into_iter().map(SwarmId::get).collect();
    let (Some(first), Some(last)) = (ids.first(), ids.last()) else {
        return SwarmId::new(0);
    };
    let max = SwarmId::MAX.get();
    let (mut best, mut gap) = (*first, 0);
    for pair in ids.windows(2) {
        if let [left, right] = pair
            && right.saturating_sub(*left) > gap
        {
            (best, gap) = (*left, right.saturating_sub(*left));
        }
    }
    // Around the end of the ring; 0 and the largest id are one apart.
    let around = max
        .saturating_sub(*last)
        .saturating_add(*first)
        .saturating_add(1);
    if around > gap {
        (best, gap) = (*last, around);
    }
    let (half, room) = (gap / 2, max.saturating_sub(best));
    SwarmId::new(match half.checked_sub(room) {
        Some(beyond) if beyond > 0 => beyond.saturating_sub(1),
        _ => best.saturating_add(half),
    })
}
