//! Sends requests: to whom, and over which path.

use alloc::vec::Vec;

use rand_core::Rng;
use session_crypto::Ed25519Public;
use session_swarm::record::ServiceNode;

use super::building::Wait;
use super::{Client, Errand, RequestError, RequestId, Target};
use crate::path::{PathId, Purpose};
use crate::random;

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
        let (target, purpose, failed_on) = (request.target, request.purpose, request.failed_on);
        let asked = request.asked.clone();
        if let Target::Node(key) = target
            && !self.is_usable(&key)
        {
            self.finish(id, Err(RequestError::UnknownNode));
            return;
        }
        // The paths first: they take nodes that any request could have gone to.
        self.fill_paths(purpose, now_ms, rng);
        let mut candidates = self.candidates(target, &asked, now_ms, rng);
        // In a small network strikes can leave nobody to ask.
        if target == Target::Any && candidates.is_empty() && self.forgive_unused() {
            candidates = self.candidates(target, &asked, now_ms, rng);
        }
        let route = candidates.into_iter().find_map(|destination| {
            let destination = self.pool.with_onion_key(&destination)?;
            let key = &destination.ed25519;
            let (path, hops) = self.choose_path(purpose, key, failed_on, rng)?;
            Some((path, hops, destination))
        });
        let Some((path, hops, destination)) = route else {
            self.wait_or_retry(id, purpose, now_ms);
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

    /// Without a path a request waits for one that is being built; if none is, for a new list of
    /// nodes or its end.
    fn wait_or_retry(&mut self, id: RequestId, purpose: Purpose, now_ms: u64) {
        let wait = self.wait_for_path(purpose, now_ms);
        match (wait, self.requests.get_mut(&id)) {
            (Some(Wait::ForGuard), Some(request)) => {
                request.try_at_ms = None;
                request.waits_for_path = true;
            }
            (Some(Wait::Until(at)), Some(request)) => request.try_at_ms = Some(at),
            _ => {
                self.wants_refresh();
                self.retry(id, RequestError::PathsFailed, now_ms);
            }
        }
    }

    /// Whether a node is in the pool and has a key.
    fn is_usable(&mut self, key: &Ed25519Public) -> bool {
        let node = self.pool.get(key).copied();
        node.is_some_and(|node| self.pool.with_onion_key(&node).is_some())
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
            Target::Any => return self.any_nodes(asked, now_ms, rng),
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

    /// Nodes for a request that any of them can answer. Where nodes are few enough for it to be
    /// allowed, one that was asked before or is in a path is better than none.
    fn any_nodes(
        &self,
        asked: &[Ed25519Public],
        now_ms: u64,
        rng: &mut (impl Rng + ?Sized),
    ) -> Vec<ServiceNode> {
        let count = self.config.pool.min_nodes;
        let mut nodes = self.some_nodes(count, now_ms, rng, |node| {
            !asked.contains(&node.ed25519) && !self.paths.is_in_use(&node.ed25519)
        });
        if nodes.is_empty() {
            let may_be_in_path = self.config.path.allow_destination_in_path;
            nodes = self.some_nodes(count, now_ms, rng, |node| {
                may_be_in_path || !self.paths.is_in_use(&node.ed25519)
            });
        }
        nodes
    }

    /// Some random nodes of those that `may` be taken and are not struck out.
    fn some_nodes(
        &self,
        count: usize,
        now_ms: u64,
        rng: &mut (impl Rng + ?Sized),
        may: impl Fn(&ServiceNode) -> bool,
    ) -> Vec<ServiceNode> {
        let nodes = self.pool.nodes();
        let start = random::below(rng, nodes.len());
        let (before, after) = nodes.split_at_checked(start).unwrap_or_default();
        let is_usable = |node: &&ServiceNode| {
            may(node) && !self.strikes.is_out(&node.ed25519, now_ms) && !self.pool.has_bad_key(node)
        };
        let usable = after.iter().chain(before).filter(is_usable);
        usable.take(count).copied().collect()
    }

    /// A random node that is not struck out, in no path and not in `except`, with its key.
    pub(super) fn some_node(
        &mut self,
        except: &[Ed25519Public],
        now_ms: u64,
        rng: &mut (impl Rng + ?Sized),
    ) -> Option<ServiceNode> {
        loop {
            let may = |node: &ServiceNode| {
                !except.contains(&node.ed25519) && !self.paths.is_in_use(&node.ed25519)
            };
            let node = self.some_nodes(1, now_ms, rng, may).pop()?;
            if let Some(node) = self.pool.with_onion_key(&node) {
                return Some(node);
            }
        }
    }

    /// A path to a destination. Where nodes are too few for a path of the purpose, one of another.
    pub(super) fn choose_path(
        &self,
        purpose: Purpose,
        destination: &Ed25519Public,
        failed_on: Option<PathId>,
        rng: &mut (impl Rng + ?Sized),
    ) -> Option<(PathId, Vec<ServiceNode>)> {
        let config = &self.config.path;
        let purpose = match self.paths.live().first() {
            Some(other) if self.paths.count(purpose) == 0 => other.purpose,
            _ => purpose,
        };
        let path = self
            .paths
            .choose(purpose, destination, failed_on, config, rng)?;
        Some((path.id, path.hops.clone()))
    }

    /// Counts a failed attempt and tries again after a while.
    pub(super) fn retry(&mut self, id: RequestId, error: RequestError, now_ms: u64) {
        if let Some(request) = self.requests.get_mut(&id) {
            request.attempts = request.attempts.saturating_add(1);
            request.last_error = error;
            request.waits_for_path = false;
            let delay = retry_delay_ms(request.attempts);
            request.try_at_ms = Some(now_ms.saturating_add(delay));
        }
    }
}
