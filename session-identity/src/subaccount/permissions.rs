//! Permissions of a subaccount.

use core::fmt;
use core::ops::{BitOr, BitOrAssign};

/// The permissions of a subaccount: a set of flags, one byte of its token.
///
/// The default is no permission.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Permissions(u8);

impl Permissions {
    /// Retrieve messages.
    pub const READ: Self = Self(0x01);
    /// Store messages and extend their expiries.
    pub const WRITE: Self = Self(0x02);
    /// Delete messages and shorten their expiries.
    pub const DELETE: Self = Self(0x04);
    /// Act for accounts of every network prefix, not only for that of the token.
    pub const ANY_PREFIX: Self = Self(0x08);
    /// The permissions of ordinary group members: read and write.
    pub const MEMBER: Self = Self(0x03);

    /// Takes the byte of a token. Reserved bits are kept.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// Returns the byte of a token.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Returns whether all of `required` are among these.
    #[must_use]
    pub const fn contains(self, required: Self) -> bool {
        self.0 & required.0 == required.0
    }

    /// Returns these permissions and `other`; the same as `|`, in constants.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOr for Permissions {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.union(other)
    }
}

impl BitOrAssign for Permissions {
    fn bitor_assign(&mut self, other: Self) {
        *self = self.union(other);
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Permissions({:#04x})", self.0)
    }
}
