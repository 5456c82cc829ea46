//! Sends requests: to whom, and over which path.

use alloc::vec::Vec;
use core::time::Duration;

use rand_core::CryptoRng;
use session_crypto::Ed25519Public;
use session_swarm::ServiceNode;
use session_types::AnyId;

use super::building::{Wait, retry_delay};
use super::{Errand, Network, Waiting, Why};
use crate::exchange::{Purpose, RequestError, RequestId, Route, Target};
use crate::onion::Onion;
use crate::path::{Path, PathId};
use crate::pool::put_last;
use crate::random;
use crate::time::Instant;

/// Attempts whose path turned out to be broken that are not counted as failures.
const BROKEN: u32 = 3;

/// The attempts of a request so far.
#[derive(Debug, Clone, Copy)]
struct Before<'a> {
    asked: &'a [Ed25519Public],
    tried: &'a [PathId],
    /// Whether none of them is under way.
    is_first: bool,
    /// Whether one of them is under way to a node at which nothing failed lately.
    is_hopeful: bool,
}

impl Before<'_> {
    /// Whether an attempt helps: beside another one only another path does, or another node on a path
    /// that works.
    fn helps(&self, path: PathId, is_in_doubt: bool, is_new_node: bool) -> bool {
        self.is_first || !self.tried.contains(&path) || (is_new_node && !is_in_doubt)
    }
}

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
        // Few broken paths are not counted as failures of the request.
        let broken = request.broken.saturating_sub(BROKEN);
        let is_over = request.attempts.saturating_add(broken) >= attempts;
        if is_over || request.open >= self.config.beside {
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
        let is_unknown = match &target {
            Target::Node(key) => !self.is_known(key),
            Target::OneOf(keys) => !keys.iter().any(|key| self.is_known(key)),
            _ => false,
        };
        if is_unknown {
            self.finish(id, Err(RequestError::UnknownNode));
            return;
        }
        // The paths first: they take nodes that any request could have gone to.
        self.fill_paths(purpose, now, rng);
        let before = Before {
            asked: &asked,
            tried: &tried,
            is_first,
            is_hopeful: self.is_hopeful(id, now),
        };
        let Some((path, route)) = self.route(&target, purpose, before, now, rng) else {
            if is_first {
                self.wait_or_retry(id, purpose, now);
            } else if let Some(request) = self.requests.get_mut(&id) {
                request.try_at = None;
            }
            return;
        };
        let Some(request) = self.requests.get_mut(&id) else {
            return;
        };
        request.try_at = None;
        request.asked.extend(route.node.map(|node| node.ed25519));
        request.tried.push(path);
        if let Err(error) = self.send_attempt(id, path, route, now, rng) {
            self.finish(id, Err(error));
        }
    }

    /// A path and a node for an attempt, if there is one that helps: if possible with a path that is not
    /// in doubt and, after an attempt, with one that has worked.
    fn route(
        &mut self,
        target: &Target,
        purpose: Purpose,
        before: Before<'_>,
        now: Instant,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Option<(PathId, Route)> {
        let asked = before.asked;
        let mut candidates = match target {
            Target::Server(_) => {
                let (path, hops) = self.choose_path(purpose, None, false, before.tried, rng)?;
                let is_in_doubt = self.paths.get(path).is_none_or(Path::is_in_doubt);
                let route = Route {
                    path: hops,
                    node: None,
                };
                return before
                    .helps(path, is_in_doubt, false)
                    .then_some((path, route));
            }
            Target::Node(key) => self.pool.get(key).copied().into_iter().collect(),
            Target::OneOf(keys) => self.listed_candidates(keys, asked, now),
            Target::AnyNode => self.any_nodes(asked, now, rng),
            Target::SwarmOf(account) => self.swarm_candidates(account, asked, now, rng),
        };
        // In a small network strikes can leave nobody to ask.
        if matches!(target, Target::AnyNode) && candidates.is_empty() && self.forgive_unused(now) {
            candidates = self.any_nodes(asked, now, rng);
        }
        let mut best = None;
        for node in candidates {
            let Some(node) = self.pool.with_onion_key(&node) else {
                continue;
            };
            let key = &node.ed25519;
            if self.comes_last(key, now) && (best.is_some() || before.is_hopeful) {
                continue;
            }
            let is_new = !asked.contains(key);
            let chosen = self.choose_path(purpose, Some(key), is_new, before.tried, rng);
            let Some((path, hops)) = chosen else {
                continue;
            };
            let is_in_doubt = self.paths.get(path).is_none_or(Path::is_in_doubt);
            let has_worked = self
                .paths
                .get(path)
                .is_some_and(|path| path.worked.is_some());
            if !before.helps(path, is_in_doubt, is_new) {
                continue;
            }
            let rank = (is_in_doubt, !has_worked && !before.tried.is_empty());
            if best.as_ref().is_none_or(|(least, _)| rank < *least) {
                let route = Route {
                    path: hops,
                    node: Some(node),
                };
                best = Some((rank, (path, route)));
            }
            if rank == (false, false) {
                break;
            }
        }
        best.map(|(_, route)| route)
    }

    /// Whether a request is under way to a node at which nothing failed lately.
    fn is_hopeful(&self, id: RequestId, now: Instant) -> bool {
        let sent = self.sent.values().filter(|sent| !sent.is_released);
        let mut nodes = sent.filter_map(|sent| match &sent.errand {
            Errand::Onion {
                why: Why::Attempt(of),
                route,
                ..
            } if *of == id => route.node.as_ref(),
            _ => None,
        });
        nodes.any(|node| !self.comes_last(&node.ed25519, now))
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

    /// Nodes of a list to try, in its order, those last at which something failed lately; those that
    /// were not asked yet before the others.
    fn listed_candidates(
        &self,
        keys: &[Ed25519Public],
        asked: &[Ed25519Public],
        now: Instant,
    ) -> Vec<ServiceNode> {
        let known = keys.iter().filter_map(|key| self.pool.get(key));
        let mut nodes: Vec<ServiceNode> = known.copied().collect();
        put_last(&mut nodes, |key| {
            self.strikes.is_out_at(key, now) || self.comes_last(key, now)
        });
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

    /// A random node that is not out and not in `except`, with its key: if possible one at which
    /// nothing failed lately. One that is in a path only where nodes are few enough for it to be allowed.
    pub(super) fn some_node(
        &mut self,
        except: &[Ed25519Public],
        now: Instant,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Option<ServiceNode> {
        let may_be_in_path = self.config.path.allow_destination_in_path;
        for (is_last, is_in_path) in [(false, false), (false, true), (true, false), (true, true)] {
            if is_in_path && !may_be_in_path {
                continue;
            }
            loop {
                let may = |node: &ServiceNode| {
                    let key = &node.ed25519;
                    !except.contains(key)
                        && (is_in_path || !self.paths.is_in_use(key))
                        && (is_last || !self.comes_last(key, now))
                };
                let Some(node) = self.some_nodes(1, now, rng, may).pop() else {
                    break;
                };
                // The pool knows now whose key is bad.
                if let Some(node) = self.pool.with_onion_key(&node) {
                    return Some(node);
                }
            }
        }
        None
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
