//! Tests paths that are in doubt: is the guard up, and does an answer come through?
//!
//! A failure on a path says nothing of where it happened. What we can find out ourselves is whether
//! the guard answers us, and whether the path carries another request. So a node is suspected only
//! through a guard that is up, and the destination only through a path that works.

use alloc::vec::Vec;

use rand_core::CryptoRng;
use session_crypto::Ed25519Public;
use session_storage::Info;
use session_swarm::ServiceNode;

use super::{Network, Why};
use crate::endpoint::Outcome;
use crate::evidence::Reception;
use crate::onion::Onion;
use crate::path::{Exam, Path, PathId};
use crate::random;
use crate::time::Instant;

impl<O: Onion> Network<O> {
    /// Begins to test a path, because a request to `accused` failed or is slow. `guard_is_up` if
    /// the guard has just answered something.
    pub(super) fn examine(
        &mut self,
        id: PathId,
        accused: Option<Ed25519Public>,
        guard_is_up: bool,
        now: Instant,
        rng: &mut (impl CryptoRng + ?Sized),
    ) {
        let Some(path) = self.paths.get_mut(id) else {
            return;
        };
        let Some(guard) = path.hops.first().copied() else {
            return;
        };
        let hops = path.hops.clone();
        path.doubt = false;
        let is_new = path.exam.is_none();
        let exam = path.exam.get_or_insert_with(Exam::default);
        let was_trial = core::mem::take(&mut exam.is_trial);
        exam.accused.extend(accused);
        if guard_is_up {
            exam.guard = Some(true);
        }
        let accused: Vec<Ed25519Public> = exam.accused.clone();
        let needs_ping = (is_new || was_trial) && exam.guard.is_none();
        if needs_ping {
            self.ping_guard(id, &guard, now);
        }
        if is_new && !self.send_probe(Why::Probe, id, hops, &accused, now, rng) {
            // Nobody is left to be asked through it.
            if let Some(path) = self.paths.get_mut(id) {
                path.exam = None;
            }
        }
    }

    pub(super) fn ping_answered(
        &mut self,
        id: PathId,
        guard: &Ed25519Public,
        outcome: Outcome<'_>,
        now: Instant,
        rng: &mut (impl CryptoRng + ?Sized),
    ) {
        match Reception::of_test(outcome, guard) {
            Ok(()) => {
                self.reached(guard, now);
                self.exam_goes_on(id, |exam| exam.guard = Some(true), now, rng);
            }
            Err(proof) => self.guard_failed(proof, now, rng),
        }
    }

    pub(super) fn probe_answered(
        &mut self,
        id: PathId,
        works: bool,
        now: Instant,
        rng: &mut (impl CryptoRng + ?Sized),
    ) {
        self.exam_goes_on(id, |exam| exam.probe = Some(works), now, rng);
    }

    fn exam_goes_on(
        &mut self,
        id: PathId,
        note: impl FnOnce(&mut Exam),
        now: Instant,
        rng: &mut (impl CryptoRng + ?Sized),
    ) {
        let Some(path) = self.paths.get_mut(id) else {
            return;
        };
        let Some(exam) = &mut path.exam else {
            return;
        };
        note(exam);
        match (exam.guard, exam.probe) {
            (_, Some(true)) => {
                let exam = path.exam.take();
                for node in exam.into_iter().flat_map(|exam| exam.accused) {
                    self.suspicions.note(&node, now);
                }
                self.hedge_slow(now);
            }
            (Some(true), Some(false)) => self.path_is_broken(id, now, rng),
            // A path that was only tried is in doubt from now on.
            (None, Some(false)) if exam.is_trial => {
                exam.is_trial = false;
                if let Some(guard) = path.guard().copied() {
                    self.ping_guard(id, &guard, now);
                }
            }
            _ => {}
        }
    }

    /// The guard is up and nothing comes through: the hops behind the guard are suspected, and the
    /// path is rebuilt.
    fn path_is_broken(&mut self, id: PathId, now: Instant, rng: &mut (impl CryptoRng + ?Sized)) {
        let Some(path) = self.paths.get(id) else {
            return;
        };
        let hops = path.hops.clone();
        self.rebuild(id, now);
        self.suspect_behind(&hops, now, rng);
    }

    /// A path failed behind its guard: each hop there is suspected, and asked itself through another
    /// guard. Without another path its failure counts for nothing but an hour of avoidance.
    pub(super) fn suspect_behind(
        &mut self,
        hops: &[ServiceNode],
        now: Instant,
        rng: &mut (impl CryptoRng + ?Sized),
    ) {
        let Some((guard, behind)) = hops.split_first() else {
            return;
        };
        let guard = guard.ed25519;
        for hop in behind {
            if self.suspicions.failed(&hop.ed25519, &guard, now) {
                self.guards.give_up_middle(&hop.ed25519);
            }
            let Some(node) = self.pool.with_onion_key(hop) else {
                continue;
            };
            let Some((path, route)) = self.path_around(&hop.ed25519, &guard, rng) else {
                continue;
            };
            let why = Why::Hop { guard };
            self.send_question(why, path, route, node, &Info, "info", now, rng);
        }
    }

    /// A live path through another guard, without a node.
    fn path_around(
        &self,
        node: &Ed25519Public,
        guard: &Ed25519Public,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Option<(PathId, Vec<ServiceNode>)> {
        let is_other = |path: &&Path| !path.has_guard(guard) && !path.contains(node);
        let others = self.paths.live().iter().filter(is_other);
        let mut others: Vec<&Path> = others.collect();
        random::shuffle(rng, &mut others);
        // One that is not in doubt itself.
        let path = others.into_iter().min_by_key(|path| path.is_in_doubt())?;
        Some((path.id, path.hops.clone()))
    }

    /// A hop of a failed path did not answer either. It is taken for dead if paths through another
    /// guard have failed at it in the same way.
    pub(super) fn hop_is_silent(
        &mut self,
        hop: &Ed25519Public,
        guard: &Ed25519Public,
        now: Instant,
    ) {
        if let Some(proof) = self.suspicions.test_failed(hop, guard, now) {
            self.strikes.add(&proof, now);
        }
    }

    /// Drops a path as a whole. Another takes its place when it is needed, through the same guard as
    /// long as that is granted rebuilds.
    pub(super) fn rebuild(&mut self, id: PathId, now: Instant) {
        let Some(path) = self.paths.remove(id) else {
            return;
        };
        let Some(guard) = path.guard().map(|guard| guard.ed25519) else {
            return;
        };
        if !path.has_worked {
            self.guards.count(&path.hops, false, now);
        }
        let most = self.config.path.rebuilds;
        self.guards.take_rebuild(&guard, now, most);
        self.release(id, now);
    }
}
