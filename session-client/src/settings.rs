//! The rhythm of a client.

use core::time::Duration;

/// The rhythm of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// Time between two fetches: 3 s.
    pub fetch_interval: Duration,
    /// Time between two fetches of a closed group: 5 s.
    pub group_fetch_interval: Duration,
    /// Time between two polls of the server of a community: 6 s.
    pub community_interval: Duration,
    /// Time between two fetches of what the account's devices have for each other: 30 s.
    pub device_fetch_interval: Duration,
    /// Time between two fetches while a node tells of new messages: 60 s. It may be wrong, or silent.
    pub told_interval: Duration,
    /// Minimum time between two fetches that notices ask for: 200 ms.
    pub notice_gap: Duration,
    /// Whether a member of our swarm is asked to tell of new messages, where the network has QUIC: no.
    ///
    /// It is asked directly, so **it learns our address together with the account**, which requests through a path hide
    /// from it. For bots, whose addresses are no secret.
    pub notices: bool,
    /// Whether contacts are told which of their messages we have read: no. It is a setting of the
    /// installation: the shared configs have none.
    pub read_receipts: bool,
    /// Wait between a change of the shared configs and their push, so that several changes are one
    /// push: 1 s.
    pub push_delay: Duration,
    /// Time between two searches for messages whose time is over and was not known to be: 30 s.
    pub sweep_interval: Duration,
    /// Wait after the first failure of a request; each further failure doubles it: 1 s.
    pub min_backoff: Duration,
    /// Maximum wait after a failure: 60 s.
    pub max_backoff: Duration,
    /// Time after which a message that could not be stored has failed: 3 days.
    pub give_up: Duration,
    /// Time between two extensions of the lifetime of the stored configs: 1 day.
    pub keep_alive_interval: Duration,
    /// Maximum number of pages of one fetch: 100.
    pub max_pages: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            fetch_interval: Duration::from_secs(3),
            group_fetch_interval: Duration::from_secs(5),
            community_interval: Duration::from_secs(6),
            device_fetch_interval: Duration::from_secs(30),
            told_interval: Duration::from_secs(60),
            notice_gap: Duration::from_millis(200),
            notices: false,
            read_receipts: false,
            push_delay: Duration::from_secs(1),
            sweep_interval: Duration::from_secs(30),
            min_backoff: Duration::from_secs(1),
            max_backoff: Duration::from_secs(60),
            give_up: Duration::from_secs(3 * 86_400),
            keep_alive_interval: Duration::from_secs(86_400),
            max_pages: 100,
        }
    }
}

impl Settings {
    /// Returns the wait after so many failures in a row.
    pub(crate) fn backoff(&self, failures: u32) -> Duration {
        let doubled = 1_u32 << failures.saturating_sub(1).min(16);
        self.min_backoff
            .saturating_mul(doubled)
            .min(self.max_backoff)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_maximum() {
        let settings = Settings::default();
        let seconds: alloc::vec::Vec<u64> = (1..9)
            .map(|failures| settings.backoff(failures).as_secs())
            .collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(settings.backoff(u32::MAX).as_secs(), 60);
    }
}
