//! How many requests a node takes of one address (protocol: storage-rpc, section 1.1).

use alloc::collections::BTreeMap;

use session_types::limits::{RATE_LIMIT_ADDRESSES, RATE_LIMIT_BUCKET, RATE_LIMIT_REFILL};

/// A request, in the unit in which a bucket is counted: thousandths, so that a millisecond of
/// refill is a whole number.
const REQUEST: u64 = 1_000;

/// Rules of a rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateConfig {
    /// Requests that may come at once.
    pub bucket: u32,
    /// Requests a second after that.
    pub refill: u32,
    /// Addresses that are remembered; those beyond are refused.
    pub addresses: usize,
}

impl RateConfig {
    /// Those for clients.
    pub const CLIENTS: Self = Self {
        bucket: RATE_LIMIT_BUCKET,
        refill: RATE_LIMIT_REFILL,
        addresses: RATE_LIMIT_ADDRESSES,
    };
    /// Those for other nodes.
    pub const NODES: Self = Self {
        refill: 600,
        ..Self::CLIENTS
    };

    fn full(&self) -> u64 {
        u64::from(self.bucket).saturating_mul(REQUEST)
    }

    /// Milliseconds in which an empty bucket fills up.
    fn filled_after(&self) -> u64 {
        let refill = u64::from(self.refill).max(1);
        self.full().div_ceil(refill)
    }
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: u64,
    at_ms: u64,
}

/// One bucket for each address `A`.
#[derive(Debug, Clone)]
pub struct RateLimit<A> {
    config: RateConfig,
    buckets: BTreeMap<A, Bucket>,
}

impl<A: Ord> RateLimit<A> {
    /// Full buckets for everybody.
    #[must_use]
    pub const fn new(config: RateConfig) -> Self {
        Self {
            config,
            buckets: BTreeMap::new(),
        }
    }

    /// The number of addresses that are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.buckets.len()
    }

    /// Whether no address is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    /// Takes a request out of the bucket of an address. False if it is empty, or if there is no room
    /// for another address: the answer is then status 429.
    pub fn admits(&mut self, from: A, now_ms: u64) -> bool {
        let config = self.config;
        if self.buckets.len() >= config.addresses && !self.buckets.contains_key(&from) {
            // A bucket that has had time to fill up is as good as none.
            let age = |bucket: &Bucket| now_ms.saturating_sub(bucket.at_ms);
            self.buckets
                .retain(|_, bucket| age(bucket) < config.filled_after());
            if self.buckets.len() >= config.addresses {
                return false;
            }
        }
        let bucket = self.buckets.entry(from).or_insert(Bucket {
            left: config.full(),
            at_ms: now_ms,
        });
        let elapsed = now_ms.saturating_sub(bucket.at_ms);
        let refill = elapsed.saturating_mul(config.refill.into());
        bucket.left = bucket.left.saturating_add(refill).min(config.full());
        bucket.at_ms = now_ms.max(bucket.at_ms);
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

    /// The behaviour of the protocol: storage-rpc, section 7.5.
    #[test]
    fn six_hundred_at_once_then_three_hundred_a_second() {
        let mut limit = RateLimit::new(RateConfig::CLIENTS);
        let mut admitted = |from: u32, count: usize, now_ms| {
            let admitted = (0..count).filter(|_| limit.admits(from, now_ms));
            admitted.count()
        };
        assert_eq!(admitted(1, 700, 1_000), 600);
        // A three-hundredth of a second lets one more pass.
        assert_eq!(admitted(1, 1, 1_003), 0);
        assert_eq!(admitted(1, 2, 1_004), 1);
        assert_eq!(admitted(1, 700, 2_004), 300);
        assert_eq!(admitted(2, 700, 1_000), 600, "others have their own");
        assert_eq!(admitted(1, 1, 0), 0, "a clock that goes back fills nothing");
    }

    #[test]
    fn nodes_are_given_more() {
        let mut limit = RateLimit::new(RateConfig::NODES);
        let mut admitted = |now_ms| (0..2_000).filter(|_| limit.admits((), now_ms)).count();
        assert_eq!(admitted(0), 600);
        assert_eq!(admitted(500), 300);
        assert_eq!(admitted(60_000), 600, "no more than a bucket");
    }

    #[test]
    fn no_more_addresses_than_the_limit() {
        let mut limit = RateLimit::new(RateConfig::CLIENTS);
        assert!(limit.is_empty());
        for from in 0..10_005u32 {
            assert_eq!(limit.admits(from, 0), from < 10_000);
        }
        assert_eq!(limit.len(), 10_000);
        assert!(!limit.admits(77_777, 1_999));
        assert!(limit.admits(77_777, 2_000));
        assert_eq!(limit.len(), 1);
    }
}
