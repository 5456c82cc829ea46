//! Takes the answers of destinations.

use alloc::collections::BTreeSet;

use session_crypto::Ed25519Public;
use session_storage::{Body, Response, SwarmInfo};
use session_swarm::ServiceNode;
use session_types::AnyId;

use super::belief::{Worth, belief, decisive};
use super::release::may_repeat;
use super::report::{clock_of, response_of};
use super::{Network, Waiting};
use crate::clock::Clock;
use crate::evidence::{Answered, Proof};
use crate::exchange::{
    Reply, Request, RequestError, RequestId, Route, ServerReply, StorageReply, Target,
};
use crate::onion::Onion;
use crate::time::Instant;

/// Text of a storage server whose chain daemon is broken.
const BROKEN: &str = "oxend returned unparsable data";

impl<O: Onion> Network<O> {
    /// An attempt came to nothing on its way.
    pub(super) fn attempt_failed(&mut self, id: RequestId, now: Instant) {
        let Some(pending) = self.requests.get(&id) else {
            return;
        };
        if may_repeat(&pending.request) {
            self.retry(id, RequestError::PathsFailed, now);
        } else {
            // Nobody knows whether the server has seen it.
            self.finish(id, Err(RequestError::PathsFailed));
        }
    }

    pub(super) fn attempt_answered(
        &mut self,
        id: RequestId,
        route: Route,
        answered: Answered,
        sent: Instant,
        now: Instant,
    ) {
        let Some(pending) = self.requests.get(&id) else {
            return;
        };
        let node = route.node;
        let asked = node.and_then(|node| pending.request.to_node(&node.ed25519));
        match (&pending.request, node.zip(asked), answered.proof()) {
            (_, Some((node, request)), Some(proof)) => {
                let request = request.clone();
                let body = answered.reply.body.as_deref();
                let response = response_of(answered.reply.status, body.unwrap_or(&[]));
                let reply = StorageReply {
                    node,
                    route,
                    response,
                    signers: BTreeSet::new(),
                };
                self.node_answered(id, &request, reply, &proof, sent, now);
            }
            (Request::Server(_), None, _) => {
                let reply = answered.reply;
                let reply = ServerReply {
                    route,
                    status: reply.status,
                    headers: reply.headers,
                    body: reply.body,
                };
                let result = if reply.status == 425 {
                    self.resync_clock();
                    Err(RequestError::ClockOutOfSync)
                } else {
                    Ok(Reply::Server(reply))
                };
                self.finish(id, result);
            }
            _ => self.finish(id, Err(RequestError::Mismatch)),
        }
    }

    fn node_answered(
        &mut self,
        id: RequestId,
        request: &session_storage::Request,
        reply: StorageReply,
        proof: &Proof,
        sent: Instant,
        now: Instant,
    ) {
        if let Some(pending) = self.requests.get_mut(&id) {
            pending.answered.insert(reply.node.ed25519);
        }
        let response = &reply.response;
        let inner = decisive(request, response);
        let decisive = inner.as_ref().unwrap_or(response);
        let belief = belief(&self.pool, request, response);
        match decisive.status {
            421 => {
                let response = decisive.clone();
                self.redirected(id, &reply.node, &response, now);
            }
            406 | 425 => self.clock_refused(id, now),
            _ if belief.worth == Worth::Failed => self.nobody_did(id, reply, now),
            502 if matches!(&decisive.body, Body::Text(text) if text.contains(BROKEN)) => {
                self.strikes.add_all(proof, now);
                self.retry(id, RequestError::NoUsableAnswer, now);
            }
            // The node cannot serve now.
            429 | 500..=599 => {
                self.strikes.add(proof, now);
                self.retry(id, RequestError::NoUsableAnswer, now);
            }
            // Nodes that are no members are no witnesses, whoever has signed.
            _ if (belief.worth == Worth::Bad || belief.signers.is_some())
                && self.is_elsewhere(id, &reply.node) =>
            {
                self.not_proven(id, now);
            }
            _ if belief.worth == Worth::Bad => {
                self.strikes.add(proof, now);
                self.retry(id, RequestError::NoUsableAnswer, now);
            }
            _ => {
                if let Some(t) = clock_of(response) {
                    let ahead = Clock::ahead(t, sent, now);
                    self.clock.observe(&reply.node.ed25519, ahead);
                }
                self.believed(id, reply, belief, now);
            }
        }
    }

    /// Whether a node that answered is no member of the swarm that was asked, as the pool has it: a
    /// redirect led there.
    fn is_elsewhere(&self, id: RequestId, node: &ServiceNode) -> bool {
        let pending = self.requests.get(&id);
        pending.is_some_and(|pending| match &pending.target {
            Target::SwarmOf(account) => !self.pool.serves(&node.ed25519, account),
            _ => false,
        })
    }

