//! What a peer did not take, to be tried again (protocol: storage-rpc, section 1.5).
//!
//! A member of a swarm that is down for a moment has missed what was stored meanwhile. The queue
//! keeps it for some time, per peer in the order in which it came, and within bounds: what does not
//! fit or gets too old is handed back, so that nothing vanishes without notice.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use session_crypto::Ed25519Public;

/// One second, in milliseconds.
const SECOND_MS: u64 = 1_000;
/// One minute, in milliseconds.
const MINUTE_MS: u64 = 60 * SECOND_MS;
/// One hour, in milliseconds.
const HOUR_MS: u64 = 60 * MINUTE_MS;

/// Rules of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryConfig {
    /// Most bytes that wait for all peers together.
    pub max_bytes: usize,
    /// Most deliveries that wait for one peer.
    pub max_per_peer: usize,
    /// Wait before the first repetition; it doubles with every failure in a row.
    pub first_delay_ms: u64,
    /// The longest wait.
    pub max_delay_ms: u64,
    /// How long a delivery is tried.
    pub lifetime_ms: u64,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self {
            max_bytes: 64 * 1024 * 1024,
            max_per_peer: 1_000,
            first_delay_ms: 5 * SECOND_MS,
            max_delay_ms: 10 * MINUTE_MS,
            lifetime_ms: 24 * HOUR_MS,
        }
    }
}

/// The number of a delivery; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId(u64);

/// Something to be sent now.
#[derive(Debug, PartialEq, Eq)]
pub struct Due<'a, T> {
    /// To report the outcome with.
    pub id: DeliveryId,
    /// Who shall have it.
    pub peer: Ed25519Public,
    /// What.
    pub item: &'a T,
}

/// A queue that is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueueError {
    /// The peer has too much to catch up with.
    #[error("{0} deliveries wait for this peer already")]
    Peer(usize),
    /// All together are too much.
    #[error("{waiting} bytes wait already, {size} more are too many")]
    Bytes {
        /// Bytes that wait.
        waiting: usize,
        /// Bytes to be added.
        size: usize,
    },
}

#[derive(Debug, Clone)]
struct Delivery<T> {
    id: DeliveryId,
    item: T,
    size: usize,
    deadline_ms: u64,
}

#[derive(Debug, Clone)]
struct Peer<T> {
    waiting: VecDeque<Delivery<T>>,
    failures: u32,
    /// When to try the first one again; none while it is under way.
    try_at_ms: Option<u64>,
}

/// Deliveries that failed, by peer. `T` is what is delivered: a body, or a request and its method.
///
/// One delivery a peer is under way at a time: a peer that is down costs one attempt, not one for
/// each thing it has missed.
#[derive(Debug, Clone)]
pub struct RetryQueue<T> {
    config: RetryConfig,
    peers: BTreeMap<Ed25519Public, Peer<T>>,
    bytes: usize,
    next_id: u64,
}

impl<T> RetryQueue<T> {
    /// An empty queue.
    #[must_use]
    pub const fn new(config: RetryConfig) -> Self {
        Self {
            config,
            peers: BTreeMap::new(),
            bytes: 0,
            next_id: 0,
        }
    }

    /// The number of deliveries that wait or are under way.
    #[must_use]
    pub fn len(&self) -> usize {
        self.peers.values().map(|peer| peer.waiting.len()).sum()
    }

    /// Whether there is nothing to deliver.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// The bytes of all deliveries together.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds something that `peer` did not take just now. `size` is what it costs in memory.
    ///
    /// # Errors
    ///
    /// [`QueueError`] if there is no room. A handover of everything is then the only way to bring
    /// the peer up to date.
    pub fn add(
        &mut self,
        peer: &Ed25519Public,
        item: T,
        size: usize,
        now_ms: u64,
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
        let first_try = now_ms.saturating_add(self.config.first_delay_ms);
        let peer = self.peers.entry(*peer).or_insert_with(|| Peer {
            waiting: VecDeque::new(),
            failures: 1,
            try_at_ms: Some(first_try),
        });
        peer.waiting.push_back(Delivery {
            id,
            item,
            size,
            deadline_ms: now_ms.saturating_add(self.config.lifetime_ms),
        });
        Ok(id)
    }

