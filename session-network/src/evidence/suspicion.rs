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
/// Failures in a row through one guard that count although the node answers when it is asked itself.
const ROW: u32 = 5;
/// Maximum number of nodes that are remembered. It bounds how far one guard can bend the choice
/// of hops by failing.
const MAX_NODES: usize = 48;

/// A path failed behind a guard that is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Note {
    guard: Ed25519Public,
    at: Instant,
    test: Test,
    /// Failures through this guard since anything came through the node.
    times: u32,
}

/// The result of asking a hop of a failed path itself, through another guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Test {
    /// Not known, or it could not be asked.
    Open,
    /// It answered: it is up, so the failure does not count towards agreement.
    Answered,
    /// It did not answer.
    Unanswered,
}

/// A destination did not answer through a path that works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Silence {
    at: Instant,
    /// When it did not answer over so many routes that it is down.
    found: Option<Instant>,
}

/// Nodes at which requests failed lately, and through which guards.
///
/// A path that fails behind its guard names no hop. So each hop is asked itself, through another
/// guard. Either way it is avoided as a hop for an hour. Only when it did not answer does the failure
/// count, and only when paths through different guards failed at it like that, and none worked in
/// between, do the guards agree: that is [`Evidence::Corroborated`]. A node that answers, and behind
/// which path after path fails whatever the guard, does not pass packets on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Suspicions {
    notes: BTreeMap<Ed25519Public, Vec<Note>>,
    /// Destinations that did not answer through a path that works.
    unanswered: BTreeMap<Ed25519Public, Silence>,
}

impl Suspicions {
    /// Notes that a path failed at a hop behind a guard that is up itself. Returns whether so many
    /// paths in a row have failed at it, through different guards, that it does not pass packets on.
    pub(crate) fn failed(
        &mut self,
        node: &Ed25519Public,
        guard: &Ed25519Public,
        now: Instant,
    ) -> bool {
        self.prune(now);
        self.insert(node, guard, now, Test::Open);
        let notes = self.notes.get(node).into_iter().flatten();
        let agree = notes.filter(|note| note.times >= ROW).count();
        self.forget_surplus();
        agree >= AGREEMENT
    }

    fn insert(&mut self, node: &Ed25519Public, guard: &Ed25519Public, at: Instant, test: Test) {
        let notes = self.notes.entry(*node).or_default();
        // What counts already goes on counting.
        let known = notes.iter().find(|note| note.guard == *guard);
        let counted = known.filter(|note| note.test == Test::Unanswered);
        let test = counted.map_or(test, |note| note.test);
        let times = known.map_or(0, |note| note.times).saturating_add(1);
        notes.retain(|note| note.guard != *guard);
        notes.push(Note {
            guard: *guard,
            at,
            test,
            times,
        });
    }

    /// Notes that the hop of a failed path did not answer either when it was asked itself. Returns
    /// evidence when different guards agree.
    pub(crate) fn test_failed(
        &mut self,
        node: &Ed25519Public,
        guard: &Ed25519Public,
        now: Instant,
    ) -> Option<Proof> {
        self.prune(now);
        let notes = self.notes.get_mut(node)?;
        let note = notes.iter_mut().find(|note| note.guard == *guard)?;
        if note.test == Test::Open {
            note.test = Test::Unanswered;
        }
        let counted = notes.iter().filter(|note| note.test == Test::Unanswered);
        if counted.count() < AGREEMENT {
            return None;
        }
        self.notes.remove(node);
        Some(Proof::new(*node, Evidence::Corroborated))
    }

    /// Notes that a request failed at its destination, through a path that works otherwise. That is
    /// the word of the last hop, so it never proves anything: other members of the swarm are asked
    /// first for an hour.
    pub(crate) fn note(&mut self, node: &Ed25519Public, now: Instant) {
        self.prune(now);
        let new = Silence {
            at: now,
            found: None,
        };
        self.unanswered.entry(*node).or_insert(new).at = now;
        self.forget_surplus();
    }

    /// Notes that a destination did not answer over so many routes that it is down.
    pub(crate) fn found_silent(&mut self, node: &Ed25519Public, now: Instant) {
        self.note(node, now);
        if let Some(silence) = self.unanswered.get_mut(node) {
            silence.found = Some(now);
        }
    }

    /// Whether the node was found to be down within the last hour, and has not answered since.
    pub(crate) fn is_silent(&self, node: &Ed25519Public, now: Instant) -> bool {
        let found = self.unanswered.get(node).and_then(|silence| silence.found);
        found.is_some_and(|at| now.since(at) < AVOIDED)
    }

