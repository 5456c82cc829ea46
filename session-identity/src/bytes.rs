//! Copying without a panic.

/// Copies as much of `from` as fits to the beginning of `to`.
pub(crate) fn copy_prefix(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}
