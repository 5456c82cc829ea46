//! Builds paths, tries their guards and mends them (protocol: onion, sections 10.2, 10.3 and 10.5).

use alloc::vec::Vec;

use rand_core::Rng;
use session_swarm::record::ServiceNode;

use super::dispatch::retry_delay_ms;
use super::{Action, Client, Errand, Outcome, RequestError, RequestId, Sent, Ticket};
use crate::path::{Path, PathId, Purpose};

/// How the tests of guards have gone lately.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct GuardTests {
    /// Failures in a row.
    failures: u32,
    /// When the next one may be tried.
    rest_until_ms: u64,
}

impl GuardTests {
    /// The times that it keeps.
    pub(super) fn times(&mut self) -> impl Iterator<Item = &mut u64> {
        [&mut self.rest_until_ms].into_iter()
    }

    /// When the next guard may be tried, after one that failed.
    pub(super) fn rest(self) -> Option<u64> {
        (self.failures > 0).then_some(self.rest_until_ms)
    }
}

/// What a request without a path can wait for.
pub(super) enum Wait {
    /// A guard is being tried.
    ForGuard,
    /// The next guard may be tried then.
    Until(u64),
}

impl Client {
    /// Builds paths of a purpose until there are enough, or nodes run out.
    pub(super) fn fill_paths(
        &mut self,
        purpose: Purpose,
        now_ms: u64,
        rng: &mut (impl Rng + ?Sized),
    ) {
        let config = self.config.path;
        while self.paths.count(purpose) < config.paths {
            let Some(hops) = self.plan(now_ms, rng) else {
                return;
            };
            let Some(guard) = hops.first().copied() else {
                return;
            };
            if !config.test_guards || self.paths.is_proven(&guard.ed25519) {
                self.paths.push(purpose, hops, now_ms);
            } else if self.guard_tests.rest_until_ms <= now_ms {
                let path = self.paths.reserve(purpose, hops, now_ms);
                self.test_guard(path, guard, now_ms);
            } else {
                return;
            }
        }
    }

    /// Picks the hops of a new path, with their keys. As long as there is no path at all, nodes that
    /// are struck out are forgiven until there can be one, those first that failed longest ago.
    fn plan(&mut self, now_ms: u64, rng: &mut (impl Rng + ?Sized)) -> Option<Vec<ServiceNode>> {
        let config = self.config.path;
        loop {
            let hops = self
                .paths
                .plan(&self.pool, &self.strikes, now_ms, &config, rng);
            if let Some(hops) = hops {
                if let Some(hops) = self.with_keys(&hops) {
                    return Some(hops);
                }
                // The pool knows now whose key is bad.
                continue;
            }
            if !self.paths.is_empty() || !self.forgive_unused() {
                return None;
            }
        }
    }

    /// Forgives the node that has been struck out the longest, of those that could be used and are
    /// in no path. Tells whether there was one.
    pub(super) fn forgive_unused(&mut self) -> bool {
        let (pool, paths) = (&self.pool, &self.paths);
        self.strikes.forgive_oldest(|key| {
            let node = pool.get(key);
            let could_be_used = |node: &ServiceNode| node.is_reachable() && !pool.has_bad_key(node);
            node.is_some_and(could_be_used) && !paths.is_in_use(key)
        })
    }

    /// Picks the hops that shall replace a path, with their keys.
    pub(super) fn plan_rotation(
        &mut self,
        path: &Path,
        now_ms: u64,
        rng: &mut (impl Rng + ?Sized),
    ) -> Option<Vec<ServiceNode>> {
        let config = self.config.path;
        loop {
            let (pool, strikes) = (&self.pool, &self.strikes);
            let hops = self
                .paths
                .rotated(path, pool, strikes, now_ms, &config, rng)?;
            if let Some(hops) = self.with_keys(&hops) {
                return Some(hops);
            }
        }
    }

    fn with_keys(&mut self, hops: &[ServiceNode]) -> Option<Vec<ServiceNode>> {
        hops.iter()
            .map(|hop| self.pool.with_onion_key(hop))
            .collect()
    }

    fn test_guard(&mut self, path: PathId, guard: ServiceNode, now_ms: u64) {
        let deadline_ms = now_ms.saturating_add(self.config.path.guard_test_timeout_ms);
        let ticket = Ticket(self.number());
        let sent = Sent {
            errand: Errand::Guard { path },
            sent_ms: now_ms,
            deadline_ms,
        };
        self.sent.insert(ticket, sent);
        self.actions.push_back(Action::TestGuard {
            ticket,
            guard,
            deadline_ms,
        });
    }

    /// A guard answered, and its path is used from now on, or it did not.
    pub(super) fn guard_answered(&mut self, path: PathId, outcome: Outcome<'_>, now_ms: u64) {
        let works = matches!(outcome, Outcome::Answer { .. } | Outcome::PathError { .. });
        let path = self.paths.take_pending(path);
        if works {
            self.guard_tests = GuardTests::default();
            // A new list may have taken the path back.
            if let Some(path) = path {
                self.paths.push(path.purpose, path.hops, now_ms);
            }
            self.wake_waiting(now_ms);
            return;
        }
        if let Some(guard) = path.as_ref().and_then(Path::guard) {
            self.strikes.add(&guard.ed25519, now_ms);
        }
        self.guard_tests.failures = self.guard_tests.failures.saturating_add(1);
        let rest = retry_delay_ms(self.guard_tests.failures);
        self.guard_tests.rest_until_ms = now_ms.saturating_add(rest);
        if self.guard_tests.failures < self.config.path.guard_tests {
            self.wake_waiting(self.guard_tests.rest_until_ms);
            return;
        }
        // Rather no network here, or a list of nodes that are gone.
        self.guard_tests.failures = 0;
        self.wants_refresh();
        for id in self.waiting() {
            self.retry(id, RequestError::PathsFailed, now_ms);
        }
    }

    fn waiting(&self) -> Vec<RequestId> {
        let requests = self.requests.iter();
        let waiting = requests.filter(|(_, request)| request.waits_for_path);
        waiting.map(|(id, _)| *id).collect()
    }

    fn wake_waiting(&mut self, at_ms: u64) {
        for request in self.requests.values_mut() {
            if request.waits_for_path {
                request.waits_for_path = false;
                request.try_at_ms = Some(at_ms);
            }
        }
    }

    /// What a request of a purpose that has no path can wait for.
    pub(super) fn wait_for_path(&self, purpose: Purpose, now_ms: u64) -> Option<Wait> {
        if self.paths.is_pending(purpose) {
            return Some(Wait::ForGuard);
        }
        let rest = self.guard_tests.rest_until_ms;
        (rest > now_ms).then_some(Wait::Until(rest))
    }

    /// A hop that is struck out is replaced in its path, or the path is dropped.
    pub(super) fn mend_paths(&mut self, now_ms: u64, rng: &mut (impl Rng + ?Sized)) {
        let config = self.config.path;
        while let Some(broken) = self.paths.broken(&self.strikes, now_ms) {
            let (pool, strikes) = (&self.pool, &self.strikes);
            let node = self
                .paths
                .replacement(broken, pool, strikes, now_ms, &config, rng);
            match node.map(|node| self.pool.with_onion_key(&node)) {
                Some(Some(node)) => self.paths.replace_hop(broken, node),
                // Its key is bad, and the pool knows it now: try another one.
                Some(None) => {}
                None => self.paths.remove(broken.0),
            }
        }
        self.paths.drop_guards(&self.strikes, now_ms);
    }
}
