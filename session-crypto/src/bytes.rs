//! Arrays and slices without a panic and without truncation.

/// Maximum length of an allocation in bytes.
pub(crate) const MAX_ALLOCATION: usize = isize::MAX.unsigned_abs();

/// Returns a length limit, capped at [`MAX_ALLOCATION`].
#[expect(clippy::cast_possible_truncation, reason = "compared before")]
pub(crate) const fn memory_limit(limit: u64) -> usize {
    if limit > MAX_ALLOCATION as u64 {
        MAX_ALLOCATION
    } else {
        limit as usize
    }
}

/// Returns a length as 64 bits.
#[expect(
    clippy::expect_used,
    reason = "no target of Rust has a usize of more than 64 bits"
)]
pub(crate) fn length(length: usize) -> u64 {
    u64::try_from(length).expect("at most 64 bits")
}

/// Splits an array into its first `A` and its last `B` bytes, which are all of them.
#[expect(
    clippy::expect_used,
    reason = "checked at compile time: A + B is the length"
)]
pub(crate) fn split_array<const N: usize, const A: usize, const B: usize>(
    bytes: &[u8; N],
) -> (&[u8; A], &[u8; B]) {
    const { assert!(A + B == N, "the parts are the whole array") };
    let (first, _) = bytes.split_first_chunk().expect("A is at most N");
    let (_, last) = bytes.split_last_chunk().expect("B is at most N");
    (first, last)
}

/// Splits an array into its first `A` and its last `B` bytes, which can be changed.
#[expect(
    clippy::expect_used,
    reason = "checked at compile time: A + B is the length"
)]
pub(crate) fn split_array_mut<const N: usize, const A: usize, const B: usize>(
    bytes: &mut [u8; N],
) -> (&mut [u8; A], &mut [u8; B]) {
    const { assert!(A + B == N, "the parts are the whole array") };
    let (first, rest) = bytes.split_first_chunk_mut().expect("A is at most N");
    (first, rest.try_into().expect("B bytes are left"))
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

/// Returns the bytes up to the last one that is not zero.
pub(crate) fn without_trailing_zeros(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    while let [shorter @ .., 0] = rest {
        rest = shorter;
    }
    rest
}
