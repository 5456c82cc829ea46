//! Takes what came back, by what it proves.

use core::time::Duration;

use rand_core::CryptoRng;
use session_storage::value::Value;
use session_storage::{Body, Response};

use super::{Errand, LATELY, Network, Sent, Why};
use crate::endpoint::Outcome;
use crate::evidence::{Answered, Hearsay, Proof, Reception};
use crate::exchange::{RequestError, RequestId, Route};
use crate::onion::Onion;
use crate::path::PathId;
use crate::time::Instant;

impl<O: Onion> Network<O> {
    pub(super) fn received(
        &mut self,
        sent: Sent<O::Key>,
        outcome: Outcome<'_>,
        now: Instant,
        rng: &mut (impl CryptoRng + ?Sized),
    ) {
        match sent.errand {
            Errand::Seed => self.seed_answered(outcome, now, rng),
            Errand::Watch { account, node } => self.watch_answered(&account, &node, outcome, now),
            Errand::Guard { path, guard } => self.guard_answered(path, &guard, outcome, now),
            Errand::Ping { path, guard } => self.ping_answered(path, &guard, outcome, now, rng),
            Errand::Onion { why, path, route } => {
                let (Some(key), Some(guard)) = (sent.key, route.path.first()) else {
                    return;
                };
                let guard = guard.ed25519;
                let node = route.node.as_ref().map(|node| node.ed25519);
                if matches!(outcome, Outcome::Answer { .. }) {
                    // Whatever it says, there is a connection.
                    self.reached(&guard, now);
                }
                let reception = Reception::of(&self.onion, key, outcome, path, &guard, node);
                self.paths.finished(path);
                if matches!(reception, Reception::Answered(_) | Reception::Malformed(_)) {
                    let took = sent.is_quick.then(|| now.since(sent.sent));
                    self.path_worked(path, &route, took, now);
                }
                let is_silent = outcome == Outcome::TimedOut;
                if let (Why::Attempt(id), true) = (&why, sent.is_released) {
                    let id = *id;
                    self.sort_late(id, route, reception, sent.sent, now, rng);
                } else {
                    self.sort(why, path, route, reception, sent.sent, is_silent, now, rng);
                }
            }
        }
    }

    /// An answer came through a path: its hops and who answered work.
    fn path_worked(&mut self, id: PathId, route: &Route, took: Option<Duration>, now: Instant) {
        let mut is_first = false;
        if let Some(took) = took {
            self.health.answered(took);
        }
        // Some questions go over other hops than those of their path.
        let path = self.paths.get_mut(id);
        if let Some(path) = path.filter(|path| path.hops == route.path) {
            path.worked = Some(now);
            if let Some(took) = took {
                path.health.answered(took);
            }
            path.failures = 0;
            is_first = !core::mem::replace(&mut path.has_worked, true);
        }
        if is_first {
            self.guards.count(&route.path, true, now);
        }
        for hop in &route.path {
            self.inquiries.heard(&hop.ed25519);
            self.suspicions.worked(&hop.ed25519);
            self.strikes.worked(&hop.ed25519);
        }
        if let Some(node) = &route.node {
            self.inquiries.heard(&node.ed25519);
            self.suspicions.answered(&node.ed25519);
            self.strikes.worked(&node.ed25519);
            self.lately.retain(|key| *key != node.ed25519);
            if self.lately.len() >= LATELY {
                self.lately.pop_front();
            }
            self.lately.push_back(node.ed25519);
        }
    }

    /// What came of an attempt that was given up when its path turned out to be broken. It has been
    /// counted; only an answer changes anything.
    fn sort_late(
        &mut self,
        id: RequestId,
        route: Route,
        reception: Reception,
        sent: Instant,
        now: Instant,
        rng: &mut (impl CryptoRng + ?Sized),
    ) {
        match reception {
            Reception::Answered(answered) => self.attempt_answered(id, route, answered, sent, now),
            Reception::NoGuard(proof) => self.guard_failed(proof, now, rng),
            Reception::Malformed(Some(proof)) => self.strikes.add(&proof, now),
            Reception::Failed(_) | Reception::Malformed(None) => {}
        }
    }

