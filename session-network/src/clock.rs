//! The time of the network (protocol: [onion, section 10.7]).
//!
//! Nodes refuse signatures whose time is more than a minute off, so a client whose clock is wrong
//! signs with the network's time. Only clocks from inside encrypted replies count, one a node, and
//! only from three nodes on.
//!
//! A client that has known the time still knows it: its monotonic clock tells how much has passed.
//! So three nodes can confirm what is expected, and cannot change it. Only thirteen of which nine
//! agree can do that.
//!
//! [onion, section 10.7]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/onion.md#section-10.7

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

use session_crypto::Ed25519Public;
use session_types::UnixMillis;

use crate::time::{Instant, Now, doubled, signed};

/// Nodes whose clocks confirm what is expected.
pub(crate) const CONFIRM: usize = 3;
/// Nodes whose clocks are needed to change it, as far as there are so many.
pub(crate) const CHANGE: usize = 13;
/// Nodes that are asked for that at most.
pub(crate) const MAX_ASKED: usize = 18;
/// Clocks of replies that are kept.
const SAMPLES: usize = 7;
/// How far a clock may be from another that says the same, in milliseconds.
const TOLERANCE: i64 = 1_000;
/// First rest between two rounds of questions, and the longest.
const REST: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(10 * 60)];

/// The network's clock, as the client knows it.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    /// The network's clock ahead of the monotonic one, in milliseconds.
    steady: i64,
    /// The network's clock ahead of the wall clock, in milliseconds.
    offset: i64,
    /// The wall clock ahead of the monotonic one when it was last looked at.
    skew: Option<i64>,
    /// Whether the wall clock has jumped since, so that either of the two may be right.
    jumped: bool,
    /// Whether nodes have confirmed it.
    confirmed: bool,
    /// Whether nodes have confirmed it in an earlier run, and none has contradicted since.
    kept: bool,
    /// Clocks from replies, the latest last, ahead of the monotonic clock.
    samples: VecDeque<(Ed25519Public, i64)>,
    pub(crate) resync: Resync,
}

/// The clocks that are being asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Resync {
    pub(crate) wanted: bool,
    pub(crate) answers: Vec<(Ed25519Public, i64)>,
    pub(crate) asked: Vec<Ed25519Public>,
    /// Nodes that have not answered yet.
    pub(crate) open: usize,
    /// Rounds without an end that settled anything.
    rounds: u32,
    rests_until: Option<Instant>,
}

/// The result of a round of questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// So many clocks are needed.
    Needs(usize),
    /// It is settled.
    Done,
}

impl Clock {
    /// A clock that an earlier run found to be so far ahead of the wall clock.
    pub(crate) fn restored(offset: i64, now: Now) -> Self {
        let mut clock = Self {
            offset,
            kept: true,
            ..Self::default()
        };
        clock.notice(now);
        clock
    }

    /// Returns the network's clock ahead of the wall clock, in milliseconds.
    #[must_use]
    pub const fn offset(&self) -> i64 {
        self.offset
    }

    /// Returns whether three nodes have confirmed it.
    #[must_use]
    pub const fn is_confirmed(&self) -> bool {
        self.confirmed && !self.jumped
    }

