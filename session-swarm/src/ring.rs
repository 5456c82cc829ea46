//! The ring of swarms and the choice of the swarm of an account (protocol: swarm, section 2).
//!
//! ```text
//! position of an id = xor of the four big-endian words of its 32 bytes
//!
//!   ──●───────x────────●──────x──────●──   ● swarms   x middles, which belong to the left
//!     a       a ←│→ b  b   b ←│→ c   c     the ring wraps at 2^64
//! ```

use alloc::vec::Vec;

use session_types::{AnyId, SwarmId};

/// Returns the place of an account on the ring (protocol: swarm, section 2.1): the four big-endian
/// words of its key, folded by exclusive or. The prefix does not count.
#[must_use]
pub fn position(account: &AnyId) -> u64 {
    let (words, _) = account.key_bytes().as_chunks::<8>();
    words
        .iter()
        .fold(0, |position, word| position ^ u64::from_be_bytes(*word))
}

/// The ids of all swarms, sorted around the ring.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SwarmRing {
    /// Ascending, unique, without `UNASSIGNED`.
    ids: Vec<u64>,
}

impl SwarmRing {
    /// Returns the number of swarms.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Returns whether there is no swarm.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Returns the ids, ascending.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = SwarmId> {
        self.ids.iter().copied().map(SwarmId::new)
    }

    /// Returns whether this is one of the swarms.
    #[must_use]
    pub fn contains(&self, swarm: SwarmId) -> bool {
        self.ids.binary_search(&swarm.get()).is_ok()
    }

    /// Returns the swarm nearest to a position on the ring, or `None` if there is no swarm. A tie
    /// goes to the swarm on the left, below the position.
    #[must_use]
    pub fn choose(&self, position: u64) -> Option<SwarmId> {
        let (first, last) = (*self.ids.first()?, *self.ids.last()?);
        let index = self.ids.partition_point(|id| *id < position);
        let right = self.ids.get(index).copied().unwrap_or(first);
        let left = index
            .checked_sub(1)
            .and_then(|before| self.ids.get(before))
            .copied()
            .unwrap_or(last);
        let nearer_right = right.wrapping_sub(position) < position.wrapping_sub(left);
        Some(SwarmId::new(if nearer_right { right } else { left }))
    }

    /// Returns the swarm of an account.
    ///
    /// The example `swarm` of this crate finds the swarm of an account in a list of nodes.
    ///
    /// ```
    /// use session_swarm::SwarmRing;
    /// use session_types::{AnyId, SwarmId};
    ///
    /// let ring: SwarmRing = [100, 200, 300].map(SwarmId::new).into_iter().collect();
    /// let mut id = [0; 33];
    /// id[0] = 0x05;
    /// // The position of this id is 150, as far from 100 as from 200: the left one has it.
    /// id[32] = 150;
    /// assert_eq!(ring.swarm_of(&AnyId::from_bytes(id)), Some(SwarmId::new(100)));
    /// ```
    #[must_use]
    pub fn swarm_of(&self, account: &AnyId) -> Option<SwarmId> {
        self.choose(position(account))
    }

    /// Returns the positions that a swarm owns, or `None` if it is not one of the swarms.
    #[must_use]
    pub fn interval(&self, swarm: SwarmId) -> Option<Interval> {
        let id = swarm.get();
        let index = self.ids.binary_search(&id).ok()?;
        let previous = index
            .checked_sub(1)
            .and_then(|before| self.ids.get(before))
            .or(self.ids.last())?;
        let next = self.ids.get(index.saturating_add(1)).or(self.ids.first())?;
        Some(Interval {
            lower: previous.wrapping_add(id.wrapping_sub(*previous) / 2),
            upper: id.wrapping_add(next.wrapping_sub(id) / 2),
        })
    }
}

impl FromIterator<SwarmId> for SwarmRing {
    /// Takes ids in any order, repeated or not; [`SwarmId::UNASSIGNED`] is dropped.
    fn from_iter<I: IntoIterator<Item = SwarmId>>(ids: I) -> Self {
        let assigned = ids.into_iter().filter(|id| id.is_assigned());
        let mut ids: Vec<u64> = assigned.map(SwarmId::get).collect();
        ids.sort_unstable();
        ids.dedup();
        Self { ids }
    }
}

/// The positions that one swarm owns: after `lower`, up to and including `upper`, around the ring.
/// It makes tests of many accounts fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// The last position of the preceding swarm. Equal to `upper` if there is only one swarm, which
    /// owns all positions.
    pub lower: u64,
    /// The last position of the swarm.
    pub upper: u64,
}

