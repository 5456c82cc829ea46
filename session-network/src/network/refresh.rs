//! Gets new lists of nodes: from three nodes that are known, of which two have to agree, or from a
//! seed (protocol: [swarm, sections 7.1 and 7.4]).
//!
//! A list on which two of three nodes agree replaces the pool only if two lists of one network can
//! differ like that. Otherwise a seed is asked.
//!
//! [swarm, sections 7.1 and 7.4]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/swarm.md#section-7

use alloc::vec::Vec;
use core::time::Duration;

use rand_core::CryptoRng;
use session_crypto::Ed25519Public;
use session_storage::OxendRequest;
use session_swarm::ServiceNode;
use session_swarm::record::NodeList;

use super::building::retry_delay;
use super::{Network, Waiting, Why};
use crate::endpoint::Outcome;
use crate::evidence::Answered;
use crate::exchange::Purpose;
use crate::onion::Onion;
use crate::pool::intersect;
use crate::random;
use crate::time::{Instant, doubled};

/// Nodes that are asked before the seeds are, as a multiple of those needed.
const TRIES: usize = 3;

/// A refresh that is under way, or when the last one was.
#[derive(Debug, Clone, Default)]
pub(super) struct Refresh {
    source: Source,
    answers: Vec<Vec<ServiceNode>>,
    asked: Vec<Ed25519Public>,
    /// Nodes that have not answered yet.
    open: usize,
    /// Failures in a row.
    failures: u32,
    last: Option<Instant>,
    hints: Hints,
}

/// Hints that the pool is out of date. Anybody who answers can give one, so they are followed less
/// and less often while they go on.
#[derive(Debug, Clone, Copy, Default)]
struct Hints {
    wanted: bool,
    /// Refreshes in a row that hints asked for.
    row: u32,
    last: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Source {
    #[default]
    Idle,
    Nodes,
    Seeds {
        /// The one that is asked.
        seed: usize,
        /// How many were asked, this one included.
        tried: usize,
    },
}

impl Refresh {
    /// When a refresh that failed may be tried again.
    pub(super) fn retry_at(&self) -> Option<Instant> {
        if self.source != Source::Idle || self.failures == 0 {
            return None;
        }
        Some(self.last?.after(retry_delay(self.failures)))
    }
}

impl<O: Onion> Network<O> {
    /// Takes a hint that the pool is out of date.
    pub(super) fn hint(&mut self, now: Instant) {
        let gap = self.hint_gap();
        let hints = &mut self.refresh.hints;
        // After a quiet time of twice the interval the interval is the first one again.
        let is_quiet = hints
            .last
            .is_none_or(|last| now.since(last) >= gap.saturating_mul(2));
        if is_quiet {
            hints.row = 0;
        }
        hints.wanted = true;
        hints.last = Some(now);
    }

    /// The time between refreshes that hints ask for. It doubles while hints go on.
    fn hint_gap(&self) -> Duration {
        let config = &self.config.pool;
        doubled(config.hint_gap, self.refresh.hints.row, config.max_hint_gap)
    }

    /// Starts a refresh if it is time for one.
    pub(super) fn look_after_pool(&mut self, now: Instant, rng: &mut (impl CryptoRng + ?Sized)) {
        if self.refresh.source != Source::Idle || !self.is_refresh_due(now) {
            return;
        }
        if self.can_ask_nodes() {
            self.fill_paths(Purpose::Standard, now, rng);
            let is_waiting = self.wait_for_path(Purpose::Standard, now).is_some();
            if self.paths.live().is_empty() && is_waiting {
                return;
            }
        }
        self.start_refresh(now, rng);
    }

    /// Whether a new list is being fetched or is about to be.
    pub(super) fn is_refresh_near(&self, now: Instant) -> bool {
        self.refresh.source != Source::Idle || self.is_refresh_due(now)
    }

    fn can_ask_nodes(&self) -> bool {
        self.pool.nodes().len() >= self.config.pool.refresh_sources
    }

    fn is_refresh_due(&self, now: Instant) -> bool {
        let may_retry = self.refresh.retry_at().is_none_or(|at| at <= now);
        if self.pool.nodes().is_empty() {
            // As long as nobody waits there is no need to know any node.
            return may_retry && !self.requests.is_empty();
        }
        let config = &self.config.pool;
        let rest = |gap: Duration| {
            let last = self.refresh.last;
            last.is_some_and(|last| now.since(last) < gap)
        };
        if rest(config.min_refresh_gap) || !may_retry {
            return false;
        }
        // A refresh that failed is repeated no more often than hints are followed.
        let is_small = self.pool.nodes().len() < config.min_nodes;
        let gap = if is_small {
            config.min_refresh_gap
        } else {
            config.hint_gap.max(config.min_refresh_gap)
        };
        let is_in_use = |key: &Ed25519Public| self.paths.is_in_use(key);
        let is_old = self
            .pool
            .needs_refresh(&self.strikes, now, config, is_in_use);
        let hinted = self.refresh.hints.wanted && !rest(self.hint_gap().max(gap));
        hinted || (is_old && !rest(gap))
    }

