//! A service node: HTTPS and QUIC servers that peel onions and keep messages.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::host::http::{Http, Trust};
use base64ct::{Base64, Encoding};
use hyper::Method;
use notices::Notices;
use peers::{PeerError, Peers};
use retry::Delivery;
use session_crypto::{Ed25519Public, Ed25519PublicExt, Ed25519Secret};
use session_onion::node::{Node as OnionNode, NotReady};
use session_sdk::quic::{Answer, Listener, quinn};
use session_storage::RpcError;
use session_storage::monitor::Notice;
use session_storage::quic::{EMPTY_PUSH, NodeEndpoint, OK, PUSH_FAILED};
use session_storage::replication::{self, RetryQueue};
use session_swarm::record::{ServiceNode, Version};
use session_types::{AnyId, Namespace, SwarmId, UnixMillis};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::capture::Capture;
use crate::chain::{Chain, VERSION};
use crate::fault::{Faults, Lie, monotonic, now_ms};
use crate::push;
use crate::rate::RateLimit;
use crate::seen::Seen;
use crate::server::{Call, Reply, serve};
use crate::store::{Message, Store, StoreError};
use crate::tls::{Identity, TlsError, self_signed};
use crate::traffic::Traffic;

mod notices;
mod onion;
mod peers;
mod quic;
mod retry;
mod storage;
mod work;

/// `Server` header towards clients, and user agent towards servers.
const SERVER: &str = "Oxen Storage Server/2.8.0";
/// Time for which a node that comes up again waits for its address.
const PATIENCE: Duration = Duration::from_secs(2);
/// Attempts to find a number of which both ports are free.
const TRIES: u32 = 20;
/// Error of starting a node or a server.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Error of the operating system.
        reason: std::io::Error,
    },
    /// QUIC cannot be listened for.
    #[error("cannot listen for QUIC: {0}")]
    Quic(String),
    /// No certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The store cannot be opened.
    #[error("cannot open the store of a node: {0}")]
    Store(#[from] StoreError),
    /// Something about files.
    #[error("cannot use {path}: {reason}")]
    File {
        /// The path.
        path: String,
        /// Error of the operating system.
        reason: std::io::Error,
    },
    /// Another process has this data directory.
    #[error("a network that is up already is kept in {0}")]
    Busy(String),
    /// The system has no random numbers.
    #[error("the system has no random numbers")]
    Random,
    /// More nodes or swarms than there is room for, or too few.
    #[error("{0}")]
    Size(String),
}

/// State shared by the nodes of a network.
#[derive(Debug, Clone)]
pub struct Shared {
    /// The chain.
    pub chain: Arc<Chain>,
    /// Recent hops between clients, nodes and servers.
    pub traffic: Arc<Traffic>,
    /// Whether nodes write down what they see.
    pub notes: bool,
    /// Whether a node that refuses connections is noticed as late as in the deployed network.
    pub real_delays: bool,
    /// Address at which nodes reach each other, if it differs from the listed one.
    pub dial: Option<IpAddr>,
    /// Destination of captured packets.
    pub capture: Option<Arc<Capture>>,
}

/// Addresses of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Address on which it listens.
    pub listen: SocketAddr,
    /// Address at which clients reach it.
    pub public: SocketAddrV4,
}

