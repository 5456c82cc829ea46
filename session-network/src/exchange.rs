//! Requests and their results.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use session_crypto::Ed25519Public;
use session_onion::payload::Header;
use session_storage::{AnswerError, Body, Call, Response};
use session_swarm::ServiceNode;
use session_types::AnyId;

use crate::server::{Server, ServerRequest};

/// The number of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub(crate) u64);

/// The target of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// A member of the swarm of an id.
    SwarmOf(AnyId),
    /// This node and no other.
    Node(Ed25519Public),
    /// One of these nodes. They are asked in this order, those last at which requests failed lately (at
    /// most half of them). The next one is asked as soon as one fails or is slow. The first answer counts.
    OneOf(Vec<Ed25519Public>),
    /// Any node.
    AnyNode,
    /// A server outside the network of nodes.
    Server(Box<Server>),
}

impl Target {
    /// Returns the target that nodes serve a request at: the swarm of its account, or any node if
    /// it has none. The account of a batch, a sequence or a choice is that of its first member
    /// that has one.
    ///
    /// ```
    /// use session_network::Target;
    /// use session_storage::{GetSwarm, Info, Request};
    /// use session_types::AnyId;
    ///
    /// let id: AnyId = format!("05{}", "3f".repeat(32)).parse()?;
    /// assert_eq!(Target::of(&Request::from(GetSwarm { account: id })), Target::SwarmOf(id));
    /// assert_eq!(Target::of(&Request::from(Info)), Target::AnyNode);
    /// # Ok::<(), session_types::IdError>(())
    /// ```
    #[must_use]
    pub fn of(request: &session_storage::Request) -> Self {
        use session_storage::Request;
        let account = match request {
            Request::Batch(batch) | Request::Sequence(batch) => {
                batch.requests().iter().find_map(Request::account)
            }
            Request::IfElse(choice) => {
                let mut branches = choice.then.iter().chain(&choice.otherwise);
                branches.find_map(|branch| branch.account())
            }
            request => request.account(),
        };
        account.map_or(Self::AnyNode, |account| Self::SwarmOf(*account))
    }
}

impl From<Server> for Target {
    fn from(server: Server) -> Self {
        Self::Server(Box::new(server))
    }
}

/// The content of a request: a storage request to a node, or a version 4 request to a server.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Request {
    /// For [`Target::SwarmOf`], [`Target::Node`], [`Target::OneOf`] and [`Target::AnyNode`].
    Storage(Box<session_storage::Request>),
    /// For [`Target::OneOf`]: a request of its own for each node, such as a retrieve with the hash at
    /// which the last retrieve from that node ended.
    Each(BTreeMap<Ed25519Public, session_storage::Request>),
    /// For [`Target::Server`].
    Server(ServerRequest),
}

impl Request {
    /// Makes a target of nodes, in the order in which to ask them, and the request for each of them.
    pub fn each<R: Into<session_storage::Request>>(
        requests: impl IntoIterator<Item = (Ed25519Public, R)>,
    ) -> (Target, Self) {
        let mut order = Vec::new();
        let mut each = BTreeMap::new();
        for (node, request) in requests {
            if each.insert(node, request.into()).is_none() {
                order.push(node);
            }
        }
        (Target::OneOf(order), Self::Each(each))
    }

    /// Whether a target takes this kind of request.
    pub(crate) fn fits(&self, target: &Target) -> bool {
        match (self, target) {
            (Self::Server(_), target) => matches!(target, Target::Server(_)),
            (Self::Each(each), Target::OneOf(nodes)) => {
                nodes.iter().all(|node| each.contains_key(node))
            }
            (Self::Each(_), _) | (Self::Storage(_), Target::Server(_)) => false,
            (Self::Storage(_), _) => true,
        }
    }

    /// The request for a node.
    pub(crate) fn to_node(&self, node: &Ed25519Public) -> Option<&session_storage::Request> {
        match self {
            Self::Storage(request) => Some(request),
            Self::Each(each) => each.get(node),
            Self::Server(_) => None,
        }
    }

    /// The requests for nodes; none for a server.
    pub(crate) fn to_nodes(&self) -> impl Iterator<Item = &session_storage::Request> {
        let (one, each) = match self {
            Self::Storage(request) => (Some(&**request), None),
            Self::Each(each) => (None, Some(each.values())),
            Self::Server(_) => (None, None),
        };
        one.into_iter().chain(each.into_iter().flatten())
    }
}

impl<R: Into<session_storage::Request>> From<R> for Request {
    fn from(request: R) -> Self {
        Self::Storage(Box::new(request.into()))
    }
}

