//! The connections of a node with other nodes (protocol: quic, section 8).

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use session_sdk::quic::quinn::Connection;
use session_sdk::quic::{Answer, Connect, Link, LinkError, connect};
use session_storage::quic::{NODE_STREAMS, NodeEndpoint};
use session_swarm::record::ServiceNode;
use session_types::Ed25519Public;

use super::Node;
use super::quic::Caller;

/// How long two connections with the same node are kept.
const TWO: Duration = Duration::from_secs(20);
/// Code with which the second one is closed.
const SECOND: u32 = 6;
/// Code with which the connection with a node is closed that has left the list.
const LEFT: u32 = 7;
/// Bytes that may wait on the least busy stream before a layer is refused.
const MAX_BACKLOG: usize = 4 << 20;

/// Why another node has not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerError {
    /// There is no connection, or no answer in time.
    Silent,
    /// The streams to it have more to send than they should.
    Congested,
}

/// A connection with another node.
#[derive(Debug, Clone)]
struct Held {
    /// The streams on which this node asks.
    asks: Link,
    /// Whether this node has started it.
    is_own: bool,
}

/// The connections, by the keys of the other nodes.
#[derive(Debug, Default)]
pub(super) struct Peers {
    held: Mutex<HashMap<Ed25519Public, Vec<Held>>>,
    /// One attempt to connect after the other.
    dialling: Mutex<HashMap<Ed25519Public, Arc<tokio::sync::Mutex<()>>>>,
}

impl Peers {
    fn held(&self) -> MutexGuard<'_, HashMap<Ed25519Public, Vec<Held>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self, peer: &Ed25519Public) -> Arc<tokio::sync::Mutex<()>> {
        let mut dialling = self.dialling.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(dialling.entry(*peer).or_default())
    }

    /// The connection with a node that stays: of two, the one that the node with the lower key has started.
    fn open(&self, own: &Ed25519Public, peer: &Ed25519Public) -> Option<Held> {
        let held = self.held();
        let open = held.get(peer)?.iter().filter(|held| !held.asks.is_closed());
        open.min_by_key(|held| match held.is_own {
            true => *own.as_bytes(),
            false => *peer.as_bytes(),
        })
        .cloned()
    }

    /// Adds a connection. Returns whether there is another open one.
    fn add(&self, peer: Ed25519Public, new: Held) -> bool {
        let mut held = self.held();
        let all = held.entry(peer).or_default();
        all.retain(|held| !held.asks.is_closed());
        all.push(new);
        all.len() > 1
    }

    /// Closes all connections but the one that stays.
    fn close_others(&self, own: &Ed25519Public, peer: &Ed25519Public) {
        let Some(stays) = self.open(own, peer) else {
            return;
        };
        for held in self.held().get(peer).into_iter().flatten() {
            if held.asks.connection().stable_id() != stays.asks.connection().stable_id() {
                held.asks.close(SECOND, b"");
            }
        }
    }

    /// Closes the connections with nodes that are not known any more.
    pub(super) fn keep(&self, is_known: impl Fn(&Ed25519Public) -> bool) {
        self.held().retain(|peer, all| {
            let stays = is_known(peer);
            if !stays {
                all.iter().for_each(|held| held.asks.close(LEFT, b""));
            }
            stays
        });
    }

    /// Forgets all connections. A socket is free when nobody holds a connection on it.
    pub(super) fn clear(&self) {
        self.held().clear();
    }

    /// Number of open connections with nodes.
    pub(super) fn count(&self) -> usize {
        let held = self.held();
        let open = |held: &&Held| !held.asks.is_closed();
        held.values().flatten().filter(open).count()
    }
}

impl Node {
    /// Where another node is reached.
    fn address_of_peer(&self, peer: &ServiceNode, port: u16) -> SocketAddr {
        SocketAddr::new(self.dial.unwrap_or(IpAddr::V4(peer.ip)), port)
    }

    /// A connection with another node: one that there is, or a new one.
    async fn link_to(self: &Arc<Self>, peer: &ServiceNode) -> Option<Link> {
        let open = || Some(self.peers.open(&self.public, &peer.ed25519)?.asks);
        if let Some(link) = open() {
            return Some(link);
        }
        let turn = self.peers.turn(&peer.ed25519);
        let _one = turn.lock().await;
        if let Some(link) = open() {
            return Some(link);
        }
        let endpoint = self.endpoint()?;
        if !self.real_delays {
            // A closed UDP port is silent. On this machine a closed TCP port says at once that the node is down.
            let address = self.address_of_peer(peer, peer.https_port);
            tokio::net::TcpStream::connect(address).await.ok()?;
        }
        let address = self.address_of_peer(peer, peer.omq_port);
        let how = Connect::node(peer.ed25519, &self.secret);
        let connection = connect(&endpoint, address, how).await.ok()?;
        self.hold(peer.ed25519, connection, true).await
    }

    /// Takes a connection with another node, and serves what it asks on it.
    pub(super) async fn hold(
        self: &Arc<Self>,
        peer: Ed25519Public,
        connection: Connection,
        is_own: bool,
    ) -> Option<Link> {
        let (serves, commands) = Link::accepting(connection.clone());
        let node = Arc::clone(self);
        tokio::spawn(async move {
            node.serve_link(&serves, commands, Caller::Node(peer)).await;
        });
        // The receiver is for commands on streams of this side, on which there are none.
        let (asks, _) = Link::opening(connection, NODE_STREAMS).await.ok()?;
        let held = Held {
            asks: asks.clone(),
            is_own,
        };
        if self.peers.add(peer, held) {
            let node = Arc::downgrade(self);
            tokio::spawn(async move {
                tokio::time::sleep(TWO).await;
                if let Some(node) = node.upgrade() {
                    node.peers.close_others(&node.public, &peer);
                }
            });
        }
        Some(asks)
    }

    /// Asks another node, as one node asks another.
    pub(super) async fn to_peer(
        self: &Arc<Self>,
        peer: &ServiceNode,
        endpoint: NodeEndpoint,
        kind: &'static str,
        body: Vec<u8>,
        limit: Duration,
    ) -> Result<Answer, PeerError> {
        let to = peer.ed25519.to_string();
        self.traffic.note(Some(self.name()), to, kind);
        self.seen.bytes(&body);
        let until = tokio::time::Instant::now() + limit;
        let asked =
            tokio::time::timeout_at(until, self.ask_peer(peer, endpoint, body, limit)).await;
        let answer = asked.unwrap_or(Err(PeerError::Silent));
        match &answer {
            Ok(Answer::Reply(said) | Answer::Error(said)) => self.seen.bytes(said),
            Err(PeerError::Silent) if self.real_delays => tokio::time::sleep_until(until).await,
            Err(_) => {}
        }
        answer
    }

    async fn ask_peer(
        self: &Arc<Self>,
        peer: &ServiceNode,
        endpoint: NodeEndpoint,
        body: Vec<u8>,
        limit: Duration,
    ) -> Result<Answer, PeerError> {
        let link = self.link_to(peer).await.ok_or(PeerError::Silent)?;
        let stream = link.least_busy(endpoint.streams());
        let (stream, backlog) = stream.ok_or(PeerError::Silent)?;
        if endpoint == NodeEndpoint::OnionRequest && backlog > MAX_BACKLOG {
            return Err(PeerError::Congested);
        }
        let name = endpoint.name().as_bytes();
        match link.request(stream, name, body, limit).await {
            Ok(answer) => Ok(answer),
            Err(LinkError::Busy) => Err(PeerError::Congested),
            Err(_) => Err(PeerError::Silent),
        }
    }
}
