//! Posts, endpoints and outcomes.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddrV4;

use session_swarm::ServiceNode;
use session_types::MonotonicTime;

use crate::exchange::{RequestId, Route};

/// The number of a post; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub(crate) u64);

/// A seed node: whom a client asks for the first list of nodes, and believes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed {
    /// The URL, such as `https://seed1.getsession.org:4443`.
    pub url: String,
    /// The certificates that the seed may have, each in DER.
    pub pins: Arc<[Vec<u8>]>,
}

impl Seed {
    /// Pairs a URL with the certificates (DER) that may stand for it.
    #[must_use]
    pub fn new(url: impl Into<String>, pins: impl Into<Arc<[Vec<u8>]>>) -> Self {
        Self {
            url: url.into(),
            pins: pins.into(),
        }
    }
}

/// How to reach whom a body is posted to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Endpoint {
    /// HTTPS to the address of a service node. Its certificate is self-signed and proves nothing:
    /// accept any. What is inside is encrypted for the node's key.
    Node {
        /// Address and port.
        address: SocketAddrV4,
        /// The path of the URL, with its leading slash.
        path: &'static str,
    },
    /// HTTPS to a seed. Its certificate must be one of the pins, or the answer is worthless.
    Seed {
        /// The whole URL.
        url: String,
        /// The certificates, each in DER.
        pins: Arc<[Vec<u8>]>,
    },
}

impl Endpoint {
    /// Path of onion requests at a guard.
    pub const ONION: &'static str = "/onion_req/v2";
    /// Path of the test whether a node is up. It names no account.
    pub const PING: &'static str = "/ping_test/v1";

    /// Returns the certificates (DER) of which the server must show one, or `None` if any
    /// certificate is accepted.
    #[must_use]
    pub fn pins(&self) -> Option<&[Vec<u8>]> {
        match self {
            Self::Node { .. } => None,
            Self::Seed { pins, .. } => Some(pins),
        }
    }

    /// Returns the URL to post to.
    #[must_use]
    pub fn url(&self) -> String {
        match self {
            Self::Node { address, path } => format!("https://{address}{path}"),
            Self::Seed { url, .. } => url.clone(),
        }
    }

    /// Returns the `Content-Type` of the body.
    #[must_use]
    pub const fn content_type(&self) -> &'static str {
        match self {
            Self::Node { .. } => "application/octet-stream",
            Self::Seed { .. } => "application/json",
        }
    }

    pub(crate) const fn of(node: &ServiceNode, path: &'static str) -> Self {
        Self::Node {
            address: SocketAddrV4::new(node.ip, node.https_port),
            path,
        }
    }

    pub(crate) fn seed(seed: &Seed) -> Self {
        Self::Seed {
            url: format!("{}/json_rpc", seed.url.trim_end_matches('/')),
            pins: Arc::clone(&seed.pins),
        }
    }
}

/// Bytes to POST. Report what became of it with its ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Post {
    /// The number to report the outcome with.
    pub ticket: Ticket,
    /// Where to post.
    pub endpoint: Endpoint,
    /// The body.
    pub body: Vec<u8>,
    /// When to give up. What is not reported until then is taken for
    /// [`Outcome::TimedOut`].
    pub deadline: MonotonicTime,
    /// Its purpose, for a program that shows its activity. A log of this is a log of
    /// whom the user talks to.
    pub purpose: PostPurpose,
}

/// The purpose of a post.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PostPurpose {
    /// An attempt of a request.
    Request {
        /// The request.
        request: RequestId,
        /// The method of the storage request, or `v4` for a request to a server.
        method: &'static str,
        /// The hops, and the node that answers.
        route: Route,
    },
    /// A test whether a node is up that is a guard or may become one.
    Guard(ServiceNode),
    /// A question of the machine itself: for the list of nodes, the time, or whether a path works.
    Upkeep {
        /// The method of the storage request.
        method: &'static str,
        /// The hops, and the node that answers.
        route: Route,
    },
    /// A seed is asked for the list of nodes.
    Seed,
}

/// The outcome of a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome<'a> {
    /// An HTTP response, whatever its status.
    Answer {
        /// The status.
        status: u16,
        /// The whole body.
        body: &'a [u8],
    },
    /// No connection, or it broke before the response was there.
    Unreachable,
    /// No response in time.
    TimedOut,
}

/// Takes an HTTP status and a body. Any error counts as [`Outcome::Unreachable`]: a driver whose
/// client can tell a timeout from a failed connection should report [`Outcome::TimedOut`] itself.
impl<'a, B: AsRef<[u8]>, E> From<&'a Result<(u16, B), E>> for Outcome<'a> {
    fn from(answer: &'a Result<(u16, B), E>) -> Self {
        match answer {
            Ok((status, body)) => Self::Answer {
                status: *status,
                body: body.as_ref(),
            },
            Err(_) => Self::Unreachable,
        }
    }
}
