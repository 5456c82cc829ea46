//! What time it is on the network (protocol: onion, section 10.7).
//!
//! Nodes refuse signatures whose time is more than a minute off, so a client whose clock is wrong
//! signs with the network's time. Only clocks from inside encrypted replies count, one a node, and
//! of several the middle: of three, a single node with a wrong clock moves nothing. Before there are
//! three a single one can: the first reply sets the time alone, and two set it to their mean. Whoever
//! cannot wait for more replies asks for three clocks at its start
//! ([`Client::resync_clock`]). A time that is wrong is refused by the other nodes (406), whereupon the
//! client asks three nodes anew.

use alloc::vec::Vec;

use rand_core::Rng;
use session_crypto::Ed25519Public;
use session_storage::{Call, Info};

use super::{Client, Errand};
use crate::path::Purpose;

/// Nodes whose clocks are taken when the client's seems wrong.
const SOURCES: usize = 3;
/// Nodes that are asked for them at most.
const MAX_ASKED: usize = 9;

/// Nodes whose clocks are kept.
const SAMPLES: usize = 7;

/// The difference between the network's clock and the client's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClockOffset {
    samples: Vec<(Ed25519Public, i64)>,
}

impl ClockOffset {
    /// Takes the clock `t` that a node put into its reply. All times in milliseconds since 1970:
    /// `sent` and `received` by the client's own clock.
    pub fn observe(&mut self, node: &Ed25519Public, t: u64, sent: u64, received: u64) {
        // The node looked at its clock about half a round trip before the reply came.
        let trip = received.saturating_sub(sent).div_ceil(2);
        let offset = difference(t, received.saturating_sub(trip));
        self.samples.retain(|(known, _)| known != node);
        if self.samples.len() >= SAMPLES {
            self.samples.remove(0);
        }
        self.samples.push((*node, offset));
    }

    /// The offset in milliseconds: the middle of the samples, or the mean of the two middle ones; 0
    /// if there is none.
    #[must_use]
    pub fn get(&self) -> i64 {
        let mut offsets: Vec<i64> = self.samples.iter().map(|(_, offset)| *offset).collect();
        offsets.sort_unstable();
        let middle = offsets.len() / 2;
        let upper = offsets.get(middle).copied().unwrap_or(0);
        if offsets.len() % 2 == 1 {
            return upper;
        }
        let below = middle.checked_sub(1).and_then(|index| offsets.get(index));
        below.map_or(0, |lower| lower.midpoint(upper))
    }

    /// The network's time, to sign with.
    #[must_use]
    pub fn network_time(&self, now_ms: u64) -> u64 {
        now_ms.saturating_add_signed(self.get())
    }

    /// Forgets all samples.
    pub fn reset(&mut self) {
        self.samples.clear();
    }

    fn len(&self) -> usize {
        self.samples.len()
    }

    pub(super) fn offsets(&mut self) -> impl Iterator<Item = &mut i64> {
        self.samples.iter_mut().map(|(_, offset)| offset)
    }
}

/// The clocks that are being asked for, after a node said that the client's is wrong. The old
/// samples count until there are enough new ones: one wrong clock must not be the only one.
#[derive(Debug, Clone, Default)]
pub(super) struct Resync {
    wanted: bool,
    fresh: ClockOffset,
    asked: Vec<Ed25519Public>,
    /// Nodes that have not answered yet.
    open: usize,
}

impl Resync {
    /// What has been found out so far.
    pub(super) const fn clock(&mut self) -> &mut ClockOffset {
        &mut self.fresh
    }

    /// Whether it waits for a path.
    pub(super) const fn is_stuck(&self) -> bool {
        self.wanted && self.open == 0
    }
}

impl Client {
    /// Lets nodes be asked for their clocks, as a client may at its start. It does so by itself when
    /// a node refuses the time of a request.
    pub const fn resync_clock(&mut self) {
        self.resync.wanted = true;
    }

    /// Whether nodes are being asked for their clocks; sign again when they have answered.
    #[must_use]
    pub const fn is_resyncing(&self) -> bool {
        self.resync.wanted
    }

    /// Asks nodes for their clocks until three have answered.
    pub(super) fn look_after_clock(&mut self, now_ms: u64, rng: &mut (impl Rng + ?Sized)) {
        if !self.resync.wanted {
            return;
        }
        if self.pool.nodes().is_empty() {
            self.resync = Resync::default();
            return;
        }
        self.fill_paths(Purpose::Standard, now_ms, rng);
        let is_waiting = self.wait_for_path(Purpose::Standard, now_ms).is_some();
        if self.paths.live().is_empty() && is_waiting {
            return;
        }
        while self.resync.open.saturating_add(self.resync.fresh.len()) < SOURCES
            && self.resync.asked.len() < MAX_ASKED
            && self.ask_clock(now_ms, rng)
        {}
        if self.resync.open == 0 {
            let done = core::mem::take(&mut self.resync);
            // One alone counts only where there is nobody else.
            let enough = if done.asked.len() < MAX_ASKED { 1 } else { 2 };
            if done.fresh.len() >= enough {
                self.clock = done.fresh;
            }
        }
    }

    fn ask_clock(&mut self, now_ms: u64, rng: &mut (impl Rng + ?Sized)) -> bool {
        let asked = self.resync.asked.clone();
        let Some(destination) = self.some_node(&asked, now_ms, rng) else {
            return false;
        };
        let key = destination.ed25519;
        let Some((path, hops)) = self.choose_path(Purpose::Standard, &key, None, rng) else {
            return false;
        };
        self.resync.asked.push(key);
        self.resync.open = self.resync.open.saturating_add(1);
        let errand = Errand::Clock {
            path,
            destination: key,
        };
        self.send(errand, hops, destination, Info.to_json(), now_ms);
        true
    }

    /// A node answered with its clock, or did not answer.
    pub(super) fn clock_answered(
        &mut self,
        node: &Ed25519Public,
        t: Option<u64>,
        sent_ms: u64,
        now_ms: u64,
    ) {
        self.resync.open = self.resync.open.saturating_sub(1);
        if let Some(t) = t {
            self.resync.fresh.observe(node, t, sent_ms, now_ms);
        }
    }
}

fn difference(left: u64, right: u64) -> i64 {
    let size = i64::try_from(left.abs_diff(right)).unwrap_or(i64::MAX);
    if left < right {
        size.saturating_neg()
    } else {
        size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wrong_clock_among_three_moves_nothing() {
        let mut clock = ClockOffset::default();
        assert_eq!(clock.network_time(1000), 1000);
        for (node, t) in [(1, 5_040), (2, 5_060), (3, 9_000_000)] {
            clock.observe(&Ed25519Public::from_bytes([node; 32]), t, 4_000, 4_100);
        }
        assert_eq!(clock.get(), 1_010);
        // A node counts once, however often it answers.
        for _ in 0..9 {
            clock.observe(&Ed25519Public::from_bytes([3; 32]), 9_000_000, 0, 0);
        }
        assert_eq!(clock.get(), 1_010);
    }

    #[test]
    fn two_samples_give_their_mean() {
        let mut clock = ClockOffset::default();
        clock.observe(&Ed25519Public::from_bytes([1; 32]), 900, 1_000, 1_000);
        clock.observe(&Ed25519Public::from_bytes([2; 32]), 1_300, 1_000, 1_000);
        assert_eq!(clock.get(), 100);
        clock.reset();
        assert_eq!(clock.get(), 0);
    }
}
