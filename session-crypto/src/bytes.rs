//! Slicing without a panic.

/// Copies as much of `from` as fits to the beginning of `to`.
pub(crate) fn copy_prefix(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

/// Bytes that one allocation has at most.
pub(crate) const MAX_ALLOCATION: usize = isize::MAX.unsigned_abs();

/// A length limit as far as memory can reach it.
#[expect(clippy::cast_possible_truncation, reason = "compared before")]
pub(crate) const fn memory_limit(limit: u64) -> usize {
    if limit > MAX_ALLOCATION as u64 {
        MAX_ALLOCATION
    } else {
        limit as usize
    }
}

/// Splits off the first `N` bytes.
pub(crate) fn split_first<const N: usize>(bytes: &[u8]) -> Option<(&[u8; N], &[u8])> {
    bytes.split_first_chunk()
}

/// Splits off the first `N` bytes, leaving a rest that can be changed.
pub(crate) fn split_first_mut<const N: usize>(bytes: &mut [u8]) -> Option<(&[u8; N], &mut [u8])> {
    let (first, rest) = bytes.split_first_chunk_mut()?;
    Some((first, rest))
}

/// Splits off the last `N` bytes, leaving a rest that can be changed.
pub(crate) fn split_last_mut<const N: usize>(bytes: &mut [u8]) -> Option<(&mut [u8], &[u8; N])> {
    let (rest, last) = bytes.split_last_chunk_mut()?;
    Some((rest, last))
}

/// Splits off the last `N` bytes.
pub(crate) fn split_last<const N: usize>(bytes: &[u8]) -> Option<(&[u8], &[u8; N])> {
    bytes.split_last_chunk()
}

/// The bytes up to the last one that is not zero.
pub(crate) fn without_trailing_zeros(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    while let [shorter @ .., 0] = rest {
        rest = shorter;
    }
    rest
}
