//! Failed deliveries to peers, to be tried again (protocol: storage-rpc, section 1.5).
//!
//! A member of a swarm that is down for a moment misses the messages that are stored meanwhile. The
//! queue keeps them for some time, per peer in order of arrival, within bounds. A delivery that
//! does not fit is rejected and one that gets too old is returned, so that nothing vanishes without
//! notice.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;

use session_crypto::Ed25519Public;
use session_types::MonotonicTime;

/// Rules of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryConfig {
    /// Maximum number of bytes that wait for all peers together.
    pub max_bytes: usize,
    /// Maximum number of deliveries that wait for one peer.
    pub max_per_peer: usize,
    /// Wait before the first repetition; it doubles with every failure in a row.
    pub first_delay: Duration,
    /// Maximum wait.
    pub max_delay: Duration,
    /// Time after which a delivery is given up.
    pub lifetime: Duration,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self {
            max_bytes: 64 * 1024 * 1024,
            max_per_peer: 1_000,
            first_delay: Duration::from_secs(5),
            max_delay: Duration::from_secs(10 * 60),
            lifetime: Duration::from_secs(24 * 60 * 60),
        }
    }
}

/// The number of a delivery; unique within a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId(u64);

/// A delivery whose time has come.
#[derive(Debug, PartialEq, Eq)]
pub struct Due<'a, T> {
    /// The number to report the outcome with.
    pub id: DeliveryId,
    /// The recipient.
    pub peer: Ed25519Public,
    /// The content.
    pub item: &'a T,
}

/// The queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueueError {
    /// Too many deliveries wait for this peer.
    #[error("{0} deliveries wait for this peer already")]
    Peer(usize),
    /// Too many bytes wait for all peers together.
    #[error("{waiting} bytes wait already, {size} more are too many")]
    Bytes {
        /// Number of bytes that wait.
        waiting: usize,
        /// Number of bytes to add.
        size: usize,
    },
}

#[derive(Debug, Clone)]
struct Delivery<T> {
    id: DeliveryId,
    item: T,
    size: usize,
    deadline: MonotonicTime,
}

#[derive(Debug, Clone)]
struct Peer<T> {
    waiting: VecDeque<Delivery<T>>,
    failures: u32,
    /// When to try the first one again; `None` while it is under way.
    try_at: Option<MonotonicTime>,
}

/// Failed deliveries by peer. `T` is the content: a body, or a request and its method.
///
/// One delivery per peer is under way at a time: a peer that is down costs one attempt, not one for
/// each delivery that it has missed.
#[derive(Debug, Clone)]
pub struct RetryQueue<T> {
    config: RetryConfig,
    peers: BTreeMap<Ed25519Public, Peer<T>>,
    bytes: usize,
    next_id: u64,
}

impl<T> RetryQueue<T> {
    /// Creates an empty queue.
    #[must_use]
    pub const fn new(config: RetryConfig) -> Self {
        Self {
            config,
            peers: BTreeMap::new(),
            bytes: 0,
            next_id: 0,
        }
    }

    /// Returns the number of deliveries that wait or are under way.
    #[must_use]
    pub fn len(&self) -> usize {
        self.peers.values().map(|peer| peer.waiting.len()).sum()
    }

    /// Returns whether there is nothing to deliver.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// Returns the number of bytes of all deliveries together.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a delivery that `peer` has just failed to take. `size` is its cost in memory, in bytes.
    ///
    /// # Errors
    ///
    /// [`QueueError`] if there is no room. Only a complete handover can then bring the peer up to
    /// date.
    pub fn add(
        &mut self,
        peer: &Ed25519Public,
        item: T,
        size: usize,
        now: MonotonicTime,
    ) -> Result<DeliveryId, QueueError> {
        let known = self.peers.get(peer);
        let count = known.map_or(0, |peer| peer.waiting.len());
        if count >= self.config.max_per_peer {
            return Err(QueueError::Peer(count));
        }
        let bytes = self.bytes.saturating_add(size);
        if bytes > self.config.max_bytes {
            return Err(QueueError::Bytes {
                waiting: self.bytes,
                size,
            });
        }
        self.bytes = bytes;
        let id = DeliveryId(self.next_id);
        self.next_id = self.next_id.wrapping_add(1);
        let first_try = now.saturating_add(self.config.first_delay);
        let peer = self.peers.entry(*peer).or_insert_with(|| Peer {
            waiting: VecDeque::new(),
            failures: 1,
            try_at: Some(first_try),
        });
        peer.waiting.push_back(Delivery {
            id,
            item,
            size,
            deadline: now.saturating_add(self.config.lifetime),
        });
        Ok(id)
    }

