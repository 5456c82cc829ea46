//! The paths of onion requests (protocol: [onion, section 10]).
//!
//! [onion, section 10]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/onion.md#section-10

use alloc::vec::Vec;
use core::time::Duration;

use session_crypto::Ed25519Public;
use session_swarm::ServiceNode;

use crate::exchange::Purpose;
use crate::time::Instant;

mod health;
mod live;
mod pick;

pub(crate) use health::Health;
pub use live::Paths;
pub(crate) use pick::{Exclusions, View};

/// The number of a path; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathId(u64);

/// A live path.
#[derive(Debug, Clone)]
pub struct Path {
    pub(crate) id: PathId,
    pub(crate) purpose: Purpose,
    pub(crate) hops: Vec<ServiceNode>,
    /// When it was built.
    pub(crate) built: Instant,
    /// When its replacement is to be tried.
    pub(crate) due: Instant,
    /// Requests on their way.
    pub(crate) in_flight: u32,
    /// Failures since it last worked.
    pub(crate) failures: u32,
    /// Whether an answer ever came through it.
    pub(crate) has_worked: bool,
    pub(crate) exam: Option<Exam>,
    /// Whether it was being tested, and not yet known to work, when an earlier run ended.
    pub(crate) doubt: bool,
    /// When an answer last came through it, and when it was last tested without need.
    pub(crate) worked: Option<Instant>,
    pub(crate) tried: Option<Instant>,
    /// How long answers take.
    pub(crate) health: Health,
}

/// A test of a path that is in doubt: is its guard up, and does an answer come through it?
#[derive(Debug, Clone, Default)]
pub(crate) struct Exam {
    /// Whether the guard has answered; `None` if that is not known yet.
    pub(crate) guard: Option<bool>,
    /// Whether an answer came through the path; `None` if that is not known yet.
    pub(crate) probe: Option<bool>,
    /// Whether nothing has failed on the path: it is only new or long unused.
    pub(crate) is_trial: bool,
    /// Destinations whose silence or failure began it.
    pub(crate) accused: Vec<Ed25519Public>,
}

impl Path {
    /// Returns its number.
    #[must_use]
    pub const fn id(&self) -> PathId {
        self.id
    }

    /// Returns what it is used for.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Returns its hops. The first is the guard, which knows the client's address.
    #[must_use]
    pub fn hops(&self) -> &[ServiceNode] {
        &self.hops
    }

    /// Returns the failures since it last worked.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// Returns the first hop.
    #[must_use]
    pub fn guard(&self) -> Option<&ServiceNode> {
        self.hops.first()
    }

    /// Returns whether a node is one of the hops.
    #[must_use]
    pub fn contains(&self, key: &Ed25519Public) -> bool {
        self.hops.iter().any(|hop| hop.ed25519 == *key)
    }

    /// Returns whether something failed on it or was slow, and it is not yet known why.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        self.doubt || self.is_being_tested()
    }

    /// Returns whether something failed on it or was slow in this process, and it is not yet known why.
    pub(crate) fn is_being_tested(&self) -> bool {
        self.exam.as_ref().is_some_and(|exam| !exam.is_trial)
    }

    /// Returns how long answers usually take, if one came.
    #[must_use]
    pub const fn usual(&self) -> Option<Duration> {
        self.health.usual()
    }

    pub(crate) fn has_guard(&self, key: &Ed25519Public) -> bool {
        self.guard().is_some_and(|guard| guard.ed25519 == *key)
    }
}
