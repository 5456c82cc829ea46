//! Listening, as nodes and file servers do.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use quinn::{AsyncUdpSocket, Connection, ServerConfig, TokioRuntime, VarInt};
use quinn_proto::crypto::rustls::{HandshakeData, QuicServerConfig};
use session_crypto::{Ed25519Public, Ed25519Secret};
use session_proto::stream::MAX_STREAMS;
use session_proto::stream::tls::key_of;

use super::connect::{endpoint_config, transport, wrapped};
use super::error::ConnectError;
use super::select::{Choice, Selecting};
use super::tls;

/// Which keys are known.
#[derive(Clone)]
pub struct Known(Arc<dyn Fn(&Ed25519Public) -> bool + Send + Sync>);

impl Known {
    pub(super) fn knows(&self, key: &Ed25519Public) -> bool {
        (self.0)(key)
    }
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Known")
    }
}

/// Which clients may connect.
#[derive(Debug, Clone)]
pub enum Clients {
    /// Any: without a key, or with any Ed25519 key.
    Any,
    /// Those that hold a known Ed25519 key.
    Known(Known),
}

impl Clients {
    /// Those that hold a key for which the function returns true.
    pub fn known(knows: impl Fn(&Ed25519Public) -> bool + Send + Sync + 'static) -> Self {
        Self::Known(Known(Arc::new(knows)))
    }
}

/// An application protocol of a listener.
#[derive(Debug, Clone)]
pub struct Offer {
    /// Its name.
    pub alpn: &'static [u8],
    /// Who may speak it.
    pub clients: Clients,
}

/// Accepts connections.
#[derive(Debug, Clone)]
pub struct Listener {
    endpoint: quinn::Endpoint,
}

/// A connection whose handshake has ended.
#[derive(Debug)]
pub struct Incoming {
    /// The connection.
    pub connection: Connection,
    /// The application protocol.
    pub alpn: Vec<u8>,
    /// The key of the client, if it has shown one.
    pub key: Option<Ed25519Public>,
}

impl Listener {
    /// Listens on an address for the holder of a key. Connections that are idle for `idle` are closed.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if the address or the key cannot be used.
    pub fn bind(
        address: SocketAddr,
        secret: &Ed25519Secret,
        first: Offer,
        others: impl IntoIterator<Item = Offer>,
        idle: Duration,
    ) -> Result<Self, ConnectError> {
        let socket = wrapped(std::net::UdpSocket::bind(address)?)?;
        Self::on(socket, secret, first, others, idle)
    }

    /// Listens with a socket, as [`bind`](Self::bind).
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if the key cannot be used.
    pub fn on(
        socket: Arc<dyn AsyncUdpSocket>,
        secret: &Ed25519Secret,
        first: Offer,
        others: impl IntoIterator<Item = Offer>,
        idle: Duration,
    ) -> Result<Self, ConnectError> {
        let others: Result<Vec<Choice>, ConnectError> = others
            .into_iter()
            .map(|offer| choice(secret, offer))
            .collect();
        let selecting = Selecting {
            first: choice(secret, first)?,
            others: others?,
        };
        let mut config = ServerConfig::with_crypto(Arc::new(selecting));
        let at = socket.local_addr()?.ip();
        config.transport_config(Arc::new(transport(at, idle, None, MAX_STREAMS)?));
        let endpoint = quinn::Endpoint::new_with_abstract_socket(
            endpoint_config(at)?,
            Some(config),
            socket,
            Arc::new(TokioRuntime),
        )?;
        Ok(Self { endpoint })
    }

    /// Returns the address.
    ///
    /// # Errors
    ///
    /// An I/O error if the system does not know it.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.endpoint.local_addr()
    }

    /// Returns the endpoint, over which this side can connect as well.
    #[must_use]
    pub const fn endpoint(&self) -> &quinn::Endpoint {
        &self.endpoint
    }

    /// Waits for a client that knocks. Its handshake goes on in [`handshake`](Self::handshake). `None` when the listener is closed.
    pub async fn accept(&self) -> Option<quinn::Incoming> {
        self.endpoint.accept().await
    }

    /// Ends the handshake of a client.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Refused`] if it fails, or does not end within `limit`.
    pub async fn handshake(
        incoming: quinn::Incoming,
        limit: Duration,
    ) -> Result<Incoming, ConnectError> {
        let connecting = incoming
            .accept()
            .map_err(|error| ConnectError::Refused(error.to_string()))?;
        let connection = match tokio::time::timeout(limit, connecting).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => return Err(ConnectError::Refused(error.to_string())),
            Err(_) => return Err(ConnectError::NoAnswer),
        };
        let data = connection.handshake_data();
        let data = data.and_then(|data| data.downcast::<HandshakeData>().ok());
        let alpn = data.and_then(|data| data.protocol);
        let alpn = alpn.ok_or_else(|| ConnectError::Refused("no application protocol".into()))?;
        Ok(Incoming {
            key: peer_key(&connection),
            alpn,
            connection,
        })
    }

    /// Stops listening, and closes all connections.
    pub fn close(&self) {
        self.endpoint.close(VarInt::from_u32(0), b"");
    }

    /// Waits until all connections are closed.
    pub async fn closed(&self) {
        self.endpoint.wait_idle().await;
    }
}

/// The raw key of the peer, if it has shown one.
fn peer_key(connection: &Connection) -> Option<Ed25519Public> {
    let identity = connection.peer_identity()?;
    let keys = identity
        .downcast::<Vec<rustls::pki_types::CertificateDer<'static>>>()
        .ok()?;
    key_of(keys.first()?).ok()
}

fn choice(secret: &Ed25519Secret, offer: Offer) -> Result<Choice, ConnectError> {
    let Offer { alpn, clients } = offer;
    let config = |clients| -> Result<_, ConnectError> {
        let config = tls::server(secret, alpn, clients)?;
        let config = QuicServerConfig::try_from(config)
            .map_err(|error| rustls::Error::General(error.to_string()))?;
        Ok(Arc::new(config))
    };
    let without_key = match clients {
        Clients::Any => Some(config(None)?),
        Clients::Known(_) => None,
    };
    Ok(Choice {
        alpn,
        with_key: config(Some(clients))?,
        without_key,
    })
}
