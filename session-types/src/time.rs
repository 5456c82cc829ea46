//! Points in time. Spans are [`core::time::Duration`].

use core::fmt;
use core::num::ParseIntError;
use core::str::FromStr;
use core::time::Duration;

/// Returns the milliseconds of a span, capped at `u64::MAX`.
const fn millis(span: Duration) -> u64 {
    let millis = span.as_millis();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the value is compared with the largest first"
    )]
    if millis > u64::MAX as u128 {
        u64::MAX
    } else {
        millis as u64
    }
}

/// A point of wall-clock time: milliseconds since 1970-01-01 00:00 UTC.
///
/// The clock may be wrong or be set back: deadlines belong to [`MonotonicTime`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixMillis(u64);

impl UnixMillis {
    /// The beginning of 1970.
    pub const EPOCH: Self = Self(0);
    /// The last point in time.
    pub const MAX: Self = Self(u64::MAX);

    /// Wraps a number of milliseconds since 1970.
    #[must_use]
    pub const fn new(millis: u64) -> Self {
        Self(millis)
    }

    /// Returns the number of milliseconds since 1970.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Converts from the span since 1970, as `SystemTime::UNIX_EPOCH.elapsed()` returns it; rounded
    /// down to milliseconds and capped at [`MAX`](Self::MAX).
    #[must_use]
    pub const fn from_duration(since_epoch: Duration) -> Self {
        Self(millis(since_epoch))
    }

    /// Converts from seconds since 1970, capped at [`MAX`](Self::MAX).
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Returns the seconds since 1970, rounded down.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }

    /// Converts from fractional seconds since 1970, as servers write times in JSON, to the nearest
    /// millisecond. Returns `None` for negative numbers, infinities, NaN and times after the year
    /// 9999.
    #[must_use]
    pub fn from_secs_f64(seconds: f64) -> Option<Self> {
        if !(0.0..253_402_300_800.0).contains(&seconds) {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the range was checked"
        )]
        let millis = (seconds * 1000.0 + 0.5) as u64;
        Some(Self(millis))
    }

    /// Returns fractional seconds since 1970. Exact to the millisecond until the year 287396.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        Duration::from_millis(self.0).as_secs_f64()
    }

    /// Returns the later time, or `None` if it is out of range.
    #[must_use]
    pub const fn checked_add(self, span: Duration) -> Option<Self> {
        match self.0.checked_add(millis(span)) {
            Some(time) => Some(Self(time)),
            None => None,
        }
    }

    /// Returns the later time, capped at [`MAX`](Self::MAX).
    #[must_use]
    pub const fn saturating_add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis(span)))
    }

    /// Returns the earlier time, but not before 1970.
    #[must_use]
    pub const fn saturating_sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(millis(span)))
    }

    /// Returns the span since `earlier`, or zero if that is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// Returns the span between two times, whichever is later.
    #[must_use]
    pub const fn abs_diff(self, other: Self) -> Duration {
        Duration::from_millis(self.0.abs_diff(other.0))
    }
}

impl From<u64> for UnixMillis {
    fn from(millis: u64) -> Self {
        Self(millis)
    }
}

impl From<UnixMillis> for u64 {
    fn from(time: UnixMillis) -> Self {
        time.0
    }
}

/// Writes the milliseconds in decimal, as signatures cover them.
impl fmt::Display for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnixMillis({})", self.0)
    }
}

/// Parses milliseconds in decimal.
impl FromStr for UnixMillis {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        text.parse().map(Self)
    }
}

/// A point of monotonic time: the span since an origin that the caller chooses, such as the start
/// of the process.
///
/// It never runs backwards, whatever happens to the wall clock. Two values are comparable only if
/// they have the same origin, so it must not be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MonotonicTime(Duration);

impl MonotonicTime {
    /// The origin.
    pub const ORIGIN: Self = Self(Duration::ZERO);
    /// The last point in time.
    pub const MAX: Self = Self(Duration::MAX);

    /// Wraps the span since the origin.
    #[must_use]
    pub const fn new(since_origin: Duration) -> Self {
        Self(since_origin)
    }

    /// Returns the span since the origin.
    #[must_use]
    pub const fn since_origin(self) -> Duration {
        self.0
    }

    /// Returns the later time, capped at [`MAX`](Self::MAX).
    #[must_use]
    pub const fn saturating_add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span))
    }

    /// Returns the earlier time, but not before the origin.
    #[must_use]
    pub const fn saturating_sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(span))
    }

    /// Returns the span since `earlier`, or zero if that is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

#[cfg(feature = "serde")]
crate::serde::as_number!(
    UnixMillis,
    u64,
    |time: &UnixMillis| time.get(),
    UnixMillis::new
);

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn arithmetic_saturates() {
        let time = UnixMillis::new(1_754_971_101_000);
        let day = Duration::from_secs(86_400);
        assert_eq!(time.saturating_add(day).since(time), day);
        assert_eq!(time.since(time.saturating_add(day)), Duration::ZERO);
        assert_eq!(time.abs_diff(time.saturating_add(day)), day);
        assert_eq!(time.saturating_add(Duration::MAX), UnixMillis::MAX);
        assert_eq!(time.saturating_sub(Duration::MAX), UnixMillis::EPOCH);
        assert_eq!(UnixMillis::MAX.checked_add(Duration::from_millis(1)), None);
        assert_eq!(UnixMillis::from_secs(u64::MAX), UnixMillis::MAX);
        assert_eq!(UnixMillis::from_secs(time.as_secs()), time);
        assert_eq!(time.to_string().parse(), Ok(time));
        let span = Duration::from_micros(1_754_971_101_000_999);
        assert_eq!(UnixMillis::from_duration(span), time);
        assert_eq!(UnixMillis::from_duration(Duration::MAX), UnixMillis::MAX);

        assert_eq!(UnixMillis::from_secs_f64(1_754_971_101.0), Some(time));
        assert_eq!(UnixMillis::from_secs_f64(time.as_secs_f64()), Some(time));
        let odd = UnixMillis::new(1_795_799_824_631);
        assert_eq!(UnixMillis::from_secs_f64(1_795_799_824.630_944), Some(odd));
        for bad in [-1.0, f64::NAN, f64::INFINITY, 1e12] {
            assert_eq!(UnixMillis::from_secs_f64(bad), None);
        }

        let start = MonotonicTime::new(day);
        assert_eq!(start.saturating_add(day).since(start), day);
        assert_eq!(start.since(start.saturating_add(day)), Duration::ZERO);
        assert_eq!(start.saturating_sub(day).since_origin(), Duration::ZERO);
    }
}