    fn start_refresh(&mut self, now: Instant, rng: &mut (impl CryptoRng + ?Sized)) {
        let mut hints = self.refresh.hints;
        if core::mem::take(&mut hints.wanted) {
            hints.row = hints.row.saturating_add(1);
        }
        self.refresh = Refresh {
            source: Source::Nodes,
            last: Some(now),
            failures: self.refresh.failures,
            hints,
            ..Refresh::default()
        };
        if self.can_ask_nodes() {
            for _ in 0..self.config.pool.refresh_sources {
                self.ask_another_node(now, rng);
            }
        }
        if self.refresh.open == 0 {
            self.ask_seeds(now, rng);
        }
    }

    fn ask_another_node(&mut self, now: Instant, rng: &mut (impl CryptoRng + ?Sized)) {
        let limit = self.config.pool.refresh_sources.saturating_mul(TRIES);
        if self.refresh.asked.len() >= limit {
            return;
        }
        self.fill_paths(Purpose::Standard, now, rng);
        let asked = self.refresh.asked.clone();
        let Some(node) = self.some_node(&asked, now, rng) else {
            return;
        };
        let key = node.ed25519;
        let chosen = self.choose_path(Purpose::Standard, Some(&key), true, &[], rng);
        let Some((path, hops)) = chosen else {
            return;
        };
        let call = OxendRequest::service_nodes();
        let method = "oxend_request";
        if self.send_question(Why::Nodes, path, hops, node, &call, method, now, rng) {
            self.refresh.asked.push(key);
            self.refresh.open = self.refresh.open.saturating_add(1);
        }
    }

    fn ask_seeds(&mut self, now: Instant, rng: &mut (impl CryptoRng + ?Sized)) {
        let seed = random::below(rng, self.seeds.len());
        self.refresh.source = Source::Seeds { seed, tried: 1 };
        if !self.ask_seed(seed, now) {
            self.refresh_failed(now);
        }
    }

    fn refresh_failed(&mut self, now: Instant) {
        self.refresh.source = Source::Idle;
        self.refresh.failures = self.refresh.failures.saturating_add(1);
        self.refresh.last = Some(now);
        self.wake(Waiting::ForPool, now);
    }

    pub(super) fn seed_answered(
        &mut self,
        outcome: Outcome<'_>,
        now: Instant,
        rng: &mut (impl CryptoRng + ?Sized),
    ) {
        let Source::Seeds { seed, tried } = self.refresh.source else {
            return;
        };
        if let Outcome::Answer { status: 200, body } = outcome
            && let Ok(list) = NodeList::from_json(body, &self.config.nodes)
            && list.nodes.len() >= self.config.pool.min_nodes.max(1)
        {
            // A seed vouches for its list, also for one of a network that shrank.
            self.pool.renew(list.nodes, now, rng);
            self.after_new_pool(now);
            return;
        }
        if tried >= self.seeds.len() {
            self.refresh_failed(now);
            return;
        }
        let next = seed.saturating_add(1).checked_rem(self.seeds.len());
        let seed = next.unwrap_or(0);
        self.refresh.source = Source::Seeds {
            seed,
            tried: tried.saturating_add(1),
        };
        if !self.ask_seed(seed, now) {
            self.refresh_failed(now);
        }
    }

    pub(super) fn nodes_answered(
        &mut self,
        node: &Ed25519Public,
        answered: Option<Answered>,
        now: Instant,
        rng: &mut (impl CryptoRng + ?Sized),
    ) {
        if self.refresh.source != Source::Nodes || !self.refresh.asked.contains(node) {
            return;
        }
        self.refresh.open = self.refresh.open.saturating_sub(1);
        if let Some(answered) = answered {
            let body = answered.reply.body.as_deref().unwrap_or(&[]);
            let list = NodeList::from_json(body, &self.config.nodes);
            match (answered.reply.status, list, answered.proof()) {
                (200, Ok(list), _) => self.refresh.answers.push(list.nodes),
                (_, _, Some(proof)) => self.strikes.add(&proof, now),
                _ => {}
            }
        }
        let needed = self.config.pool.refresh_sources;
        if self.refresh.answers.len() >= needed {
            let answers = core::mem::take(&mut self.refresh.answers);
            let agreed = intersect(&answers, self.config.pool.refresh_agreement);
            let config = self.config.pool;
            match self.pool.replace(agreed, now, &config, rng) {
                Ok(()) => self.after_new_pool(now),
                Err(_) => self.ask_seeds(now, rng),
            }
            return;
        }
        let missing = needed.saturating_sub(self.refresh.answers.len());
        if self.refresh.open < missing {
            self.ask_another_node(now, rng);
        }
        if self.refresh.open == 0 {
            self.ask_seeds(now, rng);
        }
    }

    /// The pool is new: forget what was only true of the old one.
    pub(super) fn after_new_pool(&mut self, now: Instant) {
        self.refresh = Refresh {
            last: Some(now),
            hints: Hints {
                wanted: false,
                ..self.refresh.hints
            },
            ..Refresh::default()
        };
        self.redirects.clear();
        self.guards.update(&self.pool, now);
        self.paths.retain_known(&self.pool);
        let (pool, guards) = (&self.pool, &self.guards);
        self.strikes.prune(now, |key| {
            pool.get(key).is_some() || guards.get(key).is_some()
        });
        self.wake(Waiting::ForPool, now);
    }
}
