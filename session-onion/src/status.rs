//! What an answer means, whom it blames, and what of it may be believed
//! (protocol: onion, section 9).
//!
//! Only what the destination has encrypted is from the destination. Everything else may come from
//! any node of the path: a plain 406, 421 or 425 would make a client set its clock or change the
//! swarm on a stranger's word, and is never honoured.

use core::fmt;

use session_crypto::Ed25519Public;

use crate::key;

/// What a plain answer, which nobody vouches for, says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlainKind {
    /// 502: a node is not in the list of another, so it is gone for good.
    NodeNotFound(Ed25519Public),
    /// 502: a node is known, but not where to reach it.
    NodeUnreachable(Ed25519Public),
    /// 502: the destination got nonsense from its chain daemon.
    DestinationBroken,
    /// 503: a node of the path is not ready.
    NodeNotReady(Ed25519Public),
    /// 503: the guard is not ready.
    GuardNotReady,
    /// 503: the guard has too much to do.
    GuardBusy,
    /// 500: a node answered another with nonsense.
    InvalidResponse,
    /// 504: a node, or a server behind the path, did not answer in time.
    TimedOut,
    /// 406, 421 or 425, which only the destination could say, and it would have encrypted it.
    Unauthenticated,
    /// Anything else.
    Other,
}

impl PlainKind {
    /// What a plain answer says, by its status and the text that it contains somewhere.
    #[must_use]
    pub fn of(status: u16, text: &str) -> Self {
        let named = |pattern| named_key(text, pattern);
        let other = match status {
            406 | 421 | 425 => Some(Self::Unauthenticated),
            500 if text.contains("Invalid response from snode") => Some(Self::InvalidResponse),
            502 if text.contains("oxend returned unparsable data") => Some(Self::DestinationBroken),
            502 => named("Next node not found: ")
                .map(Self::NodeNotFound)
                .or_else(|| {
                    named("Next node is currently unreachable: ").map(Self::NodeUnreachable)
                }),
            503 if text.contains("Service node is not ready: ") => Some(Self::GuardNotReady),
            503 if text.contains("Server busy, try again later") => Some(Self::GuardBusy),
            503 => named("Snode not ready: ").map(Self::NodeNotReady),
            504 if text.contains("Request time out") => Some(Self::TimedOut),
            _ => None,
        };
        other.unwrap_or(Self::Other)
    }
}

/// The key that follows a pattern, up to the first white space.
fn named_key(text: &str, pattern: &str) -> Option<Ed25519Public> {
    let (_, rest) = text.split_once(pattern)?;
    let key = rest.split(|end: char| end.is_ascii_whitespace()).next()?;
    key::from_hex(key).ok().map(Ed25519Public::from_bytes)
}

/// Whom a failure counts against. It is a hint: any node of the path could have made it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Blame {
    /// Nobody.
    Nobody,
    /// The path as a whole: one strike.
    Path,
    /// One hop of the path, from 0, the guard: one strike.
    Hop(usize),
    /// One hop, which is out of the network: it is struck out, and the path gets one strike.
    HopGone(usize),
    /// The destination, a node: one strike.
    Destination,
    /// The destination, a node: it is struck out. The path is not to blame.
    DestinationGone,
}

/// An answer of a node of the path in plain text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plain {
    /// The status.
    pub status: u16,
    /// What it says.
    pub kind: PlainKind,
    /// Whom it counts against.
    pub blame: Blame,
}

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "path answered {} in plain text", self.status)
    }
}

/// Whom a plain answer counts against, given the keys of the path and of the destination, which is
/// none if it is a server.
///
/// A node that is neither is not to blame, whatever a node of the path says of it: the path is.
pub(crate) fn blame(
    kind: PlainKind,
    mut hops: impl Iterator<Item = Ed25519Public>,
    destination: Option<&Ed25519Public>,
) -> Blame {
    match kind {
        PlainKind::NodeNotFound(key) | PlainKind::NodeUnreachable(key) => {
            match hops.position(|hop| hop == key) {
                // No node forwards to the guard.
                Some(0) => Blame::Path,
                Some(hop) => Blame::HopGone(hop),
                None if destination == Some(&key) => Blame::DestinationGone,
                None => Blame::Path,
            }
        }
        PlainKind::NodeNotReady(key) => match hops.position(|hop| hop == key) {
            Some(hop) => Blame::Hop(hop),
            None if destination == Some(&key) => Blame::Destination,
            None => Blame::Path,
        },
        PlainKind::DestinationBroken if destination.is_some() => Blame::DestinationGone,
        PlainKind::GuardNotReady | PlainKind::GuardBusy => Blame::Hop(0),
        PlainKind::InvalidResponse => Blame::Path,
        // A server may be down without any node being at fault.
        PlainKind::TimedOut if destination.is_some() => Blame::Path,
        _ => Blame::Nobody,
    }
}

/// What an answer of the destination says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReplyKind {
    /// 200 to 299: done.
    Success,
    /// 401: the signature or the permission does not do. Asking again does not help.
    Unauthorized,
    /// 404: not found.
    NotFound,
    /// 406 of a storage server, 425 of a server: the client's clock is wrong.
    ClockOutOfSync,
    /// 421: the node is not in the swarm of the account; the body names the swarm.
    WrongSwarm,
    /// 429: too many requests.
    RateLimited,
    /// 502: the node got nonsense from its chain daemon, and is to be struck out.
    Broken,
    /// 503: the node is not ready.
    NotReady,
    /// Any other refusal; it counts against no node.
    Refused,
}

impl ReplyKind {
    /// What an answer of the destination says, by its status and its body.
    #[must_use]
    pub fn of(status: u16, body: &[u8]) -> Self {
        const BROKEN: &[u8] = b"oxend returned unparsable data";
        match status {
            200..300 => Self::Success,
            401 => Self::Unauthorized,
            404 => Self::NotFound,
            406 | 425 => Self::ClockOutOfSync,
            421 => Self::WrongSwarm,
            429 => Self::RateLimited,
            502 if body.windows(BROKEN.len()).any(|text| text == BROKEN) => Self::Broken,
            503 => Self::NotReady,
            _ => Self::Refused,
        }
    }
}
