//! Asks nodes for the time (protocol: [onion, section 10.7]).
//!
//! [onion, section 10.7]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/onion.md#section-10.7

use rand_core::CryptoRng;
use session_crypto::Ed25519Public;
use session_storage::Info;

use super::{Errand, Network, Why};
use crate::clock::{Clock, MAX_ASKED, Verdict};
use crate::exchange::Purpose;
use crate::onion::Onion;
use crate::time::Instant;

impl<O: Onion> Network<O> {
    /// Lets nodes be asked for their clocks, as a client may at its start. The machine does so by
    /// itself when a node refuses the time of a request, when replies contradict the clock, and when
    /// the wall clock jumps.
    pub const fn resync_clock(&mut self) {
        self.clock.resync.wanted = true;
    }

    /// Returns whether nodes are being asked for their clocks; sign again when they have answered.
    #[must_use]
    pub const fn is_resyncing(&self) -> bool {
        self.clock.resync.wanted
    }

    /// Asks nodes for their clocks until it is settled what time it is.
    pub(super) fn look_after_clock(&mut self, now: Instant, rng: &mut (impl CryptoRng + ?Sized)) {
        if !self.clock.is_due(now) {
            return;
        }
        if self.pool.nodes().is_empty() {
            self.clock.end_round(now, false);
            return;
        }
        self.fill_paths(Purpose::Standard, now, rng);
        let is_waiting = self.wait_for_path(Purpose::Standard, now).is_some();
        if self.paths.live().is_empty() && is_waiting {
            return;
        }
        let may_be_in_path = self.config.path.allow_destination_in_path;
        let nodes = self.pool.nodes().iter();
        let usable = nodes.filter(|node| {
            (may_be_in_path || !self.paths.is_in_use(&node.ed25519))
                && !self.strikes.is_out_at(&node.ed25519, now)
        });
        let most = usable.count();
        loop {
            let needed = match self.clock.judge(most) {
                Verdict::Done => {
                    self.clock.end_round(now, true);
                    return;
                }
                Verdict::Needs(needed) => needed,
            };
            let resync = &self.clock.resync;
            let waited_for = resync.open.saturating_sub(self.slow_clocks());
            let under_way = resync.answers.len().saturating_add(waited_for);
            if under_way >= needed {
                return;
            }
            if resync.asked.len() >= MAX_ASKED || !self.ask_clock(now, rng) {
                break;
            }
        }
        if self.clock.resync.open == 0 {
            self.clock.end_round(now, false);
        }
    }

    /// The number of nodes of this round that are slow to answer: others are asked beside them.
    fn slow_clocks(&self) -> usize {
        let asked = &self.clock.resync.asked;
        let slow = self.sent.values().filter(|sent| sent.is_slow);
        let slow = slow.filter(|sent| match &sent.errand {
            Errand::Onion {
                why: Why::Clock,
                route,
                ..
            } => {
                let node = route.node.as_ref();
                node.is_some_and(|node| asked.contains(&node.ed25519))
            }
            _ => false,
        });
        slow.count()
    }

    fn ask_clock(&mut self, now: Instant, rng: &mut (impl CryptoRng + ?Sized)) -> bool {
        let asked = self.clock.resync.asked.clone();
        let Some(node) = self.some_node(&asked, now, rng) else {
            return false;
        };
        let key = node.ed25519;
        let chosen = self.choose_path(Purpose::Standard, Some(&key), true, &[], rng);
        let Some((path, hops)) = chosen else {
            return false;
        };
        if !self.send_question(Why::Clock, path, hops, node, &Info, "info", now, rng) {
            return false;
        }
        self.clock.resync.asked.push(key);
        self.clock.resync.open = self.clock.resync.open.saturating_add(1);
        true
    }

    /// A node answered with its clock, or did not answer.
    pub(super) fn clock_answered(
        &mut self,
        node: &Ed25519Public,
        t: Option<u64>,
        sent: Instant,
        now: Instant,
    ) {
        let resync = &mut self.clock.resync;
        // An answer to a round that has ended.
        if !resync.asked.contains(node) {
            return;
        }
        resync.open = resync.open.saturating_sub(1);
        if let Some(t) = t {
            resync.answers.push((*node, Clock::ahead(t, sent, now)));
        }
    }
}
