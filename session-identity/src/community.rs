//! Community URLs: server, room, and the server's key (protocol: identity, section 5).
//!
//! ```text
//! https://example.com/r/room?public_key=<64 hex digits>       as people share it
//! https://example.com/room?public_key=<64 hex digits>         as this crate writes it
//! ```
//!
//! Two URLs name the same community if their canonical base URLs and their rooms in lower case are
//! equal. `==` compares the server's key too: a link with another key is a wrong link to the same room.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use session_types::X25519Public;

/// Maximum length of a canonical base URL in bytes.
pub const MAX_BASE_LENGTH: usize = 267;
/// Maximum length of the name of a room in bytes.
pub const MAX_ROOM_LENGTH: usize = 64;
/// Maximum length of a community URL with `/r/`, in bytes.
pub const MAX_URL_LENGTH: usize = 410;

/// The text before the key.
const KEY_MARK: &str = "?public_key=";

/// The text is not a community URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// The text does not begin with `http://` or `https://`.
    #[error("expected a URL that begins with http:// or https://")]
    Scheme,
    /// The host is missing or malformed.
    #[error("expected a host of letters, digits, hyphens and single dots, such as example.com")]
    Host,
    /// The port is missing or malformed.
    #[error("expected a port from 0 to 65535 after the colon")]
    Port,
    /// There is other text between the host and the room.
    #[error("expected nothing but a port between the host and the room")]
    Path,
    /// The canonical base URL is too long.
    #[error("expected a base URL of at most {MAX_BASE_LENGTH} bytes, got {got}")]
    Length {
        /// Its length in bytes.
        got: usize,
    },
    /// The room is missing.
    #[error("expected a room after the host: /room or /r/room")]
    NoRoom,
    /// The name of the room is empty, too long, or malformed.
    #[error("expected a room of 1 to {MAX_ROOM_LENGTH} letters, digits, hyphens and underscores")]
    Room,
    /// The key is missing.
    #[error("expected ?public_key= and the server's key at the end")]
    NoKey,
    /// The key is malformed.
    #[error("expected a key of 64 hex digits, 43 or 44 base64 digits, or 52 base32z digits")]
    Key,
}

/// Parses the key of a server in any of the encodings of [`X25519Public::from_any_text`].
///
/// # Errors
///
/// [`UrlError::Key`] if the text is in none of them.
pub fn parse_key(text: &str) -> Result<X25519Public, UrlError> {
    X25519Public::from_any_text(text).ok_or(UrlError::Key)
}

/// The base URL of a community server in canonical form: `scheme://host[:port]`.
///
/// Scheme and host are in lower case, and the default port of the scheme is omitted.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BaseUrl {
    type Err = UrlError;

    /// Parses a base URL in any form. A single slash at the end is dropped.
    fn from_str(text: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        let (scheme, default_port) = if scheme.eq_ignore_ascii_case("http") {
            ("http", 80)
        } else if scheme.eq_ignore_ascii_case("https") {
            ("https", 443)
        } else {
            return Err(UrlError::Scheme);
        };
        let rest = match rest.strip_suffix('/') {
            Some(rest) => rest,
            None => rest,
        };
        let (host, port) = match rest.split_once(':') {
            Some((host, port)) => (host, Some(parse_port(port)?)),
            None => (rest, None),
        };
        check_host(host)?;
        let mut base = format!("{scheme}://{host}");
        base.make_ascii_lowercase();
        if let Some(port) = port.filter(|port| *port != 0 && *port != default_port) {
            base.push_str(&format!(":{port}"));
        }
        if base.len() > MAX_BASE_LENGTH {
            return Err(UrlError::Length { got: base.len() });
        }
        Ok(Self(base))
    }
}

fn parse_port(text: &str) -> Result<u16, UrlError> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return Err(UrlError::Port);
    }
    if digits < text.len() {
        return Err(UrlError::Path);
    }
    text.parse().map_err(|_| UrlError::Port)
}

fn check_host(host: &str) -> Result<(), UrlError> {
    // A slash begins a path, which has a separate error.
    if host.contains('/') {
        return Err(UrlError::Path);
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    let dots = host.contains('.')
        && !host.starts_with('.')
        && !host.ends_with('.')
        && !host.contains("..");
    if host.len() >= 4 && dots && host.bytes().all(allowed) {
        Ok(())
    } else {
        Err(UrlError::Host)
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaseUrl({self})")
    }
}

/// The name of a room, as typed for display, and in lower case for comparison.
#[derive(Debug, Clone)]
pub struct Room {
    typed: String,
    id: String,
}

impl Room {
    /// Returns the name as it was typed.
    #[must_use]
    pub fn as_typed(&self) -> &str {
        &self.typed
    }

    /// Returns the name in lower case, by which rooms are compared.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl PartialEq for Room {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Room {}

impl core::hash::Hash for Room {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

impl FromStr for Room {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if text.is_empty() || text.len() > MAX_ROOM_LENGTH || !text.bytes().all(allowed) {
            return Err(UrlError::Room);
        }
        Ok(Self {
            typed: text.to_owned(),
            id: text.to_ascii_lowercase(),
        })
    }
}

impl fmt::Display for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.typed)
    }
}

/// The parts of a link. The room is not validated, and the key may be missing.
///
/// A caller that knows the key can complete a link without one, and convert it to a [`Community`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The base URL of the server.
    pub base: BaseUrl,
    /// The text in the place of the room, not validated.
    pub room: String,
    /// The server's key.
    pub key: Option<X25519Public>,
}

impl FromStr for Link {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let (text, key) = match text.rsplit_once(KEY_MARK) {
            Some((text, key)) => (text, Some(parse_key(key)?)),
            None => (text, None),
        };
        let (base, room) = text
            .rsplit_once("/r/")
            .or_else(|| text.rsplit_once('/'))
            .ok_or(UrlError::NoRoom)?;
        // The slash is one of "https://": there is no room.
        if matches!(base, "http:/" | "https:/") {
            return Err(UrlError::NoRoom);
        }
        Ok(Self {
            base: base.parse()?,
            room: room.to_owned(),
            key,
        })
    }
}

/// A community: a room of a server.
///
/// ```
/// use session_identity::community::Community;
///
/// let url = "HTTPS://Example.com:443/r/SomeRoom?public_key=\
///            0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
/// let community: Community = url.parse()?;
/// assert_eq!(community.base.as_str(), "https://example.com");
/// assert_eq!((community.room.as_typed(), community.room.id()), ("SomeRoom", "someroom"));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Community {
    /// The base URL of the server.
    pub base: BaseUrl,
    /// The room.
    pub room: Room,
    /// The server's key, the same for all rooms of a server.
    pub key: X25519Public,
}

impl TryFrom<Link> for Community {
    type Error = UrlError;

    fn try_from(link: Link) -> Result<Self, UrlError> {
        Ok(Self {
            key: link.key.ok_or(UrlError::NoKey)?,
            room: link.room.parse()?,
            base: link.base,
        })
    }
}

/// Parses a full URL, with or without `/r/`.
impl FromStr for Community {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        text.parse::<Link>()?.try_into()
    }
}

/// Writes the full URL: without `/r/`, the room as typed, the key in hex.
impl fmt::Display for Community {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}{KEY_MARK}{}", self.base, self.room, self.key)
    }
}