impl From<ServerRequest> for Request {
    fn from(request: ServerRequest) -> Self {
        Self::Server(request)
    }
}

/// The use of a path. Requests of one purpose share a path with those of another only where
/// nodes are too few for paths of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[non_exhaustive]
pub enum Purpose {
    /// Everything but files.
    #[default]
    Standard,
    /// Files, whose size would hold up everything else.
    File,
}

/// The hops of a request, and the node that answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The hops; the first is the guard, which knows the client's address.
    pub path: Vec<ServiceNode>,
    /// The node that answers, or `None` for a server.
    pub node: Option<ServiceNode>,
}

/// A request that has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The request.
    pub request: RequestId,
    /// The answer, or why there is none.
    pub result: Result<Reply, RequestError>,
}

impl Event {
    /// Returns the answer of a node.
    ///
    /// # Errors
    ///
    /// The error of the request; [`RequestError::Mismatch`] if a server answered it.
    pub fn into_storage(self) -> Result<StorageReply, RequestError> {
        match self.result? {
            Reply::Storage(reply) => Ok(reply),
            Reply::Server(_) => Err(RequestError::Mismatch),
        }
    }

    /// Returns the answer of a server.
    ///
    /// # Errors
    ///
    /// The error of the request; [`RequestError::Mismatch`] if a node answered it.
    pub fn into_server(self) -> Result<ServerReply, RequestError> {
        match self.result? {
            Reply::Server(reply) => Ok(reply),
            Reply::Storage(_) => Err(RequestError::Mismatch),
        }
    }
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Reply {
    /// The answer of a node.
    Storage(StorageReply),
    /// The answer of a server.
    Server(ServerReply),
}

/// The answer of a node, checked as far as a client can check it.
#[derive(Debug, Clone, PartialEq)]
pub struct StorageReply {
    /// The node that answered last.
    pub node: ServiceNode,
    /// The way of that answer.
    pub route: Route,
    /// Its answer. A status that is no success is one that no other node would answer otherwise.
    pub response: Response,
    /// For a request that members of a swarm sign: the members, as the pool has them, that have
    /// proved that they did everything that was asked, over all attempts. Two thirds of the
    /// swarm, unless too few could be asked.
    pub signers: BTreeSet<Ed25519Public>,
}

impl StorageReply {
    /// Reads the answer to `call`, the request that was sent.
    ///
    /// # Errors
    ///
    /// [`ReadError::Refused`] if the status is not 200, [`ReadError::Answer`] if the body is not an
    /// answer to this request.
    pub fn read<C: Call>(&self, call: &C) -> Result<C::Answer, ReadError> {
        match &self.response {
            Response {
                status: 200,
                body: Body::Structure(body),
            } => Ok(call.read_answer(body)?),
            Response { status: 200, .. } => Err(AnswerError::Encoding.into()),
            Response { status, .. } => Err(ReadError::Refused { status: *status }),
        }
    }
}

/// A reply that is not the answer to its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The node refused the request.
    #[error("the node refused the request with status {status}")]
    Refused {
        /// The status.
        status: u16,
    },
    /// The body is malformed.
    #[error(transparent)]
    Answer(#[from] AnswerError),
}

/// The answer of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerReply {
    /// The way of the answer.
    pub route: Route,
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: Vec<Header>,
    /// The body, if there is one.
    pub body: Option<Vec<u8>>,
}

/// The reason for which a request ended without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The request's deadline has passed.
    #[error("no answer in time")]
    TimedOut,
    /// All attempts failed, the last one on its path.
    #[error("all attempts failed on the way")]
    PathsFailed,
    /// All attempts failed, the last one at its destination.
    #[error("no node gave a usable answer")]
    NoUsableAnswer,
    /// The nodes disagree with the time of the request: sign again with the network's time. For a
    /// request that stores, no node can have stored it.
    #[error("the clock is out of sync with the network")]
    ClockOutOfSync,
    /// No node of the swarm as it is known serves the account.
    #[error("no node says that it serves this account")]
    WrongSwarm,
    /// The node that shall answer is not in the pool, or has no usable key.
    #[error("the node is not known")]
    UnknownNode,
    /// There are too many requests under way.
    #[error("too many requests")]
    TooMany,
    /// The request cannot be put into a packet: it is too long, or its server has an unusable key.
    #[error("the request does not fit into a packet")]
    Unsendable,
    /// A storage request for a server, a server request for a node, or no request for one of the nodes.
    #[error("the target does not take this kind of request")]
    Mismatch,
}
