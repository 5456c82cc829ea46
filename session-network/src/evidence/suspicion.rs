//! Nodes behind guards at which requests failed, and through whom.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use session_crypto::Ed25519Public;
use session_types::MonotonicTime;

use super::{Evidence, Proof};
use crate::time::Instant;

/// How long a node is avoided after a failure.
const AVOIDED: Duration = Duration::from_secs(60 * 60);
/// How long a failure is remembered for another guard to agree.
const MEMORY: Duration = Duration::from_secs(24 * 60 * 60);
/// Guards whose word is needed to take a node for dead.
const AGREEMENT: usize = 2;
/// Maximum number of nodes that are remembered. It bounds how far one guard can bend the choice
/// of hops by failing.
const MAX_NODES: usize = 48;

/// Nodes at which requests failed lately, and through which guards.
///
/// One guard's failures prove nothing: the guard may have failed them itself. They make its client
/// prefer other nodes for an hour. When requests failed at a node through different guards and none
/// succeeded in between, the guards agree: that is [`Evidence::Corroborated`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Suspicions {
    notes: BTreeMap<Ed25519Public, Vec<(Ed25519Public, Instant)>>,
    /// Destinations that did not answer through a path that works.
    unanswered: BTreeMap<Ed25519Public, Instant>,
}

impl Suspicions {
    /// Notes that a request failed at a node through a guard that is up itself. Returns evidence
    /// when different guards agree.
    pub(crate) fn failed(
        &mut self,
        node: &Ed25519Public,
        guard: &Ed25519Public,
        now: Instant,
    ) -> Option<Proof> {
        self.prune(now);
        let notes = self.notes.entry(*node).or_default();
        notes.retain(|(by, _)| by != guard);
        notes.push((*guard, now));
        if notes.len() >= AGREEMENT {
            self.notes.remove(node);
            return Some(Proof::new(*node, Evidence::Corroborated));
        }
        self.forget_surplus();
        None
    }

    /// Notes that a request failed at its destination, through a path that works otherwise. That is
    /// the word of whoever is last on the path, so it never proves anything: other members of the
    /// swarm are asked first for an hour.
    pub(crate) fn note(&mut self, node: &Ed25519Public, now: Instant) {
        self.prune(now);
        self.unanswered.insert(*node, now);
        self.forget_surplus();
    }

    fn forget_surplus(&mut self) {
        if self.notes.len() > MAX_NODES {
            let latest = |notes: &Vec<(Ed25519Public, Instant)>| notes.last().map(|(_, at)| *at);
            let oldest = self.notes.iter().min_by_key(|(_, notes)| latest(notes));
            if let Some(oldest) = oldest.map(|(node, _)| *node) {
                self.notes.remove(&oldest);
            }
        }
        if self.unanswered.len() > MAX_NODES {
            let oldest = self.unanswered.iter().min_by_key(|(_, at)| **at);
            if let Some(oldest) = oldest.map(|(node, _)| *node) {
                self.unanswered.remove(&oldest);
            }
        }
    }

    /// Forgets what was noted of a node: an answer came through it or from it.
    pub(crate) fn worked(&mut self, node: &Ed25519Public) {
        self.notes.remove(node);
        self.unanswered.remove(node);
    }

    /// Whether a path with the node as a hop failed within the last hour, through a guard that is
    /// up.
    pub(crate) fn is_noted(&self, node: &Ed25519Public, now: Instant) -> bool {
        let notes = self.notes.get(node);
        notes.is_some_and(|notes| notes.iter().any(|(_, at)| now.since(*at) < AVOIDED))
    }

    /// Returns whether requests failed at the node within the last hour, so that others are asked
    /// first.
    #[must_use]
    pub fn is_avoided(&self, node: &Ed25519Public, now: MonotonicTime) -> bool {
        self.is_avoided_at(node, now.into())
    }

    pub(crate) fn is_avoided_at(&self, node: &Ed25519Public, now: Instant) -> bool {
        let unanswered = self.unanswered.get(node);
        unanswered.is_some_and(|at| now.since(*at) < AVOIDED) || self.is_noted(node, now)
    }

    pub(crate) fn prune(&mut self, now: Instant) {
        self.unanswered.retain(|_, at| now.since(*at) < AVOIDED);
        self.notes.retain(|_, notes| {
            notes.retain(|(_, at)| now.since(*at) < MEMORY);
            !notes.is_empty()
        });
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Ed25519Public, &Ed25519Public, Instant)> {
        let nodes = self.notes.iter();
        nodes.flat_map(|(node, notes)| notes.iter().map(move |(guard, at)| (node, guard, *at)))
    }

    pub(crate) fn unanswered(&self) -> impl Iterator<Item = (&Ed25519Public, Instant)> {
        self.unanswered.iter().map(|(node, at)| (node, *at))
    }

    pub(crate) fn restore_unanswered(&mut self, node: Ed25519Public, at: Instant) {
        if self.unanswered.len() < MAX_NODES {
            self.unanswered.insert(node, at);
        }
    }

    pub(crate) fn restore(&mut self, node: Ed25519Public, guard: Ed25519Public, at: Instant) {
        if self.notes.len() < MAX_NODES {
            self.notes.entry(node).or_default().push((guard, at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u8) -> Ed25519Public {
        Ed25519Public::from_bytes([number; 32])
    }

    #[test]
    fn only_different_guards_corroborate_and_a_success_clears() {
        let mut suspicions = Suspicions::default();
        let now = Instant::default();
        for _ in 0..9 {
            assert_eq!(suspicions.failed(&key(1), &key(10), now), None);
        }
        assert!(suspicions.is_noted(&key(1), now));
        suspicions.worked(&key(1));
        assert!(!suspicions.is_noted(&key(1), now));
        assert_eq!(suspicions.failed(&key(1), &key(11), now), None);
        let proof = suspicions.failed(&key(1), &key(10), now).unwrap();
        assert_eq!(
            (proof.node(), proof.evidence()),
            (&key(1), Evidence::Corroborated)
        );
        // Old words do not count.
        assert_eq!(suspicions.failed(&key(2), &key(10), now), None);
        let later = now.after(MEMORY);
        assert_eq!(suspicions.failed(&key(2), &key(11), later), None);
    }

    #[test]
    fn one_guard_cannot_have_many_nodes_avoided() {
        let mut suspicions = Suspicions::default();
        for number in 0..200 {
            let now = Instant::default().after(Duration::from_secs(number.into()));
            suspicions.failed(&key(number), &key(255), now);
        }
        assert_eq!(suspicions.iter().count(), MAX_NODES);
        let last = Instant::default().after(Duration::from_secs(199));
        assert!(suspicions.is_noted(&key(199), last) && !suspicions.is_noted(&key(100), last));
    }
}
