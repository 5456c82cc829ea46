//! The choice of a transport for each guard (protocol: quic, section 5).
//!
//! QUIC is tried first where the driver has it: one connection carries all requests to a guard. UDP does not pass
//! everywhere, so a handshake without any answer says nothing about the guard: what was to be sent goes over HTTPS at
//! once, and only what comes of that is evidence. A handshake that somebody else answers is our own observation, like
//! a connection that is refused.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use session_crypto::Ed25519Public;
use session_swarm::ServiceNode;

use super::{Errand, Network, Sent};
use crate::endpoint::{Endpoint, Outcome, PostPurpose};
use crate::onion::Onion;
use crate::time::Instant;

/// How long a guard is reached over HTTPS after a handshake without an answer.
const REST: Duration = Duration::from_secs(600);
/// Guards without an answer, none with one, after which UDP is taken to be blocked for all.
const BLOCKED: usize = 2;

/// What is known of QUIC.
#[derive(Debug, Clone, Default)]
pub(super) struct Transports {
    /// Guards that have answered over QUIC, and when.
    works: BTreeMap<Ed25519Public, Instant>,
    /// Guards that have not, and until when they are reached over HTTPS.
    silent: BTreeMap<Ed25519Public, Instant>,
    /// When all are tried again.
    blocked_until: Option<Instant>,
}

impl Transports {
    /// Whether a guard is to be reached over QUIC.
    fn takes_quic(&self, guard: &Ed25519Public, now: Instant) -> bool {
        let is_over = |until: Option<&Instant>| until.is_none_or(|until| *until <= now);
        is_over(self.silent.get(guard)) && is_over(self.blocked_until.as_ref())
    }

    fn answered(&mut self, guard: &Ed25519Public, now: Instant) {
        self.silent.remove(guard);
        self.blocked_until = None;
        self.works.insert(*guard, now);
    }

    fn was_silent(&mut self, guard: &Ed25519Public, now: Instant) {
        self.works.remove(guard);
        let until = now.after(REST);
        self.silent.retain(|_, until| *until > now);
        self.silent.insert(*guard, until);
        self.works.retain(|_, at| now.since(*at) < REST);
        if self.works.is_empty() && self.silent.len() >= BLOCKED {
            self.blocked_until = Some(until);
        }
    }
}

impl<O: Onion> Network<O> {
    /// How to reach a guard now.
    pub(super) fn endpoint_of(
        &self,
        guard: &ServiceNode,
        path: &'static str,
        now: Instant,
    ) -> Endpoint {
        let transport = &self.config.transport;
        let is_quic = transport.quic && guard.omq_port != 0;
        if is_quic && self.transports.takes_quic(&guard.ed25519, now) {
            return Endpoint::quic(guard, path, transport.handshake_timeout);
        }
        Endpoint::of(guard, path)
    }

    /// Takes note of what a post over QUIC says about the transport. Gives the post back unless it goes over HTTPS
    /// now.
    ///
    /// A test without an answer is repeated over HTTPS, too: where UDP has stopped to pass, a connection is silent, and
    /// that is no reason to blame the guard.
    pub(super) fn fall_back(
        &mut self,
        mut sent: Sent<O::Key>,
        outcome: Outcome<'_>,
        now: Instant,
    ) -> Option<Sent<O::Key>> {
        let Some(again) = sent.again.take() else {
            return Some(sent);
        };
        let guard = again.guard.ed25519;
        let is_test = matches!(sent.errand, Errand::Guard { .. } | Errand::Ping { .. });
        match outcome {
            Outcome::Answer { .. } => self.transports.answered(&guard, now),
            Outcome::NoQuic => self.transports.was_silent(&guard, now),
            Outcome::TimedOut if is_test => self.transports.was_silent(&guard, now),
            Outcome::TimedOut | Outcome::Unreachable => {}
        }
        if self.transports.takes_quic(&guard, now) || matches!(outcome, Outcome::Unreachable) {
            return Some(sent);
        }
        if matches!(outcome, Outcome::TimedOut) && !is_test {
            return Some(sent);
        }
        if is_test {
            // The handshake has used up its time.
            sent.deadline = now.after(self.config.path.guard_test_timeout);
        }
        let endpoint = Endpoint::of(&again.guard, again.path);
        self.post(endpoint, again.body, again.purpose, sent);
        None
    }

    /// Posts to a guard, over the transport that it is reached by.
    pub(super) fn post_to_guard(
        &mut self,
        guard: &ServiceNode,
        path: &'static str,
        body: Vec<u8>,
        purpose: PostPurpose,
        mut sent: Sent<O::Key>,
    ) {
        let endpoint = self.endpoint_of(guard, path, sent.sent);
        if matches!(endpoint, Endpoint::Quic { .. }) {
            sent.again = Some(Box::new(Again {
                guard: *guard,
                path,
                body: body.clone(),
                purpose: purpose.clone(),
            }));
        }
        self.post(endpoint, body, purpose, sent);
    }
}

/// What a post over QUIC needs to be sent over HTTPS.
#[derive(Debug)]
pub(super) struct Again {
    guard: ServiceNode,
    path: &'static str,
    body: Vec<u8>,
    purpose: PostPurpose,
}
