//! Sends requests: to whom, and over which path.

use alloc::vec::Vec;
use core::time::Duration;

use rand_core::CryptoRng;
use session_crypto::Ed25519Public;
use session_swarm::ServiceNode;
use session_types::AnyId;

use super::building::{Wait, retry_delay};
use super::{Network, Waiting};
use crate::exchange::{Purpose, RequestError, RequestId, Route, Target};
use crate::onion::Onion;
use crate::path::{Path, PathId};
use crate::random;
use crate::time::Instant;

impl<O: Onion> Network<O> {
    /// Starts all attempts whose time has come.
    pub(super) fn dispatch_due(&mut self, now: Instant, rng: &mut (impl CryptoRng + ?Sized)) {
        if self.pool.nodes().is_empty() {
            return;
        }
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        let requests = self.requests.iter();
        let due = requests.filter(|(_, request)| is_due(request.try_at));
        let due: Vec<RequestId> = due.map(|(id, _)| *id).collect();
        for id in due {
            self.dispatch(id, now, rng);
        }
    }

    fn dispatch(&mut self, id: RequestId, now: Instant, rng: &mut (impl CryptoRng + ?Sized)) {
        let attempts = self.config.attempts;
        let Some(request) = self.requests.get_mut(&id) else {
            return;
        };
        if request.attempts >= attempts || request.open >= self.config.beside {
            request.try_at = None;
            if request.open == 0 {
                self.give_up(id, now);
            }
            return;
        }
        let (target, purpose) = (request.target.clone(), request.purpose);
        let (mut asked, tried) = (request.asked.clone(), request.tried.clone());
        // Those that have not signed are asked first.
        asked.extend(&request.signers);
        let is_first = request.open == 0;
        if let Target::Node(key) = target
            && !self.is_known(&key)
        {
            self.finish(id, Err(RequestError::UnknownNode));
            return;
        }
        // The paths first: they take nodes that any request could have gone to.
        self.fill_paths(purpose, now, rng);
        let Some((path, route)) = self.route(&target, purpose, &asked, &tried, now, rng) else {
            if is_first {
                self.wait_or_retry(id, purpose, now);
            } else if let Some(request) = self.requests.get_mut(&id) {
                request.try_at = None;
            }
            return;
        };
        if let Some(request) = self.requests.get_mut(&id) {
            request.try_at = None;
        }
        // Beside another attempt only another path helps, or another node on one that works.
        let is_new_node = route
            .node
            .as_ref()
            .is_some_and(|node| !asked.contains(&node.ed25519));
        let is_in_doubt = self.paths.get(path).is_none_or(Path::is_in_doubt);
        if !is_first && tried.contains(&path) && (is_in_doubt || !is_new_node) {
            return;
        }
        let Some(request) = self.requests.get_mut(&id) else {
            return;
        };
        request.asked.extend(route.node.map(|node| node.ed25519));
        request.tried.push(path);
        if let Err(error) = self.send_attempt(id, path, route, now, rng) {
            self.finish(id, Err(error));
        }
    }

