//! Posts, endpoints and outcomes.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddrV4;
use core::time::Duration;

use session_storage::monitor;
use session_storage::quic::PING;
use session_swarm::ServiceNode;
use session_types::{Ed25519Public, MonotonicTime};

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
    /// QUIC to a service node, which must hold the key. See [`Outcome`] for what to report.
    Quic {
        /// Address and UDP port.
        address: SocketAddrV4,
        /// The Ed25519 key that the node must show.
        key: Ed25519Public,
        /// The endpoint of the request stream.
        command: &'static str,
        /// Time limit of the handshake, if there is no connection yet.
        handshake: Duration,
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
    /// Endpoint of requests for notices, which there is over QUIC alone.
    pub const MONITOR: &'static str = monitor::QUIC_REQUEST;

    /// Returns the certificates (DER) of which the server must show one, or `None` if any
    /// certificate is accepted.
    #[must_use]
    pub fn pins(&self) -> Option<&[Vec<u8>]> {
        match self {
            Self::Node { .. } | Self::Quic { .. } => None,
            Self::Seed { pins, .. } => Some(pins),
        }
    }

    /// Returns the URL to post to. That of QUIC has the scheme `quic`, for people.
    #[must_use]
    pub fn url(&self) -> String {
        match self {
            Self::Node { address, path } => format!("https://{address}{path}"),
            Self::Quic {
                address, command, ..
            } => format!("quic://{address}/{command}"),
            Self::Seed { url, .. } => url.clone(),
        }
    }

    /// Returns the `Content-Type` of the body.
    #[must_use]
    pub const fn content_type(&self) -> &'static str {
        match self {
            Self::Node { .. } | Self::Quic { .. } => "application/octet-stream",
            Self::Seed { .. } => "application/json",
        }
    }

    pub(crate) const fn of(node: &ServiceNode, path: &'static str) -> Self {
        Self::Node {
            address: SocketAddrV4::new(node.ip, node.https_port),
            path,
        }
    }

    /// The same over QUIC.
    pub(crate) fn quic(node: &ServiceNode, path: &'static str, handshake: Duration) -> Self {
        Self::Quic {
            address: SocketAddrV4::new(node.ip, node.omq_port),
            key: node.ed25519,
            command: match path {
                Self::ONION => "onion_req",
                Self::MONITOR => Self::MONITOR,
                _ => PING,
            },
            handshake,
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
    /// A node is asked to tell of new messages, directly: it learns our address with the account.
    Watch(ServiceNode),
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
    /// No connection, or it broke before the response was there. Over QUIC also: the handshake failed, because the
    /// peer does not hold the key or refuses us.
    Unreachable,
    /// Nothing answered the handshake of QUIC in time, or there is no UDP socket; nothing has been sent. The same goes
    /// over HTTPS then.
    NoQuic,
    /// No response in time.
    TimedOut,
}

impl<'a> Outcome<'a> {
    /// Takes the answer of a request stream: a reply, or an error with its text (protocol: onion, section 6.2). An
    /// error with none of the statuses that clients know has status 500.
    #[must_use]
    pub fn of_quic(answer: Result<&'a [u8], &'a [u8]>) -> Self {
        match answer {
            Ok(body) => Self::Answer { status: 200, body },
            Err(text) => Self::Answer {
                status: session_onion::quic::error_status(text).unwrap_or(500),
                body: text,
            },
        }
    }
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