    /// Returns whether three nodes have confirmed it, in this run or in an earlier one that was
    /// restored and that no node has contradicted since.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        (self.confirmed || self.kept) && !self.jumped
    }

    /// Returns the network's time, to sign with.
    ///
    /// After a jump of the wall clock: a jump ahead is more often the end of a sleep, in which the
    /// monotonic clock stood still; a jump back is somebody who set the clock.
    #[must_use]
    pub fn network_time(&self, now: Now) -> UnixMillis {
        let by_wall = signed(now.wall.get()).saturating_add(self.offset);
        let ahead = match self.skew {
            None => by_wall,
            Some(_) => {
                let steady = now.instant().as_millis().saturating_add(self.steady);
                let skew = now.skew();
                let is_jump = self.jumped
                    || self
                        .skew
                        .is_some_and(|known| known.saturating_sub(skew).abs() > TOLERANCE);
                if is_jump { steady.max(by_wall) } else { steady }
            }
        };
        UnixMillis::new(u64::try_from(ahead).unwrap_or(0))
    }

    /// Looks at both clocks.
    pub(crate) fn notice(&mut self, now: Now) {
        let skew = now.skew();
        match self.skew {
            None => self.steady = skew.saturating_add(self.offset),
            Some(known) if known.saturating_sub(skew).abs() > TOLERANCE => {
                self.jumped = true;
                self.resync.wanted = true;
                self.samples.clear();
            }
            // The wall clock is being slewed, or the monotonic one is coarse.
            Some(_) => return,
        }
        self.skew = Some(skew);
    }

    /// How far a node's clock is ahead of the monotonic one. The node looked at it about half a
    /// round trip before the reply came.
    pub(crate) fn ahead(t: u64, sent: Instant, received: Instant) -> i64 {
        let trip = received.since(sent).as_millis().div_ceil(2);
        let trip = i64::try_from(trip).unwrap_or(i64::MAX);
        let looked = received.as_millis().saturating_sub(trip);
        signed(t).saturating_sub(looked)
    }

    /// Takes the clock of a reply. When three replies contradict what is expected, nodes are asked. One
    /// is enough for what only an earlier run has known to be known no more.
    pub(crate) fn observe(&mut self, node: &Ed25519Public, ahead: i64) {
        let differs = self.steady.saturating_sub(ahead).abs() > TOLERANCE;
        self.kept &= !differs;
        self.samples.retain(|(known, _)| known != node);
        if self.samples.len() >= SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back((*node, ahead));
        let samples = self.samples.iter().map(|(_, ahead)| *ahead);
        if self.samples.len() >= CONFIRM
            && let Some(middle) = median(samples)
            && !self.confirm(middle)
        {
            self.resync.wanted = true;
        }
    }

    /// Takes what several clocks say if it is what one of ours says.
    fn confirm(&mut self, ahead: i64) -> bool {
        let by_wall = self.skew.map(|skew| skew.saturating_add(self.offset));
        let candidates = [Some(self.steady), by_wall.filter(|_| self.jumped)];
        let fits = |candidate: &i64| candidate.saturating_sub(ahead).abs() <= TOLERANCE;
        let Some(candidate) = candidates.into_iter().flatten().find(fits) else {
            return false;
        };
        self.set(candidate);
        true
    }

    fn set(&mut self, steady: i64) {
        self.steady = steady;
        if let Some(skew) = self.skew {
            self.offset = steady.saturating_sub(skew);
        }
        self.jumped = false;
        self.confirmed = true;
    }

    /// Whether nodes are to be asked now.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.resync.wanted && self.resync.rests_until.is_none_or(|until| until <= now)
    }

    /// When nodes may be asked again, if they are to be.
    pub(crate) fn rests_until(&self) -> Option<Instant> {
        self.resync.rests_until.filter(|_| self.resync.wanted)
    }

    /// Judges the answers of a round so far. `most` is the number of nodes that could be asked.
    pub(crate) fn judge(&mut self, most: usize) -> Verdict {
        let answers = self.resync.answers.iter();
        let answers: Vec<i64> = answers.map(|(_, ahead)| *ahead).collect();
        let middle = median(answers.iter().copied());
        let Some(middle) = middle.filter(|_| answers.len() >= CONFIRM) else {
            return Verdict::Needs(CONFIRM);
        };
        let enough = CHANGE.min(most.max(CONFIRM));
        // The first three alone, so that more answers are no more chances to confirm.
        if answers.len() == CONFIRM && self.confirm(middle) {
            return Verdict::Done;
        }
        if answers.len() < enough {
            return Verdict::Needs(enough);
        }
        let agree = answers
            .iter()
            .filter(|ahead| ahead.saturating_sub(middle).abs() <= TOLERANCE);
        if agree.count() >= enough.saturating_mul(2).div_ceil(3) && !self.confirm(middle) {
            self.set(middle);
            self.samples.clear();
        }
        Verdict::Done
    }

    /// Ends a round. One that settled nothing is repeated later and later.
    pub(crate) fn end_round(&mut self, now: Instant, is_settled: bool) {
        let [first, most] = REST;
        let rounds = if is_settled { 0 } else { self.resync.rounds };
        self.resync = Resync {
            rounds: rounds.saturating_add(1),
            rests_until: Some(now.after(doubled(first, rounds, most))),
            ..Resync::default()
        };
    }
}

/// The middle of some numbers, or the mean of the two middle ones.
fn median(numbers: impl Iterator<Item = i64>) -> Option<i64> {
    let mut sorted: Vec<i64> = numbers.collect();
    sorted.sort_unstable();
    let upper = *sorted.get(sorted.len() / 2)?;
    if !sorted.len().is_multiple_of(2) {
        return Some(upper);
    }
    let lower = *sorted.get((sorted.len() / 2).checked_sub(1)?)?;
    Some(lower.midpoint(upper))
}

