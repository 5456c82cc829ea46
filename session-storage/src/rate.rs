//! Rate limit of a node for each address (protocol: storage-rpc, section 1.1).

use alloc::collections::BTreeMap;
use core::time::Duration;

use session_types::MonotonicTime;
use session_types::limits::{RATE_LIMIT_ADDRESSES, RATE_LIMIT_BUCKET, RATE_LIMIT_REFILL};

/// One request, in the unit in which a bucket is counted: billionths, so that a nanosecond of
/// refill is a whole number.
const REQUEST: u64 = 1_000_000_000;

/// Rules of a rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateConfig {
    /// Maximum number of requests at once.
    pub bucket: u32,
    /// Requests per second after that.
    pub refill: u32,
    /// Maximum number of addresses that are remembered; further ones are rejected.
    pub addresses: usize,
}

impl RateConfig {
    /// The limit for clients.
    pub const CLIENTS: Self = Self {
        bucket: RATE_LIMIT_BUCKET,
        refill: RATE_LIMIT_REFILL,
        addresses: RATE_LIMIT_ADDRESSES,
    };
    /// The limit for other nodes.
    pub const NODES: Self = Self {
        refill: 600,
        ..Self::CLIENTS
    };

    fn full(&self) -> u64 {
        u64::from(self.bucket).saturating_mul(REQUEST)
    }

    /// Time in which an empty bucket fills up.
    fn filled_after(&self) -> Duration {
        let refill = u64::from(self.refill).max(1);
        Duration::from_nanos(self.full().div_ceil(refill))
    }
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: u64,
    at: MonotonicTime,
}

/// One bucket for each address `A`.
#[derive(Debug, Clone)]
pub struct RateLimit<A> {
    config: RateConfig,
    buckets: BTreeMap<A, Bucket>,
}

impl<A: Ord> RateLimit<A> {
    /// Creates a limit whose buckets are full.
    #[must_use]
    pub const fn new(config: RateConfig) -> Self {
        Self {
            config,
            buckets: BTreeMap::new(),
        }
    }

    /// Returns the number of addresses that are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.buckets.len()
    }

    /// Returns whether no address is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    /// Takes a request out of the bucket of an address. Returns false if the bucket is empty, or if
    /// there is no room for another address: the node then answers with status 429.
    pub fn admits(&mut self, from: A, now: MonotonicTime) -> bool {
        let config = self.config;
        if self.buckets.len() >= config.addresses && !self.buckets.contains_key(&from) {
            // A bucket that has had time to fill up is as good as none.
            let filled_after = config.filled_after();
            self.buckets
                .retain(|_, bucket| now.since(bucket.at) < filled_after);
            if self.buckets.len() >= config.addresses {
                return false;
            }
        }
        let bucket = self.buckets.entry(from).or_insert(Bucket {
            left: config.full(),
            at: now,
        });
        let elapsed = u64::try_from(now.since(bucket.at).as_nanos()).unwrap_or(u64::MAX);
        let refill = elapsed.saturating_mul(config.refill.into());
        bucket.left = bucket.left.saturating_add(refill).min(config.full());
        bucket.at = now.max(bucket.at);
        match bucket.left.checked_sub(REQUEST) {
            Some(rest) => bucket.left = rest,
            None => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> MonotonicTime {
        MonotonicTime::new(Duration::from_millis(millis))
    }

    /// The behaviour of the protocol: storage-rpc, section 7.5.
    #[test]
    fn six_hundred_at_once_then_three_hundred_a_second() {
        let mut limit = RateLimit::new(RateConfig::CLIENTS);
        let mut admitted = |from: u32, count: usize, now_ms| {
            let admitted = (0..count).filter(|_| limit.admits(from, at(now_ms)));
            admitted.count()
        };
        assert_eq!(admitted(1, 700, 1_000), 600);
        // A three-hundredth of a second lets one more pass.
        assert_eq!(admitted(1, 1, 1_003), 0);
        assert_eq!(admitted(1, 2, 1_004), 1);
        assert_eq!(admitted(1, 700, 2_004), 300);
        assert_eq!(admitted(2, 700, 1_000), 600, "others have their own");
        assert_eq!(
            admitted(1, 1, 0),
            0,
            "a time before the last one refills nothing"
        );
    }

    #[test]
    fn nodes_are_given_more() {
        let mut limit = RateLimit::new(RateConfig::NODES);
        let mut admitted = |now_ms| (0..2_000).filter(|_| limit.admits((), at(now_ms))).count();
        assert_eq!(admitted(0), 600);
        assert_eq!(admitted(500), 300);
        assert_eq!(admitted(60_000), 600, "no more than a bucket");
    }

    #[test]
    fn no_more_addresses_than_the_limit() {
        let mut limit = RateLimit::new(RateConfig::CLIENTS);
        assert!(limit.is_empty());
        for from in 0..10_005u32 {
            assert_eq!(limit.admits(from, at(0)), from < 10_000);
        }
        assert_eq!(limit.len(), 10_000);
        assert!(!limit.admits(77_777, at(1_999)));
        assert!(limit.admits(77_777, at(2_000)));
        assert_eq!(limit.len(), 1);
    }

    /// Fractions of a millisecond add up.
    #[test]
    fn frequent_requests_do_not_stop_the_refill() {
        let mut limit = RateLimit::new(RateConfig::CLIENTS);
        let time = |step: u64| MonotonicTime::new(Duration::from_micros(step * 100));
        let admitted = (0..20_000u64).filter(|step| limit.admits((), time(*step)));
        // Two seconds, 600 at once and 300 a second.
        assert_eq!(admitted.count(), 1_199);
    }
}
