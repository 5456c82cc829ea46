//! Sends requests: to whom, and over which path.

use alloc::vec::Vec;

use rand_core::Rng;
use session_crypto::Ed25519Public;

use super::{Client, Errand, RequestError, RequestId, Target};
use crate::path::{PathId, Purpose};
use crate::random;
use crate::record::ServiceNode;

/// Wait before the `attempt`-th repetition: `200 ms * 2^(n-1)`, at most 5 s.
pub(super) fn retry_delay_ms(attempt: u32) -> u64 {
    let doublings = attempt.saturating_sub(1).min(10);
    200u64.saturating_mul(1 << doublings).min(5_000)
}

impl Client {
    /// Starts all attempts whose time has come.
    pub(super) fn dispatch_due(&mut self, now_ms: u64, rng: &mut (impl Rng + ?Sized)) {
        if self.pool.nodes().is_empty() {
            return;
        }
        let is_due = |try_at: Option<u64>| try_at.is_some_and(|try_at| try_at <= now_ms);
        let due: Vec<RequestId> = self
            .requests
            .iter()
            .filter(|(_, request)| is_due(request.try_at_ms))
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            self.dispatch(id, now_ms, rng);
        }
    }

    fn dispatch(&mut self, id: RequestId, now_ms: u64, rng: &mut (impl Rng + ?Sized)) {
        let Some(request) = self.requests.get(&id) else {
            return;
        };
        if request.attempts >= self.config.attempts {
            let error = request.last_error;
            self.finish(id, Err(error));
            return;
        }
        let (target, purpose) = (request.target, request.purpose);
        let candidates = self.candidates(target, &request.asked, now_ms, rng);
        if candidates.is_empty() && matches!(target, Target::Node(_)) {
            self.finish(id, Err(RequestError::UnknownNode));
            return;
        }
        self.fill_paths(purpose, now_ms, rng);
        let route = candidates.into_iter().find_map(|destination| {
            let path = self.choose_path(purpose, &destination.ed25519, rng)?;
            Some((path, destination))
        });
        let Some(((path, hops), destination)) = route else {
            // Without a path, wait for a new list of nodes or for the end of the request.
            self.wants_refresh();
            self.retry(id, RequestError::PathsFailed, now_ms);
            return;
        };
        let Some(request) = self.requests.get_mut(&id) else {
            return;
        };
        request.try_at_ms = None;
        request.asked.push(destination.ed25519);
        let body = request.request.to_json();
        let errand = Errand::Attempt {
            request: id,
            path,
            destination: destination.ed25519,
        };
        self.send(errand, hops, destination, body, now_ms);
    }

    /// The nodes to try, best first: those that were not asked yet before the others.
    fn candidates(
        &self,
        target: Target,
        asked: &[Ed25519Public],
        now_ms: u64,
        rng: &mut (impl Rng + ?Sized),
    ) -> Vec<ServiceNode> {
        let account = match target {
            Target::Node(key) => return self.pool.get(&key).copied().into_iter().collect(),
            Target::Any => return self.some_nodes(self.config.pool.min_nodes, asked, now_ms, rng),
            Target::Swarm(account) => account,
        };
        let mut nodes = match self.redirects.get(&account) {
            Some(keys) => {
                let known = keys.iter().filter_map(|key| self.pool.get(key));
                let mut nodes: Vec<ServiceNode> = known.copied().collect();
                random::shuffle(rng, &mut nodes);
                nodes
            }
            None => {
                let config = &self.config.pool;
                self.pool
                    .candidates(&account, &self.strikes, now_ms, config, rng)
            }
        };
        nodes.sort_by_key(|node| asked.iter().filter(|key| **key == node.ed25519).count());
        nodes
    }

    /// Some random nodes that are not struck out, in no path and not in `except`.
    pub(super) fn some_nodes(
        &self,
        count: usize,
        except: &[Ed25519Public],
        now_ms: u64,
        rng: &mut (impl Rng + ?Sized),
    ) -> Vec<ServiceNode> {
        let nodes = self.pool.nodes();
        let start = random::below(rng, nodes.len());
        let (before, after) = nodes.split_at_checked(start).unwrap_or_default();
        let is_usable = |node: &&ServiceNode| {
            !except.contains(&node.ed25519)
                && !self.strikes.is_out(&node.ed25519, now_ms)
                && !self.paths.is_in_use(&node.ed25519)
        };
        let usable = after.iter().chain(before).filter(is_usable);
        usable.take(count).copied().collect()
    }

    /// Builds paths as needed; tells whether there is one.
    pub(super) fn fill_paths(
        &mut self,
        purpose: Purpose,
        now_ms: u64,
        rng: &mut (impl Rng + ?Sized),
    ) -> bool {
        let config = &self.config.path;
        self.paths
            .fill(purpose, &self.pool, &self.strikes, now_ms, config, rng)
    }

    /// A path to a destination.
    pub(super) fn choose_path(
        &self,
        purpose: Purpose,
        destination: &Ed25519Public,
        rng: &mut (impl Rng + ?Sized),
    ) -> Option<(PathId, Vec<ServiceNode>)> {
        let config = &self.config.path;
        let path = self.paths.choose(purpose, destination, config, rng)?;
        Some((path.id, path.hops.clone()))
    }

    /// Counts a failed attempt and tries again after a while.
    pub(super) fn retry(&mut self, id: RequestId, error: RequestError, now_ms: u64) {
        if let Some(request) = self.requests.get_mut(&id) {
            request.attempts = request.attempts.saturating_add(1);
            request.last_error = error;
            let delay = retry_delay_ms(request.attempts);
            request.try_at_ms = Some(now_ms.saturating_add(delay));
        }
    }
}
