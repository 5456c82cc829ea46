//! The ring of swarms and the choice of the swarm of an account (protocol: swarm, section 2).
//!
//! ```text
//! position of an id = xor of the four big-endian words of its 32 bytes
//!
//!   ──●───────x────────●──────x──────●──   ● swarms   x middles, which belong to the left
//!     a       a ←│→ b  b   b ←│→ c   c     the ring wraps at 2^64
//! ```

use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use crate::account::StorageAccount;

/// The id of a swarm: its place on a ring of 2^64.
///
/// Never pass it through a floating-point number: it would lose its low bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SwarmId(u64);

/// A text that is not the hex form of a swarm id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a swarm id of 1 to 16 hex digits")]
pub struct SwarmIdError;

impl SwarmId {
    /// What nodes without a swarm have in its place; never a swarm.
    pub const UNASSIGNED: Self = Self(u64::MAX);
    /// The largest id of a swarm.
    pub const MAX: Self = Self(u64::MAX - 1);

    /// Takes the number as an id.
    #[must_use]
    pub const fn new(id: u64) -> Self {
        Self(id)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Whether this is the id of a swarm, and not [`UNASSIGNED`](Self::UNASSIGNED).
    #[must_use]
    pub const fn is_assigned(self) -> bool {
        self.0 != u64::MAX
    }
}

/// Lower-case hex without leading zeros.
impl fmt::Display for SwarmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

impl fmt::Debug for SwarmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SwarmId({self})")
    }
}

impl FromStr for SwarmId {
    type Err = SwarmIdError;

    /// Reads 1 to 16 hex digits.
    fn from_str(text: &str) -> Result<Self, SwarmIdError> {
        if text.len() > 16 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(SwarmIdError);
        }
        u64::from_str_radix(text, 16)
            .map(Self)
            .map_err(|_| SwarmIdError)
    }
}

/// All swarms, for choosing the one of an account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SwarmRing {
    /// Ascending, unique, without `UNASSIGNED`.
    ids: Vec<u64>,
}

impl SwarmRing {
    /// The number of swarms.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is no swarm.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The ids, ascending.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = SwarmId> {
        self.ids.iter().copied().map(SwarmId)
    }

    /// Whether this is one of the swarms.
    #[must_use]
    pub fn contains(&self, swarm: SwarmId) -> bool {
        self.ids.binary_search(&swarm.0).is_ok()
    }

    /// The swarm nearest to a position on the ring; a tie goes to the one on the left, below the
    /// position. `None` if there is no swarm.
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
        Some(SwarmId(if nearer_right { right } else { left }))
    }

    /// The swarm of an account.
    ///
    /// A program that finds swarm and path: [`examples/swarm.rs`](https://github.com/session-crates/session-crates/blob/main/session-swarm/examples/swarm.rs).
    ///
    /// ```
    /// use session_swarm::{StorageAccount, SwarmId, SwarmRing};
    ///
    /// let ring: SwarmRing = [100, 200, 300].map(SwarmId::new).into_iter().collect();
    /// let mut id = [0; 33];
    /// id[0] = 0x05;
    /// // The position of this id is 150, as far from 100 as from 200: the left one has it.
    /// id[32] = 150;
    /// assert_eq!(ring.swarm_of(&StorageAccount::from_bytes(id)), Some(SwarmId::new(100)));
    /// ```
    #[must_use]
    pub fn swarm_of(&self, account: &StorageAccount) -> Option<SwarmId> {
        self.choose(account.position())
    }

    /// The positions that a swarm owns. `None` if it is not one of the swarms.
    #[must_use]
    pub fn interval(&self, swarm: SwarmId) -> Option<Interval> {
        let id = swarm.0;
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

/// The positions that one swarm owns: those after `lower` up to and including `upper`, around the
/// ring. Fast to test many accounts against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// The last position that belongs to the swarm before. Equal to `upper` if there is but one
    /// swarm, which owns everything.
    pub lower: u64,
    /// The last position that belongs to the swarm.
    pub upper: u64,
}

impl Interval {
    /// Whether a position lies in the interval.
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
    fn choices_are_those_of_the_specification() {
        let mut ids = std::vec![100, 200, 300, 399, 498, 596, 694];
        let check = |ids: &[u64], cases: &[(u64, u64)]| {
            for (position, swarm) in cases {
                assert_eq!(
                    ring(ids).choose(*position),
                    Some(SwarmId(*swarm)),
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
            assert_eq!(one.choose(position), Some(SwarmId(7)));
            assert!(one.interval(SwarmId(7)).unwrap().contains(position));
        }
        assert_eq!(one.interval(SwarmId(8)), None);
    }

    #[test]
    fn ids_are_hex_without_leading_zeros() {
        assert_eq!(std::format!("{}", SwarmId(0)), "0");
        assert_eq!(
            std::format!("{}", SwarmId(0x3fffffffffffffff)),
            "3fffffffffffffff"
        );
        assert_eq!("ffffffffffffffff".parse(), Ok(SwarmId::UNASSIGNED));
        for bad in ["", "+1", "12345678123456789", "g"] {
            assert_eq!(bad.parse::<SwarmId>(), Err(SwarmIdError));
        }
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
