//! Gets new lists of nodes: from three nodes that are known, of which two have to agree, or from a
//! seed (protocol: swarm, section 7.1).

use alloc::vec::Vec;

use crate::limits::MINUTE_MS;
use rand_core::Rng;
use session_crypto::Ed25519Public;
use session_storage::{Call, OxendRequest};
use session_swarm::record::{NodeList, ServiceNode};

use super::dispatch::retry_delay_ms;
use super::{Client, Errand, Outcome};
use crate::path::Purpose;
use crate::pool::intersect;
use crate::random;

/// Nodes that are asked before the seeds are, as a multiple of those needed.
const TRIES: usize = 3;

/// A refresh that is under way, or when the last one was.
#[derive(Debug, Clone, Default)]
pub(super) struct Refresh {
    /// Something hints that the pool is out of date.
    wanted: bool,
    source: Source,
    answers: Vec<Vec<ServiceNode>>,
    asked: Vec<Ed25519Public>,
    /// Nodes that have not answered yet.
    open: usize,
    /// Failures in a row.
    failures: u32,
    last_ms: Option<u64>,
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
    /// The times that it keeps.
    pub(super) fn times(&mut self) -> impl Iterator<Item = &mut u64> {
        self.last_ms.iter_mut()
    }

    /// When a refresh that failed may be tried again.
    pub(super) fn retry_at(&self) -> Option<u64> {
        if self.source != Source::Idle || self.failures == 0 {
            return None;
        }
        Some(self.last_ms?.saturating_add(retry_delay_ms(self.failures)))
    }
}

impl Client {
    /// Hints that the pool is out of date.
    pub(super) fn wants_refresh(&mut self) {
        self.refresh.wanted = true;
    }

    /// Starts a refresh if it is time for one.
    pub(super) fn look_after_pool(&mut self, now_ms: u64, rng: &mut (impl Rng + ?Sized)) {
        if self.refresh.source != Source::Idle || !self.is_refresh_due(now_ms) {
            return;
        }
        if self.can_ask_nodes() {
            self.fill_paths(Purpose::Standard, now_ms, rng);
            let is_waiting = self.wait_for_path(Purpose::Standard, now_ms).is_some();
            if self.paths.live().is_empty() && is_waiting {
                return;
            }
        }
        self.start_refresh(now_ms, rng);
    }

    fn can_ask_nodes(&self) -> bool {
        self.pool.nodes().len() >= self.config.pool.refresh_sources
    }

    fn is_refresh_due(&self, now_ms: u64) -> bool {
        if self.pool.nodes().is_empty() {
            // As long as nobody waits there is no need to know any node.
            let may_retry = self.refresh.retry_at().is_none_or(|at| at <= now_ms);
            return may_retry && !self.requests.is_empty();
        }
        let config = &self.config.pool;
        // A hint counts once a minute: whoever gives it may be wrong, or lie.
        let gap = if self.pool.nodes().len() < config.min_nodes {
            config.min_refresh_gap_ms
        } else {
            config.min_refresh_gap_ms.max(MINUTE_MS)
        };
        let last = self.refresh.last_ms;
        if last.is_some_and(|last| now_ms.saturating_sub(last) < gap) {
            return false;
        }
        let is_in_use = |key: &Ed25519Public| self.paths.is_in_use(key);
        self.refresh.wanted
            || self
                .pool
                .needs_refresh(&self.strikes, now_ms, config, is_in_use)
    }

    fn start_refresh(&mut self, now_ms: u64, rng: &mut (impl Rng + ?Sized)) {
        self.refresh = Refresh {
            source: Source::Nodes,
            last_ms: Some(now_ms),
            failures: self.refresh.failures,
            ..Refresh::default()
        };
        if self.can_ask_nodes() {
            for _ in 0..self.config.pool.refresh_sources {
                self.ask_another_node(now_ms, rng);
            }
        }
        if self.refresh.open == 0 {
            self.ask_seeds(now_ms, rng);
        }
    }

