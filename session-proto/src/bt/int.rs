//! The integer type of the encoding.

use core::fmt;

/// An integer of the encoding: `-2^63 ..= 2^64-1`.
///
/// There is one integer type on the wire; the reader decides between signed and unsigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Int(i128);

impl Int {
    /// The smallest integer, -2^63.
    pub const MIN: Self = Self(i64::MIN as i128);
    /// The largest integer, 2^64-1.
    pub const MAX: Self = Self(u64::MAX as i128);

    /// Returns the value if it is not negative.
    #[must_use]
    pub fn as_u64(self) -> Option<u64> {
        u64::try_from(self.0).ok()
    }

    /// Returns the value if it is below 2^63.
    #[must_use]
    pub fn as_i64(self) -> Option<i64> {
        i64::try_from(self.0).ok()
    }

    /// Returns the value.
    #[must_use]
    pub const fn as_i128(self) -> i128 {
        self.0
    }

    /// Returns the integer with a sign and a magnitude, unless it is out of range or a negative zero.
    pub(super) fn from_parts(negative: bool, magnitude: u64) -> Option<Self> {
        if !negative {
            return Some(Self::from(magnitude));
        }
        let value = 0_i64.checked_sub_unsigned(magnitude)?;
        (value != 0).then(|| Self::from(value))
    }
}

impl fmt::Display for Int {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! from {
    ($($type:ty),*) => {$(
        impl From<$type> for Int {
            fn from(value: $type) -> Self {
                Self(i128::from(value))
            }
        }
    )*};
}

from!(bool, i8, i16, i32, i64, u8, u16, u32, u64);