    /// Nodes that a redirect named say that they did it. They may have; that they are the swarm is
    /// for the next list to say.
    fn not_proven(&mut self, id: RequestId, now: Instant) {
        if let Some(account) = self.account_of(id) {
            self.redirects.remove(&account);
        }
        self.wait_for_pool(id, now);
    }

    fn account_of(&self, id: RequestId) -> Option<AnyId> {
        match self.requests.get(&id).map(|pending| &pending.target) {
            Some(Target::SwarmOf(account)) => Some(*account),
            _ => None,
        }
    }

    /// Lets a request wait for the new list that is being fetched, or else try another member.
    fn wait_for_pool(&mut self, id: RequestId, now: Instant) {
        self.hint(now);
        if self.is_refresh_near(now)
            && let Some(pending) = self.requests.get_mut(&id)
        {
            pending.last_error = RequestError::WrongSwarm;
            pending.try_at = None;
            pending.waiting = Some(Waiting::ForPool);
            return;
        }
        self.retry(id, RequestError::WrongSwarm, now);
    }

    /// A node says that all members failed, and nobody signed that. When a second node says so too it
    /// is for the maker of the request to see what each of them said. Nobody gets a strike.
    fn nobody_did(&mut self, id: RequestId, reply: StorageReply, now: Instant) {
        let Some(pending) = self.requests.get_mut(&id) else {
            return;
        };
        let is_first = !core::mem::replace(&mut pending.nobody_did, true);
        if is_first && !matches!(pending.target, Target::Node(_)) {
            self.retry(id, RequestError::NoUsableAnswer, now);
        } else {
            self.finish(id, Ok(Reply::Storage(reply)));
        }
    }

    /// A node says that the time of the request is wrong. One node may have a wrong clock itself, or
    /// lie; when a second one says so too it is the request, which only its maker can sign again.
    /// Nobody gets a strike for it (protocol: [onion, section 9]).
    ///
    /// [onion, section 9]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/onion.md#section-9
    fn clock_refused(&mut self, id: RequestId, now: Instant) {
        self.resync_clock();
        let Some(pending) = self.requests.get_mut(&id) else {
            return;
        };
        let is_first = pending.clock_refusals == 0;
        pending.clock_refusals = pending.clock_refusals.saturating_add(1);
        if is_first && !matches!(pending.target, Target::Node(_)) {
            self.retry(id, RequestError::ClockOutOfSync, now);
        } else {
            self.finish(id, Err(RequestError::ClockOutOfSync));
        }
    }

    /// A node says that the account is in another swarm. A new list is asked for, which alone can
    /// say so. Meanwhile the nodes that it names are tried, as far as the pool knows them. It gets no
    /// strike (protocol: [onion, section 9]): it may be the pool that is out of date.
    ///
    /// [onion, section 9]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/onion.md#section-9
    fn redirected(&mut self, id: RequestId, node: &ServiceNode, response: &Response, now: Instant) {
        self.hint(now);
        let Some(pending) = self.requests.get_mut(&id) else {
            return;
        };
        pending.redirects = pending.redirects.saturating_add(1);
        let is_over = pending.redirects > self.config.redirects;
        let Target::SwarmOf(account) = pending.target else {
            let others = match &pending.target {
                Target::OneOf(nodes) => nodes.as_slice(),
                _ => &[],
            };
            // Another one of those that may be asked can know better.
            let is_left = others.iter().any(|key| !pending.asked.contains(key));
            pending.last_error = RequestError::WrongSwarm;
            if is_left && !is_over {
                pending.try_at = Some(now);
            } else if pending.open == 0 || others.is_empty() {
                self.finish(id, Err(RequestError::WrongSwarm));
            }
            return;
        };
        let info = match &response.body {
            Body::Structure(body) => SwarmInfo::from_value(body).ok(),
            _ => None,
        };
        let named = info.map(|info| info.nodes).into_iter().flatten();
        let keys = named.map(|node| node.ed25519);
        // Each counts once, however often it is named.
        let known: BTreeSet<Ed25519Public> = keys
            .filter(|key| *key != node.ed25519 && self.pool.get(key).is_some())
            .collect();
        let is_usable = known.len() >= self.config.pool.min_swarm;
        let was_redirected = self.redirects.contains_key(&account);
        if is_over || was_redirected || !is_usable {
            // Another member of the swarm as the pool has it, rather than a chase.
            self.redirects.remove(&account);
            self.retry(id, RequestError::WrongSwarm, now);
            return;
        }
        self.redirects.insert(account, known.into_iter().collect());
        if let Some(pending) = self.requests.get_mut(&id) {
            pending.last_error = RequestError::WrongSwarm;
            pending.try_at = Some(now);
        }
    }
}
