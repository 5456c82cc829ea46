//! The rate limit of a node, for requests that come at the same time.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use session_storage::rate::{self, RateConfig};

/// The buckets of one node.
#[derive(Debug)]
pub struct RateLimit(Mutex<rate::RateLimit<IpAddr>>);

impl Default for RateLimit {
    fn default() -> Self {
        Self(Mutex::new(rate::RateLimit::new(RateConfig::CLIENTS)))
    }
}

impl RateLimit {
    /// Whether one more request of this address passes, at `now` ms.
    pub fn admits(&self, from: IpAddr, now: u64) -> bool {
        let mut limit = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        limit.admits(from, now)
    }
}
