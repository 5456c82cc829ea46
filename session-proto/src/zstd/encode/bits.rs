//! A stream of bits that is read from its end.

use alloc::vec::Vec;

/// Writes bits, the lowest first.
pub(super) struct Bits<'a> {
    out: &'a mut Vec<u8>,
    held: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    pub(super) const fn new(out: &'a mut Vec<u8>) -> Self {
        Self {
            out,
            held: 0,
            count: 0,
        }
    }

    /// Goes on with fewer than 32 bits that are held.
    pub(super) const fn with(out: &'a mut Vec<u8>, held: u64, count: u32) -> Self {
        Self { out, held, count }
    }

    /// Appends the `bits` lowest bits of `value`, at most 32.
    #[inline]
    pub(super) fn put(&mut self, value: u32, bits: u32) {
        let mask = (1_u64 << bits).wrapping_sub(1);
        // Fewer than 32 bits are held.
        self.held |= (u64::from(value) & mask) << self.count;
        self.count = self.count.wrapping_add(bits);
        if self.count >= 32 {
            let [a, b, c, d, ..] = self.held.to_le_bytes();
            self.out.extend_from_slice(&[a, b, c, d]);
            self.held >>= 32;
            self.count = self.count.wrapping_sub(32);
        }
    }

    /// Returns the length of what was written to the output so far, in bytes.
    pub(super) const fn written(&self) -> usize {
        self.out.len()
    }

    /// Fills the last byte with zeros.
    pub(super) fn flush(self) {
        let bytes = self.count.div_ceil(8) as usize;
        self.out.extend(self.held.to_le_bytes().iter().take(bytes));
    }

    /// Appends the bit that marks the end, and fills the last byte.
    pub(super) fn finish(mut self) {
        self.put(1, 1);
        self.flush();
    }
}
