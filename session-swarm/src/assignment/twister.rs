//! The 64-bit Mersenne Twister, as the C++ standard defines `mt19937_64`.
//!
//! Not for secrets: its output reveals all following output.

use alloc::boxed::Box;

const SIZE: usize = 312;
const SHIFT: usize = 156;
const MULTIPLIER: u64 = 6_364_136_223_846_793_005;
const MATRIX: u64 = 0xb502_6f5a_a966_19e9;
const UPPER: u64 = !LOWER;
const LOWER: u64 = 0x7fff_ffff;

/// A running generator.
#[derive(Debug, Clone)]
pub struct Mt19937_64 {
    state: Box<[u64; SIZE]>,
    next: usize,
}

impl Mt19937_64 {
    /// Starts with a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut state = Box::new([0; SIZE]);
        let mut value = seed;
        for (index, word) in (1u64..).zip(state.iter_mut()) {
            *word = value;
            value = MULTIPLIER
                .wrapping_mul(value ^ value >> 62)
                .wrapping_add(index);
        }
        Self { state, next: SIZE }
    }

    /// Returns the next output.
    pub fn next_u64(&mut self) -> u64 {
        if self.next >= SIZE {
            self.twist();
        }
        let mut word = self.state.get(self.next).copied().unwrap_or(0);
        self.next = self.next.saturating_add(1);
        word ^= word >> 29 & 0x5555_5555_5555_5555;
        word ^= word << 17 & 0x71d6_7fff_eda6_0000;
        word ^= word << 37 & 0xfff7_eee0_0000_0000;
        word ^ word >> 43
    }

    fn twist(&mut self) {
        let get = |state: &[u64; SIZE], index: usize| {
            let index = index.checked_rem(SIZE).unwrap_or(0);
            state.get(index).copied().unwrap_or(0)
        };
        for index in 0..SIZE {
            let next = get(&self.state, index.saturating_add(1));
            let word = get(&self.state, index) & UPPER | next & LOWER;
            let odd = if word & 1 == 0 { 0 } else { MATRIX };
            let other = get(&self.state, index.saturating_add(SHIFT));
            if let Some(slot) = self.state.get_mut(index) {
                *slot = other ^ word >> 1 ^ odd;
            }
        }
        self.next = 0;
    }

    /// Returns a number below `end`, as the chain draws it (protocol: swarm, section 5.3); 0 if
    /// `end` is 0. Consumes at least one output.
    pub fn uniform(&mut self, end: usize) -> usize {
        let Some(rest) = u64::try_from(end)
            .ok()
            .and_then(|end| u64::MAX.checked_rem(end))
        else {
            return 0;
        };
        let bound = u64::MAX.saturating_sub(rest);
        let end = u64::try_from(end).unwrap_or(u64::MAX);
        let bucket = bound.checked_div(end).unwrap_or(1);
        loop {
            let draw = self.next_u64();
            if draw < bound {
                let number = draw.checked_div(bucket).unwrap_or(0);
                return usize::try_from(number).unwrap_or(0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_those_of_the_standard() {
        let mut random = Mt19937_64::new(5489);
        let last = (0..10_000).map(|_| random.next_u64()).last();
        assert_eq!(last, Some(9981545732273789042));
        let mut random = Mt19937_64::new(42);
        for expected in [
            13930160852258120406,
            11788048577503494824,
            13874630024467741450,
            2513787319205155662,
        ] {
            assert_eq!(random.next_u64(), expected);
        }
    }

    #[test]
    fn uniform_numbers_are_those_of_the_chain() {
        let mut random = Mt19937_64::new(42);
        let drawn = [2, 3, 7, 10, 100, 1000].map(|end| random.uniform(end));
        assert_eq!(drawn, [1, 1, 5, 1, 90, 94]);
        assert_eq!(random.uniform(0), 0);
        assert_eq!(random.uniform(1), 0);
    }
}
