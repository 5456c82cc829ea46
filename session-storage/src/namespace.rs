//! Namespaces of stored messages and the rules that their numbers imply (protocol: storage-rpc,
//! section 4).

use alloc::string::{String, ToString};
use core::fmt;

use crate::limits::{DAY_MS, TTL_MAX_INBOX_MS, TTL_MAX_MS};

/// The number of a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Namespace(i16);

impl Namespace {
    /// One-to-one messages.
    pub const DEFAULT: Self = Self(0);
    /// Config: the user's profile.
    pub const USER_PROFILE: Self = Self(2);
    /// Config: contacts.
    pub const CONTACTS: Self = Self(3);
    /// Config: volatile data of conversations.
    pub const CONVO_INFO_VOLATILE: Self = Self(4);
    /// Config: groups and communities.
    pub const USER_GROUPS: Self = Self(5);
    /// Group: messages.
    pub const GROUP_MESSAGES: Self = Self(11);
    /// Group: keys.
    pub const GROUP_KEYS: Self = Self(12);
    /// Group: info.
    pub const GROUP_INFO: Self = Self(13);
    /// Group: members.
    pub const GROUP_MEMBERS: Self = Self(14);
    /// Legacy closed groups; neither store nor retrieve needs a signature. Receive only.
    pub const LEGACY_GROUP: Self = Self(-10);
    /// Group messages that a revoked member may still read.
    pub const REVOKED_GROUP_MESSAGES: Self = Self(-11);
    /// The list of an account's devices (upcoming).
    pub const DEVICES: Self = Self(21);
    /// An account's public keys (upcoming).
    pub const ACCOUNT_PUBLIC_KEYS: Self = Self(-21);

    /// Those that clients store messages in.
    pub const KNOWN: [Self; 13] = [
        Self::DEFAULT,
        Self::USER_PROFILE,
        Self::CONTACTS,
        Self::CONVO_INFO_VOLATILE,
        Self::USER_GROUPS,
        Self::GROUP_MESSAGES,
        Self::GROUP_KEYS,
        Self::GROUP_INFO,
        Self::GROUP_MEMBERS,
        Self::LEGACY_GROUP,
        Self::REVOKED_GROUP_MESSAGES,
        Self::DEVICES,
        Self::ACCOUNT_PUBLIC_KEYS,
    ];

    /// The namespace of a number. Every number is one.
    #[must_use]
    pub const fn new(number: i16) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> i16 {
        self.0
    }

    /// Whether everybody may store here without a signature: multiples of 10.
    #[must_use]
    pub const fn is_public_inbox(self) -> bool {
        self.0 % 10 == 0
    }

    /// Whether everybody may retrieve from here, and each store replaces all other messages of the
    /// namespace: -1, -21, -41 and so on.
    #[must_use]
    pub const fn is_public_outbox(self) -> bool {
        self.0 < 0 && self.0 % 20 == -1
    }

    /// Whether retrieving needs no signature.
    #[must_use]
    pub const fn is_readable_without_signature(self) -> bool {
        self.0 == Self::LEGACY_GROUP.0 || self.is_public_outbox()
    }

    /// Whether revoked subaccounts may still retrieve: -11, -111 and so on.
    #[must_use]
    pub const fn is_unrevocable(self) -> bool {
        self.0 < 0 && self.0 % 100 == -11
    }

    /// The longest time for which a message can be stored, in milliseconds.
    #[must_use]
    pub const fn max_ttl_ms(self) -> u64 {
        if self.is_public_inbox() {
            TTL_MAX_INBOX_MS
        } else {
            TTL_MAX_MS
        }
    }

    /// The time for which clients store a message here, in milliseconds.
    #[must_use]
    pub const fn usual_ttl_ms(self) -> u64 {
        match self.0 {
            2..=5 | 12..=14 | 21 | -11 | -21 => DAY_MS.saturating_mul(30),
            _ => DAY_MS.saturating_mul(14),
        }
    }

    /// The namespace as signatures and hashes cover it: nothing for 0, else the decimal number.
    #[must_use]
    pub fn signed_text(self) -> String {
        if self.0 == 0 {
            String::new()
        } else {
            self.0.to_string()
        }
    }
}

impl From<i16> for Namespace {
    fn from(number: i16) -> Self {
        Self(number)
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// One namespace, or all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Namespaces {
    /// This one.
    One(Namespace),
    /// All of the account's.
    All,
}

impl Namespaces {
    /// As signatures cover it: `all`, nothing for 0, else the decimal number.
    #[must_use]
    pub fn signed_text(self) -> String {
        match self {
            Self::One(namespace) => namespace.signed_text(),
            Self::All => "all".to_string(),
        }
    }
}

impl From<Namespace> for Namespaces {
    fn from(namespace: Namespace) -> Self {
        Self::One(namespace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(rule: impl Fn(Namespace) -> bool) -> alloc::vec::Vec<i16> {
        let observed = [
            0, 2, 3, 4, 5, 11, 12, 13, 14, -10, -11, 21, -21, -3741, 1, 10, 20, -1, -12, -20, -41,
            -111, -211, -981, 32767, -32768,
        ];
        let kept = observed.into_iter().filter(|n| rule(Namespace::new(*n)));
        kept.collect()
    }

    #[test]
    fn rules_follow_from_the_number() {
        assert_eq!(numbers(Namespace::is_public_inbox), [0, -10, 10, 20, -20]);
        assert_eq!(
            numbers(Namespace::is_public_outbox),
            [-21, -3741, -1, -41, -981]
        );
        assert_eq!(numbers(Namespace::is_unrevocable), [-11, -111, -211]);
        assert_eq!(
            numbers(Namespace::is_readable_without_signature),
            [-10, -21, -3741, -1, -41, -981]
        );
    }

    #[test]
    fn configuration_keys_and_notices_are_stored_for_longer() {
        let days = |days: u64| numbers(|n| n.usual_ttl_ms() == days * DAY_MS);
        assert_eq!(days(30), [2, 3, 4, 5, 12, 13, 14, -11, 21, -21]);
        assert_eq!(days(14).len(), 26 - 10);
        assert!(numbers(|n| n.usual_ttl_ms() > n.max_ttl_ms()).is_empty());
    }

    #[test]
    fn namespace_0_is_signed_as_nothing() {
        assert_eq!(Namespace::DEFAULT.signed_text(), "");
        assert_eq!(Namespace::new(-11).signed_text(), "-11");
        assert_eq!(Namespaces::All.signed_text(), "all");
    }
}