/// A service node.
pub struct Node {
    secret: Ed25519Secret,
    public: Ed25519Public,
    onion: OnionNode,
    place: Place,
    tls: Identity,
    store: Mutex<Store>,
    chain: Arc<Chain>,
    peers: Peers,
    notices: Notices,
    outside: Http,
    /// The requests that each client address may send.
    pub rate: RateLimit,
    traffic: Arc<Traffic>,
    real_delays: bool,
    dial: Option<IpAddr>,
    capture: Option<Arc<Capture>>,
    /// Deliveries that other nodes did not accept.
    retries: Mutex<RetryQueue<Delivery>>,
    /// Notes of everything the node could see.
    pub seen: Seen,
    /// Faults.
    pub faults: Faults,
    onions: AtomicU64,
    running: Mutex<Option<(watch::Sender<bool>, Listener)>>,
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

impl Node {
    /// Opens the store in `file`. The node serves when [`up`](Self::up) is called.
    ///
    /// # Errors
    ///
    /// [`StartError`] if something cannot be had.
    pub fn new(
        secret: Ed25519Secret,
        place: Place,
        file: &Path,
        shared: Shared,
    ) -> Result<Arc<Self>, StartError> {
        let public = secret.public();
        let from = Some(place.listen.ip()).filter(|ip| !ip.is_unspecified());
        Ok(Arc::new(Self {
            onion: OnionNode::new(public, secret.to_x25519()),
            secret,
            public,
            place,
            tls: self_signed((*place.public.ip()).into())?,
            store: Mutex::new(Store::open(file)?),
            chain: shared.chain,
            traffic: shared.traffic,
            real_delays: shared.real_delays,
            dial: shared.dial,
            capture: shared.capture,
            retries: Mutex::new(retry::queue()),
            peers: Peers::default(),
            notices: Notices::default(),
            outside: Http::new(Trust::Any, from),
            rate: RateLimit::default(),
            seen: if shared.notes {
                Seen::default()
            } else {
                Seen::off()
            },
            faults: Faults::default(),
            onions: AtomicU64::new(0),
            running: Mutex::new(None),
        }))
    }

    /// The node's Ed25519 key.
    pub const fn public(&self) -> &Ed25519Public {
        &self.public
    }

    /// The node's Ed25519 key in hex.
    pub fn name(&self) -> String {
        self.public.to_string()
    }

    /// Address at which clients reach the node.
    pub const fn address(&self) -> SocketAddr {
        SocketAddr::V4(self.place.public)
    }

    /// The node's entry in the chain's list when it is in this swarm.
    pub fn record_in(&self, swarm_id: SwarmId) -> ServiceNode {
        ServiceNode {
            ed25519: self.public,
            x25519: self.public.to_x25519().ok(),
            // In this network the identity on the chain is the same key.
            legacy: Some(self.public.to_bytes()),
            ip: *self.place.public.ip(),
            https_port: self.place.public.port(),
            omq_port: self.place.public.port(),
            version: Version(VERSION),
            swarm_id,
            requested_unlock_height: 0,
        }
    }

    /// How many onion layers the node has opened.
    pub fn onions(&self) -> u64 {
        self.onions.load(Ordering::Relaxed)
    }

    /// Store of the node.
    pub fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The node's clock, in ms.
    fn now(&self) -> u64 {
        now_ms(self.faults.now().clock_ms)
    }

    /// The node's own entry in the chain's list.
    fn record(&self) -> Option<ServiceNode> {
        self.chain.node(&self.public)
    }

    /// Reasons for which the node cannot serve now.
    fn not_ready(&self) -> Vec<NotReady> {
        match self.record() {
            Some(record) if record.swarm_id.is_assigned() => vec![],
            _ => vec![NotReady::NoSwarm],
        }
    }

    /// Whether the node listens.
    pub fn is_up(&self) -> bool {
        self.running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some()
    }

    /// The endpoint from which the node connects to others, while it is up.
    fn endpoint(&self) -> Option<quinn::Endpoint> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running
            .as_ref()
            .map(|(_, listener)| listener.endpoint().clone())
    }

