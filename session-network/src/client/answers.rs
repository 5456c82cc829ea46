//! Takes what came back.

use alloc::collections::BTreeSet;

use rand_core::Rng;
use session_crypto::Ed25519Public;
use session_storage::value::Value;
use session_storage::{Body, Response, SwarmInfo};

use super::belief::{Belief, decisive, response_of};
use super::outcome::{BROKEN, Blame, Outcome, blame};
use super::{Client, Errand, Reply, RequestError, RequestId, Sent, Target, Ticket};
use crate::path::PathId;

impl Client {
    /// Reports what became of an [`Action`](super::Action). A ticket that is not open any more is
    /// ignored: the client has given up on it.
    pub fn report(
        &mut self,
        ticket: Ticket,
        outcome: Outcome<'_>,
        now_ms: u64,
        rng: &mut (impl Rng + ?Sized),
    ) {
        self.notice_time(now_ms);
        let Some(sent) = self.sent.remove(&ticket) else {
            return;
        };
        if let Some(path) = sent.errand.path() {
            self.paths.finished(path);
            if matches!(outcome, Outcome::Answer { .. }) {
                self.paths.succeeded(path);
            }
        }
        match sent.errand.clone() {
            Errand::Attempt {
                request,
                path,
                destination,
            } => {
                if let Outcome::Answer { status, body } = outcome {
                    let response = response_of(status, body);
                    self.attempt_answered(request, &destination, &sent, response, now_ms);
                } else {
                    self.blame_path(path, &destination, outcome, now_ms);
                    if let Some(pending) = self.requests.get_mut(&request) {
                        pending.failed_on = Some(path);
                    }
                    self.retry(request, RequestError::PathsFailed, now_ms);
                }
            }
            Errand::Guard { path } => self.guard_answered(path, outcome, now_ms),
            Errand::Seed => self.seed_answered(outcome, now_ms, rng),
            Errand::Nodes { path, destination } => {
                if !matches!(outcome, Outcome::Answer { .. }) {
                    self.blame_path(path, &destination, outcome, now_ms);
                }
                self.nodes_answered(&destination, outcome, now_ms, rng);
            }
            Errand::Clock { path, destination } => {
                let mut t = None;
                if let Outcome::Answer { status, body } = outcome {
                    t = clock_of(&response_of(status, body));
                } else {
                    self.blame_path(path, &destination, outcome, now_ms);
                }
                self.clock_answered(&destination, t, sent.sent_ms, now_ms);
            }
            Errand::Probe {
                replaces,
                purpose,
                hops,
            } => self.probe_answered(replaces, purpose, hops, outcome, now_ms),
        }
    }

    /// Takes a failure on the way (protocol: onion, sections 9 and 10.5). What stands in clear any
    /// hop can have written: whoever it names is believed to be gone only if it is the destination
    /// or a hop behind the guard, and then the path pays too.
    fn blame_path(
        &mut self,
        id: PathId,
        destination: &Ed25519Public,
        failure: Outcome<'_>,
        now_ms: u64,
    ) {
        match failure {
            Outcome::PathError { status, body } => {
                self.punish(id, destination, blame(status, body), now_ms);
            }
            Outcome::Unreachable => self.guard_unreachable(id, now_ms),
            _ => self.strike_path(id, now_ms),
        }
        self.paths.failed(id, &self.config.path);
    }

    fn punish(&mut self, id: PathId, destination: &Ed25519Public, blame: Blame, now_ms: u64) {
        let live = self.paths.live().iter().find(|live| live.id == id);
        let place = |key: &Ed25519Public| {
            let mut hops = live?.hops.iter();
            hops.position(|hop| hop.ed25519 == *key)
        };
        let guard = live.and_then(|path| path.guard());
        match blame {
            Blame::Nobody => {}
            Blame::DestinationGone => self.strikes.strike_out(destination, now_ms),
            Blame::Guard => {
                if let Some(guard) = guard.map(|guard| guard.ed25519) {
                    self.strike_hop(id, &guard, now_ms);
                }
            }
            Blame::Node(key) => match place(&key) {
                Some(_) => self.strike_hop(id, &key, now_ms),
                None if key == *destination => self.strikes.add(&key, now_ms),
                None => self.strike_path(id, now_ms),
            },
            // Another request that was under way has said so before.
            Blame::Gone(key) if self.strikes.is_out(&key, now_ms) => {}
            Blame::Gone(key) => match place(&key) {
                // No node forwards to the guard.
                Some(0) => self.strike_path(id, now_ms),
                Some(_) => {
                    self.strikes.strike_out(&key, now_ms);
                    self.paths.blamed(id, &key);
                    self.strike_path(id, now_ms);
                }
                None if key == *destination => self.strikes.strike_out(&key, now_ms),
                None => self.strike_path(id, now_ms),
            },
            Blame::Path => self.strike_path(id, now_ms),
        }
    }

    fn strike_hop(&mut self, id: PathId, hop: &Ed25519Public, now_ms: u64) {
        self.strikes.add(hop, now_ms);
        self.paths.blamed(id, hop);
    }

    fn strike_path(&mut self, id: PathId, now_ms: u64) {
        let config = self.config.path;
        self.paths.strike(id, &mut self.strikes, now_ms, &config);
    }

    /// Without its guard a path is nothing.
    fn guard_unreachable(&mut self, id: PathId, now_ms: u64) {
        let live = self.paths.live().iter().find(|live| live.id == id);
        if let Some(guard) = live.and_then(|path| path.guard()).copied() {
            self.strikes.add(&guard.ed25519, now_ms);
            self.paths.guard_failed(&guard.ed25519);
        }
    }

