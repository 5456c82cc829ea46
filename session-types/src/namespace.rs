//! Namespaces of stored messages and the rules that their numbers imply (protocol: storage-rpc,
//! section 4).

use alloc::string::{String, ToString};
use core::fmt;
use core::time::Duration;

use crate::limits;

/// The number of a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Namespace(i16);

impl Namespace {
    /// One-to-one messages, sync copies, group invitations and promotions.
    pub const DEFAULT: Self = Self(0);
    /// Config: profile of the account.
    pub const USER_PROFILE: Self = Self(2);
    /// Config: contacts of the account.
    pub const CONTACTS: Self = Self(3);
    /// Config: how far conversations have been read.
    pub const CONVO_INFO_VOLATILE: Self = Self(4);
    /// Config: groups and communities of the account.
    pub const USER_GROUPS: Self = Self(5);
    /// Messages of a closed group.
    pub const GROUP_MESSAGES: Self = Self(11);
    /// Keys of a closed group.
    pub const GROUP_KEYS: Self = Self(12);
    /// Config: name, picture and settings of a closed group.
    pub const GROUP_INFO: Self = Self(13);
    /// Config: members of a closed group.
    pub const GROUP_MEMBERS: Self = Self(14);
    /// Legacy closed groups. Neither store nor retrieve needs a signature. Receive only.
    pub const LEGACY_GROUP: Self = Self(-10);
    /// Notices to removed members of a closed group. Revoked subaccounts may retrieve them.
    pub const REVOKED_GROUP_MESSAGES: Self = Self(-11);
    /// Devices of an account (upcoming).
    pub const DEVICES: Self = Self(21);
    /// Public keys of an account (upcoming).
    pub const ACCOUNT_PUBLIC_KEYS: Self = Self(-21);

    /// The namespaces that clients store messages in.
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

    /// Wraps a number. Every number is a namespace.
    #[must_use]
    pub const fn new(number: i16) -> Self {
        Self(number)
    }

    /// Returns the number.
    #[must_use]
    pub const fn number(self) -> i16 {
        self.0
    }

    /// Returns whether anybody may store here without a signature: multiples of 10.
    #[must_use]
    pub const fn is_public_inbox(self) -> bool {
        self.0 % 10 == 0
    }

    /// Returns whether anybody may retrieve from here, and each store replaces all other messages
    /// of the namespace: -1, -21, -41 and so on.
    #[must_use]
    pub const fn is_public_outbox(self) -> bool {
        self.0 < 0 && self.0 % 20 == -1
    }

    /// Returns whether retrieving needs no signature.
    #[must_use]
    pub const fn is_readable_without_signature(self) -> bool {
        self.0 == Self::LEGACY_GROUP.0 || self.is_public_outbox()
    }

    /// Returns whether revoked subaccounts may still retrieve: -11, -111 and so on.
    #[must_use]
    pub const fn is_unrevocable(self) -> bool {
        self.0 < 0 && self.0 % 100 == -11
    }

    /// Returns the longest time to live that storage servers accept.
    #[must_use]
    pub const fn max_ttl(self) -> Duration {
        if self.is_public_inbox() {
            limits::TTL_MAX_INBOX
        } else {
            limits::TTL_MAX
        }
    }

    /// Returns the time to live that clients give a message.
    #[must_use]
    pub const fn usual_ttl(self) -> Duration {
        match self.0 {
            2..=5 | 12..=14 | 21 | -11 | -21 => limits::TTL_MAX,
            _ => limits::TTL_MAX_INBOX,
        }
    }

    /// Returns the namespace as signatures and hashes cover it: nothing for 0, else the decimal
    /// number.
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
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(feature = "serde")]
crate::serde::as_number!(
    Namespace,
    i16,
    |namespace: &Namespace| namespace.number(),
    Namespace::new
);

/// One namespace, or all namespaces of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Namespaces {
    /// One namespace.
    One(Namespace),
    /// All namespaces of the account.
    All,
}

impl Namespaces {
    /// Returns the text that signatures cover: `all`, nothing for 0, else the decimal number.
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
    fn configs_keys_and_notices_are_stored_for_longer() {
        let days = |days: u64| numbers(|n| n.usual_ttl() == Duration::from_secs(days * 86_400));
        assert_eq!(days(30), [2, 3, 4, 5, 12, 13, 14, -11, 21, -21]);
        assert_eq!(days(14).len(), 26 - 10);
        assert!(numbers(|n| n.usual_ttl() > n.max_ttl()).is_empty());
    }

    #[test]
    fn namespace_0_is_signed_as_nothing() {
        assert_eq!(Namespace::DEFAULT.signed_text(), "");
        assert_eq!(Namespace::new(-11).signed_text(), "-11");
        assert_eq!(Namespaces::All.signed_text(), "all");
    }
}
