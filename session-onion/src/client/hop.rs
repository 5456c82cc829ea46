//! Path hops and destinations.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::sync::Arc;
use session_crypto::Ed25519PublicExt;

use session_crypto::x25519::{self, PreparedPublic};
use session_crypto::{Ed25519Public, KeyError, X25519Public};

use crate::cipher::Cipher;
use crate::payload::v4;
use crate::routing::{ServerUrl, is_allowed_target};

/// An X25519 key, with or without a table of its multiples.
#[derive(Debug, Clone)]
enum PeerKey {
    Plain(X25519Public),
    Prepared(Arc<PreparedPublic>),
}

/// The recipient of a layer and its cipher.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    key: PeerKey,
    pub(crate) cipher: Cipher,
}

impl Peer {
    fn new(key: X25519Public) -> Self {
        Self {
            key: PeerKey::Plain(key),
            cipher: Cipher::default(),
        }
    }

    fn prepare(&mut self) {
        if let PeerKey::Plain(key) = self.key {
            self.key = PeerKey::Prepared(Arc::new(PreparedPublic::new(key)));
        }
    }

    pub(crate) fn public(&self) -> &X25519Public {
        self.key().public()
    }

    pub(crate) fn key(&self) -> x25519::Peer<'_> {
        match &self.key {
            PeerKey::Plain(key) => key.into(),
            PeerKey::Prepared(key) => key.as_ref().into(),
        }
    }
}

/// A service node, as a hop of a path or as its destination.
#[derive(Debug, Clone)]
pub struct Hop {
    pub(crate) ed25519: Ed25519Public,
    pub(crate) peer: Peer,
}

impl Hop {
    /// Creates a node from its Ed25519 key, which identifies it, and its X25519 key, to which its
    /// layer is encrypted. The cipher is xchacha20.
    #[must_use]
    pub fn new(ed25519: Ed25519Public, x25519: X25519Public) -> Self {
        Self {
            ed25519,
            peer: Peer::new(x25519),
        }
    }

    /// Creates a node whose X25519 key is derived from its Ed25519 key, as on the deployed network.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if the key is not the canonical encoding of a point of prime order.
    pub fn from_ed25519(ed25519: Ed25519Public) -> Result<Self, KeyError> {
        Ok(Self::new(ed25519, ed25519.to_x25519()?))
    }

    /// Sets the cipher of its layer.
    #[must_use]
    pub fn with_cipher(mut self, cipher: Cipher) -> Self {
        self.peer.cipher = cipher;
        self
    }

    /// Precomputes a table of its key, shared by all clones (30 KiB).
    ///
    /// The table costs as much time as about five packets; each packet then saves more than half of
    /// the Diffie-Hellman for this node.
    #[must_use]
    pub fn prepare(mut self) -> Self {
        self.peer.prepare();
        self
    }

    /// Returns the node's Ed25519 key.
    #[must_use]
    pub const fn ed25519(&self) -> &Ed25519Public {
        &self.ed25519
    }

    /// Returns the node's X25519 key.
    #[must_use]
    pub fn x25519(&self) -> &X25519Public {
        self.peer.public()
    }
}

/// The server cannot be a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The protocol is neither `http` nor `https`.
    #[error("expected the protocol http or https")]
    Protocol,
    /// The host is empty or has an invalid character. It does not include the port.
    #[error("host name is empty or has an invalid character")]
    Host,
    /// Nodes do not post to this target.
    #[error("expected the target /loki/…/lsrpc or /oxen/…/lsrpc without a query")]
    Target,
}

/// A server outside the network of nodes, such as a community server or a file server.
///
/// ```
/// # use getrandom::{SysRng, rand_core::UnwrapErr};
/// # let rng = &mut UnwrapErr(SysRng);
/// # let key = session_crypto::X25519Secret::generate(rng).public();
/// use session_onion::client::Server;
///
/// let server = Server::new(key, "http", "chat.example.org")?.with_port(8080);
/// assert_eq!(server.x25519(), &key);
/// assert!(Server::new(key, "https", "chat.example.org/path").is_err());
/// assert!(Server::new(key, "https", "chat.example.org:8080").is_err());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Server {
    pub(crate) peer: Peer,
    pub(crate) url: ServerUrl,
}

impl Server {
    /// The target of version 4 requests, which is the same for every server and endpoint.
    pub const TARGET: &str = "/oxen/v4/lsrpc";

    /// Creates a server from its X25519 key, protocol (`http` or `https`; a trailing `://` is
    /// removed) and host. The port is the default of the protocol, the cipher xchacha20.
    ///
    /// # Errors
    ///
    /// [`ServerError`] if the protocol is unknown or the host is malformed.
    pub fn new(x25519: X25519Public, protocol: &str, host: &str) -> Result<Self, ServerError> {
        let protocol = protocol.strip_suffix("://").unwrap_or(protocol);
        let port = match protocol {
            "https" => 443,
            "http" => 80,
            _ => return Err(ServerError::Protocol),
        };
        let url = ServerUrl {
            protocol: protocol.to_owned(),
            host: host.to_owned(),
            port,
            target: String::from(Self::TARGET),
        };
        if !url.is_allowed() {
            return Err(ServerError::Host);
        }
        Ok(Self {
            peer: Peer::new(x25519),
            url,
        })
    }

    /// Sets the port.
    #[must_use]
    pub const fn with_port(mut self, port: u16) -> Self {
        self.url.port = port;
        self
    }

    /// Sets the target, instead of [`Self::TARGET`].
    ///
    /// # Errors
    ///
    /// [`ServerError::Target`] if nodes do not post there.
    pub fn with_target(mut self, target: &str) -> Result<Self, ServerError> {
        if !is_allowed_target(target) {
            return Err(ServerError::Target);
        }
        target.clone_into(&mut self.url.target);
        Ok(self)
    }

    /// Sets the cipher of its layer.
    #[must_use]
    pub fn with_cipher(mut self, cipher: Cipher) -> Self {
        self.peer.cipher = cipher;
        self
    }

    /// Precomputes a table of its key, as [`Hop::prepare`].
    #[must_use]
    pub fn prepare(mut self) -> Self {
        self.peer.prepare();
        self
    }

    /// Returns the server's X25519 key.
    #[must_use]
    pub fn x25519(&self) -> &X25519Public {
        self.peer.public()
    }
}

/// The form of a storage server's reply. The default is that of current clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StorageOptions {
    /// Embeds the result in the JSON of the reply, instead of sending it as text.
    pub json: bool,
    /// Sends the encrypted reply as base64, instead of as bytes.
    pub base64: bool,
}

impl Default for StorageOptions {
    fn default() -> Self {
        Self {
            json: false,
            base64: true,
        }
    }
}

/// A request and its destination.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Request<'a> {
    /// A storage request: the text of a JSON-RPC call for a service node.
    Storage {
        /// The destination.
        node: &'a Hop,
        /// The call, `{"method":…,"params":{…}}`.
        body: &'a [u8],
        /// The form of the reply.
        options: StorageOptions,
    },
    /// A version 4 request for a server.
    Server {
        /// The destination.
        server: &'a Server,
        /// The request.
        request: v4::Request<'a>,
    },
}

impl<'a> Request<'a> {
    /// Creates a storage request with the default form of the reply.
    #[must_use]
    pub fn storage(node: &'a Hop, body: &'a [u8]) -> Self {
        Self::Storage {
            node,
            body,
            options: StorageOptions::default(),
        }
    }

    /// Creates a version 4 request for a server.
    #[must_use]
    pub const fn server(server: &'a Server, request: v4::Request<'a>) -> Self {
        Self::Server { server, request }
    }
}
