//! Repetitions, found in one pass by a hash table of positions.

use alloc::vec;
use alloc::vec::Vec;

use super::WINDOW;

/// Minimum length of a repetition, in bytes.
const MIN_MATCH: usize = 4;
/// Bytes that are read at a position.
const WORD: usize = 8;
/// After so many bytes without a repetition, as a power of two, the search skips one byte more.
const SKIP: u32 = 3;
/// The same beyond the first bytes, where a repetition may still come.
const FAR_SKIP: u32 = 9;
/// Bytes that are skipped by the first rule alone.
const NEAR: usize = 32;
/// Up to this length a repetition is found by five bytes, beyond it by six.
const SHORT: usize = 16 << 10;
/// Multiplier of the hash.
const PRIME: u64 = 227_718_039_650_203;
/// Bounds of the size of the hash table, as powers of two.
const TABLE_LOG: (u32, u32) = (8, 15);

/// Literals, then a repetition.
#[derive(Clone, Copy)]
pub(super) struct Sequence {
    pub(super) literals: u32,
    /// Length of the repetition, in bytes.
    pub(super) length: u32,
    /// 1 to 3: one of the last offsets. Otherwise the offset plus 3.
    pub(super) offset: u32,
}

/// Looks for repetitions.
pub(super) struct Finder<'a> {
    plain: &'a [u8],
    /// The last position of a hash, plus one.
    table: Vec<u32>,
    shift: u32,
    /// How far a word is shifted, so that only its first bytes count for the hash.
    cut: u32,
    /// The last three offsets.
    pub(super) reps: [usize; 3],
}

impl<'a> Finder<'a> {
    pub(super) fn new(plain: &'a [u8]) -> Self {
        let log = plain.len().checked_ilog2().unwrap_or(0);
        let log = log.clamp(TABLE_LOG.0, TABLE_LOG.1);
        Self {
            plain,
            table: vec![0; 1 << log],
            shift: u64::BITS.wrapping_sub(log),
            // Five bytes, and six where five would often be equal by chance.
            cut: if plain.len() <= SHORT { 24 } else { 16 },
            reps: [1, 4, 8],
        }
    }

    #[inline]
    fn word(&self, at: usize) -> Option<u64> {
        let word = self.plain.get(at..)?.first_chunk::<WORD>()?;
        Some(u64::from_le_bytes(*word))
    }

    #[inline]
    fn same(&self, at: usize, offset: usize) -> Option<bool> {
        let Some(before) = at.checked_sub(offset) else {
            return Some(false);
        };
        Some((self.word(at)? ^ self.word(before)?).trailing_zeros() >= 32)
    }

    /// Returns the last position with the hash of the first bytes here, and stores this one.
    #[inline]
    fn replace(&mut self, word: u64, at: usize) -> Option<usize> {
        let hash = (word << self.cut).wrapping_mul(PRIME) >> self.shift;
        let place = self.table.get_mut(usize::try_from(hash).ok()?)?;
        let stored = u32::try_from(at.checked_add(1)?).ok()?;
        Some(core::mem::replace(place, stored) as usize)
    }

    /// Returns the length of the repetition at `at`, up to `end`.
    fn length(&self, at: usize, offset: usize, end: usize) -> Option<usize> {
        let mut length = 0_usize;
        let before = at.checked_sub(offset)?;
        while at.wrapping_add(length).wrapping_add(WORD) <= end {
            let here = self.word(at.wrapping_add(length))?;
            let differs = here ^ self.word(before.wrapping_add(length))?;
            if differs != 0 {
                return Some(length.wrapping_add(differs.trailing_zeros() as usize >> 3));
            }
            length = length.wrapping_add(WORD);
        }
        let rest = self.plain.get(at.wrapping_add(length)..end)?.iter();
        let earlier = self.plain.get(before.wrapping_add(length)..)?;
        let same = rest.zip(earlier).take_while(|(one, other)| one == other);
        Some(length.wrapping_add(same.count()))
    }

    /// Codes an offset by the last three ones, and remembers it (RFC 8878, section 3.1.1.5).
    fn code(&mut self, offset: usize, has_literals: bool) -> Option<u32> {
        let [first, second, third] = self.reps;
        let known = if has_literals {
            [first, second, third]
        } else {
            [second, third, first.wrapping_sub(1)]
        };
        let code = known.iter().position(|known| *known == offset);
        self.reps = match (code, has_literals) {
            (Some(0), true) => self.reps,
            (Some(0), false) | (Some(1), true) => [offset, first, third],
            _ => [offset, first, second],
        };
        match code {
            Some(code) => u32::try_from(code.wrapping_add(1)).ok(),
            None => u32::try_from(offset.checked_add(3)?).ok(),
        }
    }

    // Apart from its caller it has the registers to itself.
    #[inline(never)]
    /// Returns the sequences of `start..end`, and appends their literals and the last ones.
    pub(super) fn block(
        &mut self,
        start: usize,
        end: usize,
        literals: &mut Vec<u8>,
    ) -> Option<Vec<Sequence>> {
        let mut sequences = Vec::with_capacity(end.checked_sub(start)? >> 4);
        let (mut at, mut anchor) = (start, start);
        // A position is looked up only if a word and the byte after it are in the block.
        while at.wrapping_add(WORD) < end {
            let word = self.word(at)?;
            let candidate = self.replace(word, at)?;
            let next = at.wrapping_add(1);
            let (from, offset) = if self.same(next, self.reps[0])? {
                (next, self.reps[0])
            } else {
                let offset = next.wrapping_sub(candidate);
                if candidate == 0 || offset > WINDOW || !self.same(at, offset)? {
                    let run = at.wrapping_sub(anchor);
                    let skipped = (run >> SKIP).min(NEAR.wrapping_add(run >> FAR_SKIP));
                    at = next.wrapping_add(skipped);
                    continue;
                }
                let mut from = at;
                while from > anchor
                    && let Some(before) = from.checked_sub(offset)?.checked_sub(1)
                    && self.plain.get(before) == self.plain.get(from.wrapping_sub(1))
                {
                    from = from.wrapping_sub(1);
                }
                (from, offset)
            };
            at = self.take(from, offset, end, &mut anchor, literals, &mut sequences)?;
            // The offset before the last one often returns at once.
            while at.wrapping_add(WORD) < end && self.same(at, self.reps[1])? {
                let word = self.word(at)?;
                self.replace(word, at)?;
                let offset = self.reps[1];
                at = self.take(at, offset, end, &mut anchor, literals, &mut sequences)?;
            }
        }
        literals.extend_from_slice(self.plain.get(anchor..end)?);
        Some(sequences)
    }

    /// Takes a repetition, and returns the position after it.
    fn take(
        &mut self,
        from: usize,
        offset: usize,
        end: usize,
        anchor: &mut usize,
        literals: &mut Vec<u8>,
        sequences: &mut Vec<Sequence>,
    ) -> Option<usize> {
        let length = self.length(from, offset, end)?;
        if length < MIN_MATCH {
            return None;
        }
        let before = self.plain.get(*anchor..from)?;
        literals.extend_from_slice(before);
        let sequence = Sequence {
            literals: u32::try_from(before.len()).ok()?,
            length: u32::try_from(length).ok()?,
            offset: self.code(offset, !before.is_empty())?,
        };
        sequences.push(sequence);
        let after = from.checked_add(length)?;
        *anchor = after;
        // Some positions inside of the repetition.
        for at in [from.wrapping_add(2), after.wrapping_sub(2)] {
            if at.wrapping_add(WORD) < end {
                let word = self.word(at)?;
                self.replace(word, at)?;
            }
        }
        Some(after)
    }
}
