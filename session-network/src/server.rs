//! Servers outside the network of nodes, and requests to them.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use session_crypto::X25519Public;
use session_identity::community::{BaseUrl, Community};
use session_onion::client::{self, ServerError};
use session_onion::payload::v4;

/// A server outside the network of nodes: a community, file or push server.
///
/// ```
/// use session_identity::community::Community;
/// use session_network::Server;
///
/// let url = "https://chat.example.org:8443/r/hikers?public_key=\
///            0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
/// let community: Community = url.parse()?;
/// let server = Server::try_from(&community)?;
/// assert_eq!(server.base().as_str(), "https://chat.example.org:8443");
/// assert_eq!(server.x25519(), &community.key);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Server {
    base: BaseUrl,
    inner: client::Server,
}

impl Server {
    /// A server by its base URL (scheme, host, port) and its X25519 key.
    ///
    /// # Errors
    ///
    /// [`ServerError`] if no node would post there.
    pub fn new(base: &BaseUrl, key: X25519Public) -> Result<Self, ServerError> {
        let text = base.as_str();
        let (scheme, rest) = text.split_once("://").ok_or(ServerError::Protocol)?;
        let (host, port) = match rest.split_once(':') {
            Some((host, port)) => (host, Some(port.parse().map_err(|_| ServerError::Host)?)),
            None => (rest, None),
        };
        let mut inner = client::Server::new(key, scheme, host)?;
        if let Some(port) = port {
            inner = inner.with_port(port);
        }
        Ok(Self {
            base: base.clone(),
            inner,
        })
    }

    /// Returns the base URL.
    #[must_use]
    pub const fn base(&self) -> &BaseUrl {
        &self.base
    }

    /// Returns the server's X25519 key.
    #[must_use]
    pub fn x25519(&self) -> &X25519Public {
        self.inner.x25519()
    }

    pub(crate) const fn inner(&self) -> &client::Server {
        &self.inner
    }
}

impl TryFrom<&Community> for Server {
    type Error = ServerError;

    fn try_from(community: &Community) -> Result<Self, ServerError> {
        Self::new(&community.base, community.key)
    }
}

impl PartialEq for Server {
    fn eq(&self, other: &Self) -> bool {
        self.base == other.base && self.x25519() == other.x25519()
    }
}

impl Eq for Server {}

/// A version 4 request to a [`Server`] (protocol: onion, section 5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerRequest {
    method: String,
    endpoint: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
    repeatable: bool,
}

impl ServerRequest {
    /// A request without headers or body. It may be repeated if its method is one that HTTP calls
    /// idempotent.
    #[must_use]
    pub fn new(method: &str, endpoint: &str) -> Self {
        Self {
            method: method.to_owned(),
            endpoint: endpoint.to_owned(),
            headers: Vec::new(),
            body: None,
            repeatable: matches!(method, "GET" | "HEAD" | "OPTIONS" | "PUT" | "DELETE"),
        }
    }

    /// A GET.
    #[must_use]
    pub fn get(endpoint: &str) -> Self {
        Self::new("GET", endpoint)
    }

    /// A POST.
    #[must_use]
    pub fn post(endpoint: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::new("POST", endpoint).body(body)
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Says whether the request may be sent again when nobody knows if the server has seen it.
    #[must_use]
    pub const fn repeatable(mut self, repeatable: bool) -> Self {
        self.repeatable = repeatable;
        self
    }

    pub(crate) const fn is_repeatable(&self) -> bool {
        self.repeatable
    }

    /// Lends the request to `use_it` in the form that is sealed.
    pub(crate) fn with_v4<T>(&self, use_it: impl FnOnce(v4::Request<'_>) -> T) -> T {
        let headers: Vec<(&str, &str)> = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        use_it(v4::Request {
            method: &self.method,
            endpoint: &self.endpoint,
            headers: &headers,
            body: self.body.as_deref(),
        })
    }
}