    fn forget_surplus(&mut self) {
        if self.notes.len() > MAX_NODES {
            let latest = |notes: &Vec<Note>| notes.last().map(|note| note.at);
            let oldest = self.notes.iter().min_by_key(|(_, notes)| latest(notes));
            if let Some(oldest) = oldest.map(|(node, _)| *node) {
                self.notes.remove(&oldest);
            }
        }
        if self.unanswered.len() > MAX_NODES {
            let oldest = self.unanswered.iter().min_by_key(|(_, silence)| silence.at);
            if let Some(oldest) = oldest.map(|(node, _)| *node) {
                self.unanswered.remove(&oldest);
            }
        }
    }

    /// Forgets all notes of a hop: an answer came through it.
    pub(crate) fn worked(&mut self, node: &Ed25519Public) {
        self.notes.remove(node);
        self.unanswered.remove(node);
    }

    /// A node answered. It is up; whether it passes packets on is another question, so it stays
    /// avoided as a hop.
    pub(crate) fn answered(&mut self, node: &Ed25519Public) {
        self.unanswered.remove(node);
        for note in self.notes.get_mut(node).into_iter().flatten() {
            note.test = Test::Answered;
        }
    }

    /// Whether the node is avoided as a hop behind a guard, or behind any if none is given: a path
    /// with it failed within the last hour through that guard, or through two others. So no guard
    /// decides about the paths through another one.
    pub(crate) fn is_noted(
        &self,
        node: &Ed25519Public,
        guard: Option<&Ed25519Public>,
        now: Instant,
    ) -> bool {
        let notes = self.notes.get(node).into_iter().flatten();
        let mut recent = notes.filter(|note| now.since(note.at) < AVOIDED);
        match guard {
            None => recent.next().is_some(),
            Some(guard) => {
                let (own, others): (Vec<&Note>, Vec<&Note>) =
                    recent.partition(|note| note.guard == *guard);
                !own.is_empty() || others.len() >= AGREEMENT
            }
        }
    }

    /// Returns whether requests failed at the node within the last hour, so that others are asked
    /// first.
    #[must_use]
    pub fn is_avoided(&self, node: &Ed25519Public, now: MonotonicTime) -> bool {
        self.is_avoided_at(node, now.into())
    }

    pub(crate) fn is_avoided_at(&self, node: &Ed25519Public, now: Instant) -> bool {
        let silence = self.unanswered.get(node);
        let mut notes = self.notes.get(node).into_iter().flatten();
        silence.is_some_and(|silence| now.since(silence.at) < AVOIDED)
            || notes.any(|note| note.test != Test::Answered && now.since(note.at) < AVOIDED)
    }

    pub(crate) fn prune(&mut self, now: Instant) {
        self.unanswered
            .retain(|_, silence| now.since(silence.at) < AVOIDED);
        self.notes.retain(|_, notes| {
            notes.retain(|note| now.since(note.at) < MEMORY);
            !notes.is_empty()
        });
    }

