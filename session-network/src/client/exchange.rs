//! What a client is asked for, what it wants done, and what it tells.

use alloc::vec::Vec;

use session_crypto::Ed25519Public;
use session_storage::Response;
use session_swarm::record::ServiceNode;
use session_types::AnyId;

/// The number of a request of the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub(super) u64);

/// The number of something that was sent; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub(super) u64);

/// Who shall answer a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A member of the swarm of the account.
    Swarm(AnyId),
    /// This node and no other.
    Node(Ed25519Public),
    /// Any node.
    Any,
}

/// What the user of a [`Client`](super::Client) has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Send `body` through `hops` to `destination` as an onion request.
    Send {
        /// To report the outcome with.
        ticket: Ticket,
        /// The hops, the guard first. The destination comes behind the last one. All of them, and
        /// the destination, have their `x25519`, which is checked: it is the key to seal to.
        hops: Vec<ServiceNode>,
        /// The node that shall answer.
        destination: ServiceNode,
        /// The inner body: `{"method":…,"params":…}`.
        body: Vec<u8>,
        /// When to give up, in milliseconds since 1970. If nothing is reported until then the
        /// client takes it for [`Outcome::TimedOut`](super::Outcome::TimedOut).
        deadline_ms: u64,
    },
    /// Find out whether a node can be reached that may become a guard: connect to its HTTPS port and
    /// send any request that names no account, such as one to `/ping_test/v1`. Whatever answer comes
    /// is an [`Outcome::Answer`](super::Outcome::Answer).
    TestGuard {
        /// To report the outcome with.
        ticket: Ticket,
        /// The node.
        guard: ServiceNode,
        /// As in [`Action::Send`].
        deadline_ms: u64,
    },
    /// POST `body` to `/json_rpc` of a seed. A success is an [`Outcome::Answer`](super::Outcome::Answer).
    AskSeed {
        /// To report the outcome with.
        ticket: Ticket,
        /// Which seed: 0 to one less than [`ClientConfig::seeds`](super::ClientConfig::seeds).
        seed: usize,
        /// The body.
        body: Vec<u8>,
        /// As in [`Action::Send`].
        deadline_ms: u64,
    },
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Which request.
    pub request: RequestId,
    /// The answer of the node that served it, checked as far as it can be, or why there is none.
    pub result: Result<Reply, RequestError>,
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The node that answered.
    pub node: Ed25519Public,
    /// Its answer. A status that is no success is one that no other node would answer otherwise.
    ///
    /// Of a request to a swarm at least one entry is signed, or all of them say that they failed, as
    /// two nodes did: read it with [`SwarmAnswer::verify`](session_storage::SwarmAnswer::verify).
    pub response: Response,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The time of the request is over.
    #[error("no answer in time")]
    TimedOut,
    /// All attempts failed, the last one on its path.
    #[error("all attempts failed on the way")]
    PathsFailed,
    /// All attempts failed, the last one at its destination.
    #[error("no node of the swarm gave a usable answer")]
    NoUsableAnswer,
    /// The nodes disagree with the time of the request: sign again with the network's time.
    #[error("the clock is out of sync with the network")]
    ClockOutOfSync,
    /// The nodes that were asked send the request on and on.
    #[error("no node says that it serves this account")]
    WrongSwarm,
    /// The node that shall answer is not in the pool, or has no usable key.
    #[error("the node is not known")]
    UnknownNode,
    /// There are too many requests under way.
    #[error("too many requests")]
    TooMany,
}
