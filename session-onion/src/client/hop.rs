//! Whom a packet passes and whom it is for.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::sync::Arc;

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

/// Whom a layer is encrypted to, and how.
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

/// A service node, as a step of a path or as the destination behind it.
#[derive(Debug, Clone)]
pub struct Hop {
    pub(crate) ed25519: Ed25519Public,
    pub(crate) peer: Peer,
}

impl Hop {
    /// A node: its Ed25519 key, by which others find it, and its X25519 key, to which its layer is
    /// encrypted. The cipher is xchacha20.
    #[must_use]
    pub fn new(ed25519: Ed25519Public, x25519: X25519Public) -> Self {
        Self {
            ed25519,
            peer: Peer::new(x25519),
        }
    }

    /// A node whose X25519 key is the one that belongs to its Ed25519 key, as it is on the
    /// deployed network.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if the key is not the canonical encoding of a point of prime order.
    pub fn from_ed25519(ed25519: Ed25519Public) -> Result<Self, KeyError> {
        Ok(Self::new(ed25519, ed25519.to_x25519()?))
    }

    /// The same node with another cipher for its layer.
    #[must_use]
    pub fn with_cipher(mut self, cipher: Cipher) -> Self {
        self.peer.cipher = cipher;
        self
    }

    /// The same node with a precomputed table of its key, shared by all clones (30 KiB).
    ///
    /// Making the table takes as long as some five packets; each packet then saves more than half of
    /// the Diffie-Hellman for this node.
    #[must_use]
    pub fn prepare(mut self) -> Self {
        self.peer.prepare();
        self
    }

    /// The node's Ed25519 key.
    #[must_use]
    pub const fn ed25519(&self) -> &Ed25519Public {
        &self.ed25519
    }

    /// The node's X25519 key.
    #[must_use]
    pub fn x25519(&self) -> &X25519Public {
        self.peer.public()
    }
}

/// Why a server cannot be a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The protocol is neither `http` nor `https`.
    #[error("expected the protocol http or https")]
    Protocol,
    /// The host is empty, or has a character that no host name has. The port is no part of it.
    #[error("host name is empty or has a character that no host name has")]
    Host,
    /// No node would post to this target.
    #[error("target is not /loki/…/lsrpc or /oxen/…/lsrpc, or has a query")]
    Target,
}

/// A server outside the network of nodes: a community server, a file server.
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

    /// A server by its X25519 key, protocol (`http` or `https`; a `://` at its end is cut off) and
    /// host. The port is that of the protocol, the cipher xchacha20.
    ///
    /// # Errors
    ///
    /// [`ServerError`] for another protocol, or a host that is none.
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

    /// The same server at another port.
    #[must_use]
    pub const fn with_port(mut self, port: u16) -> Self {
        self.url.port = port;
        self
    }

    /// The same server with another target than [`Self::TARGET`].
    ///
    /// # Errors
    ///
    /// [`ServerError::Target`] if no node would post there.
    pub fn with_target(mut self, target: &str) -> Result<Self, ServerError> {
        if !is_allowed_target(target) {
            return Err(ServerError::Target);
        }
        target.clone_into(&mut self.url.target);
        Ok(self)
    }

    /// The same server with another cipher for its layer.
    #[must_use]
    pub fn with_cipher(mut self, cipher: Cipher) -> Self {
        self.peer.cipher = cipher;
        self
    }

    /// The same server with a precomputed table of its key, as [`Hop::prepare`].
    #[must_use]
    pub fn prepare(mut self) -> Self {
        self.peer.prepare();
        self
    }

    /// The server's X25519 key.
    #[must_use]
    pub fn x25519(&self) -> &X25519Public {
        self.peer.public()
    }
}

/// How a storage server shall form its answer. The default is what current clients ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StorageOptions {
    /// The result as JSON inside the JSON of the answer, instead of as text.
    pub json: bool,
    /// The encrypted answer as base64, instead of as bytes.
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

/// What is sent through a path, and to whom.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Request<'a> {
    /// A storage request: the text of a JSON-RPC call for a service node.
    Storage {
        /// The node that answers it.
        node: &'a Hop,
        /// The call, `{"method":…,"params":{…}}`.
        body: &'a [u8],
        /// How the answer shall look.
        options: StorageOptions,
    },
    /// A version 4 request for a server.
    Server {
        /// The server that answers it.
        server: &'a Server,
        /// The request.
        request: v4::Request<'a>,
    },
}

impl<'a> Request<'a> {
    /// A storage request with the usual form of the answer.
    #[must_use]
    pub fn storage(node: &'a Hop, body: &'a [u8]) -> Self {
        Self::Storage {
            node,
            body,
            options: StorageOptions::default(),
        }
    }

    /// A version 4 request for a server.
    #[must_use]
    pub const fn server(server: &'a Server, request: v4::Request<'a>) -> Self {
        Self::Server { server, request }
    }
}
