//! The rate limit of posts, for both sides (protocol: sogs, section 6).

use alloc::collections::VecDeque;
use core::time::Duration;

use session_types::UnixMillis;

/// Number of posts that a user may make in a room within [`SPAN`]. Admins may make more.
pub const POSTS: usize = 5;
/// The span of the rate limit.
pub const SPAN: Duration = Duration::from_secs(16);

/// Counts the own posts in one room as the server does, so that a bot does not run into 429.
///
/// ```
/// use session_community::rate::{POSTS, RateLimit, SPAN};
/// use session_types::UnixMillis;
///
/// let now = UnixMillis::new(1_795_799_770_000);
/// let mut limit = RateLimit::default();
/// for _ in 0..POSTS {
///     assert_eq!(limit.next_at(now), now);
///     limit.posted(now);
/// }
/// assert_eq!(limit.next_at(now), now.saturating_add(SPAN));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RateLimit(VecDeque<UnixMillis>);

impl RateLimit {
    /// Returns the time at which the server accepts the next post: `now`, or later.
    #[must_use]
    pub fn next_at(&self, now: UnixMillis) -> UnixMillis {
        match self.0.front() {
            Some(oldest) if self.0.len() >= POSTS => oldest.saturating_add(SPAN).max(now),
            _ => now,
        }
    }

    /// Counts a post. `at` is the time in the server's reply.
    pub fn posted(&mut self, at: UnixMillis) {
        if self.0.len() >= POSTS {
            self.0.pop_front();
        }
        self.0.push_back(at);
    }
}
