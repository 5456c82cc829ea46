//! The time of sending of a message.

use session_types::UnixMillis;

use crate::error::SealError;

/// Earliest time of sending that is sealed: 9 September 2001.
///
/// A smaller number is zero or a time in seconds.
pub const SENT_MIN: UnixMillis = UnixMillis::new(1_000_000_000_000);
/// Latest time of sending that is sealed: 20 November 2286.
///
/// A larger number is a time in microseconds or nanoseconds, or the result of an overflow.
pub const SENT_MAX: UnixMillis = UnixMillis::new(9_999_999_999_999);

/// Rejects a time of sending that is not a Unix time in milliseconds.
pub(crate) fn check_sent_time(sent_at: UnixMillis) -> Result<(), SealError> {
    if (SENT_MIN..=SENT_MAX).contains(&sent_at) {
        Ok(())
    } else {
        Err(SealError::SentTime { got: sent_at })
    }
}
