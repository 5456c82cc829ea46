//! The number of a swarm.

use core::fmt;
use core::str::FromStr;

/// The id of a swarm, a 64-bit number: its place on the ring (protocol: swarm, section 1).
///
/// As text it is lower-case hex without leading zeros. A JSON parser that converts numbers to
/// doubles destroys it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SwarmId(u64);

/// Text that is not the hex form of a swarm id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a swarm id of 1 to 16 hex digits")]
pub struct SwarmIdError;

impl SwarmId {
    /// The value of nodes that belong to no swarm; never the id of a swarm.
    pub const UNASSIGNED: Self = Self(u64::MAX);
    /// The largest id of a swarm.
    pub const MAX: Self = Self(u64::MAX - 1);

    /// Wraps the number.
    #[must_use]
    pub const fn new(id: u64) -> Self {
        Self(id)
    }

    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns whether this is the id of a swarm, not [`UNASSIGNED`](Self::UNASSIGNED).
    #[must_use]
    pub const fn is_assigned(self) -> bool {
        self.0 != u64::MAX
    }
}

/// Writes lower-case hex without leading zeros.
impl fmt::Display for SwarmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

impl fmt::LowerHex for SwarmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::LowerHex::fmt(&self.0, f)
    }
}

impl fmt::Debug for SwarmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SwarmId({self})")
    }
}

impl FromStr for SwarmId {
    type Err = SwarmIdError;

    /// Parses 1 to 16 hex digits of either case.
    fn from_str(text: &str) -> Result<Self, SwarmIdError> {
        let is_hex = text.bytes().all(|digit| digit.is_ascii_hexdigit());
        if !is_hex || !(1..=16).contains(&text.len()) {
            return Err(SwarmIdError);
        }
        u64::from_str_radix(text, 16)
            .map(Self)
            .map_err(|_| SwarmIdError)
    }
}

#[cfg(feature = "serde")]
crate::serde::as_text!(SwarmId);

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn text_is_hex_without_leading_zeros() {
        for (text, id) in [("0", 0), ("ff", 255), ("ffffffffffffffff", u64::MAX)] {
            assert_eq!(SwarmId::new(id).to_string(), text);
            assert_eq!(text.parse(), Ok(SwarmId::new(id)));
        }
        assert_eq!("00FF".parse(), Ok(SwarmId::new(255)));
        for bad in [
            "",
            "0x1",
            "+1",
            "g",
            "10000000000000000",
            "00000000000000001",
        ] {
            assert_eq!(bad.parse::<SwarmId>(), Err(SwarmIdError), "{bad}");
        }
        assert!(!SwarmId::UNASSIGNED.is_assigned());
        assert!(SwarmId::MAX.is_assigned());
    }
}
