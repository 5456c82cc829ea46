//! The endpoints of a node, by application protocol (protocol: quic, sections 4 and 8).

use crate::Method;
use crate::monitor;

/// The endpoint of the test whether a node is up.
pub const PING: &str = "snode_ping";
/// The answer to it.
pub const PONG: &[u8] = b"pong";
/// The endpoint of onion requests of clients.
const ONION_REQ: &str = "onion_req";
/// The endpoint of layers that nodes pass on.
const ONION_REQUEST: &str = "onion_request";
/// The endpoint of pushed messages.
const DATA: &str = "data";
/// The endpoint of the question whether a node takes pushed messages.
const DATA_READY: &str = "data_ready";
/// The endpoint of forwarded requests.
const STORAGE_CC: &str = "storage_cc";

/// An endpoint for clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientEndpoint {
    /// A storage request. The body holds its parameters.
    Rpc(Method),
    /// A request for notices.
    Monitor,
    /// An onion request. The body is the packet.
    OnionReq,
    /// The test whether the node is up.
    Ping,
}

impl ClientEndpoint {
    /// Returns the endpoint with this name.
    #[must_use]
    pub fn parse(name: &[u8]) -> Option<Self> {
        match core::str::from_utf8(name).ok()? {
            monitor::QUIC_REQUEST => Some(Self::Monitor),
            ONION_REQ => Some(Self::OnionReq),
            PING => Some(Self::Ping),
            name => Method::from_name(name).map(Self::Rpc),
        }
    }
}

/// An endpoint for other nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeEndpoint {
    /// The test whether the node is up.
    Ping,
    /// Messages are pushed.
    Data,
    /// The question before that.
    DataReady,
    /// A request of a client is forwarded.
    StorageCc,
    /// A layer is passed on.
    OnionRequest,
}

impl NodeEndpoint {
    /// Returns the endpoint with this name.
    #[must_use]
    pub fn parse(name: &[u8]) -> Option<Self> {
        let all = [
            Self::Ping,
            Self::Data,
            Self::DataReady,
            Self::StorageCc,
            Self::OnionRequest,
        ];
        all.into_iter()
            .find(|endpoint| endpoint.name().as_bytes() == name)
    }

    /// Returns the name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ping => PING,
            Self::Data => DATA,
            Self::DataReady => DATA_READY,
            Self::StorageCc => STORAGE_CC,
            Self::OnionRequest => ONION_REQUEST,
        }
    }

    /// Returns the stream on which a node asks another: the first is for commands, the second for pushed messages,
    /// and the last four are for layers, of which the least busy is taken.
    #[must_use]
    pub const fn streams(self) -> core::ops::Range<u64> {
        match self {
            Self::Ping | Self::StorageCc | Self::DataReady => 0..1,
            Self::Data => 1..2,
            Self::OnionRequest => 2..NODE_STREAMS,
        }
    }
}

/// Streams that a node opens to another.
pub const NODE_STREAMS: u64 = 6;
