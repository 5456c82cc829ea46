//! Builds paths and tests their guards (protocol: onion, sections [10.2], [10.3] and [10.9]).
//!
//! [10.2]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/onion.md#section-10.2
//! [10.3]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/onion.md#section-10.3
//! [10.9]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/onion.md#section-10.9

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::time::Duration;

use rand_core::CryptoRng;
use session_crypto::Ed25519Public;
use session_swarm::ServiceNode;

use super::{Errand, Network, Waiting};
use crate::endpoint::Outcome;
use crate::evidence::{Proof, Reception};
use crate::exchange::{Purpose, RequestError, RequestId};
use crate::guard::MiddleView;
use crate::onion::Onion;
use crate::path::{Path, PathId, View};
use crate::time::{Instant, doubled};

/// How the tests of guards have gone lately.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct GuardTests {
    /// Failures in a row.
    failures: u32,
    /// When the next one may be tried.
    rest_until: Option<Instant>,
}

impl GuardTests {
    /// When the next guard may be tested, after one that failed.
    pub(super) fn rest(self) -> Option<Instant> {
        self.rest_until.filter(|_| self.failures > 0)
    }
}

/// What a request without a path can wait for.
pub(super) enum Wait {
    /// A guard is being tested.
    ForGuard,
    /// The next guard may be tested then.
    Until(Instant),
}

/// The rest before the `attempt`-th repetition: `200 ms * 2^(n-1)`, at most 5 s.
pub(super) fn retry_delay(attempt: u32) -> Duration {
    let first = Duration::from_millis(200);
    doubled(first, attempt.saturating_sub(1), Duration::from_secs(5))
}

impl<O: Onion> Network<O> {
    /// Builds paths of a purpose until there are enough, or nodes run out.
    pub(super) fn fill_paths(
        &mut self,
        purpose: Purpose,
        now: Instant,
        rng: &mut (impl CryptoRng + ?Sized),
    ) {
        let config = self.config.path;
        let wanted = config.paths.saturating_add(self.slow_tests(purpose));
        while self.paths.count(purpose) < wanted {
            let Some(hops) = self.plan(now, rng) else {
                return;
            };
            let Some(guard) = hops.first().copied() else {
                return;
            };
            if !config.test_guards || self.guards.is_proven(&guard.ed25519) {
                self.guards.add(&guard, now, &config, rng);
                self.paths.push(purpose, hops, now, &config);
            } else if self.guard_tests.rest_until.is_none_or(|until| until <= now) {
                self.guards.add(&guard, now, &config, rng);
                let path = self.paths.reserve(purpose, hops, now, &config);
                self.test_guard(path, &guard, now);
            } else {
                return;
            }
        }
    }

    /// How many guards of paths of a purpose are slow in their tests: so many others are tested beside
    /// them, at most as many as there are paths.
    fn slow_tests(&self, purpose: Purpose) -> usize {
        let slow = self.sent.values().filter(|sent| match &sent.errand {
            Errand::Guard { path, .. } => sent.is_slow && self.paths.waits_for(*path, purpose),
            _ => false,
        });
        slow.count().min(self.config.path.paths)
    }

    /// Builds the paths that are missing for requests under way: after a guard has failed its test, and
    /// while attempts are slow. What is slow is tried on them.
    pub(super) fn fill_missing(&mut self, now: Instant, rng: &mut (impl CryptoRng + ?Sized)) {
        let is_rested = self.guard_tests.rest().is_some_and(|until| until <= now);
        if !is_rested && !self.sent.values().any(|sent| sent.is_slow) {
            return;
        }
        let requests = self.requests.values();
        let purposes: BTreeSet<Purpose> = requests.map(|request| request.purpose).collect();
        let before = self.paths.live().len();
        for purpose in purposes {
            self.fill_paths(purpose, now, rng);
        }
        if self.paths.live().len() > before {
            self.hedge_slow(now);
        }
    }

    /// Picks the hops of a new path, with their keys. As long as there is no path at all, nodes that
    /// are out are forgiven until there can be one, those first that failed longest ago.
    fn plan(
        &mut self,
        now: Instant,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Option<Vec<ServiceNode>> {
        loop {
            self.fill_middles(now, rng);
            let exclusions = self.paths.exclusions(None);
            let view = self.view(now);
            let guard = self.guards.choose(&view, &self.paths, &exclusions, rng);
            let hops = guard.and_then(|guard| view.hops(guard, &exclusions, rng));
            if let Some(hops) = hops {
                if let Some(hops) = self.with_keys(&hops) {
                    return Some(hops);
                }
                // The pool knows now whose key is bad.
                continue;
            }
            if !self.paths.is_empty() {
                return None;
            }
            if !self.forgive_unused(now) {
                self.guards.acquit();
                return None;
            }
        }
    }

    fn fill_middles(&mut self, now: Instant, rng: &mut (impl CryptoRng + ?Sized)) {
        let view = MiddleView {
            pool: &self.pool,
            strikes: &self.strikes,
            suspicions: &self.suspicions,
            config: &self.config.path,
            now,
        };
        self.guards.fill_middles(view, rng);
    }

    pub(super) const fn view(&self, now: Instant) -> View<'_> {
        View {
            pool: &self.pool,
            strikes: &self.strikes,
            suspicions: &self.suspicions,
            guards: &self.guards,
            config: &self.config.path,
            now,
        }
    }