    #[expect(clippy::too_many_arguments, reason = "what is known of one answer")]
    fn sort(
        &mut self,
        why: Why,
        path: PathId,
        route: Route,
        reception: Reception,
        sent: Instant,
        is_silent: bool,
        now: Instant,
        rng: &mut (impl CryptoRng + ?Sized),
    ) {
        match why {
            Why::Attempt(id) => {
                if let Some(pending) = self.requests.get_mut(&id) {
                    pending.open = pending.open.saturating_sub(1);
                }
                match reception {
                    Reception::Answered(answered) => {
                        self.attempt_answered(id, route, answered, sent, now);
                    }
                    Reception::Failed(hearsay) => {
                        self.path_failed(hearsay, &route, is_silent, now, rng);
                        self.attempt_failed(id, now);
                    }
                    Reception::NoGuard(proof) => {
                        self.guard_failed(proof, now, rng);
                        self.retry(id, RequestError::PathsFailed, now);
                    }
                    Reception::Malformed(proof) => {
                        if let Some(proof) = proof {
                            self.strikes.add(&proof, now);
                        }
                        self.retry(id, RequestError::NoUsableAnswer, now);
                    }
                }
            }
            Why::Nodes => {
                let answered = self.answer_of(reception, &route, is_silent, now, rng);
                let key = route.node.map(|node| node.ed25519);
                if let Some(key) = key {
                    self.nodes_answered(&key, answered, now, rng);
                }
            }
            Why::Clock => {
                let answered = self.answer_of(reception, &route, is_silent, now, rng);
                let t = answered.as_ref().and_then(|answered| {
                    let body = answered.reply.body.as_deref()?;
                    clock_of(&response_of(answered.reply.status, body))
                });
                let key = route.node.map(|node| node.ed25519);
                if let Some(key) = key {
                    self.clock_answered(&key, t, sent, now);
                }
            }
            Why::Probe => match reception {
                Reception::Answered(_) | Reception::Malformed(_) => {
                    self.probe_answered(path, true, now, rng);
                }
                Reception::Failed(_) => self.probe_answered(path, false, now, rng),
                Reception::NoGuard(proof) => self.guard_failed(proof, now, rng),
            },
            // An answer has been taken by `path_worked`.
            Why::Hop { guard: suspected } => match (reception, &route.node) {
                (Reception::NoGuard(proof), _) => self.guard_failed(proof, now, rng),
                (Reception::Failed(_), Some(hop)) => {
                    self.hop_is_silent(&hop.ed25519, &suspected, now);
                }
                _ => {}
            },
            Why::Inquiry(number, part) => {
                if let Reception::NoGuard(proof) = reception {
                    self.guard_failed(proof, now, rng);
                } else {
                    let is_answered = !matches!(reception, Reception::Failed(_));
                    self.inquiry_goes_on(number, part, is_answered, now, rng);
                }
            }
            Why::Rotation {
                replaces,
                purpose,
                hops,
            } => {
                let works = matches!(&reception, Reception::Answered(_));
                if let Reception::NoGuard(proof) = reception {
                    self.guards.failed(proof);
                }
                self.rotation_answered(replaces, purpose, hops, works, sent, now, rng);
            }
        }
    }

    /// The answer to a question of the machine itself; a failure counts against the path.
    fn answer_of(
        &mut self,
        reception: Reception,
        route: &Route,
        is_silent: bool,
        now: Instant,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Option<Answered> {
        match reception {
            Reception::Answered(answered) => return Some(answered),
            Reception::Failed(hearsay) => self.path_failed(hearsay, route, is_silent, now, rng),
            Reception::NoGuard(proof) => self.guard_failed(proof, now, rng),
            Reception::Malformed(Some(proof)) => self.strikes.add(&proof, now),
            Reception::Malformed(None) => {}
        }
        None
    }

    /// Something failed on a path, and nobody knows where. With too many failures in a row the path
    /// is rebuilt; before that it is tested.
    fn path_failed(
        &mut self,
        hearsay: Hearsay,
        route: &Route,
        is_silent: bool,
        now: Instant,
        rng: &mut (impl CryptoRng + ?Sized),
    ) {
        let id = hearsay.path();
        let Some(path) = self.paths.get_mut(id) else {
            return;
        };
        path.failures = path.failures.saturating_add(1);
        if path.failures >= self.config.path.failures {
            self.rebuild(id, now);
            return;
        }
        self.examine(
            id,
            route.node.map(|node| node.ed25519),
            !is_silent,
            now,
            rng,
        );
    }

    /// Without its guard a path is nothing.
    pub(super) fn guard_failed(
        &mut self,
        proof: Proof,
        now: Instant,
        rng: &mut (impl CryptoRng + ?Sized),
    ) {
        let guard = *proof.node();
        self.guards.failed(proof);
        let gone = self.paths.remove_guard(&guard);
        for path in &gone {
            self.release(path.id, now);
        }
        for purpose in gone.iter().map(|path| path.purpose) {
            self.fill_paths(purpose, now, rng);
        }
    }
}

/// An answer of a node as it came.
pub(super) fn response_of(status: u16, body: &[u8]) -> Response {
    let structure = match body {
        [b'{', ..] => Value::from_json(body).ok(),
        _ => None,
    };
    let body = match (structure, core::str::from_utf8(body)) {
        (Some(structure), _) => Body::Structure(structure),
        (None, Ok(text)) => Body::Text(text.into()),
        (None, Err(_)) => Body::Binary(body.into()),
    };
    Response { status, body }
}

/// The clock of a node, as it is in its answer.
pub(super) fn clock_of(response: &Response) -> Option<u64> {
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
