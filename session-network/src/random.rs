//! Uniform choices.

use rand_core::Rng;

/// A uniform number below `end`; 0 if `end` is 0.
pub(crate) fn below(rng: &mut (impl Rng + ?Sized), end: usize) -> usize {
    let Ok(end64) = u64::try_from(end) else {
        return 0;
    };
    // Numbers from the last, incomplete round through `end` are drawn again.
    let Some(rest) = u64::MAX.checked_rem(end64) else {
        return 0;
    };
    loop {
        let draw = rng.next_u64();
        if draw < u64::MAX.saturating_sub(rest) {
            return usize::try_from(draw.checked_rem(end64).unwrap_or(0)).unwrap_or(0);
        }
    }
}

/// Brings the items into a random order.
pub(crate) fn shuffle<T>(rng: &mut (impl Rng + ?Sized), items: &mut [T]) {
    for end in (1..items.len()).rev() {
        items.swap(end, below(rng, end.saturating_add(1)));
    }
}
