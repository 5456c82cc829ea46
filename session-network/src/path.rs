//! The paths of onion requests (protocol: onion, section 10).

use alloc::vec::Vec;

use crate::limits::{DAY_MS, MINUTE_MS, SECOND_MS};
use session_crypto::Ed25519Public;
use session_swarm::record::ServiceNode;

mod live;
mod pick;

pub use live::Paths;
pub use pick::{Exclusions, pick};

/// What a path is used for. Requests of one purpose share a path with those of another only where
/// nodes are too few for paths of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Everything but files.
    Standard,
    /// Files, whose size would hold up everything else.
    File,
}

/// Rules of paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathConfig {
    /// Hops of a path, the guard included.
    pub hops: usize,
    /// Paths kept for each purpose that is in use.
    pub paths: usize,
    /// Failures blamed on a path after which it is dropped and its nodes get a strike each.
    pub strikes: u32,
    /// Failures in a row, whoever is to blame, after which a path is dropped and no node gets a
    /// strike.
    pub failures: u32,
    /// Whether a guard has to answer before its first use, and after a connection to it failed.
    pub test_guards: bool,
    /// How long a guard may take for that.
    pub guard_test_timeout_ms: u64,
    /// Guards that fail one after the other before the requests that wait for a path count it as a
    /// failed attempt.
    pub guard_tests: u32,
    /// Age at which a path is replaced by one with the same guard.
    pub rotation_ms: u64,
    /// Time after which a rotation that failed is tried again.
    pub rotation_retry_ms: u64,
    /// Age at which a guard is replaced.
    pub guard_lifetime_ms: u64,
    /// Whether no two hops of all paths may be in the same /24 network.
    pub distinct_subnets: bool,
    /// Whether a request may go through a path that its destination is in, if there is no other.
    pub allow_destination_in_path: bool,
}

impl Default for PathConfig {
    fn default() -> Self {
        Self {
            hops: 3,
            paths: 2,
            strikes: 3,
            failures: 6,
            test_guards: true,
            guard_test_timeout_ms: 3 * SECOND_MS,
            guard_tests: 10,
            rotation_ms: 10 * MINUTE_MS,
            rotation_retry_ms: MINUTE_MS,
            guard_lifetime_ms: 10 * DAY_MS,
            distinct_subnets: true,
            allow_destination_in_path: false,
        }
    }
}

/// The number of a path; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathId(u64);

/// A live path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// Its number.
    pub id: PathId,
    /// What it is used for.
    pub purpose: Purpose,
    /// Its hops; the first is the guard, which knows the client's address.
    pub hops: Vec<ServiceNode>,
    /// When it was built, in milliseconds since 1970.
    pub built_ms: u64,
    /// Requests on their way.
    pub in_flight: u32,
    strikes: u32,
    failures: u32,
    /// Hops that were blamed by name while they were in this path.
    blamed: Vec<Ed25519Public>,
}

impl Path {
    const fn new(id: PathId, purpose: Purpose, hops: Vec<ServiceNode>, built_ms: u64) -> Self {
        Self {
            id,
            purpose,
            hops,
            built_ms,
            in_flight: 0,
            strikes: 0,
            failures: 0,
            blamed: Vec::new(),
        }
    }

    /// Whether a node is one of the hops.
    #[must_use]
    pub fn contains(&self, key: &Ed25519Public) -> bool {
        self.hops.iter().any(|hop| hop.ed25519 == *key)
    }

    /// The first hop.
    #[must_use]
    pub fn guard(&self) -> Option<&ServiceNode> {
        self.hops.first()
    }

    /// The failures that were blamed on the path since it last worked.
    #[must_use]
    pub const fn strikes(&self) -> u32 {
        self.strikes
    }
}

/// A node that a client connects to, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard {
    /// Its key.
    pub key: Ed25519Public,
    /// The first connection, in milliseconds since 1970.
    pub since_ms: u64,
}
