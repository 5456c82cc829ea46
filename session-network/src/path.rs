//! The paths of onion requests (protocol: [onion, section 10]).
//!
//! [onion, section 10]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/onion.md#section-10

use alloc::vec::Vec;

use session_crypto::Ed25519Public;
use session_swarm::ServiceNode;

use crate::exchange::Purpose;
use crate::time::Instant;

mod live;
mod pick;

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
}

/// A test of a path that is in doubt: is its guard up, and does an answer come through it?
#[derive(Debug, Clone, Default)]
pub(crate) struct Exam {
    /// Whether the guard has answered; `None` if that is not known yet.
    pub(crate) guard: Option<bool>,
    /// Whether an answer came through the path; `None` if that is not known yet.
    pub(crate) probe: Option<bool>,
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

    pub(crate) fn has_guard(&self, key: &Ed25519Public) -> bool {
        self.guard().is_some_and(|guard| guard.ed25519 == *key)
    }
}
