//! Nodes that are excluded for a while, with the evidence (protocol: [swarm, section 7.4]).
//!
//! [swarm, section 7.4]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/swarm.md#section-7.4

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use session_crypto::Ed25519Public;
use session_types::MonotonicTime;

use crate::evidence::{Evidence, Proof};
use crate::time::{Instant, doubled};

/// Strikes with which a node is no longer used.
pub const STRIKE_LIMIT: usize = 3;
/// How long a strike counts.
pub const STRIKE_LIFETIME: Duration = Duration::from_secs(48 * 60 * 60);

/// First rest of a node that we could not connect to, and the longest.
const UNREACHABLE: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(60 * 60)];
/// First rest of a node at which requests through different guards failed, and the longest.
const DEAD: [Duration; 2] = [Duration::from_secs(60 * 60), LONGEST_REST];
/// Longest rest of a node.
pub(crate) const LONGEST_REST: Duration = Duration::from_secs(24 * 60 * 60);

/// The evidence against one node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Mark {
    /// When the node itself answered what no honest node answers.
    pub(crate) strikes: Vec<Instant>,
    /// The end of its rest, and the number of rests since it last worked.
    pub(crate) rest: Option<(Instant, u32)>,
}

impl Mark {
    fn strikes(&self, now: Instant) -> usize {
        self.strikes
            .iter()
            .filter(|at| now.since(**at) < STRIKE_LIFETIME)
            .count()
    }

    fn is_resting(&self, now: Instant) -> bool {
        self.rest.is_some_and(|(until, _)| until > now)
    }

    fn is_out(&self, now: Instant) -> bool {
        self.is_resting(now) || self.strikes(now) >= STRIKE_LIMIT
    }

    /// When it began to be out, as far as it matters for who is forgiven first.
    fn since(&self) -> Option<Instant> {
        let strike = self.strikes.last().copied();
        strike.max(self.rest.map(|(until, _)| until))
    }
}

/// The evidence against all nodes. Only a [`Proof`] adds to it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Strikes {
    marks: BTreeMap<Ed25519Public, Mark>,
}

impl Strikes {
    /// Takes evidence against a node: a strike if the node said it itself, a rest otherwise, which
    /// doubles each time until the node works again.
    pub fn strike(&mut self, proof: &Proof, now: MonotonicTime) {
        self.add(proof, now.into());
    }

    pub(crate) fn add(&mut self, proof: &Proof, now: Instant) {
        let mark = self.marks.entry(*proof.node()).or_default();
        let [first, most] = match proof.evidence() {
            Evidence::Authenticated => {
                if mark.strikes.len() >= STRIKE_LIMIT {
                    mark.strikes.remove(0);
                }
                mark.strikes.push(now);
                return;
            }
            Evidence::Observed => UNREACHABLE,
            Evidence::Corroborated => DEAD,
        };
        let times = mark.rest.map_or(0, |(_, times)| times);
        let until = now.after(doubled(first, times, most));
        let until = mark.rest.map_or(until, |(before, _)| before.max(until));
        mark.rest = Some((until, times.saturating_add(1)));
    }

    /// Gives as many strikes as it takes to no longer use the node.
    pub(crate) fn add_all(&mut self, proof: &Proof, now: Instant) {
        for _ in 0..STRIKE_LIMIT {
            self.add(proof, now);
        }
    }

    /// Ends the rest of a node: an answer came from it or through it.
    pub(crate) fn worked(&mut self, node: &Ed25519Public) {
        if let Some(mark) = self.marks.get_mut(node) {
            mark.rest = None;
            if mark.strikes.is_empty() {
                self.marks.remove(node);
            }
        }
    }

    /// Returns the number of strikes that count.
    #[must_use]
    pub fn count(&self, node: &Ed25519Public, now: MonotonicTime) -> usize {
        let mark = self.marks.get(node);
        mark.map_or(0, |mark| mark.strikes(now.into()))
    }

    /// Returns whether the node has so many strikes that it is not to be asked. Only its own
    /// authenticated answers can do that.
    #[must_use]
    pub fn is_struck(&self, node: &Ed25519Public, now: MonotonicTime) -> bool {
        self.is_struck_at(node, now.into())
    }

    pub(crate) fn is_struck_at(&self, node: &Ed25519Public, now: Instant) -> bool {
        self.count_at(node, now) >= STRIKE_LIMIT
    }

    /// Returns whether the node is not to be a hop: it is struck, or rests.
    #[must_use]
    pub fn is_out(&self, node: &Ed25519Public, now: MonotonicTime) -> bool {
        self.is_out_at(node, now.into())
    }

    pub(crate) fn is_out_at(&self, node: &Ed25519Public, now: Instant) -> bool {
        self.marks.get(node).is_some_and(|mark| mark.is_out(now))
    }

