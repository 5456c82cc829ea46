//! Arrays that consist of others.

/// Splits an array into its first `A` bytes and the other `B`.
#[expect(clippy::expect_used, reason = "checked at compile time: A + B == N")]
pub(crate) fn split<const A: usize, const B: usize, const N: usize>(
    bytes: &[u8; N],
) -> (&[u8; A], &[u8; B]) {
    const { assert!(matches!(A.checked_add(B), Some(sum) if sum == N)) }
    let (first, rest) = bytes.split_first_chunk().expect("A is at most N");
    (first, rest.try_into().expect("B is N - A"))
}

/// Joins two arrays.
#[expect(
    clippy::disallowed_methods,
    reason = "checked at compile time: A + B == N"
)]
pub(crate) const fn join<const A: usize, const B: usize, const N: usize>(
    first: &[u8; A],
    second: &[u8; B],
) -> [u8; N] {
    const { assert!(matches!(A.checked_add(B), Some(sum) if sum == N)) }
    let mut bytes = [0; N];
    let (to_first, to_second) = bytes.split_at_mut(A);
    to_first.copy_from_slice(first);
    to_second.copy_from_slice(second);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_is_split_and_joined() {
        let whole: [u8; 5] = join(&[1, 2], &[3, 4, 5]);
        assert_eq!(whole, [1, 2, 3, 4, 5]);
        assert_eq!(split(&whole), (&[1, 2], &[3, 4, 5]));
    }
}