impl Interval {
    /// Returns whether a position lies in the interval.
    #[must_use]
    pub const fn contains(&self, position: u64) -> bool {
        let length = self.upper.wrapping_sub(self.lower);
        let offset = position.wrapping_sub(self.lower);
        length == 0 || (offset != 0 && offset <= length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ring(ids: &[u64]) -> SwarmRing {
        ids.iter().copied().map(SwarmId::new).collect()
    }

    #[test]
    fn positions_are_those_of_the_specification() {
        for (id, position) in [
            (
                "053506f4a71324b7dd114eddbf4e311f39dde243e1f2cb97c40db1961f70ebaae8",
                17589930838143112648,
            ),
            (
                "05cf27da303a50ac8c4b2d43d27259505c9bcd73fc21cf2a57902c3d050730b604",
                10370619079776428163,
            ),
            (
                "03d3511706b8b34f6e8411bf07bd22ba6b2435ca56846fbccf6eb1e166a6cd15cc",
                2144983569669512198,
            ),
            (
                "ff0f06693428fca9102a451e3f28d9cc743d8ea60a89ab6aa69eb119470c11cbd3",
                9690840703409570833,
            ),
            (
                "05ffba630924aa1224bb930dde21c0d11bf004608f2812217f8ac812d6c7e3ad48",
                4532060000165252872,
            ),
            (
                "05eeeeeeeeeeeeeeee777777777777777711111111111111118888888888888888",
                0,
            ),
            (
                "050123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                0,
            ),
            (
                "05fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe",
                1,
            ),
            (
                "05ffffffffffffffffffffffffffffffffffffffffffffffff7fffffffffffffff",
                9223372036854775808,
            ),
            (
                "05000000000000000000000000000000000000000000000000ffffffffffffffff",
                18446744073709551615,
            ),
            (
                "050000000000000000000000000000000000000000000000000123456789abcdef",
                81985529216486895,
            ),
        ] {
            assert_eq!(super::position(&id.parse().unwrap()), position);
        }
    }

    #[test]
    fn choices_are_those_of_the_specification() {
        let mut ids = std::vec![100, 200, 300, 399, 498, 596, 694];
        let check = |ids: &[u64], cases: &[(u64, u64)]| {
            for (position, swarm) in cases {
                assert_eq!(
                    ring(ids).choose(*position),
                    Some(SwarmId::new(*swarm)),
                    "{position:x}"
                );
            }
        };
        check(
            &ids,
            &[
                (0x64, 100),
                (0xc8, 200),
                (0x1f2, 498),
                (0, 100),
                (1, 100),
                (0x8000000000000000, 694),
                (0xa000000000000000, 100),
                (u64::MAX, 100),
                (u64::MAX - 1, 100),
                (0x95, 100),
                (0x96, 100),
                (0x97, 200),
                (0xf9, 200),
                (0xfa, 200),
                (0xfb, 300),
                (0x15d, 300),
                (0x15e, 399),
                (0x1c0, 399),
                (0x1c1, 498),
                (0x222, 498),
                (0x223, 498),
                (0x224, 596),
                (0x285, 596),
                (0x286, 694),
                (0x800000000000018c, 694),
                (0x800000000000018d, 694),
                (0x800000000000018e, 100),
            ],
        );
        ids.push(18446744073709551596);
        let high = 18446744073709551596;
        check(&ids, &[(0x27, high), (0x28, high), (0x29, 100)]);
        ids.push(0);
        check(&ids, &[(u64::MAX, 0), (u64::MAX - 1, 0)]);
    }

    #[test]
    fn no_swarm_and_one_swarm() {
        assert_eq!(ring(&[]).choose(5), None);
        assert_eq!(ring(&[u64::MAX]).choose(5), None);
        let one = ring(&[7, 7, u64::MAX]);
        assert_eq!(one.len(), 1);
        for position in [0, 7, 8, u64::MAX] {
            assert_eq!(one.choose(position), Some(SwarmId::new(7)));
            assert!(one.interval(SwarmId::new(7)).unwrap().contains(position));
        }
        assert_eq!(one.interval(SwarmId::new(8)), None);
    }

    proptest! {
        #[test]
        fn choice_and_interval_agree_at_every_boundary(
            ids in proptest::collection::btree_set(any::<u64>(), 1..40), extra in any::<u64>()
        ) {
            let ids: Vec<u64> = ids.into_iter().collect();
            let ring = ring(&ids);
            for swarm in ring.ids() {
                let interval = ring.interval(swarm).unwrap();
                for base in [interval.lower, interval.upper, swarm.get(), 0, extra] {
                    for offset in [u64::MAX, 0, 1] {
                        let position = base.wrapping_add(offset);
                        let chosen = ring.choose(position) == Some(swarm);
                        prop_assert_eq!(interval.contains(position), chosen);
                    }
                }
            }
        }
    }
}