    fn ask_another_node(&mut self, now_ms: u64, rng: &mut (impl Rng + ?Sized)) {
        let limit = self.config.pool.refresh_sources.saturating_mul(TRIES);
        if self.refresh.asked.len() >= limit {
            return;
        }
        self.fill_paths(Purpose::Standard, now_ms, rng);
        let asked = self.refresh.asked.clone();
        let Some(destination) = self.some_node(&asked, now_ms, rng) else {
            return;
        };
        let key = destination.ed25519;
        let Some((path, hops)) = self.choose_path(Purpose::Standard, &key, None, rng) else {
            return;
        };
        self.refresh.asked.push(key);
        self.refresh.open = self.refresh.open.saturating_add(1);
        let errand = Errand::Nodes {
            path,
            destination: key,
        };
        let body = OxendRequest::service_nodes().to_json();
        self.send(errand, hops, destination, body, now_ms);
    }

    fn ask_seeds(&mut self, now_ms: u64, rng: &mut (impl Rng + ?Sized)) {
        if self.config.seeds == 0 {
            self.refresh_failed(now_ms);
            return;
        }
        let seed = random::below(rng, self.config.seeds);
        self.refresh.source = Source::Seeds { seed, tried: 1 };
        self.ask_seed(seed, now_ms);
    }

    fn refresh_failed(&mut self, now_ms: u64) {
        self.refresh.source = Source::Idle;
        self.refresh.failures = self.refresh.failures.saturating_add(1);
        self.refresh.last_ms = Some(now_ms);
    }

    pub(super) fn seed_answered(
        &mut self,
        outcome: Outcome<'_>,
        now_ms: u64,
        rng: &mut (impl Rng + ?Sized),
    ) {
        let Source::Seeds { seed, tried } = self.refresh.source else {
            return;
        };
        if let Outcome::Answer { status: 200, body } = outcome
            && let Ok(list) = NodeList::from_json(body, &self.config.nodes)
            && list.nodes.len() >= self.config.pool.min_nodes
        {
            // A seed is the last resort and is believed, also about a network that shrank.
            self.pool.renew(list.nodes, now_ms, rng);
            self.after_new_pool(now_ms);
            return;
        }
        if tried >= self.config.seeds {
            self.refresh_failed(now_ms);
            return;
        }
        let next = seed.saturating_add(1).checked_rem(self.config.seeds);
        let seed = next.unwrap_or(0);
        self.refresh.source = Source::Seeds {
            seed,
            tried: tried.saturating_add(1),
        };
        self.ask_seed(seed, now_ms);
    }

    pub(super) fn nodes_answered(
        &mut self,
        node: &Ed25519Public,
        outcome: Outcome<'_>,
        now_ms: u64,
        rng: &mut (impl Rng + ?Sized),
    ) {
        if self.refresh.source != Source::Nodes || !self.refresh.asked.contains(node) {
            return;
        }
        self.refresh.open = self.refresh.open.saturating_sub(1);
        match outcome {
            Outcome::Answer { status: 200, body } => {
                match NodeList::from_json(body, &self.config.nodes) {
                    Ok(list) => self.refresh.answers.push(list.nodes),
                    Err(_) => self.strikes.add(node, now_ms),
                }
            }
            Outcome::Answer { .. } => self.strikes.add(node, now_ms),
            _ => {}
        }
        let needed = self.config.pool.refresh_sources;
        if self.refresh.answers.len() >= needed {
            let answers = core::mem::take(&mut self.refresh.answers);
            let agreed = intersect(&answers, self.config.pool.refresh_agreement);
            let config = &self.config.pool;
            match self.pool.replace(agreed, now_ms, config, rng) {
                Ok(()) => self.after_new_pool(now_ms),
                Err(_) => self.ask_seeds(now_ms, rng),
            }
            return;
        }
        let missing = needed.saturating_sub(self.refresh.answers.len());
        if self.refresh.open < missing {
            self.ask_another_node(now_ms, rng);
        }
        if self.refresh.open == 0 {
            self.ask_seeds(now_ms, rng);
        }
    }

    /// The pool is new: forget what was only true of the old one.
    pub(super) fn after_new_pool(&mut self, now_ms: u64) {
        self.refresh = Refresh {
            last_ms: Some(now_ms),
            ..Refresh::default()
        };
        self.redirects.clear();
        self.paths.retain_known(&self.pool);
        let pool = &self.pool;
        self.strikes.prune(now_ms, |key| pool.get(key).is_some());
    }
}
