//! The two generations of rules that deployed libraries follow, and all that differs between them.
//!
//! Messages are the same; devices treat them differently. Use [`Rules::Current`]. The
//! older rules are there to replay what version 1.2.0 of the reference library did, byte for byte.

/// A generation of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rules {
    /// The rules of today's libraries.
    #[default]
    Current,
    /// The rules of version 1.2.0 of the reference library (February 2025).
    V1_2,
}

impl Rules {
    /// Whether a device's own message stands before the received ones in a merge.
    ///
    /// Of two equal messages the first one is chosen: with the current rules the one whose
    /// stored name is known.
    pub(crate) const fn own_first(self, has_stored_name: bool) -> bool {
        match self {
            Self::Current => has_stored_name,
            Self::V1_2 => true,
        }
    }

    /// Whether a message that was merged and not chosen is obsolete, although it is stored under the
    /// same names as the chosen one.
    pub(crate) const fn same_names_are_obsolete(self) -> bool {
        matches!(self, Self::V1_2)
    }

    /// Whether a merge in which nothing could be read is an error.
    pub(crate) const fn nothing_read_is_an_error(self) -> bool {
        matches!(self, Self::V1_2)
    }

    /// Whether the profile says when it was changed (`t`, `T`).
    pub(crate) const fn stamps_profiles(self) -> bool {
        matches!(self, Self::Current)
    }

    /// The conversations of which stale entries are removed: one-to-one, legacy groups and
    /// communities, now also blinded ones and groups.
    pub(crate) const fn prunes_all_conversations(self) -> bool {
        matches!(self, Self::Current)
    }

    /// Whether a time read `age` before now is new enough to be written, where `age` is exactly the
    /// limit.
    pub(crate) const fn writes_at_the_limit(self) -> bool {
        matches!(self, Self::V1_2)
    }
}
