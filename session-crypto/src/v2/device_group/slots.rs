//! Which device has which slot.

use alloc::vec::Vec;

use rand_core::CryptoRng;

use crate::EncryptError;

/// The number of slots is a multiple of this.
const MULTIPLE: usize = 4;

/// A permutation of slots: the position of each device, then those of the unused slots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slots(Vec<usize>);

impl Slots {
    /// Draws a random permutation for `count` devices. It has as many slots as the next multiple of
    /// four.
    #[must_use]
    pub fn random(rng: &mut (impl CryptoRng + ?Sized), count: usize) -> Self {
        let mut positions: Vec<usize> = (0..count.next_multiple_of(MULTIPLE)).collect();
        for last in (1..positions.len()).rev() {
            positions.swap(last, below(rng, last));
        }
        Self(positions)
    }

    /// Takes a permutation as it is: `positions[i]` is the slot of the i-th device. For tests that
    /// reproduce a message.
    ///
    /// Returns `None` if it is not a permutation of `0..n`, with `n` a multiple of four.
    #[must_use]
    pub fn from_positions(positions: &[usize]) -> Option<Self> {
        let mut sorted = positions.to_vec();
        sorted.sort_unstable();
        let is_permutation = sorted.iter().copied().eq(0..positions.len());
        let is_multiple = positions.len().is_multiple_of(MULTIPLE);
        (is_permutation && is_multiple).then(|| Self(positions.to_vec()))
    }

    /// Number of slots.
    #[must_use]
    #[expect(
        clippy::len_without_is_empty,
        reason = "a permutation, not a collection"
    )]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn positions(&self) -> &[usize] {
        &self.0
    }

    pub(super) fn check(&self, count: usize) -> Result<(), EncryptError> {
        let expected = count.next_multiple_of(MULTIPLE);
        match self.len() == expected {
            true => Ok(()),
            false => Err(EncryptError::SlotCount {
                expected,
                got: self.len(),
            }),
        }
    }

    /// Puts each part at its position, and joins them.
    pub(super) fn arrange(&self, parts: &[&[u8]]) -> Vec<u8> {
        let mut placed: Vec<(usize, &[u8])> =
            self.0.iter().copied().zip(parts.iter().copied()).collect();
        placed.sort_unstable_by_key(|(position, _)| *position);
        let mut joined = Vec::with_capacity(parts.iter().map(|part| part.len()).sum());
        for (_, part) in placed {
            joined.extend_from_slice(part);
        }
        joined
    }
}

/// Draws a uniform number of `0..=max`.
fn below(rng: &mut (impl CryptoRng + ?Sized), max: usize) -> usize {
    let mask = match max.checked_ilog2() {
        Some(bits) => usize::MAX >> usize::BITS.saturating_sub(1).saturating_sub(bits),
        None => return 0,
    };
    loop {
        let mut bytes = [0; size_of::<usize>()];
        rng.fill_bytes(&mut bytes);
        let candidate = usize::from_le_bytes(bytes) & mask;
        if candidate <= max {
            return candidate;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;

    #[test]
    fn every_permutation_of_four_occurs_equally_often() {
        use rand_chacha::ChaCha8Rng;
        use rand_chacha::rand_core::SeedableRng;
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut seen: BTreeMap<Vec<usize>, usize> = BTreeMap::new();
        for _ in 0..24_000 {
            *seen.entry(Slots::random(&mut rng, 3).0).or_default() += 1;
        }
        assert_eq!(seen.len(), 24);
        assert!(
            seen.values().all(|count| (850..1150).contains(count)),
            "{seen:?}"
        );
    }

    #[test]
    fn other_numbers_of_slots_are_rejected() {
        assert!(Slots::from_positions(&[0, 1, 2]).is_none());
        assert!(Slots::from_positions(&[0, 1, 2, 2]).is_none());
        assert!(Slots::from_positions(&[1, 0, 3, 2]).is_some_and(|slots| slots.len() == 4));
        let slots = Slots::from_positions(&[]).unwrap();
        assert!(slots.check(0).is_ok());
        assert!(slots.check(1).is_err());
    }
}
