//! Kinds of evidence, and the consequences that each may have.
//!
//! | Evidence | Where it comes from | What it may do |
//! |---|---|---|
//! | [`Observed`](Evidence::Observed) | our own connection to a guard failed or timed out | rest that guard |
//! | [`Authenticated`](Evidence::Authenticated) | the answer was encrypted by that node for us | strike that node |
//! | [`Corroborated`](Evidence::Corroborated) | paths through different guards failed at that node, and it did not answer itself | rest it as a hop |
//! | [`Hearsay`] | plain text from the path, silence, an answer that does not decrypt | end the attempt; count against the path |
//!
//! The constructors of [`Proof`] are private to this module and its children, which are the only
//! places where something is received. [`Strikes::strike`](crate::Strikes::strike) takes a proof,
//! so no code of this crate can strike a node for what a stranger wrote:
//!
//! ```compile_fail,E0308
//! # use session_network::{Strikes, evidence::Hearsay, types::MonotonicTime};
//! # fn f(strikes: &mut Strikes, hearsay: Hearsay, now: MonotonicTime) {
//! strikes.strike(&hearsay, now);
//! # }
//! ```

use session_crypto::Ed25519Public;

mod reception;
mod suspicion;

pub(crate) use reception::{Answered, Reception};
pub use suspicion::Suspicions;

use crate::path::PathId;

/// The basis of a statement about a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Evidence {
    /// Our own connection to the node failed or timed out.
    Observed,
    /// The node said it itself, inside the encryption.
    Authenticated,
    /// Requests failed at the node through different guards.
    Corroborated,
}

/// Evidence against a node that may cost it something. Only this crate makes one, and only of what
/// was observed, authenticated or corroborated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    node: Ed25519Public,
    evidence: Evidence,
}

impl Proof {
    const fn new(node: Ed25519Public, evidence: Evidence) -> Self {
        Self { node, evidence }
    }

    /// Returns the node that it is about.
    #[must_use]
    pub const fn node(&self) -> &Ed25519Public {
        &self.node
    }

    /// Returns what it rests on.
    #[must_use]
    pub const fn evidence(&self) -> Evidence {
        self.evidence
    }

    /// A proof of any kind, for tests of what proofs do.
    #[cfg(test)]
    pub(crate) const fn of(node: Ed25519Public, evidence: Evidence) -> Self {
        Self::new(node, evidence)
    }
}

/// A failure somewhere on a path. It names the path and no node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hearsay {
    path: PathId,
}

impl Hearsay {
    /// Returns the path on which it came.
    #[must_use]
    pub const fn path(&self) -> PathId {
        self.path
    }
}