#[cfg(test)]
mod tests {
    use super::*;
    use session_types::MonotonicTime;

    const START: u64 = 1_800_000_000_000;

    fn now(monotonic: u64, wall: u64) -> Now {
        Now::new(
            MonotonicTime::new(Duration::from_millis(monotonic)),
            UnixMillis::new(wall),
        )
    }

    fn key(number: u8) -> Ed25519Public {
        Ed25519Public::from_bytes([number; 32])
    }

    /// Answers of nodes whose clocks are so far ahead of the right one.
    fn answer(clock: &mut Clock, ahead: &[i64], most: usize) -> Verdict {
        let right = signed(START);
        let mut verdict = Verdict::Needs(0);
        clock.resync.answers.clear();
        for (number, ahead) in (0..).zip(ahead) {
            let answer = (key(number), right.saturating_add(*ahead));
            clock.resync.answers.push(answer);
            verdict = clock.judge(most);
        }
        verdict
    }

    fn fresh() -> Clock {
        Clock::restored(0, now(0, START))
    }

    #[test]
    fn three_nodes_confirm_and_cannot_change() {
        let mut clock = fresh();
        assert_eq!(answer(&mut clock, &[40, -30], 99), Verdict::Needs(3));
        assert!(!clock.is_confirmed());
        assert_eq!(answer(&mut clock, &[40, -30, 900_000], 99), Verdict::Done);
        assert!(clock.is_confirmed());
        assert_eq!(clock.offset(), 0);
        let lie = [900_000; 3];
        assert_eq!(answer(&mut clock, &lie, 99), Verdict::Needs(CHANGE));
        assert_eq!(
            clock.network_time(now(5, START + 5)),
            UnixMillis::new(START + 5)
        );
    }

    #[test]
    fn nine_of_thirteen_change_it_and_eight_do_not() {
        for (liars, is_changed) in [(8, false), (9, true)] {
            let mut clock = fresh();
            let mut answers = alloc::vec![900_000; liars];
            answers.resize(CHANGE, 0);
            answers.sort_by_key(|ahead| -ahead);
            assert_eq!(answer(&mut clock, &answers, 99), Verdict::Done);
            assert_eq!(clock.offset() == 900_000, is_changed, "{liars}");
        }
    }

    #[test]
    fn a_wall_clock_that_is_set_back_changes_nothing() {
        let mut clock = fresh();
        answer(&mut clock, &[0; 3], 99);
        clock.notice(now(1_000, START - 86_400_000));
        let time = clock.network_time(now(2_000, START - 86_399_000));
        assert_eq!(time, UnixMillis::new(START + 2_000));
        assert!(clock.resync.wanted && !clock.is_confirmed());
        assert!(!clock.is_known(), "either of the two may be right");
        // Three nodes confirm it, and then it is the wall clock that is off.
        answer(&mut clock, &[0; 3], 99);
        assert!(clock.is_confirmed() && clock.is_known());
        assert_eq!(clock.offset(), 86_401_000);
    }

    #[test]
    fn after_a_sleep_the_wall_clock_is_right() {
        let mut clock = fresh();
        answer(&mut clock, &[0; 3], 99);
        // A day of sleep, in which the monotonic clock stood still.
        let day = 86_400_000;
        clock.notice(now(1_000, START + day + 1_000));
        let time = clock.network_time(now(1_000, START + day + 1_000));
        assert_eq!(time, UnixMillis::new(START + day + 1_000));
        let ahead = i64::try_from(day).unwrap();
        assert_eq!(answer(&mut clock, &[ahead; 3], 99), Verdict::Done);
        assert_eq!(clock.offset(), 0);
        assert!(clock.is_confirmed());
    }

    #[test]
    fn replies_that_contradict_make_nodes_be_asked() {
        let mut clock = fresh();
        for (number, ahead) in [(1, 0), (2, 7_000), (2, 7_100)] {
            clock.observe(&key(number), signed(START).saturating_add(ahead));
        }
        assert!(!clock.resync.wanted, "two nodes are not enough");
        clock.observe(&key(3), signed(START).saturating_add(7_000));
        assert!(clock.resync.wanted);
        assert_eq!(clock.offset(), 0);
    }
}