    /// Listens and serves until [`down`](Self::down). Does nothing if the node is up.
    ///
    /// # Errors
    ///
    /// [`StartError::Listen`] if the address is taken.
    pub async fn up(self: &Arc<Self>) -> Result<(), StartError> {
        if self.is_up() {
            return Ok(());
        }
        // A node that was taken down lets go of its UDP port a moment later.
        let until = tokio::time::Instant::now() + PATIENCE;
        loop {
            match listen_both(self.place.listen).await {
                Ok(sockets) => return self.serve_on(sockets),
                Err(error) if tokio::time::Instant::now() > until => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }

    /// Serves on sockets of the node's address.
    ///
    /// # Errors
    ///
    /// [`StartError::Quic`] if the UDP socket cannot be used.
    pub fn serve_on(self: &Arc<Self>, sockets: (TcpListener, UdpSocket)) -> Result<(), StartError> {
        let (listener, socket) = sockets;
        let quic = self.listen_quic(socket)?;
        let (stop, stopped) = watch::channel(false);
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some((stop, quic.clone()));
        tokio::spawn(Arc::clone(self).accept_quic(quic));
        let node = Arc::clone(self);
        let handler = move |call: Call| {
            let node = Arc::clone(&node);
            async move { node.handle(call).await }
        };
        tokio::spawn(serve(
            listener,
            Arc::clone(&self.tls.config),
            SERVER,
            handler,
            stopped,
        ));
        Ok(())
    }

    /// Stops listening. Connections over HTTPS end after the request that they are serving, those over QUIC at once.
    pub fn down(&self) {
        let running = self
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some((stop, quic)) = running {
            let _ = stop.send(true);
            quic.close();
            self.peers.clear();
        }
    }

    /// Number of QUIC connections: of clients, and with other nodes.
    pub fn connections(&self) -> (usize, usize) {
        (self.notices.counts().0, self.peers.count())
    }

    /// Number of subscriptions to new messages.
    pub fn subscriptions(&self) -> usize {
        self.notices.counts().1
    }

    /// Forgets what has expired.
    pub fn tick(&self) {
        let now = self.now();
        // If the disk is full now, the next tick will do it.
        let _ = self.store().expire(now);
        self.notices.tick();
    }

    async fn handle(self: Arc<Self>, call: Call) -> Reply {
        self.seen.address(call.from.ip());
        self.seen.bytes(&call.body);
        let fault = self.faults.now();
        if !fault.slow.is_zero() {
            tokio::time::sleep(fault.slow).await;
        }
        let mut reply = self.route(call).await;
        self.seen.bytes(&reply.body);
        if fault.lie == Some(Lie::Garble) {
            reply.body = garble(&reply.body);
        }
        reply
    }

    async fn route(self: &Arc<Self>, call: Call) -> Reply {
        match (&call.method, call.path.as_str()) {
            (&Method::POST, "/onion_req/v2") => self.client_onion(&call).await,
            (&Method::POST, "/storage_rpc/v1") => self.client_storage(&call).await,
            (&Method::POST, "/ping_test/v1") => {
                let key = Base64::encode_string(self.public.as_bytes());
                Reply {
                    header: Some(("X-Oxen-Snode-Pubkey", key)),
                    ..Reply::text(200, "")
                }
            }
            (&Method::GET, "/get_stats/v1") => {
                let [major, minor, patch] = crate::chain::VERSION;
                Reply::json(200, format!("{{\"version\":\"{major}.{minor}.{patch}\"}}"))
            }
            (method, path) => {
                let method = method.as_str().to_ascii_lowercase();
                Reply::text(404, format!("{method} {path} Not Found"))
            }
        }
    }

    async fn client_storage(self: &Arc<Self>, call: &Call) -> Reply {
        let poll = call.headers.get("x-loki-long-poll");
        if poll.is_some_and(|poll| !poll.is_empty()) {
            return refuse(&RpcError::LongPolling);
        }
        if !self.rate.admits(call.from.ip(), monotonic()) {
            return refuse(&RpcError::RateLimit);
        }
        self.traffic.note(None, self.name(), "storage");
        let response = self.storage(&call.body).await;
        Reply {
            content_type: response.content_type(),
            ..Reply::text(response.status, response.json_body())
        }
    }

    /// Pushes messages to another node, which says first whether it takes them.
    ///
    /// # Errors
    ///
    /// An error of the connection if it does not answer. It is tried again later then.
    pub async fn push(
        self: &Arc<Self>,
        peer: &ServiceNode,
        body: Vec<u8>,
    ) -> Result<(), PeerError> {
        let delivery = |endpoint, body| Delivery {
            endpoint,
            kind: "push",
            body,
            limit: push::TIMEOUT,
        };
        // The messages are tried again later. The question is not, which is of now.
        let _ = self
            .attempt(peer, delivery(NodeEndpoint::DataReady, Vec::new()))
            .await;
        self.post(peer, delivery(NodeEndpoint::Data, body)).await?;
        Ok(())
    }

    /// Takes messages that another node pushes.
    fn take(&self, body: &[u8]) -> Answer {
        let pushed = match replication::read(body) {
            Ok(pushed) if !pushed.is_empty() => pushed,
            _ => return Answer::Error(EMPTY_PUSH.to_vec()),
        };
        let mut store = self.store();
        for pushed in pushed {
            let (account, space) = (pushed.account, pushed.namespace);
            let outbox = space.is_public_outbox();
            let message = Message {
                hash: pushed.hash,
                timestamp: pushed.timestamp.get(),
                expiry: pushed.expiry.get(),
                data: pushed.data,
            };
            match store.insert(account.as_bytes(), space.number(), outbox, &message) {
                Ok((expiry, already)) => self.stored(&account, space, message, expiry, already),
                Err(_) => return Answer::Error(PUSH_FAILED.to_vec()),
            }
        }
        Answer::Reply(OK.to_vec())
    }

    /// Tells those who listen of a message that the node has stored, unless it had it already.
    fn stored(
        &self,
        account: &AnyId,
        namespace: Namespace,
        message: Message,
        expiry: u64,
        already: bool,
    ) {
        let Ok(hash) = message.hash.parse() else {
            return;
        };
        if !already {
            self.notices.tell(&Notice {
                account: *account,
                hash,
                namespace,
                timestamp: UnixMillis::new(message.timestamp),
                expiry: UnixMillis::new(expiry),
                data: Some(message.data),
            });
        }
    }
}

/// Listens on an address.
///
/// # Errors
///
/// [`StartError::Listen`] if it is taken or not this machine's.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .await
        .map_err(|reason| StartError::Listen { address, reason })
}

/// Listens on an address for HTTPS, and on the UDP port with the same number for QUIC.
///
/// # Errors
///
/// [`StartError::Listen`] if one of them is taken or not this machine's.
pub async fn listen_both(address: SocketAddr) -> Result<(TcpListener, UdpSocket), StartError> {
    let mut tries = 0;
    loop {
        let listener = listen(address).await?;
        let failed = |reason| StartError::Listen { address, reason };
        let bound = listener.local_addr().map_err(failed)?;
        match UdpSocket::bind(bound) {
            Ok(socket) => return Ok((listener, socket)),
            // The system has chosen the number, and the other port with it is taken.
            Err(_) if address.port() == 0 && tries < TRIES => tries += 1,
            Err(reason) => return Err(failed(reason)),
        }
    }
}

fn refuse(error: &RpcError) -> Reply {
    Reply::text(error.status(), error.to_string())
}

/// Changes the byte in the middle.
fn garble(body: &[u8]) -> bytes::Bytes {
    let mut garbled = body.to_vec();
    let middle = garbled.len() / 2;
    if let Some(byte) = garbled.get_mut(middle) {
        // Not a flip: the next node that garbles would flip it back.
        *byte = byte.wrapping_add(1);
    }
    garbled.into()
}

/// The address of the node with this number, from 0: 127.0.1.1, 127.0.2.1 and so on, so that no two
/// share a /24.
pub fn address_of(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, number.saturating_add(1), 1)
}
