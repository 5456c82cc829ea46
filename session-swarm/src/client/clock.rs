//! What time it is on the network (protocol: [onion, section 10.7]).
//!
//! Nodes refuse signatures whose time is more than a minute off, so a client whose clock is wrong
//! signs with the network's time. Only clocks from inside encrypted replies count, one a node, and
//! of several the middle: a single node with a wrong clock moves nothing.
//!
//! [onion, section 10.7]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/onion.md#section-10.7

use alloc::vec::Vec;

use session_crypto::Ed25519Public;

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