    /// Forgives the node that has been out the longest, of those that could be used and are in no
    /// path. Returns whether there was one.
    pub(super) fn forgive_unused(&mut self, now: Instant) -> bool {
        let (pool, paths) = (&self.pool, &self.paths);
        self.strikes.forgive_oldest(now, |key| {
            let node = pool.get(key);
            let could_be_used = |node: &ServiceNode| node.is_reachable() && !pool.has_bad_key(node);
            node.is_some_and(could_be_used) && !paths.is_in_use(key)
        })
    }

    /// Picks the hops that shall replace a path, with their keys: the same guard unless it is too
    /// old or can no longer be used.
    pub(super) fn plan_rotation(
        &mut self,
        path: &Path,
        now: Instant,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Option<Vec<ServiceNode>> {
        self.fill_middles(now, rng);
        loop {
            let exclusions = self.paths.exclusions(Some(path.id));
            let view = self.view(now);
            let stays = path.guard().copied().filter(|node| {
                let guard = self.guards.get(&node.ed25519);
                guard.is_some_and(|guard| guard.is_current(now, view.config))
                    && view.is_usable(node)
            });
            let guard =
                stays.or_else(|| self.guards.choose(&view, &self.paths, &exclusions, rng))?;
            let hops = view.hops(guard, &exclusions, rng)?;
            if let Some(hops) = self.with_keys(&hops) {
                // One that was drawn now is kept like any other.
                let config = self.config.path;
                self.guards.add(&guard, now, &config, rng);
                return Some(hops);
            }
        }
    }

    fn with_keys(&mut self, hops: &[ServiceNode]) -> Option<Vec<ServiceNode>> {
        hops.iter()
            .map(|hop| self.pool.with_onion_key(hop))
            .collect()
    }

    /// A guard answered, and its path is used from now on, or it did not.
    pub(super) fn guard_answered(
        &mut self,
        path: PathId,
        guard: &Ed25519Public,
        outcome: Outcome<'_>,
        now: Instant,
    ) {
        let path = self.paths.take_pending(path);
        match Reception::of_test(outcome, guard) {
            Ok(()) => {
                self.reached(guard, now);
                // A new list may have taken the path back, or others were faster, or took its hops.
                let config = self.config.path;
                let is_missing = |path: &Path| {
                    self.paths.count_live(path.purpose) < config.paths
                        && self.paths.are_free(&path.hops, path.id, &config)
                };
                if let Some(path) = path.filter(is_missing) {
                    self.paths.push(path.purpose, path.hops, now, &config);
                }
                self.wake(Waiting::ForPath, now);
                self.hedge_slow(now);
            }
            Err(proof) => self.guard_test_failed(proof, now),
        }
    }

    fn guard_test_failed(&mut self, proof: Proof, now: Instant) {
        self.guards.failed(proof);
        self.guard_tests.failures = self.guard_tests.failures.saturating_add(1);
        let rest = now.after(retry_delay(self.guard_tests.failures));
        self.guard_tests.rest_until = Some(rest);
        if self.guard_tests.failures < self.config.path.guard_tests {
            self.wake(Waiting::ForPath, rest);
            return;
        }
        // Rather no network here, or a list of nodes that are gone.
        self.guard_tests.failures = 0;
        self.guards.acquit();
        self.hint(now);
        for id in self.waiting(Waiting::ForPath) {
            self.retry(id, RequestError::PathsFailed, now);
        }
    }

    /// Something answered at the address of a guard. Guards that failed before have done so
    /// themselves.
    pub(super) fn reached(&mut self, guard: &Ed25519Public, now: Instant) {
        self.guard_tests = GuardTests::default();
        self.strikes.worked(guard);
        for proof in self.guards.reached(guard, now) {
            self.strikes.add(&proof, now);
        }
    }

    fn waiting(&self, what: Waiting) -> Vec<RequestId> {
        let requests = self.requests.iter();
        let waiting = requests.filter(|(_, request)| request.waiting == Some(what));
        waiting.map(|(id, _)| *id).collect()
    }

    /// Lets requests go on that waited for something.
    pub(super) fn wake(&mut self, what: Waiting, at: Instant) {
        for request in self.requests.values_mut() {
            if request.waiting == Some(what) {
                request.waiting = None;
                request.try_at = Some(at);
            }
        }
    }

    /// What a request of a purpose that has no path can wait for.
    pub(super) fn wait_for_path(&self, purpose: Purpose, now: Instant) -> Option<Wait> {
        if self.paths.is_pending(purpose) {
            return Some(Wait::ForGuard);
        }
        let rest = self.guard_tests.rest_until;
        rest.filter(|until| *until > now).map(Wait::Until)
    }
}