    /// Returns the next delivery whose time has come. It is under way until its outcome is
    /// [reported](Self::report).
    pub fn next_due(&mut self, now: MonotonicTime) -> Option<Due<'_, T>> {
        let is_due = |peer: &Peer<T>| peer.try_at.is_some_and(|at| at <= now);
        let (key, peer) = self.peers.iter_mut().find(|(_, peer)| is_due(peer))?;
        peer.try_at = None;
        let first = peer.waiting.front()?;
        Some(Due {
            id: first.id,
            peer: *key,
            item: &first.item,
        })
    }

    /// Reports the outcome of a delivery. Once a peer has taken one, its next one is due at once. A
    /// number that is no longer under way is ignored.
    pub fn report(&mut self, id: DeliveryId, is_delivered: bool, now: MonotonicTime) {
        let is_it = |peer: &Peer<T>| {
            peer.try_at.is_none() && peer.waiting.front().is_some_and(|first| first.id == id)
        };
        let found = self.peers.iter_mut().find(|(_, peer)| is_it(peer));
        let Some((key, peer)) = found else {
            return;
        };
        if is_delivered {
            let done = peer.waiting.pop_front();
            self.bytes = self.bytes.saturating_sub(done.map_or(0, |done| done.size));
            peer.failures = 0;
            peer.try_at = Some(now);
            if peer.waiting.is_empty() {
                let key = *key;
                self.peers.remove(&key);
            }
        } else {
            let doublings = peer.failures.min(31);
            peer.failures = peer.failures.saturating_add(1);
            let delay = self.config.first_delay.saturating_mul(1 << doublings);
            let delay = delay.min(self.config.max_delay);
            peer.try_at = Some(now.saturating_add(delay));
        }
    }

    /// Removes and returns deliveries that are too old, and all deliveries to peers for which
    /// `keep` returns false: those that have left the swarm. Deliveries under way are removed too.
    pub fn prune(
        &mut self,
        now: MonotonicTime,
        keep: impl Fn(&Ed25519Public) -> bool,
    ) -> Vec<(Ed25519Public, T)> {
        let mut given_up = Vec::new();
        for (key, peer) in &mut self.peers {
            let is_kept = keep(key);
            let is_over = |first: &Delivery<T>| !is_kept || first.deadline <= now;
            // The oldest stands first.
            while peer.waiting.front().is_some_and(is_over) {
                if let Some(over) = peer.waiting.pop_front() {
                    self.bytes = self.bytes.saturating_sub(over.size);
                    given_up.push((*key, over.item));
                    // If it was under way, nobody will report it.
                    peer.try_at.get_or_insert(now);
                }
            }
        }
        self.peers.retain(|_, peer| !peer.waiting.is_empty());
        given_up
    }

    /// Returns when [`next_due`](Self::next_due) or [`prune`](Self::prune) has work to do if
    /// nothing is reported until then.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<MonotonicTime> {
        let peers = self.peers.values();
        let times = peers.flat_map(|peer| {
            let deadline = peer.waiting.front().map(|first| first.deadline);
            peer.try_at.into_iter().chain(deadline)
        });
        times.min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u8) -> Ed25519Public {
        Ed25519Public::from_bytes([number; 32])
    }

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    const fn at(millis: u64) -> MonotonicTime {
        MonotonicTime::new(ms(millis))
    }

    fn config() -> RetryConfig {
        RetryConfig {
            max_bytes: 100,
            max_per_peer: 3,
            first_delay: ms(10),
            max_delay: ms(50),
            lifetime: ms(1_000),
        }
    }

    fn due(queue: &mut RetryQueue<u8>, now_ms: u64) -> Option<(DeliveryId, u8)> {
        queue.next_due(at(now_ms)).map(|due| (due.id, *due.item))
    }

    #[test]
    fn one_at_a_time_in_order_and_all_at_once_when_the_peer_is_back() {
        let mut queue = RetryQueue::new(config());
        for item in [1, 2, 3] {
            queue.add(&key(1), item, 10, at(0)).unwrap();
        }
        assert_eq!(due(&mut queue, 9), None);
        assert_eq!(queue.next_wakeup(), Some(at(10)));
        // Waits of 20, 40, 50 and 50 follow the first of 10.
        let mut now = 10;
        for wait in [20, 40, 50, 50] {
            let (id, item) = due(&mut queue, now).unwrap();
            assert_eq!(item, 1);
            assert_eq!(due(&mut queue, now), None, "two at once");
            queue.report(id, false, at(now));
            assert_eq!(due(&mut queue, now + wait - 1), None);
            assert_eq!(queue.next_wakeup(), Some(at(now + wait)));
            now += wait;
        }
        for expected in [1, 2, 3] {
            let (id, item) = due(&mut queue, now).unwrap();
            assert_eq!(item, expected);
            queue.report(id, true, at(now));
            queue.report(id, true, at(now));
        }
        assert!(queue.is_empty());
        assert_eq!(
            (queue.len(), queue.bytes(), queue.next_wakeup()),
            (0, 0, None)
        );
    }

    #[test]
    fn a_peer_that_is_down_does_not_hold_up_another() {
        let mut queue = RetryQueue::new(config());
        queue.add(&key(1), 1, 10, at(0)).unwrap();
        queue.add(&key(2), 2, 10, at(0)).unwrap();
        let (down, _) = due(&mut queue, 10).unwrap();
        let (up, _) = due(&mut queue, 10).unwrap();
        queue.report(down, false, at(10));
        queue.report(up, true, at(10));
        assert_eq!(queue.len(), 1);
        assert_eq!(due(&mut queue, 30).map(|(_, item)| item), Some(1));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut queue = RetryQueue::new(config());
        for item in [1, 2, 3] {
            queue.add(&key(1), item, 30, at(0)).unwrap();
        }
        assert_eq!(queue.add(&key(1), 4, 1, at(0)), Err(QueueError::Peer(3)));
        let full = QueueError::Bytes {
            waiting: 90,
            size: 11,
        };
        assert_eq!(queue.add(&key(2), 4, 11, at(0)), Err(full));
        assert!(queue.add(&key(2), 4, 10, at(0)).is_ok());
        assert_eq!(queue.bytes(), 100);
    }

    #[test]
    fn what_is_too_old_or_for_nobody_is_handed_back() {
        let mut queue = RetryQueue::new(config());
        queue.add(&key(1), 1, 10, at(0)).unwrap();
        queue.add(&key(1), 2, 10, at(500)).unwrap();
        queue.add(&key(2), 3, 10, at(500)).unwrap();
        let (late, _) = due(&mut queue, 10).unwrap();
        assert_eq!(queue.prune(at(999), |_| true), []);
        assert_eq!(queue.prune(at(1_000), |_| true), [(key(1), 1)]);
        queue.report(late, true, at(1_000));
        assert_eq!(queue.len(), 2, "the report was for what was given up");
        assert_eq!(due(&mut queue, 1_000).map(|(_, item)| item), Some(2));
        assert_eq!(
            queue.prune(at(1_000), |peer| *peer != key(1)),
            [(key(1), 2)]
        );
        assert_eq!((queue.len(), queue.bytes()), (1, 10));
    }
}
