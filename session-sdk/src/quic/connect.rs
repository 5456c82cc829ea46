//! Connecting to a node whose key is known.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use quinn::udp::UdpSocketState;
use quinn::{
    AckFrequencyConfig, AsyncUdpSocket, ClientConfig, Connection, ConnectionError, Endpoint,
    EndpointConfig, IdleTimeout, MtuDiscoveryConfig, Runtime as _, TokioRuntime, TransportConfig,
    VarInt,
};
use quinn_proto::crypto::rustls::QuicClientConfig;
use session_crypto::{Ed25519Public, Ed25519Secret};
use session_proto::stream::MAX_STREAMS;
use session_proto::stream::tls::{ALPN_CLIENT, ALPN_FILES, ALPN_NODE};

use super::error::ConnectError;
use super::tls;

/// Receive window of a connection, in bytes: some of the largest messages.
const WINDOW: u32 = 32 << 20;
/// Receive window of a stream, in bytes.
const STREAM_WINDOW: u32 = 12 << 20;
/// Buffers of a socket, in bytes.
const BUFFER: usize = 4 << 20;
/// Time that an answer takes, as long as nothing is known: how soon a lost handshake is sent again depends on it.
const INITIAL_RTT: Duration = Duration::from_millis(100);
/// Packets that a peer may leave without an acknowledgement, where it knows the extension. One that answers within
/// the usual delay acknowledges with the answer.
const UNACKNOWLEDGED: u32 = 10;
/// Length of datagrams over loopback, in bytes. Most messages fit into one, and the ten that quinn hands to the system
/// at once are less than the 64 KiB that it takes.
const LOOPBACK_MTU: u16 = 6_000;
/// The name that quinn wants. It is not sent.
const NAME: &str = "node";

/// The key that a client shows.
#[derive(Debug)]
pub enum Shown<'a> {
    /// None.
    Nothing,
    /// One that is made for this connection.
    Fresh,
    /// Its own, as nodes do among themselves.
    Own(&'a Ed25519Secret),
}

/// The rules of the transport with peers at an address of the same kind as `at`, which may open `streams` streams.
pub(super) fn transport(
    at: IpAddr,
    idle: Duration,
    keep_alive: Option<Duration>,
    streams: u32,
) -> Result<TransportConfig, ConnectError> {
    let idle = IdleTimeout::try_from(idle).map_err(|_| {
        std::io::Error::new(std::io::ErrorKind::InvalidInput, "idle timeout too long")
    })?;
    let mut acknowledge = AckFrequencyConfig::default();
    acknowledge.ack_eliciting_threshold(VarInt::from_u32(UNACKNOWLEDGED));
    let mut config = TransportConfig::default();
    if at.is_loopback() {
        // There is no path whose MTU would have to be found. A peer that takes less says so in its parameters.
        let mut discovery = MtuDiscoveryConfig::default();
        discovery.upper_bound(LOOPBACK_MTU);
        config
            .initial_mtu(LOOPBACK_MTU)
            .mtu_discovery_config(Some(discovery));
    }
    config
        .ack_frequency_config(Some(acknowledge))
        .max_idle_timeout(Some(idle))
        .initial_rtt(INITIAL_RTT)
        .keep_alive_interval(keep_alive)
        .max_concurrent_bidi_streams(VarInt::from_u32(streams))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .receive_window(VarInt::from_u32(WINDOW))
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        .datagram_receive_buffer_size(None);
    Ok(config)
}

/// What an endpoint at an address takes.
pub(super) fn endpoint_config(at: IpAddr) -> Result<EndpointConfig, ConnectError> {
    let mut config = EndpointConfig::default();
    if at.is_loopback() {
        let invalid = |error| std::io::Error::new(std::io::ErrorKind::InvalidInput, error);
        config.max_udp_payload_size(LOOPBACK_MTU).map_err(invalid)?;
    }
    Ok(config)
}

/// Makes a socket for outgoing connections.
///
/// # Errors
///
/// [`ConnectError::Socket`] if there is none.
pub fn client_endpoint(from: SocketAddr) -> Result<Endpoint, ConnectError> {
    let socket = wrapped(std::net::UdpSocket::bind(from)?)?;
    let (config, runtime) = (endpoint_config(from.ip())?, Arc::new(TokioRuntime));
    let endpoint = Endpoint::new_with_abstract_socket(config, None, socket, runtime)?;
    Ok(endpoint)
}