    /// The failures that count towards agreement.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Ed25519Public, &Ed25519Public, Instant)> {
        let nodes = self.notes.iter();
        let notes = nodes.flat_map(|(node, notes)| notes.iter().map(move |note| (node, note)));
        let counted = notes.filter(|(_, note)| note.test == Test::Unanswered);
        counted.map(|(node, note)| (node, &note.guard, note.at))
    }

    /// Destinations that did not answer; one that was found to be down comes twice.
    pub(crate) fn unanswered(
        &self,
        now: Instant,
    ) -> impl Iterator<Item = (&Ed25519Public, Instant)> {
        let nodes = self.unanswered.iter();
        nodes.flat_map(move |(node, silence)| {
            let found = silence.found.filter(|at| now.since(*at) < AVOIDED);
            core::iter::once(silence.at)
                .chain(found)
                .map(move |at| (node, at))
        })
    }

    /// Takes a destination of [`unanswered`](Self::unanswered) of an earlier run.
    pub(crate) fn restore_unanswered(&mut self, node: Ed25519Public, at: Instant) {
        if let Some(silence) = self.unanswered.get_mut(&node) {
            silence.found = Some(at);
        } else if self.unanswered.len() < MAX_NODES {
            self.unanswered.insert(node, Silence { at, found: None });
        }
    }

    pub(crate) fn restore(&mut self, node: Ed25519Public, guard: Ed25519Public, at: Instant) {
        if self.notes.len() < MAX_NODES {
            self.insert(&node, &guard, at, Test::Unanswered);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u8) -> Ed25519Public {
        Ed25519Public::from_bytes([number; 32])
    }

    /// A path failed at a node behind a guard, and the node did not answer either.
    fn fail(
        suspicions: &mut Suspicions,
        node: u8,
        guard: u8,
        now: Instant,
    ) -> Option<(Ed25519Public, Evidence)> {
        suspicions.failed(&key(node), &key(guard), now);
        let proof = suspicions.test_failed(&key(node), &key(guard), now)?;
        Some((*proof.node(), proof.evidence()))
    }

    #[test]
    fn only_different_guards_corroborate_and_a_success_clears() {
        let mut suspicions = Suspicions::default();
        let now = Instant::default();
        for _ in 0..9 {
            assert_eq!(fail(&mut suspicions, 1, 10, now), None);
        }
        assert!(suspicions.is_noted(&key(1), None, now));
        suspicions.worked(&key(1));
        assert!(!suspicions.is_noted(&key(1), None, now));
        assert_eq!(fail(&mut suspicions, 1, 11, now), None);
        let proof = fail(&mut suspicions, 1, 10, now);
        assert_eq!(proof, Some((key(1), Evidence::Corroborated)));
        // Old words do not count.
        assert_eq!(fail(&mut suspicions, 2, 10, now), None);
        let later = now.after(MEMORY);
        assert_eq!(fail(&mut suspicions, 2, 11, later), None);
    }

    #[test]
    fn a_hop_that_answers_itself_is_avoided_as_a_hop_and_no_failure_counts() {
        let mut suspicions = Suspicions::default();
        let now = Instant::default();
        for guard in 10..20 {
            suspicions.failed(&key(1), &key(guard), now);
            assert!(suspicions.is_avoided_at(&key(1), now));
            suspicions.answered(&key(1));
            assert!(suspicions.is_noted(&key(1), None, now));
            assert!(!suspicions.is_avoided_at(&key(1), now), "it answers");
            // A word that comes later than the answer.
            assert_eq!(suspicions.test_failed(&key(1), &key(guard), now), None);
        }
        assert_eq!(suspicions.iter().count(), 0);
        // Nor does a failure of which it is not known whether the node is up.
        for guard in 10..20 {
            suspicions.failed(&key(2), &key(guard), now);
        }
        assert_eq!(suspicions.iter().count(), 0);
    }

    #[test]
    fn a_hop_that_answers_and_lets_nothing_through_is_found_out_by_two_guards() {
        let mut suspicions = Suspicions::default();
        let now = Instant::default();
        let mut fail = |guard: u8| {
            let is_found = suspicions.failed(&key(1), &key(guard), now);
            suspicions.answered(&key(1));
            is_found
        };
        assert!((0..50).all(|_| !fail(10)), "one guard alone");
        assert!((1..ROW).all(|_| !fail(11)));
        assert!(fail(11));
        suspicions.worked(&key(1));
        assert!(!suspicions.failed(&key(1), &key(11), now));
    }

    #[test]
    fn a_guard_bends_the_choice_of_hops_behind_itself_alone() {
        let mut suspicions = Suspicions::default();
        let now = Instant::default();
        suspicions.failed(&key(1), &key(10), now);
        let is_noted =
            |suspicions: &Suspicions, guard| suspicions.is_noted(&key(1), Some(&key(guard)), now);
        assert!(is_noted(&suspicions, 10) && !is_noted(&suspicions, 11));
        suspicions.failed(&key(1), &key(11), now);
        assert!(is_noted(&suspicions, 11) && is_noted(&suspicions, 12));
        let later = now.after(AVOIDED);
        assert!(!suspicions.is_noted(&key(1), Some(&key(10)), later));
    }

    #[test]
    fn a_destination_is_silent_for_an_hour_or_until_it_answers() {
        let mut suspicions = Suspicions::default();
        let now = Instant::default();
        for _ in 0..9 {
            suspicions.note(&key(1), now);
        }
        assert!(suspicions.is_avoided_at(&key(1), now));
        assert!(!suspicions.is_silent(&key(1), now));
        assert_eq!(suspicions.unanswered(now).count(), 1);
        suspicions.found_silent(&key(1), now);
        let later = now.after(AVOIDED / 2);
        // What fails later does not make it longer.
        suspicions.note(&key(1), later);
        assert!(suspicions.is_silent(&key(1), later));
        // So it is for the next run.
        let mut restored = Suspicions::default();
        for (node, at) in suspicions.unanswered(later) {
            restored.restore_unanswered(*node, at);
        }
        assert_eq!(restored, suspicions);
        for suspicions in [&mut suspicions, &mut restored] {
            let late = now.after(AVOIDED);
            assert!(suspicions.is_avoided_at(&key(1), late));
            assert!(!suspicions.is_silent(&key(1), late));
            assert_eq!(suspicions.unanswered(late).count(), 1);
            suspicions.answered(&key(1));
            assert!(!suspicions.is_silent(&key(1), now));
            assert!(!suspicions.is_avoided_at(&key(1), now));
        }
    }

    #[test]
    fn one_guard_cannot_have_many_nodes_avoided() {
        let mut suspicions = Suspicions::default();
        for number in 0..200 {
            let now = Instant::default().after(Duration::from_secs(number.into()));
            suspicions.failed(&key(number), &key(255), now);
        }
        assert_eq!(suspicions.notes.len(), MAX_NODES);
        let last = Instant::default().after(Duration::from_secs(199));
        assert!(
            suspicions.is_noted(&key(199), None, last)
                && !suspicions.is_noted(&key(100), None, last)
        );
    }
}