    fn attempt_answered(
        &mut self,
        id: RequestId,
        destination: &Ed25519Public,
        sent: &Sent,
        response: Response,
        now_ms: u64,
    ) {
        let Some(pending) = self.requests.get(&id) else {
            return;
        };
        let inner = decisive(&pending.request, &response);
        let decisive = inner.as_ref().unwrap_or(&response);
        let belief = self.belief(&pending.request, &response);
        match decisive.status {
            421 => self.redirected(id, destination, decisive, now_ms),
            406 | 425 => self.clock_refused(id, now_ms),
            _ if belief == Belief::Failed => self.nobody_did(id, destination, response, now_ms),
            502 if matches!(&decisive.body, Body::Text(text) if text.contains(BROKEN)) => {
                self.strikes.strike_out(destination, now_ms);
                self.retry(id, RequestError::NoUsableAnswer, now_ms);
            }
            // The node cannot serve now.
            429 | 500..=599 => {
                self.strikes.add(destination, now_ms);
                self.retry(id, RequestError::NoUsableAnswer, now_ms);
            }
            _ if belief == Belief::Bad => {
                self.strikes.add(destination, now_ms);
                self.retry(id, RequestError::NoUsableAnswer, now_ms);
            }
            _ => {
                if let Some(t) = clock_of(&response) {
                    self.clock.observe(destination, t, sent.sent_ms, now_ms);
                }
                let node = *destination;
                self.finish(id, Ok(Reply { node, response }));
            }
        }
    }

    /// A node says that all members failed, and nobody signed that. When a second node says so too it
    /// is for the maker of the request to see what each of them said. Nobody gets a strike.
    fn nobody_did(
        &mut self,
        id: RequestId,
        destination: &Ed25519Public,
        response: Response,
        now_ms: u64,
    ) {
        let Some(pending) = self.requests.get_mut(&id) else {
            return;
        };
        let is_first = !core::mem::replace(&mut pending.nobody_did, true);
        if is_first && !matches!(pending.target, Target::Node(_)) {
            self.retry(id, RequestError::NoUsableAnswer, now_ms);
        } else {
            let node = *destination;
            self.finish(id, Ok(Reply { node, response }));
        }
    }

    /// A node says that the time of the request is wrong. One node may have a wrong clock itself, or
    /// lie; when a second one says so too it is the request, which only its maker can sign again.
    /// Nobody gets a strike for it (protocol: onion, section 9).
    fn clock_refused(&mut self, id: RequestId, now_ms: u64) {
        self.resync_clock();
        let Some(pending) = self.requests.get_mut(&id) else {
            return;
        };
        let is_first = pending.clock_refusals == 0;
        pending.clock_refusals = pending.clock_refusals.saturating_add(1);
        if is_first && !matches!(pending.target, Target::Node(_)) {
            self.retry(id, RequestError::ClockOutOfSync, now_ms);
        } else {
            self.finish(id, Err(RequestError::ClockOutOfSync));
        }
    }

    /// A node says that the account is in another swarm. What it names is followed only as far as
    /// the pool knows it. It gets no strike (protocol: onion, section 9): it may be the pool that is
    /// out of date. The next attempt goes to another node all the same.
    fn redirected(
        &mut self,
        id: RequestId,
        destination: &Ed25519Public,
        response: &Response,
        now_ms: u64,
    ) {
        let Some(pending) = self.requests.get_mut(&id) else {
            return;
        };
        pending.redirects = pending.redirects.saturating_add(1);
        let is_over = pending.redirects > self.config.redirects;
        let target = pending.target;
        // The pool and the node do not agree on who serves the account: one of them is wrong.
        self.wants_refresh();
        let Target::Swarm(account) = target else {
            self.finish(id, Err(RequestError::WrongSwarm));
            return;
        };
        let info = match &response.body {
            Body::Structure(body) => SwarmInfo::from_value(body).ok(),
            _ => None,
        };
        let nodes = info.map(|info| info.nodes).unwrap_or_default();
        let keys = nodes.iter().map(|node| node.ed25519);
        // Each counts once, however often it is named.
        let known: BTreeSet<Ed25519Public> = keys
            .filter(|key| key != destination && self.pool.get(key).is_some())
            .collect();
        let is_usable = known.len() >= self.config.pool.min_swarm;
        let was_redirected = self.redirects.contains_key(&account);
        if is_over || was_redirected || !is_usable {
            // Another member of the swarm as the pool has it, rather than a chase.
            self.redirects.remove(&account);
            self.retry(id, RequestError::WrongSwarm, now_ms);
            return;
        }
        let known = known.into_iter().collect();
        self.redirects.insert(account, known);
        if let Some(pending) = self.requests.get_mut(&id) {
            pending.last_error = RequestError::WrongSwarm;
            pending.try_at_ms = Some(now_ms);
        }
    }
}

/// The clock of a node, as it is in its answer.
fn clock_of(response: &Response) -> Option<u64> {
    match &response.body {
        Body::Structure(body) => latest_clock(body),
        _ => None,
    }
}

/// The latest clock of an answer, or of the answers inside it.
fn latest_clock(body: &Value) -> Option<u64> {
    let inner = |result: &Value| latest_clock(result.get("body")?);
    let in_batch = || {
        let results = body.get("results")?.as_list()?.iter();
        results.filter_map(inner).max()
    };
    let own = body.get("t").and_then(Value::as_u64);
    own.or_else(in_batch).or_else(|| inner(body.get("result")?))
}
