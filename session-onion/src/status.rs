//! The meaning of replies, and who vouches for them (protocol: onion, section 9).
//!
//! | answer | who vouches for it | type |
//! |---|---|---|
//! | the destination's reply | the destination: decrypted with its layer's key | [`Reply`](crate::client::Reply) |
//! | the destination's reply, malformed | the destination | [`MalformedReply`](crate::client::MalformedReply) |
//! | the refusal of a hop | that hop: decrypted with its layer's key | [`HopRefusal`](crate::client::HopRefusal) |
//! | plain text, or bytes that do not decrypt | nobody | [`Hearsay`] |
//!
//! Every node of the path, and anybody between the client and the guard, can write hearsay. It ends
//! the attempt and proves nothing about the nodes that it names. A plain 406, 421 or 425 would make a
//! client set its clock or change the swarm; a client must not act on it.

use alloc::string::String;
use core::fmt;

use session_crypto::Ed25519Public;

use crate::key;

/// The party that vouches for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Evidence {
    /// The destination: it was decrypted with the key of the destination's layer.
    Destination,
    /// One hop of the path, from 0, the guard: it was decrypted with the key of that hop's layer.
    Hop(usize),
    /// Nobody.
    Hearsay,
}

/// The claim of unauthenticated bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Claim {
    /// 502: this node is not in the list of the node before it.
    NodeNotFound(Ed25519Public),
    /// 502: this node is known, but not its address.
    NodeUnreachable(Ed25519Public),
    /// 502: the destination received an invalid response from its chain daemon.
    DestinationBroken,
    /// 503: this node of the path is not ready.
    NodeNotReady(Ed25519Public),
    /// 503: the guard is not ready.
    GuardNotReady,
    /// 503: the guard is overloaded.
    GuardBusy,
    /// 500: a node received an invalid response from the next one.
    InvalidResponse,
    /// 504: a node, or a server behind the path, did not answer in time.
    TimedOut,
    /// 406, 421 or 425: only the destination may say so, and it would have encrypted it.
    Unauthenticated,
    /// A success without a body.
    Empty,
    /// A success whose body is not base64, although the reply must be.
    NotBase64,
    /// A success whose body does not decrypt with the key of any layer.
    Undecryptable,
    /// Any other status or text.
    Other,
}

impl Claim {
    /// Reads a plain answer: its status, which is not a success, and the text of its body.
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

    /// Returns the node that is named, if one is.
    #[must_use]
    pub const fn node(self) -> Option<Ed25519Public> {
        match self {
            Self::NodeNotFound(key) | Self::NodeUnreachable(key) | Self::NodeNotReady(key) => {
                Some(key)
            }
            _ => None,
        }
    }
}

/// Reads the key that follows a pattern, up to the first white space.
fn named_key(text: &str, pattern: &str) -> Option<Ed25519Public> {
    let (_, rest) = text.split_once(pattern)?;
    let key = rest.split(|end: char| end.is_ascii_whitespace()).next()?;
    key::from_hex(key).ok().map(Ed25519Public::from_bytes)
}

/// The place of a node in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Position {
    /// A hop of the path, from 0, the guard.
    Hop(usize),
    /// The destination, a service node.
    Destination,
}

/// Bytes that nobody vouches for: any node of the path can have written them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hearsay {
    /// The HTTP status. `None` if a QUIC error names none of those that clients know.
    pub status: Option<u16>,
    /// The claim.
    pub claim: Claim,
    /// The place of the node that the claim names. `None` if it names no node, or one that is
    /// neither on the path nor the destination.
    pub about: Option<Position>,
    /// The text of a plain answer, empty if the status is a success. Untrusted: do not print it to
    /// a terminal as it is.
    pub text: String,
}

impl fmt::Display for Hearsay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.claim {
            Claim::Empty => return f.write_str("reply is empty"),
            Claim::NotBase64 => return f.write_str("reply is not base64"),
            Claim::Undecryptable => return f.write_str("reply does not decrypt"),
            _ => {}
        }
        match self.status {
            Some(status) => write!(f, "path answered {status} in plain text"),
            None => f.write_str("path answered in plain text"),
        }?;
        if self.text.is_empty() {
            return Ok(());
        }
        write!(f, ": {}", self.text)
    }
}

impl core::error::Error for Hearsay {}

/// The meaning of the destination's reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReplyKind {
    /// 200 to 299: success.
    Success,
    /// 401: the signature or the permission is not sufficient. Retrying does not help.
    Unauthorized,
    /// 404: not found.
    NotFound,
    /// 406 of a storage server, 425 of a server: the client's clock is wrong.
    ClockOutOfSync,
    /// 421: the node is not in the swarm of the account; the body names the swarm.
    WrongSwarm,
    /// 429: too many requests.
    RateLimited,
    /// 502: the node received an invalid response from its chain daemon.
    Broken,
    /// 503: the node is not ready.
    NotReady,
    /// Any other refusal; no node is at fault.
    Refused,
}

impl ReplyKind {
    /// Reads the status and the body of the destination's reply.
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