    /// The next delivery whose time has come. It is under way until it is
    /// [reported](Self::report).
    pub fn next_due(&mut self, now_ms: u64) -> Option<Due<'_, T>> {
        let is_due = |peer: &Peer<T>| peer.try_at_ms.is_some_and(|at| at <= now_ms);
        let (key, peer) = self.peers.iter_mut().find(|(_, peer)| is_due(peer))?;
        peer.try_at_ms = None;
        let first = peer.waiting.front()?;
        Some(Due {
            id: first.id,
            peer: *key,
            item: &first.item,
        })
    }

    /// Tells what became of a delivery. Whatever else waits for a peer that took one is due at
    /// once. A number that is not under way any more is ignored.
    pub fn report(&mut self, id: DeliveryId, is_delivered: bool, now_ms: u64) {
        let is_it = |peer: &Peer<T>| {
            peer.try_at_ms.is_none() && peer.waiting.front().is_some_and(|first| first.id == id)
        };
        let found = self.peers.iter_mut().find(|(_, peer)| is_it(peer));
        let Some((key, peer)) = found else {
            return;
        };
        if is_delivered {
            let done = peer.waiting.pop_front();
            self.bytes = self.bytes.saturating_sub(done.map_or(0, |done| done.size));
            peer.failures = 0;
            peer.try_at_ms = Some(now_ms);
            if peer.waiting.is_empty() {
                let key = *key;
                self.peers.remove(&key);
            }
        } else {
            let doublings = peer.failures.min(32);
            peer.failures = peer.failures.saturating_add(1);
            let delay = self.config.first_delay_ms.saturating_mul(1 << doublings);
            let delay = delay.min(self.config.max_delay_ms);
            peer.try_at_ms = Some(now_ms.saturating_add(delay));
        }
    }

    /// Takes out what is too old, and everything for peers that `keep` does not name: those that
    /// have left the swarm. What is under way is given up too.
    pub fn prune(
        &mut self,
        now_ms: u64,
        keep: impl Fn(&Ed25519Public) -> bool,
    ) -> Vec<(Ed25519Public, T)> {
        let mut given_up = Vec::new();
        for (key, peer) in &mut self.peers {
            let is_kept = keep(key);
            let is_over = |first: &Delivery<T>| !is_kept || first.deadline_ms <= now_ms;
            // The oldest stands first.
            while peer.waiting.front().is_some_and(is_over) {
                if let Some(over) = peer.waiting.pop_front() {
                    self.bytes = self.bytes.saturating_sub(over.size);
                    given_up.push((*key, over.item));
                    // If it was under way nobody will report it.
                    peer.try_at_ms.get_or_insert(now_ms);
                }
            }
        }
        self.peers.retain(|_, peer| !peer.waiting.is_empty());
        given_up
    }

    /// When [`next_due`](Self::next_due) or [`prune`](Self::prune) has something to do if nothing
    /// is reported, in milliseconds since 1970.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<u64> {
        let peers = self.peers.values();
        let times = peers.flat_map(|peer| {
            let deadline = peer.waiting.front().map(|first| first.deadline_ms);
            peer.try_at_ms.into_iter().chain(deadline)
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

    fn config() -> RetryConfig {
        RetryConfig {
            max_bytes: 100,
            max_per_peer: 3,
            first_delay_ms: 10,
            max_delay_ms: 50,
            lifetime_ms: 1_000,
        }
    }

    fn due(queue: &mut RetryQueue<u8>, now_ms: u64) -> Option<(DeliveryId, u8)> {
        queue.next_due(now_ms).map(|due| (due.id, *due.item))
    }

    #[test]
    fn one_at_a_time_in_order_and_all_at_once_when_the_peer_is_back() {
        let mut queue = RetryQueue::new(config());
        for item in [1, 2, 3] {
            queue.add(&key(1), item, 10, 0).unwrap();
        }
        assert_eq!(due(&mut queue, 9), None);
        assert_eq!(queue.next_wakeup(), Some(10));
        // Waits of 20, 40, 50 and 50 follow the first of 10.
        let mut now = 10;
        for wait in [20, 40, 50, 50] {
            let (id, item) = due(&mut queue, now).unwrap();
            assert_eq!(item, 1);
            assert_eq!(due(&mut queue, now), None, "two at once");
            queue.report(id, false, now);
            assert_eq!(due(&mut queue, now + wait - 1), None);
            assert_eq!(queue.next_wakeup(), Some(now + wait));
            now += wait;
        }
        for expected in [1, 2, 3] {
            let (id, item) = due(&mut queue, now).unwrap();
            assert_eq!(item, expected);
            queue.report(id, true, now);
            queue.report(id, true, now);
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
        queue.add(&key(1), 1, 10, 0).unwrap();
        queue.add(&key(2), 2, 10, 0).unwrap();
        let (down, _) = due(&mut queue, 10).unwrap();
        let (up, _) = due(&mut queue, 10).unwrap();
        queue.report(down, false, 10);
        queue.report(up, true, 10);
        assert_eq!(queue.len(), 1);
        assert_eq!(due(&mut queue, 30).map(|(_, item)| item), Some(1));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut queue = RetryQueue::new(config());
        for item in [1, 2, 3] {
            queue.add(&key(1), item, 30, 0).unwrap();
        }
        assert_eq!(queue.add(&key(1), 4, 1, 0), Err(QueueError::Peer(3)));
        let full = QueueError::Bytes {
            waiting: 90,
            size: 11,
        };
        assert_eq!(queue.add(&key(2), 4, 11, 0), Err(full));
        assert!(queue.add(&key(2), 4, 10, 0).is_ok());
        assert_eq!(queue.bytes(), 100);
    }

    #[test]
    fn what_is_too_old_or_for_nobody_is_handed_back() {
        let mut queue = RetryQueue::new(config());
        queue.add(&key(1), 1, 10, 0).unwrap();
        queue.add(&key(1), 2, 10, 500).unwrap();
        queue.add(&key(2), 3, 10, 500).unwrap();
        let (late, _) = due(&mut queue, 10).unwrap();
        assert_eq!(queue.prune(999, |_| true), []);
        assert_eq!(queue.prune(1_000, |_| true), [(key(1), 1)]);
        queue.report(late, true, 1_000);
        assert_eq!(queue.len(), 2, "the report was for what was given up");
        assert_eq!(due(&mut queue, 1_000).map(|(_, item)| item), Some(2));
        assert_eq!(queue.prune(1_000, |peer| *peer != key(1)), [(key(1), 2)]);
        assert_eq!((queue.len(), queue.bytes()), (1, 10));
    }
}
