//! The rate limit of a node: a bucket of 600 requests a client address, refilled by 300 a second
//! (protocol: storage-rpc, section 1.1).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Requests at once.
const BUCKET: u64 = 600;
/// Requests a second.
const REFILL: u64 = 300;
/// How many addresses are remembered.
const MAX_ADDRESSES: usize = 10_000;
/// A request, in the unit in which a bucket is counted: thousandths, so that a millisecond of
/// refill is a whole number.
const REQUEST: u64 = 1000;

/// The buckets of one node.
#[derive(Debug, Default)]
pub struct RateLimit(Mutex<HashMap<IpAddr, (u64, u64)>>);

impl RateLimit {
    /// Whether one more request of this address passes, at `now` ms.
    pub fn admits(&self, from: IpAddr, now: u64) -> bool {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_ADDRESSES && !buckets.contains_key(&from) {
            // A bucket that has had time to fill up is as good as none.
            buckets.retain(|_, (_, at)| now.saturating_sub(*at) < BUCKET * 1000 / REFILL);
            if buckets.len() >= MAX_ADDRESSES {
                return false;
            }
        }
        let (left, at) = buckets.entry(from).or_insert((BUCKET * REQUEST, now));
        let refill = now.saturating_sub(*at).saturating_mul(REFILL);
        *left = left.saturating_add(refill).min(BUCKET * REQUEST);
        *at = now.max(*at);
        match left.checked_sub(REQUEST) {
            Some(rest) => *left = rest,
            None => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_hundred_at_once_then_three_hundred_a_second() {
        let limit = RateLimit::default();
        let address: IpAddr = "127.0.0.1".parse().unwrap();
        assert_eq!(
            (0..700).filter(|_| limit.admits(address, 1000)).count(),
            600
        );
        // A three-hundredth of a second lets one more pass.
        assert!(!limit.admits(address, 1003));
        assert!(limit.admits(address, 1004));
        assert!(!limit.admits(address, 1004));
        assert_eq!(
            (0..700).filter(|_| limit.admits(address, 2004)).count(),
            300
        );
        assert!(
            limit.admits("127.0.0.2".parse().unwrap(), 1000),
            "others have their own"
        );
    }

    #[test]
    fn no_more_addresses_than_the_limit() {
        let limit = RateLimit::default();
        for index in 0..MAX_ADDRESSES as u32 + 5 {
            limit.admits(IpAddr::from(index.to_be_bytes()), 0);
        }
        assert_eq!(limit.0.lock().unwrap().len(), MAX_ADDRESSES);
        assert!(limit.admits("127.0.0.1".parse().unwrap(), 10_000));
        assert_eq!(limit.0.lock().unwrap().len(), 1);
    }
}
