//! Posts: seals what goes through a path, and remembers why it was sent.

use alloc::vec::Vec;
use core::time::Duration;

use rand_core::CryptoRng;
use session_crypto::Ed25519Public;
use session_onion::client::{Hop, Request as Packet};
use session_storage::{Call, Info, ServiceNodesRequest};
use session_swarm::ServiceNode;

use super::release::is_quick;
use super::{Errand, Network, Sent, Why};
use crate::endpoint::{Endpoint, Post, PostPurpose, Ticket};
use crate::exchange::{Purpose, Request, RequestError, RequestId, Route, Target};
use crate::onion::Onion;
use crate::path::{Health, PathId};
use crate::time::Instant;

/// Half as long again.
fn longer(time: Duration) -> Duration {
    time.checked_div(2)
        .map_or(time, |half| time.saturating_add(half))
}

/// A node as a step of a packet, if its record has its key.
fn hop(node: &ServiceNode) -> Option<Hop> {
    node.x25519.map(|key| Hop::new(node.ed25519, key))
}

impl<O: Onion> Network<O> {
    pub(super) fn post(
        &mut self,
        endpoint: Endpoint,
        body: Vec<u8>,
        purpose: PostPurpose,
        sent: Sent<O::Key>,
    ) {
        let ticket = Ticket(self.number());
        let deadline = sent.deadline.monotonic();
        self.sent.insert(ticket, sent);
        self.posts.push_back(Post {
            ticket,
            endpoint,
            body,
            deadline,
            purpose,
        });
    }

    /// Seals a packet and posts it to the guard; the path counts it until it is reported.
    #[expect(clippy::too_many_arguments, reason = "what is known of one post")]
    fn post_onion(
        &mut self,
        why: Why,
        path: PathId,
        route: Route,
        packet: (Vec<u8>, O::Key),
        purpose: PostPurpose,
        timeout: Duration,
        now: Instant,
    ) {
        let Some(guard) = route.path.first().copied() else {
            return;
        };
        let (patience, is_quick) = match &why {
            Why::Attempt(id) => {
                let pending = self.requests.get(id);
                let is_quick = pending.is_some_and(|pending| is_quick(&pending.request));
                (Some(now.after(self.patience(path, is_quick))), is_quick)
            }
            Why::Clock => (Some(now.after(self.patience(path, true))), true),
            // A list of nodes is long, and other questions are short.
            Why::Nodes => (None, false),
            Why::Probe | Why::Hop { .. } | Why::Inquiry(..) | Why::Rotation { .. } => (None, true),
        };
        self.paths.started(path);
        let (body, key) = packet;
        let sent = Sent {
            errand: Errand::Onion { why, path, route },
            key: Some(key),
            sent: now,
            deadline: now.after(timeout),
            patience,
            is_slow: false,
            is_released: false,
            is_quick,
            again: None,
        };
        self.post_to_guard(&guard, Endpoint::ONION, body, purpose, sent);
    }

    /// How long answers through a path take, as far as it is known; else how long they take at all.
    pub(super) fn health_of(&self, path: PathId) -> Health {
        let health = self.paths.get(path).map(|path| path.health);
        health
            .filter(|health| health.usual().is_some())
            .unwrap_or(self.health)
    }

    /// How long an attempt on a path may stay unanswered before another one is started.
    fn patience(&self, path: PathId, is_quick: bool) -> Duration {
        let (least, most) = (self.config.min_patience, self.config.patience);
        let unknown = if is_quick { least } else { most };
        self.health_of(path).limit(least.min(most), most, unknown)
    }

    /// How long an answer to a test of a path may take.
    fn probe_timeout(&self, path: PathId) -> Duration {
        let config = &self.config.path;
        let (least, most) = (config.min_probe_timeout, config.probe_timeout);
        let least = least.min(most);
        self.health_of(path).limit(least, most, least)
    }

