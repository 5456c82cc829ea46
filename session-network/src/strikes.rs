//! How often nodes have failed lately (protocol: swarm, section 7.1).

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::limits::HOUR_MS;
use session_crypto::Ed25519Public;

/// Strikes with which a node is no longer used.
pub const STRIKE_LIMIT: usize = 3;
/// How long a strike counts.
pub const STRIKE_LIFETIME_MS: u64 = 48 * HOUR_MS;

/// The strikes of all nodes, by the times at which they were given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Strikes {
    times: BTreeMap<Ed25519Public, Vec<u64>>,
}

impl Strikes {
    /// Gives one strike.
    pub fn add(&mut self, node: &Ed25519Public, now_ms: u64) {
        let times = self.times.entry(*node).or_default();
        if times.len() >= STRIKE_LIMIT {
            times.remove(0);
        }
        times.push(now_ms);
    }

    /// Gives as many strikes as it takes to no longer use the node.
    pub fn strike_out(&mut self, node: &Ed25519Public, now_ms: u64) {
        self.times.insert(*node, alloc::vec![now_ms; STRIKE_LIMIT]);
    }

    /// The strikes that still count.
    #[must_use]
    pub fn count(&self, node: &Ed25519Public, now_ms: u64) -> usize {
        let times = self.times.get(node).map(Vec::as_slice).unwrap_or_default();
        times.iter().filter(|time| is_alive(**time, now_ms)).count()
    }

    /// Whether the node is no longer used.
    #[must_use]
    pub fn is_out(&self, node: &Ed25519Public, now_ms: u64) -> bool {
        self.count(node, now_ms) >= STRIKE_LIMIT
    }

    /// Forgets the strikes of a node that works.
    pub fn forgive(&mut self, node: &Ed25519Public) {
        self.times.remove(node);
    }

    /// Forgets the strikes of the node that has been struck out the longest, among those that
    /// `may_return` names. Tells whether there was one.
    ///
    /// In a small network strikes can rule out more nodes than it can spare; then it is better to
    /// try again the one that failed longest ago than nobody.
    pub fn forgive_oldest(&mut self, may_return: impl Fn(&Ed25519Public) -> bool) -> bool {
        let out = self
            .times
            .iter()
            .filter(|(node, times)| times.len() >= STRIKE_LIMIT && may_return(node));
        let oldest = out.min_by_key(|(_, times)| times.last().copied());
        let Some(node) = oldest.map(|(node, _)| *node) else {
            return false;
        };
        self.times.remove(&node);
        true
    }

    /// Forgets strikes that no longer count, and those of nodes that `keep` does not name.
    pub fn prune(&mut self, now_ms: u64, keep: impl Fn(&Ed25519Public) -> bool) {
        self.times.retain(|node, times| {
            times.retain(|time| is_alive(*time, now_ms));
            !times.is_empty() && keep(node)
        });
    }

    /// The times that it keeps.
    pub(crate) fn times(&mut self) -> impl Iterator<Item = &mut u64> {
        self.times.values_mut().flatten()
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (&Ed25519Public, &[u64])> {
        self.times
            .iter()
            .map(|(node, times)| (node, times.as_slice()))
    }

    pub(crate) fn insert(&mut self, node: Ed25519Public, mut times: Vec<u64>) {
        times.truncate(STRIKE_LIMIT);
        self.times.insert(node, times);
    }
}

/// A strike from the future, of a clock that was set back, counts too.
const fn is_alive(time: u64, now_ms: u64) -> bool {
    now_ms.saturating_sub(time) < STRIKE_LIFETIME_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_strikes_are_out_for_48_hours() {
        let node = Ed25519Public::from_bytes([1; 32]);
        let mut strikes = Strikes::default();
        for (time, is_out) in [(0, false), (10, false), (20, true)] {
            strikes.add(&node, time);
            assert_eq!(strikes.is_out(&node, time), is_out);
        }
        assert!(strikes.is_out(&node, STRIKE_LIFETIME_MS - 1));
        assert!(!strikes.is_out(&node, STRIKE_LIFETIME_MS));
        strikes.prune(STRIKE_LIFETIME_MS + 20, |_| true);
        assert_eq!(strikes, Strikes::default());
        strikes.strike_out(&node, 5);
        assert!(strikes.is_out(&node, 5));
        strikes.forgive(&node);
        assert_eq!(strikes.count(&node, 5), 0);
    }

    #[test]
    fn the_one_that_is_out_the_longest_is_forgiven_first() {
        let [a, b, c, d] = [1, 2, 3, 4].map(|number| Ed25519Public::from_bytes([number; 32]));
        let mut strikes = Strikes::default();
        strikes.strike_out(&b, 5);
        strikes.strike_out(&a, 10);
        strikes.strike_out(&d, 1);
        strikes.add(&c, 0);
        let may_return = |node: &Ed25519Public| *node != d;
        for expected in [&b, &a] {
            assert!(strikes.is_out(expected, 20));
            assert!(strikes.forgive_oldest(may_return));
            assert_eq!(strikes.count(expected, 20), 0);
        }
        assert!(!strikes.forgive_oldest(may_return));
        assert_eq!((strikes.count(&c, 20), strikes.count(&d, 20)), (1, 3));
    }
}
