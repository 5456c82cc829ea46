//! The rate limit of a node, for requests that come at the same time.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use session_storage::rate::{self, RateConfig};
use session_types::MonotonicTime;

/// The buckets of one node.
#[derive(Debug)]
pub struct RateLimit(Mutex<rate::RateLimit<IpAddr>>);

impl Default for RateLimit {
    fn default() -> Self {
        Self(Mutex::new(rate::RateLimit::new(RateConfig::CLIENTS)))
    }
}

impl RateLimit {
    /// Returns whether one more request of this address passes.
    pub fn admits(&self, from: IpAddr, now: MonotonicTime) -> bool {
        let mut limit = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        limit.admits(from, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn an_address_has_so_many_requests_at_once() {
        let (limit, now) = (RateLimit::default(), MonotonicTime::ORIGIN);
        let [one, other] = ["127.0.0.1", "127.0.0.2"].map(|text| text.parse().unwrap());
        let admitted = (0..1000).filter(|_| limit.admits(one, now)).count();
        assert_eq!(admitted, 600);
        assert!(limit.admits(other, now), "others are not concerned");
        assert!(!limit.admits(one, now));
        let later = now.saturating_add(Duration::from_millis(10));
        assert!(limit.admits(one, later), "some are added with time");
    }
}
