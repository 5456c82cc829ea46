//! Sorts the outcomes of posts by the evidence that they are.

use session_crypto::Ed25519Public;
use session_onion::client::{Reply, ReplyError};

use super::{Evidence, Hearsay, Proof};
use crate::endpoint::Outcome;
use crate::onion::Onion;
use crate::path::PathId;

/// An answer that its destination has encrypted for this request.
#[derive(Debug, Clone)]
pub(crate) struct Answered {
    /// The node, or `None` if a server answered.
    node: Option<Ed25519Public>,
    pub(crate) reply: Reply,
}

impl Answered {
    /// Returns the answer as evidence against the node.
    pub(crate) fn proof(&self) -> Option<Proof> {
        self.node
            .map(|node| Proof::new(node, Evidence::Authenticated))
    }
}

/// A sorted outcome of a post to a guard.
#[derive(Debug, Clone)]
pub(crate) enum Reception {
    /// The destination answered.
    Answered(Answered),
    /// The destination answered with something that makes no sense. There is evidence against it if
    /// it is a node.
    Malformed(Option<Proof>),
    /// Something failed somewhere on the path.
    Failed(Hearsay),
    /// There is no connection to the guard.
    NoGuard(Proof),
}

impl Reception {
    /// Opens what came back through a path.
    ///
    /// A refusal that a hop has encrypted is hearsay too: the hop before it can provoke one by
    /// changing the packet. So is silence, which any hop can keep.
    pub(crate) fn of<O: Onion>(
        onion: &O,
        key: O::Key,
        outcome: Outcome<'_>,
        path: PathId,
        guard: &Ed25519Public,
        destination: Option<Ed25519Public>,
    ) -> Self {
        match outcome {
            Outcome::Answer { status, body } => match onion.open(key, status, body) {
                Ok(reply) => Self::Answered(Answered {
                    node: destination,
                    reply,
                }),
                Err(ReplyError::Malformed(_)) => {
                    let proof = |node| Proof::new(node, Evidence::Authenticated);
                    Self::Malformed(destination.map(proof))
                }
                Err(ReplyError::Refused(_) | ReplyError::Hearsay(_)) => {
                    Self::Failed(Hearsay { path })
                }
            },
            Outcome::Unreachable | Outcome::NoQuic => {
                Self::NoGuard(Proof::new(*guard, Evidence::Observed))
            }
            Outcome::TimedOut => Self::Failed(Hearsay { path }),
        }
    }

    /// Evaluates a direct test of a guard: returns evidence against the guard if it did not answer.
    pub(crate) const fn of_test(outcome: Outcome<'_>, guard: &Ed25519Public) -> Result<(), Proof> {
        match outcome {
            Outcome::Answer { .. } => Ok(()),
            Outcome::Unreachable | Outcome::NoQuic | Outcome::TimedOut => {
                Err(Proof::new(*guard, Evidence::Observed))
            }
        }
    }
}
