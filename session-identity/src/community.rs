//! Community URLs: which server, which room, and the server's key (protocol: identity, section 5).
//!
//! ```text
//! https://example.com/r/room?public_key=<64 hex digits>       as people pass it on
//! https://example.com/room?public_key=<64 hex digits>         as it is written
//! ```
//!
//! A community is the same if its canonical base URL and its room in lower case are. `==` compares the
//! server's key too: a link with another key leads to the same room, or is wrong.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use base64ct::{Base64, Base64Unpadded, Encoding};
use session_crypto::X25519Public;

use crate::base32z;

/// Length in bytes of the longest canonical base URL.
pub const MAX_BASE_LENGTH: usize = 267;
/// Length in bytes of the longest room.
pub const MAX_ROOM_LENGTH: usize = 64;
/// Length in bytes of the longest URL of a community, with a `/r/`.
pub const MAX_URL_LENGTH: usize = 410;

/// What stands before the key.
const KEY_MARK: &str = "?public_key=";

/// What is wrong with the URL of a community.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// Neither `http://` nor `https://` at the beginning.
    #[error("expected a URL that begins with http:// or https://")]
    Scheme,
    /// No host that a community can have.
    #[error("expected a host of letters, digits, hyphens and single dots, such as example.com")]
    Host,
    /// No port after the colon.
    #[error("expected a port from 0 to 65535 after the colon")]
    Port,
    /// Something else between the host and the room.
    #[error("expected nothing but a port between the host and the room")]
    Path,
    /// Longer than a canonical base URL may be.
    #[error("expected a base URL of at most {MAX_BASE_LENGTH} bytes, got {got}")]
    Length {
        /// Bytes it would have.
        got: usize,
    },
    /// No room.
    #[error("expected a room after the host: /room or /r/room")]
    NoRoom,
    /// No room that a community can have.
    #[error("expected a room of 1 to {MAX_ROOM_LENGTH} letters, digits, hyphens and underscores")]
    Room,
    /// No key.
    #[error("expected ?public_key= and the server's key at the end")]
    NoKey,
    /// No key that can be read.
    #[error("expected a key of 64 hex digits, 43 or 44 base64 digits, or 52 z-base-32 digits")]
    Key,
}

/// Reads the key of a server: 64 hex digits, base64 (43 digits, or 44 with padding) or z-base-32
/// (52 digits).
///
/// # Errors
///
/// [`UrlError::Key`] if it is none of these, or if unused bits of its last digit are set.
pub fn parse_key(text: &str) -> Result<X25519Public, UrlError> {
    let mut bytes = [0; 32];
    let read = match text.len() {
        64 => const_hex::decode_to_slice(text, &mut bytes).is_ok(),
        // These refuse unused bits that are set.
        43 => Base64Unpadded::decode(text, &mut bytes).is_ok_and(|key| key.len() == 32),
        44 => Base64::decode(text, &mut bytes).is_ok_and(|key| key.len() == 32),
        base32z::TEXT_LENGTH => base32z::decode(text).map(|key| bytes = key).is_some(),
        _ => false,
    };
    if read {
        Ok(X25519Public::from_bytes(bytes))
    } else {
        Err(UrlError::Key)
    }
}

/// The base URL of a community server in canonical form: `scheme://host[:port]`.
///
/// Scheme and host are in lower case, and the port of the scheme itself is left out.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BaseUrl {
    type Err = UrlError;

    /// Reads a base URL of any form. A single slash at the end is dropped.
    fn from_str(text: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        let (scheme, own_port) = if scheme.eq_ignore_ascii_case("http") {
            ("http", 80)
        } else if scheme.eq_ignore_ascii_case("https") {
            ("https", 443)
        } else {
            return Err(UrlError::Scheme);
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.split_once(':') {
            Some((host, port)) => (host, Some(parse_port(port)?)),
            None => (rest, None),
        };
        check_host(host)?;
        let mut base = format!("{scheme}://{host}");
        base.make_ascii_lowercase();
        if let Some(port) = port.filter(|port| *port != 0 && *port != own_port) {
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
    // A slash begins a path, which is worth another message.
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

/// The name of a room. The typed spelling is for display; rooms are the same if their names in
/// lower case are, and [`Room::id`] is what they are compared by.
#[derive(Debug, Clone)]
pub struct Room {
    typed: String,
    id: String,
}

impl Room {
    /// The name as it was typed.
    #[must_use]
    pub fn as_typed(&self) -> &str {
        &self.typed
    }

    /// The name in lower case.
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

/// The parts of a link, the room not judged yet and the key perhaps missing.
///
/// For text on the way to a [`Community`]: a link without a key can be completed from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Where the server is.
    pub base: BaseUrl,
    /// What was written in the place of the room. It may be empty or no room at all.
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
        // The slash found is one of "https://": there is no room.
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
    /// Where the server is.
    pub base: BaseUrl,
    /// Which room.
    pub room: Room,
    /// The server's key. All rooms of a server have the same.
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

/// Reads a full URL, with or without `/r/`.
impl FromStr for Community {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        text.parse::<Link>()?.try_into()
    }
}

/// The full URL: without `/r/`, the room as typed, the key in hex.
impl fmt::Display for Community {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = const_hex::encode(self.key.as_bytes());
        write!(f, "{}/{}{KEY_MARK}{key}", self.base, self.room)
    }
}
