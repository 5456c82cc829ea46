//! What is known of the keys of another account, and the format that follows from it.

use core::time::Duration;

use session_crypto::v2::PublicKeys;
use session_types::UnixMillis;

use super::direct::Format;

/// Age from which cached keys are fetched again in the background.
const FRESH: Duration = Duration::from_secs(24 * 60 * 60);
/// Age until which an account without keys is not asked again.
const NONE_PUBLISHED: Duration = Duration::from_secs(60 * 60);

/// The cached keys of one other account (protocol: protocol-v2, section 3).
///
/// Keep one for each account that messages go to, and persist it. Absent means that the account was never
/// asked: then start with [`KeyCache::EMPTY`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyCache {
    keys: Option<(PublicKeys, UnixMillis)>,
    none_at: Option<UnixMillis>,
}

/// The result of fetching the published keys of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// The swarm returned a valid publication.
    Keys(PublicKeys),
    /// The swarm returned none.
    None,
    /// The swarm did not answer, or the answer has no list of messages.
    Failed,
}

/// What a cache says about fetching.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Freshness {
    /// The keys are less than 24 hours old.
    Fresh,
    /// The keys are older. Use them, and fetch in the background.
    Stale,
    /// The account published nothing less than an hour ago.
    NonePublished,
    /// Nothing is known, or only that there were no keys an hour or longer ago. Fetch.
    Unknown,
}

impl Freshness {
    /// Whether to fetch the keys now.
    #[must_use]
    pub const fn should_fetch(self) -> bool {
        matches!(self, Self::Stale | Self::Unknown)
    }
}

/// How to send a message now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan<'a> {
    /// Seal in this format.
    Send(Format<'a>),
    /// Fetch the keys first, then ask [`KeyCache::after_fetch`].
    FetchFirst,
    /// Nothing is known and there is no network: sending fails.
    Offline,
}

impl KeyCache {
    /// Nothing is known.
    pub const EMPTY: Self = Self {
        keys: None,
        none_at: None,
    };

    /// Restores a cache: the keys with the time at which they were fetched, and the last time at which
    /// the account had none.
    #[must_use]
    pub const fn restore(
        keys: Option<(PublicKeys, UnixMillis)>,
        none_at: Option<UnixMillis>,
    ) -> Self {
        Self { keys, none_at }
    }

    /// Returns the keys, with the time at which they were fetched.
    #[must_use]
    pub const fn keys(&self) -> Option<&(PublicKeys, UnixMillis)> {
        self.keys.as_ref()
    }

    /// Returns the last time at which the account had no keys. With keys it has no effect.
    #[must_use]
    pub const fn none_at(&self) -> Option<UnixMillis> {
        self.none_at
    }

    /// Notes the result of a fetch. Keys that are there stay when a later fetch finds none.
    pub fn note(&mut self, fetched: Fetched, now: UnixMillis) {
        match fetched {
            Fetched::Keys(keys) => self.keys = Some((keys, now)),
            Fetched::None => self.none_at = Some(now),
            Fetched::Failed => {}
        }
    }

    /// Returns whether the keys should be fetched in the background.
    #[must_use]
    pub fn freshness(&self, now: UnixMillis) -> Freshness {
        let is_younger = |at: UnixMillis, age: Duration| now.since(at) < age;
        match (&self.keys, self.none_at) {
            (Some((_, at)), _) if is_younger(*at, FRESH) => Freshness::Fresh,
            (Some(_), _) => Freshness::Stale,
            (None, Some(at)) if is_younger(at, NONE_PUBLISHED) => Freshness::NonePublished,
            (None, _) => Freshness::Unknown,
        }
    }

    /// Chooses how to send now (protocol: protocol-v2, section 4.5).
    ///
    /// Cached keys are used whatever their age. `force_v2` is for the time when every client opens
    /// version 2; until then an account without keys gets version 1.
    #[must_use]
    pub const fn plan(&self, has_network: bool, force_v2: bool) -> Plan<'_> {
        match (&self.keys, self.none_at, has_network) {
            (None, None, true) => Plan::FetchFirst,
            (None, None, false) => Plan::Offline,
            _ => Plan::Send(self.after_fetch(force_v2)),
        }
    }

    /// Chooses the format after a fetch that was waited for, whether or not it succeeded.
    #[must_use]
    pub const fn after_fetch(&self, force_v2: bool) -> Format<'_> {
        match &self.keys {
            Some((keys, _)) => Format::V2(keys),
            None if force_v2 => Format::V2WithoutKeys,
            None => Format::V1,
        }
    }
}
