//! Finite state entropy coding (RFC 8878, section 4.1).

use alloc::vec;
use alloc::vec::Vec;

use super::bits::Bits;

/// Minimum accuracy of a table description.
const MIN_LOG: u32 = 5;

/// How the coder leaves a state for a symbol.
#[derive(Clone, Copy, Default)]
struct Step {
    /// The number of bits to write is `(state + delta_bits) >> 16`.
    delta_bits: u32,
    /// Added to the rest of the state to find the next state.
    delta_state: u32,
}

/// An encoding table.
pub(super) struct Table {
    log: u32,
    states: Vec<u32>,
    steps: Vec<Step>,
}

impl Table {
    /// Builds the table of a distribution over `1 << log` states. −1 is a probability below one state.
    pub(super) fn new(distribution: &[i16], log: u32) -> Option<Self> {
        let size = 1_usize << log;
        let mask = size.wrapping_sub(1);
        let mut symbols = vec![0_usize; size];
        let mut high = size;
        for (symbol, count) in distribution.iter().enumerate() {
            if *count == -1 {
                high = high.checked_sub(1)?;
                *symbols.get_mut(high)? = symbol;
            }
        }
        let step = (size >> 1).wrapping_add(size >> 3).wrapping_add(3);
        let mut place = 0_usize;
        for (symbol, count) in distribution.iter().enumerate() {
            for _ in 0..*count {
                *symbols.get_mut(place)? = symbol;
                loop {
                    place = place.wrapping_add(step) & mask;
                    if place < high {
                        break;
                    }
                }
            }
        }
        if place != 0 {
            return None;
        }
        let mut starts = Vec::with_capacity(distribution.len());
        let mut steps = Vec::with_capacity(distribution.len());
        let mut total = 0_u32;
        for count in distribution {
            starts.push(total as usize);
            let count = u32::from(count.unsigned_abs());
            steps.push(match count {
                0 => Step::default(),
                1 => Step {
                    delta_bits: (log << 16).wrapping_sub(1 << log),
                    delta_state: total.wrapping_sub(1),
                },
                _ => {
                    let bits = log.wrapping_sub(count.wrapping_sub(1).ilog2());
                    Step {
                        delta_bits: (bits << 16).wrapping_sub(count << bits),
                        delta_state: total.wrapping_sub(count),
                    }
                }
            });
            total = total.wrapping_add(count);
        }
        let mut states = vec![0; size];
        for (state, symbol) in (1_u32 << log..).zip(symbols) {
            let next = starts.get_mut(symbol)?;
            *states.get_mut(*next)? = state;
            *next = next.wrapping_add(1);
        }
        Some(Self { log, states, steps })
    }

    /// Makes the table of a single symbol, which takes no bits.
    pub(super) fn repeated(symbol: u8) -> Self {
        Self {
            log: 0,
            states: vec![0],
            steps: vec![Step::default(); usize::from(symbol).wrapping_add(1)],
        }
    }

    /// Returns the state after the first symbol, which takes no bits.
    pub(super) fn start(&self, symbol: u8) -> Option<u32> {
        let step = self.steps.get(usize::from(symbol))?;
        let bits = step.delta_bits.wrapping_add(1 << 15) >> 16;
        let value = (bits << 16).wrapping_sub(step.delta_bits);
        let state = (value >> bits).wrapping_add(step.delta_state);
        self.states.get(state as usize).copied()
    }

    /// Encodes a symbol.
    #[inline]
    pub(super) fn put(&self, bits: &mut Bits<'_>, state: &mut u32, symbol: u8) -> Option<()> {
        let step = self.steps.get(usize::from(symbol))?;
        let count = state.wrapping_add(step.delta_bits) >> 16;
        bits.put(*state, count);
        let next = (*state >> count).wrapping_add(step.delta_state);
        *state = *self.states.get(next as usize)?;
        Some(())
    }

    /// Writes the last state.
    pub(super) fn put_state(&self, bits: &mut Bits<'_>, state: u32) {
        bits.put(state, self.log);
    }
}

