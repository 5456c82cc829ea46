//! The two clocks that a caller reads, and the one that the machine counts in.

use core::time::Duration;

use session_types::{MonotonicTime, UnixMillis};

/// The time of a call, by both clocks of the caller.
///
/// Deadlines, rests and ages count by the monotonic clock: a wall clock that is set back stalls
/// nothing. The wall clock is the first guess of the network's time and dates what is saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The time since an origin that stays the same as long as the [`Network`](crate::Network)
    /// lives.
    pub monotonic: MonotonicTime,
    /// The time since 1970.
    pub wall: UnixMillis,
}

impl Now {
    /// Pairs the two clocks.
    #[must_use]
    pub const fn new(monotonic: MonotonicTime, wall: UnixMillis) -> Self {
        Self { monotonic, wall }
    }

    /// Pairs the span since the start of the program with the wall clock.
    ///
    /// ```
    /// use session_network::Now;
    /// use session_network::types::UnixMillis;
    /// use std::time::{Instant, SystemTime};
    ///
    /// let start = Instant::now(); // once
    /// let wall = UnixMillis::from_duration(SystemTime::UNIX_EPOCH.elapsed()?);
    /// let now = Now::from_elapsed(start.elapsed(), wall);
    /// # assert_eq!(now.wall, wall);
    /// # Ok::<(), std::time::SystemTimeError>(())
    /// ```
    #[must_use]
    pub const fn from_elapsed(since_start: Duration, wall: UnixMillis) -> Self {
        Self::new(MonotonicTime::new(since_start), wall)
    }

    pub(crate) fn instant(self) -> Instant {
        Instant::from(self.monotonic)
    }

    /// The wall clock's lead over the monotonic one, in milliseconds.
    pub(crate) fn skew(self) -> i64 {
        signed(self.wall.get()).saturating_sub(self.instant().0)
    }

    /// When something happened that was saved with a wall-clock time. What is from the future, of
    /// a clock that was set back since, happened now.
    pub(crate) fn instant_of(self, saved: UnixMillis) -> Instant {
        self.instant().before(self.wall.since(saved))
    }

    /// The wall-clock time under which an instant is saved.
    pub(crate) fn wall_of(self, instant: Instant) -> UnixMillis {
        if instant > self.instant() {
            self.wall.saturating_add(instant.since(self.instant()))
        } else {
            self.wall.saturating_sub(self.instant().since(instant))
        }
    }
}

/// Milliseconds of the monotonic clock. Unlike [`MonotonicTime`] it can lie before the origin:
/// what was saved by an earlier process has such times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Instant(i64);

impl Instant {
    pub(crate) const fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis(span)))
    }

    pub(crate) const fn before(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(millis(span)))
    }

    /// The span since an earlier time; zero if that is later.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        let span = self.0.saturating_sub(earlier.0);
        Duration::from_millis(u64::try_from(span).unwrap_or(0))
    }

    pub(crate) const fn as_millis(self) -> i64 {
        self.0
    }

    /// As the caller counts; times before the origin are the origin.
    pub(crate) fn monotonic(self) -> MonotonicTime {
        MonotonicTime::new(self.since(Self(0)))
    }
}

impl From<MonotonicTime> for Instant {
    fn from(time: MonotonicTime) -> Self {
        Self(millis(time.since_origin()))
    }
}

/// The milliseconds of a span, capped.
pub(crate) const fn millis(span: Duration) -> i64 {
    let millis = span.as_millis();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the value is compared with the largest first"
    )]
    if millis > i64::MAX as u128 {
        i64::MAX
    } else {
        millis as i64
    }
}

/// A number of milliseconds since 1970 with a sign, capped.
pub(crate) fn signed(millis: u64) -> i64 {
    i64::try_from(millis).unwrap_or(i64::MAX)
}

/// `base * 2^doublings`, at most `most`.
pub(crate) fn doubled(base: Duration, doublings: u32, most: Duration) -> Duration {
    base.saturating_mul(1 << doublings.min(20)).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn saved_times_come_back_as_ages() {
        let now = Now::new(
            MonotonicTime::new(Duration::from_secs(5)),
            UnixMillis::new(1_800_000_000_000),
        );
        let day = Duration::from_secs(86_400);
        let earlier = now.instant_of(now.wall.saturating_sub(day));
        assert_eq!(now.instant().since(earlier), day);
        assert_eq!(now.wall_of(earlier), now.wall.saturating_sub(day));
        let later = now.instant().after(day);
        assert_eq!(now.wall_of(later), now.wall.saturating_add(day));
        assert_eq!(
            now.instant_of(now.wall.saturating_add(day)),
            now.instant(),
            "from the future"
        );
        assert_eq!(earlier.monotonic(), MonotonicTime::ORIGIN);
        assert_eq!(doubled(day, 3, day * 100), day * 8);
        assert_eq!(doubled(day, 30, day * 100), day * 100);
    }
}