/// Makes a socket ready for connections, with buffers that hold bursts. What does not fit is lost, and sent again
/// only when its absence is noticed.
///
/// # Errors
///
/// An I/O error if the socket cannot be used.
pub fn wrapped(socket: std::net::UdpSocket) -> std::io::Result<Arc<dyn AsyncUdpSocket>> {
    socket.set_nonblocking(true)?;
    let state = UdpSocketState::new((&socket).into())?;
    // A system that allows less keeps its own sizes.
    let _ = state.set_recv_buffer_size((&socket).into(), BUFFER);
    let _ = state.set_send_buffer_size((&socket).into(), BUFFER);
    TokioRuntime.wrap_udp_socket(socket)
}

/// How to connect.
#[derive(Debug)]
pub struct Connect<'a> {
    /// The key that the server must hold.
    pub server: Ed25519Public,
    /// The key that we show.
    pub shown: Shown<'a>,
    /// The application protocol.
    pub alpn: &'static [u8],
    /// Time without packets after which the connection is closed.
    pub idle: Duration,
    /// Interval of packets that keep the connection open.
    pub keep_alive: Option<Duration>,
    /// Number of streams that the server may open.
    pub streams: u32,
    /// Time limit of the handshake.
    pub limit: Duration,
}

impl<'a> Connect<'a> {
    /// As clients connect to a node: with a key that is made for the connection.
    #[must_use]
    pub const fn client(server: Ed25519Public) -> Self {
        Self {
            server,
            shown: Shown::Fresh,
            alpn: ALPN_CLIENT,
            idle: Duration::from_secs(30),
            keep_alive: Some(Duration::from_secs(10)),
            streams: 0,
            limit: Duration::from_secs(10),
        }
    }

    /// As clients connect to a file server.
    #[must_use]
    pub const fn files(server: Ed25519Public) -> Self {
        let mut connect = Self::client(server);
        connect.alpn = ALPN_FILES;
        connect
    }

    /// As nodes connect to each other.
    #[must_use]
    pub const fn node(server: Ed25519Public, own: &'a Ed25519Secret) -> Self {
        Self {
            server,
            shown: Shown::Own(own),
            alpn: ALPN_NODE,
            idle: Duration::from_secs(60),
            keep_alive: Some(Duration::from_secs(15)),
            streams: MAX_STREAMS,
            limit: Duration::from_secs(5),
        }
    }

    /// Sets the time limit of the handshake.
    #[must_use]
    pub const fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }
}

/// Connects, and waits for the end of the handshake. The server may still refuse our key then, which closes the
/// connection.
///
/// # Errors
///
/// [`ConnectError::NoAnswer`] if the handshake does not end in time; [`ConnectError::Refused`] if it fails.
pub async fn connect(
    endpoint: &Endpoint,
    address: SocketAddr,
    how: Connect<'_>,
) -> Result<Connection, ConnectError> {
    let fresh;
    let own = match how.shown {
        Shown::Nothing => None,
        Shown::Own(own) => Some(own),
        Shown::Fresh => {
            fresh = Ed25519Secret::generate(&mut UnwrapErr(SysRng));
            Some(&fresh)
        }
    };
    let tls = tls::client(how.server, own, how.alpn)?;
    let transport = transport(address.ip(), how.idle, how.keep_alive, how.streams)?;
    open(endpoint, address, tls, transport, how.limit).await
}

/// Connects with any configuration of TLS, and waits for the end of the handshake. [`connect`] is right for
/// clients; this one lets tests do wrong.
///
/// # Errors
///
/// As [`connect`].
pub async fn open(
    endpoint: &Endpoint,
    address: SocketAddr,
    tls: rustls::ClientConfig,
    transport: TransportConfig,
    limit: Duration,
) -> Result<Connection, ConnectError> {
    let crypto = QuicClientConfig::try_from(tls)
        .map_err(|error| rustls::Error::General(error.to_string()))?;
    let mut config = ClientConfig::new(Arc::new(crypto));
    config.transport_config(Arc::new(transport));
    let connecting = endpoint
        .connect_with(config, address, NAME)
        .map_err(|error| std::io::Error::new(std::io::ErrorKind::InvalidInput, error))?;
    match tokio::time::timeout(limit, connecting).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(ConnectionError::TimedOut)) | Err(_) => Err(ConnectError::NoAnswer),
        Ok(Err(error)) => Err(ConnectError::Refused(error.to_string())),
    }
}