    /// A path and a node for an attempt.
    fn route(
        &mut self,
        target: &Target,
        purpose: Purpose,
        asked: &[Ed25519Public],
        tried: &[PathId],
        now: Instant,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Option<(PathId, Route)> {
        let mut candidates = match target {
            Target::Server(_) => {
                let (path, hops) = self.choose_path(purpose, None, tried, rng)?;
                let route = Route {
                    path: hops,
                    node: None,
                };
                return Some((path, route));
            }
            Target::Node(key) => self.pool.get(key).copied().into_iter().collect(),
            Target::AnyNode => self.any_nodes(asked, now, rng),
            Target::SwarmOf(account) => self.swarm_candidates(account, asked, now, rng),
        };
        // In a small network strikes can leave nobody to ask.
        if matches!(target, Target::AnyNode) && candidates.is_empty() && self.forgive_unused(now) {
            candidates = self.any_nodes(asked, now, rng);
        }
        candidates.into_iter().find_map(|node| {
            let node = self.pool.with_onion_key(&node)?;
            let key = &node.ed25519;
            let (path, hops) = self.choose_path(purpose, Some(key), tried, rng)?;
            let route = Route {
                path: hops,
                node: Some(node),
            };
            Some((path, route))
        })
    }

    /// Without a path a request waits for one that is being built; if none is, for a new list of
    /// nodes or its end.
    fn wait_or_retry(&mut self, id: RequestId, purpose: Purpose, now: Instant) {
        let wait = self.wait_for_path(purpose, now);
        match (wait, self.requests.get_mut(&id)) {
            (Some(Wait::ForGuard), Some(request)) => {
                request.try_at = None;
                request.waiting = Some(Waiting::ForPath);
            }
            (Some(Wait::Until(at)), Some(request)) => request.try_at = Some(at),
            _ => {
                self.hint(now);
                self.retry(id, RequestError::PathsFailed, now);
            }
        }
    }

    /// Whether a node is in the pool and has a key.
    fn is_known(&mut self, key: &Ed25519Public) -> bool {
        let node = self.pool.get(key).copied();
        node.is_some_and(|node| self.pool.with_onion_key(&node).is_some())
    }

    /// The members of a swarm to try, best first: those that were not asked yet before the others.
    fn swarm_candidates(
        &self,
        account: &AnyId,
        asked: &[Ed25519Public],
        now: Instant,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Vec<ServiceNode> {
        let mut nodes = match self.redirects.get(account) {
            Some(keys) => {
                let known = keys.iter().filter_map(|key| self.pool.get(key));
                let mut nodes: Vec<ServiceNode> = known.copied().collect();
                random::shuffle(rng, &mut nodes);
                nodes
            }
            None => {
                let is_suspect = |key: &Ed25519Public| self.comes_last(key, now);
                let (strikes, config) = (&self.strikes, &self.config.pool);
                self.pool
                    .candidates(account, strikes, is_suspect, now, config, rng)
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
        now: Instant,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Vec<ServiceNode> {
        let count = self.config.pool.min_nodes.max(1);
        let mut nodes = self.some_nodes(count, now, rng, |node| {
            !asked.contains(&node.ed25519) && !self.paths.is_in_use(&node.ed25519)
        });
        if nodes.is_empty() {
            let may_be_in_path = self.config.path.allow_destination_in_path;
            nodes = self.some_nodes(count, now, rng, |node| {
                may_be_in_path || !self.paths.is_in_use(&node.ed25519)
            });
        }
        nodes.sort_by_key(|node| self.comes_last(&node.ed25519, now));
        nodes
    }

    /// Some random nodes of those that `may` be taken and are not out.
    pub(super) fn some_nodes(
        &self,
        count: usize,
        now: Instant,
        rng: &mut (impl CryptoRng + ?Sized),
        may: impl Fn(&ServiceNode) -> bool,
    ) -> Vec<ServiceNode> {
        let nodes = self.pool.nodes();
        let start = random::below(rng, nodes.len());
        let Some((before, after)) = nodes.split_at_checked(start) else {
            return Vec::new();
        };
        let is_usable = |node: &&ServiceNode| {
            may(node) && !self.strikes.is_out_at(&node.ed25519, now) && !self.pool.has_bad_key(node)
        };
        let usable = after.iter().chain(before).filter(is_usable);
        usable.take(count).copied().collect()
    }

    /// A random node that is not out, in no path and not in `except`, with its key.
    pub(super) fn some_node(
        &mut self,
        except: &[Ed25519Public],
        now: Instant,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Option<ServiceNode> {
        loop {
            let may = |node: &ServiceNode| {
                !except.contains(&node.ed25519) && !self.paths.is_in_use(&node.ed25519)
            };
            let node = self.some_nodes(1, now, rng, may).pop()?;
            if let Some(node) = self.pool.with_onion_key(&node) {
                return Some(node);
            }
        }
    }

    /// Counts a failed attempt and tries again: at once the first time, then after a while.
    pub(super) fn retry(&mut self, id: RequestId, error: RequestError, now: Instant) {
        let Some(request) = self.requests.get_mut(&id) else {
            return;
        };
        request.attempts = request.attempts.saturating_add(1);
        request.last_error = error;
        request.in_doubt |= matches!(
            error,
            RequestError::TimedOut | RequestError::PathsFailed | RequestError::NoUsableAnswer
        );
        request.waiting = None;
        let rest = match request.attempts {
            0 | 1 => Duration::ZERO,
            attempts => retry_delay(attempts.saturating_sub(1)),
        };
        request.try_at = Some(now.after(rest));
    }

    /// Ends a request whose attempts or whose time are used up: with the best answer that there was
    /// if enough members have signed, or else with the last error.
    pub(super) fn give_up(&mut self, id: RequestId, now: Instant) {
        if self.settle(id, now) {
            return;
        }
        if let Some(error) = self.requests.get(&id).map(|request| request.last_error) {
            self.finish(id, Err(error));
        }
    }
}