    /// Whether the node has been put to rest and has not worked since, whether or not the rest is
    /// over.
    pub(crate) fn has_rested(&self, node: &Ed25519Public) -> bool {
        let mark = self.marks.get(node);
        mark.is_some_and(|mark| mark.rest.is_some())
    }

    pub(crate) fn count_at(&self, node: &Ed25519Public, now: Instant) -> usize {
        self.marks.get(node).map_or(0, |mark| mark.strikes(now))
    }

    /// Forgets what is held against the node that has been out the longest, among those that
    /// `may_return` names. Returns whether there was one.
    ///
    /// In a small network strikes can rule out more nodes than it can spare; then it is better to
    /// try again the one that failed longest ago than nobody.
    pub(crate) fn forgive_oldest(
        &mut self,
        now: Instant,
        may_return: impl Fn(&Ed25519Public) -> bool,
    ) -> bool {
        let marks = self.marks.iter();
        let out = marks.filter(|(node, mark)| mark.is_out(now) && may_return(node));
        let oldest = out.min_by_key(|(_, mark)| mark.since());
        let Some(node) = oldest.map(|(node, _)| *node) else {
            return false;
        };
        self.marks.remove(&node);
        true
    }

    /// Forgets strikes that no longer count, and those of nodes that `keep` does not name.
    pub(crate) fn prune(&mut self, now: Instant, keep: impl Fn(&Ed25519Public) -> bool) {
        self.marks.retain(|node, mark| {
            mark.strikes.retain(|at| now.since(*at) < STRIKE_LIFETIME);
            let is_recent = |until| now.since(until) < LONGEST_REST;
            mark.rest = mark.rest.filter(|(until, _)| is_recent(*until));
            keep(node) && (!mark.strikes.is_empty() || mark.rest.is_some())
        });
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Ed25519Public, &Mark)> {
        self.marks.iter()
    }

    pub(crate) fn restore(&mut self, node: Ed25519Public, mut mark: Mark) {
        mark.strikes.truncate(STRIKE_LIMIT);
        self.marks.insert(node, mark);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::default().after(Duration::from_secs(seconds))
    }

    fn key(number: u8) -> Ed25519Public {
        Ed25519Public::from_bytes([number; 32])
    }

    #[test]
    fn three_strikes_are_out_for_48_hours() {
        let proof = Proof::of(key(1), Evidence::Authenticated);
        let mut strikes = Strikes::default();
        for (time, is_out) in [(0, false), (10, false), (20, true)] {
            strikes.add(&proof, at(time));
            assert_eq!(strikes.is_out_at(&key(1), at(time)), is_out);
        }
        let lifetime = STRIKE_LIFETIME.as_secs();
        assert!(strikes.is_out_at(&key(1), at(lifetime - 1)));
        assert!(!strikes.is_out_at(&key(1), at(lifetime)));
        strikes.prune(at(lifetime + 20), |_| true);
        assert_eq!(strikes, Strikes::default());
    }

    #[test]
    fn rests_double_until_the_node_works() {
        for (evidence, [first, most]) in [
            (Evidence::Observed, UNREACHABLE),
            (Evidence::Corroborated, DEAD),
        ] {
            let proof = Proof::of(key(1), evidence);
            let mut strikes = Strikes::default();
            let (mut now, mut rest) = (at(0), first);
            for _ in 0..12 {
                strikes.add(&proof, now);
                assert!(strikes.is_out_at(&key(1), now));
                assert_eq!(
                    strikes.count_at(&key(1), now),
                    0,
                    "not the node's own words"
                );
                now = now.after(rest);
                assert!(!strikes.is_out_at(&key(1), now));
                rest = (rest * 2).min(most);
            }
            strikes.worked(&key(1));
            strikes.add(&proof, now);
            assert!(!strikes.is_out_at(&key(1), now.after(first)));
        }
    }

    #[test]
    fn the_one_that_is_out_the_longest_is_forgiven_first() {
        let out = |node: u8| Proof::of(key(node), Evidence::Authenticated);
        let mut strikes = Strikes::default();
        strikes.add_all(&out(2), at(5));
        strikes.add_all(&out(1), at(10));
        strikes.add_all(&out(4), at(1));
        strikes.add(&out(3), at(0));
        let may_return = |node: &Ed25519Public| *node != key(4);
        for expected in [key(2), key(1)] {
            assert!(strikes.is_out_at(&expected, at(20)));
            assert!(strikes.forgive_oldest(at(20), may_return));
            assert_eq!(strikes.count_at(&expected, at(20)), 0);
        }
        assert!(!strikes.forgive_oldest(at(20), may_return));
        assert_eq!(strikes.count_at(&key(3), at(20)), 1);
        assert_eq!(strikes.count_at(&key(4), at(20)), 3);
    }
}
