//! Attempts on a path that turned out to be broken: they are made again at once, another way.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::time::Duration;

use session_crypto::Ed25519Public;

use super::building::retry_delay;
use super::{Errand, Network, Why};
use crate::exchange::{Request, RequestError, RequestId, Target};
use crate::onion::Onion;
use crate::path::PathId;
use crate::time::Instant;

impl<O: Onion> Network<O> {
    /// Gives up what is under way on a path that is broken, without waiting for its deadlines. An
    /// answer that still comes counts.
    pub(super) fn release(&mut self, path: PathId, now: Instant) {
        self.inquiries.drop_path(path);
        let mut lost = Vec::new();
        for sent in self.sent.values_mut() {
            let Errand::Onion {
                why,
                path: on,
                route,
            } = &sent.errand
            else {
                continue;
            };
            if *on != path || sent.is_released {
                continue;
            }
            match why {
                Why::Attempt(id) => {
                    let pending = self.requests.get(id);
                    // What may not be sent twice is waited for.
                    if pending.is_some_and(|pending| may_repeat(&pending.request)) {
                        sent.is_released = true;
                        lost.push((*id, route.node.map(|node| node.ed25519)));
                    }
                }
                // Another node is asked.
                Why::Nodes | Why::Clock => sent.deadline = sent.deadline.min(now),
                Why::Probe | Why::Hop { .. } | Why::Inquiry(..) | Why::Rotation { .. } => {}
            }
        }
        for (id, node) in lost {
            let Some(pending) = self.requests.get_mut(&id) else {
                continue;
            };
            pending.open = pending.open.saturating_sub(1);
            pending.broken = pending.broken.saturating_add(1);
            pending.last_error = RequestError::PathsFailed;
            pending.in_doubt = true;
            pending.waiting = None;
            let is_first = pending.broken == 1 && pending.attempts == 0;
            let rest = if is_first {
                Duration::ZERO
            } else {
                retry_delay(1)
            };
            pending.try_at = Some(now.after(rest));
            // It was not the node that failed.
            let place = pending.asked.iter().position(|asked| Some(*asked) == node);
            if let Some(place) = place {
                pending.asked.remove(place);
            }
        }
    }

    /// Starts another attempt beside those that are slow, if the request may be sent twice and all
    /// of them are. Second attempts are also slow while their paths have never worked.
    pub(super) fn hedge(&mut self, id: RequestId, now: Instant) {
        let is_second = self
            .requests
            .get(&id)
            .is_some_and(|pending| pending.tried.len() > 1);
        let is_waited_for = self.sent.values().any(|sent| {
            let Errand::Onion {
                why: Why::Attempt(of),
                path,
                ..
            } = &sent.errand
            else {
                return false;
            };
            let is_slow = || {
                let path = self.paths.get(*path);
                sent.is_slow || (is_second && path.is_none_or(|path| path.worked.is_none()))
            };
            *of == id && !sent.is_released && !is_slow()
        });
        if is_waited_for {
            return;
        }
        let attempts = self.config.attempts;
        let Some(request) = self.requests.get_mut(&id) else {
            return;
        };
        let may_start = may_repeat(&request.request)
            && request.attempts < attempts
            && request.open < self.config.beside
            && request.try_at.is_none();
        if may_start {
            request.try_at = Some(now);
        }
    }

    pub(super) fn open_attempts(&self, id: RequestId) -> usize {
        self.requests.get(&id).map_or(0, |pending| pending.open)
    }

    /// Whether it is known of a member of the swarm that is asked that it does not answer.
    pub(super) fn has_silent_member(&self, id: RequestId, now: Instant) -> bool {
        let Some(Target::SwarmOf(account)) = self.requests.get(&id).map(|pending| &pending.target)
        else {
            return false;
        };
        let mut members = self.pool.swarm_of(account);
        members.any(|node| self.failed_lately(&node.ed25519, now))
    }

    /// Whether a request failed at a node lately, or it has rested and not worked since.
    pub(super) fn failed_lately(&self, node: &Ed25519Public, now: Instant) -> bool {
        self.suspicions.is_avoided_at(node, now)
            || self.strikes.has_rested(node)
            || self.guards.is_failing(node)
    }

    /// Whether others are asked before a node: a request failed at it lately, or it may be why something
    /// is slow at the moment.
    pub(super) fn comes_last(&self, node: &Ed25519Public, now: Instant) -> bool {
        self.failed_lately(node, now) || self.paths.may_be_slow(node)
    }

    /// There is a new path, or one works as its test has shown: what is slow can be tried on it, beside
    /// the attempts that are slow.
    pub(super) fn hedge_slow(&mut self, now: Instant) {
        let slow = self.sent.values().filter(|sent| sent.is_slow);
        let slow = slow.filter_map(|sent| match &sent.errand {
            Errand::Onion {
                why: Why::Attempt(id),
                ..
            } => Some(*id),
            _ => None,
        });
        let slow: BTreeSet<RequestId> = slow.collect();
        for id in slow {
            let pending = self.requests.get(&id);
            // A node may be waiting for others: then one other attempt is enough.
            if pending.is_some_and(|pending| pending.open < 2 || is_quick(&pending.request))
                || !self.has_silent_member(id, now)
            {
                self.hedge(id, now);
            }
        }
    }
}

/// Whether a request may be sent twice.
pub(super) fn may_repeat(request: &Request) -> bool {
    match request {
        Request::Storage(_) | Request::Each(_) => true,
        Request::Server(request) => request.is_repeatable(),
    }
}

/// Whether a node answers a request by itself. Otherwise it asks the other members of its swarm, and
/// waits for those that are dead; or it is a server, of whose speed nothing is known.
pub(super) fn is_quick(request: &Request) -> bool {
    !matches!(request, Request::Server(_)) && request.to_nodes().all(is_quick_storage)
}

fn is_quick_storage(request: &session_storage::Request) -> bool {
    use session_storage::Request as Storage;
    match request {
        Storage::Retrieve(_)
        | Storage::GetExpiries(_)
        | Storage::RevokedSubaccounts(_)
        | Storage::GetSwarm(_)
        | Storage::Info(_)
        | Storage::ActiveNodesBin(_) => true,
        Storage::Batch(batch) | Storage::Sequence(batch) => {
            batch.requests().iter().all(is_quick_storage)
        }
        _ => false,
    }
}
