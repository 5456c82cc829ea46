//! A node over QUIC: clients and other nodes, told apart by their application protocol (protocol: quic,
//! sections 4 and 8).

use std::net::{SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use session_onion::node::{Answer as OnionAnswer, Arrival};
use session_onion::quic::node_answer;
use session_proto::stream::invalid_endpoint;
use session_proto::stream::tls::{ALPN_CLIENT, ALPN_NODE};
use session_sdk::quic::{Answer, Clients, Command, Incoming, Link, Listener, Offer, wrapped};
use session_storage::quic::{
    ClientEndpoint, NodeEndpoint, PONG, Reply, SWARM_MISMATCH, refuse, serve_forward, wrap,
};
use session_storage::{Method, Request, RpcError};
use session_types::Ed25519Public;
use session_types::http::error_body;
use tokio::sync::mpsc;

use super::work::Serving;
use super::{Node, StartError, garble};
use crate::fault::{Lie, monotonic};
use crate::firewall::Firewall;

/// Time without packets after which a connection is closed: that of the other nodes is longer than that of clients.
const IDLE: Duration = Duration::from_secs(60);
/// Time limit of a handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Code with which a connection is closed that is not needed.
const CLOSED: u32 = 0;

/// Who sent a command.
#[derive(Clone, Copy)]
pub(super) enum Caller {
    /// A client, with the number of its connection.
    Client(u64, SocketAddr),
    /// Another node.
    Node(Ed25519Public),
}

/// The reply to a request in its two forms.
fn answer_of(reply: Reply) -> Answer {
    match reply.is_error {
        true => Answer::Error(reply.body),
        false => Answer::Reply(reply.body),
    }
}

impl Node {
    /// Listens with a socket.
    pub(super) fn listen_quic(self: &Arc<Self>, socket: UdpSocket) -> Result<Listener, StartError> {
        let failed = StartError::Quic;
        let socket = wrapped(socket).map_err(|reason| failed(reason.to_string()))?;
        let (node, knower) = (Arc::downgrade(self), Arc::downgrade(self));
        let wall = Firewall::new(socket, move |address| {
            node.upgrade().is_some_and(|node| node.lets_pass(address))
        });
        let clients = Offer {
            alpn: ALPN_CLIENT,
            clients: Clients::Any,
        };
        let nodes = Offer {
            alpn: ALPN_NODE,
            clients: Clients::known(move |key| {
                knower.upgrade().is_some_and(|node| node.knows(key))
            }),
        };
        Listener::on(Arc::new(wall), &self.secret, clients, [nodes], IDLE)
            .map_err(|error| failed(error.to_string()))
    }

    /// Whether a key is that of another node of the list.
    fn knows(&self, key: &Ed25519Public) -> bool {
        *key != self.public && self.chain.node(key).is_some()
    }

    /// Whether UDP of an address passes: that of other nodes in any case.
    fn lets_pass(&self, address: SocketAddr) -> bool {
        if !self.faults.now().udp_blocked {
            return true;
        }
        let is_here = |node: &session_swarm::ServiceNode| {
            let host = self.dial.unwrap_or(node.ip.into());
            node.omq_port == address.port() && host == address.ip()
        };
        self.chain.nodes().iter().any(is_here)
    }

    /// Serves connections until the listener is closed.
    pub(super) async fn accept_quic(self: Arc<Self>, listener: Listener) {
        while let Some(incoming) = listener.accept().await {
            let node = Arc::clone(&self);
            tokio::spawn(async move {
                // One that fails is the client's trouble.
                if let Ok(incoming) = Listener::handshake(incoming, HANDSHAKE).await {
                    node.connected(incoming).await;
                }
            });
        }
    }

    async fn connected(self: Arc<Self>, incoming: Incoming) {
        let connection = incoming.connection;
        match (incoming.alpn.as_slice(), incoming.key) {
            (ALPN_NODE, Some(key)) => {
                self.hold(key, connection, false).await;
            }
            (ALPN_CLIENT, _) => {
                let from = connection.remote_address();
                let (link, commands) = Link::accepting(connection);
                let number = self.notices.connected(link.clone());
                self.serve_link(&link, commands, Caller::Client(number, from))
                    .await;
                self.notices.closed(number);
            }
            _ => connection.close(CLOSED.into(), b""),
        }
    }

    /// Serves the commands of a connection until it is closed.
    pub(super) async fn serve_link(
        self: &Arc<Self>,
        link: &Link,
        mut commands: mpsc::Receiver<Command>,
        caller: Caller,
    ) {
        loop {
            let command = tokio::select! {
                command = commands.recv() => command,
                () = link.closed() => return,
            };
            let Some(command) = command else { return };
            tokio::spawn(Arc::clone(self).serving(command, caller));
        }
    }

    /// [`serve_command`](Self::serve_command) as a type of its own: it may connect to another node, whose commands are
    /// served likewise.
    fn serving(
        self: Arc<Self>,
        command: Command,
        caller: Caller,
    ) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(self.serve_command(command, caller))
    }

    async fn serve_command(self: Arc<Self>, command: Command, caller: Caller) {
        if let Caller::Client(_, from) = caller {
            self.seen.address(from.ip());
        }
        self.seen.bytes(&command.body);
        let fault = self.faults.now();
        if !fault.slow.is_zero() {
            tokio::time::sleep(fault.slow).await;
        }
        let Command {
            endpoint,
            body,
            answer,
            ..
        } = command;
        let mut answered = match caller {
            Caller::Client(number, from) => {
                self.client_command(number, from, &endpoint, &body).await
            }
            Caller::Node(key) => self.node_command(key, &endpoint, &body).await,
        };
        let (Answer::Reply(said) | Answer::Error(said)) = &mut answered;
        self.seen.bytes(said);
        if fault.lie == Some(Lie::Garble) {
            *said = garble(said).into();
        }
        answer.send(answered);
    }

    async fn client_command(
        self: &Arc<Self>,
        number: u64,
        from: SocketAddr,
        endpoint: &[u8],
        body: &[u8],
    ) -> Answer {
        match ClientEndpoint::parse(endpoint) {
            None => Answer::Error(invalid_endpoint(endpoint)),
            Some(ClientEndpoint::Ping) => Answer::Reply(PONG.to_vec()),
            Some(ClientEndpoint::Monitor) => Answer::Reply(self.monitor(number, body)),
            Some(ClientEndpoint::OnionReq) => {
                self.traffic.note(None, self.name(), "onion");
                let answer = match Arrival::quic(body) {
                    Ok(arrival) => self.onion_answer(&arrival).await,
                    Err(refused) => refused.answer,
                };
                match answer {
                    OnionAnswer { status: 200, body } => Answer::Reply(body),
                    OnionAnswer { status, body } => Answer::Error(error_body(status, &body)),
                }
            }
            Some(ClientEndpoint::Rpc(method)) => self.client_rpc(method, from, body).await,
        }
    }

    async fn client_rpc(self: &Arc<Self>, method: Method, from: SocketAddr, body: &[u8]) -> Answer {
        if !self.rate.admits(from.ip(), monotonic()) {
            return answer_of(refuse(&RpcError::RateLimit));
        }
        self.traffic.note(None, self.name(), "storage");
        if let Some(reason) = self.not_ready().first() {
            return answer_of(refuse(&RpcError::NotReady(reason.to_string())));
        }
        match Request::from_body(method.name(), body) {
            Ok((request, encoding)) => answer_of(wrap(&self.serve(&request).await, encoding)),
            Err(error) => answer_of(refuse(&error)),
        }
    }

    async fn node_command(
        self: &Arc<Self>,
        key: Ed25519Public,
        endpoint: &[u8],
        body: &[u8],
    ) -> Answer {
        match NodeEndpoint::parse(endpoint) {
            None => Answer::Error(invalid_endpoint(endpoint)),
            Some(NodeEndpoint::Ping) => Answer::Reply(PONG.to_vec()),
            Some(NodeEndpoint::DataReady) => match self.knows(&key) {
                true => Answer::Reply(session_storage::quic::OK.to_vec()),
                false => Answer::Error(SWARM_MISMATCH.to_vec()),
            },
            Some(NodeEndpoint::Data) => self.take(body),
            Some(NodeEndpoint::StorageCc) => {
                let _steady = self.chain.steady();
                answer_of(serve_forward(body, &mut Serving::new(self)))
            }
            Some(NodeEndpoint::OnionRequest) => {
                let answer = match Arrival::node(body) {
                    Ok(arrival) => self.onion_answer(&arrival).await,
                    Err(refused) => refused.answer,
                };
                Answer::Reply(node_answer(&answer))
            }
        }
    }
}