/// Scales the counts of symbols to `1 << log` states, at least one for each symbol that occurs.
/// Returns `None` if there are more symbols than states, or fewer than two symbols.
pub(super) fn normalize(counts: &[u32], log: u32) -> Option<Vec<i16>> {
    let size = 1_u64 << log;
    let total: u64 = counts.iter().map(|count| u64::from(*count)).sum();
    let used = counts.iter().filter(|count| **count > 0).count();
    if used < 2 || used as u64 > size {
        return None;
    }
    let mut left = i64::try_from(size).ok()?;
    let mut scaled = Vec::with_capacity(counts.len());
    for count in counts {
        let count = u64::from(*count);
        let share = count
            .wrapping_mul(size)
            .wrapping_add(total >> 1)
            .checked_div(total)?;
        let share = share.max(u64::from(count > 0));
        left = left.wrapping_sub(i64::try_from(share).ok()?);
        scaled.push(i16::try_from(share).ok()?);
    }
    // The most frequent symbols bear the rounding.
    while left != 0 {
        let largest = scaled.iter_mut().max()?;
        let room = i64::from(*largest).wrapping_sub(1);
        let change = if left < 0 && left.wrapping_neg() >= room {
            room.wrapping_add(1).wrapping_div(2).wrapping_neg()
        } else {
            left
        };
        *largest = i16::try_from(i64::from(*largest).wrapping_add(change)).ok()?;
        left = left.wrapping_sub(change);
    }
    Some(scaled)
}

/// Appends the description of a distribution without −1 (RFC 8878, section 4.1.1).
pub(super) fn put_distribution(out: &mut Vec<u8>, distribution: &[i16], log: u32) -> Option<()> {
    let mut bits = Bits::new(out);
    bits.put(log.checked_sub(MIN_LOG)?, 4);
    let mut threshold = 1_u32 << log;
    let mut remaining = threshold.wrapping_add(1);
    let mut width = log.wrapping_add(1);
    let mut zeros: Option<u32> = None;
    for count in distribution {
        if remaining <= 1 {
            break;
        }
        let count = u32::try_from(*count).ok()?;
        if let Some(run) = &mut zeros {
            if count == 0 {
                *run = run.wrapping_add(1);
                continue;
            }
            while *run >= 3 {
                bits.put(3, 2);
                *run = run.wrapping_sub(3);
            }
            bits.put(*run, 2);
            zeros = None;
        }
        let small = threshold
            .wrapping_mul(2)
            .wrapping_sub(1)
            .wrapping_sub(remaining);
        remaining = remaining.checked_sub(count)?;
        let mut value = count.wrapping_add(1);
        if value >= threshold {
            value = value.wrapping_add(small);
        }
        bits.put(value, width.wrapping_sub(u32::from(value < small)));
        if count == 0 {
            zeros = Some(0);
        }
        while remaining < threshold && threshold > 1 {
            width = width.wrapping_sub(1);
            threshold >>= 1;
        }
    }
    bits.flush();
    (remaining == 1).then_some(())
}

/// Returns the length of the symbols with a distribution, in 1/256 bits, or `None` if a symbol has no
/// state.
pub(super) fn cost(counts: &[u32], distribution: &[i16], log: u32) -> Option<u64> {
    let mut sum = 0_u64;
    for (symbol, count) in counts.iter().enumerate() {
        if *count > 0 {
            let states = u32::from(distribution.get(symbol)?.unsigned_abs());
            let bits = (log << 8).checked_sub(log2(states)?)?;
            sum = sum.wrapping_add(u64::from(*count).wrapping_mul(bits.into()));
        }
    }
    Some(sum)
}

/// The binary logarithm in 1/256, between powers of two on a line.
fn log2(value: u32) -> Option<u32> {
    let whole = value.checked_ilog2()?;
    let rest = value.wrapping_sub(1 << whole);
    Some((whole << 8).wrapping_add((rest << 8) >> whole))
}