    fn seal_storage(
        &self,
        route: &Route,
        body: &[u8],
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Option<(Vec<u8>, O::Key)> {
        let hops: Option<Vec<Hop>> = route.path.iter().map(hop).collect();
        let node = hop(route.node.as_ref()?)?;
        let request = Packet::storage(&node, body);
        self.onion.seal(rng, &hops?, &request).ok()
    }

    /// Sends an attempt of a request. `None` if the request does not fit into a packet.
    pub(super) fn send_attempt(
        &mut self,
        id: RequestId,
        path: PathId,
        route: Route,
        now: Instant,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<(), RequestError> {
        let pending = self.requests.get(&id).ok_or(RequestError::Unsendable)?;
        let node = route.node.as_ref().map(|node| node.ed25519);
        let asked = node.and_then(|node| pending.request.to_node(&node));
        let (packet, method) = match (&pending.request, &pending.target, asked) {
            (_, _, Some(request)) => (
                self.seal_storage(&route, &request.to_json(), rng),
                request.method().name(),
            ),
            (Request::Server(request), Target::Server(server), None) => {
                let hops: Option<Vec<Hop>> = route.path.iter().map(hop).collect();
                let packet = hops.and_then(|hops| {
                    request.with_v4(|request| {
                        let request = Packet::server(server.inner(), request);
                        self.onion.seal(rng, &hops, &request).ok()
                    })
                });
                (packet, "v4")
            }
            _ => return Err(RequestError::Mismatch),
        };
        let packet = packet.ok_or(RequestError::Unsendable)?;
        let purpose = PostPurpose::Request {
            request: id,
            method,
            route: route.clone(),
        };
        let timeout = self.config.attempt_timeout;
        if let Some(pending) = self.requests.get_mut(&id) {
            pending.open = pending.open.saturating_add(1);
        }
        self.post_onion(Why::Attempt(id), path, route, packet, purpose, timeout, now);
        Ok(())
    }

    /// Sends a question of the machine itself. Returns whether it could be sent.
    #[expect(clippy::too_many_arguments, reason = "what is known of one post")]
    pub(super) fn send_question(
        &mut self,
        why: Why,
        path: PathId,
        hops: Vec<ServiceNode>,
        node: ServiceNode,
        call: &impl Call,
        method: &'static str,
        now: Instant,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> bool {
        let route = Route {
            path: hops,
            node: Some(node),
        };
        let Some(packet) = self.seal_storage(&route, &call.to_json(), rng) else {
            return false;
        };
        let purpose = PostPurpose::Upkeep {
            method,
            route: route.clone(),
        };
        let timeout = match why {
            Why::Probe | Why::Hop { .. } | Why::Inquiry(..) | Why::Rotation { .. } => {
                self.probe_timeout(path)
            }
            Why::Clock => self.probe_timeout(path).saturating_mul(2),
            Why::Attempt(_) | Why::Nodes => self.config.attempt_timeout,
        };
        self.post_onion(why, path, route, packet, purpose, timeout, now);
        true
    }

    /// Asks a node to find out whether a path works: one that answered lately, but not one of
    /// `accused`; or else any, rather one at which nothing failed.
    pub(super) fn send_probe(
        &mut self,
        why: Why,
        path: PathId,
        hops: Vec<ServiceNode>,
        accused: &[Ed25519Public],
        now: Instant,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> bool {
        let mut keys: Vec<Ed25519Public> = hops.iter().map(|hop| hop.ed25519).collect();
        keys.extend_from_slice(accused);
        // One that is being asked already may be silent.
        let is_awaited = |key: &Ed25519Public| {
            let sent = self.sent.values();
            let mut routes = sent.filter_map(|sent| match &sent.errand {
                Errand::Onion { route, .. } => route.node.as_ref(),
                _ => None,
            });
            routes.any(|node| node.ed25519 == *key)
        };
        let may_answer = |key: &Ed25519Public| {
            !keys.contains(key)
                && !self.strikes.is_out_at(key, now)
                && !self.comes_last(key, now)
                && !is_awaited(key)
        };
        let lately = self.lately.iter().rev().find(|key| may_answer(key));
        let lately = lately.and_then(|key| self.pool.get(key)).copied();
        let may =
            |node: &ServiceNode| may_answer(&node.ed25519) && !self.paths.is_in_use(&node.ed25519);
        let node = lately.or_else(|| self.some_nodes(1, now, rng, may).pop());
        let node = node.and_then(|node| self.pool.with_onion_key(&node));
        let Some(node) = node.or_else(|| self.some_node(&keys, now, rng)) else {
            return false;
        };
        self.send_question(why, path, hops, node, &Info, "info", now, rng)
    }

    fn ping(
        &mut self,
        errand: Errand,
        guard: &ServiceNode,
        patience: Option<Duration>,
        timeout: Duration,
        now: Instant,
    ) {
        let sent = Sent {
            errand,
            key: None,
            sent: now,
            deadline: now.after(timeout),
            patience: patience.map(|patience| now.after(patience)),
            is_slow: false,
            is_released: false,
            is_quick: false,
            again: None,
        };
        let purpose = PostPurpose::Guard(*guard);
        self.post_to_guard(guard, Endpoint::PING, Vec::new(), purpose, sent);
    }

    /// Tests a guard before its path is used.
    pub(super) fn test_guard(&mut self, path: PathId, guard: &ServiceNode, now: Instant) {
        let errand = Errand::Guard {
            path,
            guard: guard.ed25519,
        };
        let timeout = self.config.path.guard_test_timeout;
        let patience = self.config.min_patience;
        self.ping(errand, guard, Some(patience), timeout, now);
    }

    /// Tests the guard of a path that is in doubt.
    pub(super) fn ping_guard(&mut self, path: PathId, guard: &ServiceNode, now: Instant) {
        let errand = Errand::Ping {
            path,
            guard: guard.ed25519,
        };
        // It is nearer than what answers through it.
        let config = &self.config.path;
        let (least, most) = (longer(config.min_probe_timeout), config.guard_test_timeout);
        let timeout = self.health_of(path).limit(least.min(most), most, most);
        self.ping(errand, guard, None, timeout, now);
    }

    pub(super) fn ask_seed(&mut self, seed: usize, now: Instant) -> bool {
        let Some(seed) = self.seeds.get(seed) else {
            return false;
        };
        let endpoint = Endpoint::seed(seed);
        let sent = Sent {
            errand: Errand::Seed,
            key: None,
            sent: now,
            deadline: now.after(self.config.attempt_timeout),
            patience: None,
            is_slow: false,
            is_released: false,
            is_quick: false,
            again: None,
        };
        let body = ServiceNodesRequest::default().to_seed_json();
        self.post(endpoint, body, PostPurpose::Seed, sent);
        true
    }

    /// A path to a destination. Where nodes are too few for a path of the purpose, one of another.
    pub(super) fn choose_path(
        &self,
        purpose: Purpose,
        destination: Option<&Ed25519Public>,
        is_new_node: bool,
        tried: &[PathId],
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Option<(PathId, Vec<ServiceNode>)> {
        let config = &self.config.path;
        let purpose = match self.paths.live().first() {
            Some(other) if self.paths.count(purpose) == 0 => other.purpose,
            _ => purpose,
        };
        let path = self
            .paths
            .choose(purpose, destination, is_new_node, tried, config, rng)?;
        Some((path.id, path.hops.clone()))
    }
}
