//! File URLs, as messages carry them (protocol: file-server, section 2; community, section 7).

use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use core::fmt;
use core::str::FromStr;

use session_identity::community::{BaseUrl, Room};
use session_types::hex;

use crate::file::{FileId, FileServer};

/// Maximum length of a file URL, in bytes.
pub const MAX_URL_LENGTH: usize = 1000;

/// The text is not the URL of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// The URL is longer than any file URL.
    #[error("expected a URL of at most {MAX_URL_LENGTH} bytes, got {got}")]
    Length {
        /// Its length in bytes.
        got: usize,
    },
    /// Scheme, host or port are malformed.
    #[error("base URL: {0}")]
    Base(#[from] session_identity::community::UrlError),
    /// The path is neither `/file/ID`, `/files/ID` nor `/room/ROOM/file/ID`.
    #[error("expected the path /file/ID or /room/ROOM/file/ID")]
    Path,
    /// The key in the fragment is not 64 hex digits.
    #[error("expected a key of 64 hex digits in the fragment")]
    Key,
}

/// The URL of a file: `{base}/file/{id}#p={key}&d&sr={address}`, or
/// `{base}/room/{room}/file/{id}` in a community.
///
/// ```
/// use session_services::file::FileUrl;
///
/// let url: FileUrl = "HTTP://filev2.getsession.org:80/files/123#d=&x=1".parse()?;
/// assert!(url.is_deterministic);
/// assert_eq!(url.to_string(), "http://filev2.getsession.org/file/123#d");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileUrl {
    /// Scheme, host and port.
    pub base: BaseUrl,
    /// The room, for a file of a community.
    pub room: Option<Room>,
    /// The id.
    pub id: FileId,
    /// `p`: the server's key if it is not the default server. An Ed25519 key if desktop wrote it, an
    /// X25519 key if the library did: compare with [`FileServer::has_key`].
    pub key: Option<[u8; 32]>,
    /// `d`: the file is encrypted with the deterministic stream.
    pub is_deterministic: bool,
    /// `sr`: where to reach the server by session router, not interpreted.
    pub router_address: Option<String>,
}

impl FileUrl {
    /// Makes the URL of a file on a known server. The key is written unless the server is
    /// [`FileServer::MAIN`].
    ///
    /// # Errors
    ///
    /// [`UrlError::Base`] if the server's base URL is malformed.
    pub fn new(server: &FileServer, id: FileId, is_deterministic: bool) -> Result<Self, UrlError> {
        let is_default = *server == FileServer::MAIN;
        Ok(Self {
            base: server.base.parse()?,
            room: None,
            id,
            key: (!is_default).then(|| server.ed25519.to_bytes()),
            is_deterministic,
            router_address: None,
        })
    }

    /// Returns whether the file lies on this server: same base URL, and its key if the URL has one.
    #[must_use]
    pub fn is_on(&self, server: &FileServer) -> bool {
        self.room.is_none()
            && self.base.as_str() == server.base
            && self.key.is_none_or(|key| server.has_key(&key))
    }
}

impl FromStr for FileUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        if text.len() > MAX_URL_LENGTH {
            return Err(UrlError::Length { got: text.len() });
        }
        let (url, fragment) = text.split_once('#').unwrap_or((text, ""));
        let (rest, id) = url.rsplit_once('/').ok_or(UrlError::Path)?;
        let rest = rest
            .strip_suffix("/file")
            .or_else(|| rest.strip_suffix("/files"))
            .ok_or(UrlError::Path)?;
        let (base, room) = match rest.rsplit_once("/room/") {
            Some((base, room)) => (base, Some(room.parse().map_err(|_| UrlError::Path)?)),
            None => (rest, None),
        };
        // `BaseUrl` drops one slash at the end, which would be a second one here.
        if base.ends_with('/') {
            return Err(UrlError::Path);
        }
        let mut parsed = Self {
            base: base.parse()?,
            room,
            id: id.parse().map_err(|_| UrlError::Path)?,
            key: None,
            is_deterministic: false,
            router_address: None,
        };
        for part in fragment.split('&') {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            match name {
                "p" => parsed.key = Some(hex::decode(value).ok_or(UrlError::Key)?),
                "d" => parsed.is_deterministic = true,
                "sr" => parsed.router_address = Some(value.to_owned()),
                _ => {}
            }
        }
        Ok(parsed)
    }
}

impl fmt::Display for FileUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.base)?;
        if let Some(room) = &self.room {
            write!(f, "/room/{room}")?;
        }
        write!(f, "/file/{}", self.id)?;
        let key = self
            .key
            .map(|key| alloc::format!("p={}", hex::encode(&key)));
        let flag = self.is_deterministic.then(|| "d".to_string());
        let router = self.router_address.as_ref();
        let router = router.map(|address| alloc::format!("sr={address}"));
        let mut mark = '#';
        for part in [key, flag, router].into_iter().flatten() {
            write!(f, "{mark}{part}")?;
            mark = '&';
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_are_read_and_written_again() {
        let key = FileServer::TEST.ed25519.to_string();
        let id = "_u2wXdpj8_PKhc3Vc93z5agYHgwwiTd8qBxgoKD8wvv3";
        for text in [
            alloc::format!("http://filev2.getsession.org/file/{id}"),
            alloc::format!("http://superduperfiles.oxen.io/file/{id}#p={key}&d"),
            alloc::format!("https://example.com:8080/file/12#p={key}"),
            alloc::format!("http://example.com/file/{id}#p={key}&d&sr=abc.sesh:11235"),
            "http://open.getsession.org/room/Lounge/file/7#d".to_owned(),
            "http://127.0.0.1:8000/file/1".to_owned(),
        ] {
            let url: FileUrl = text.parse().unwrap();
            assert_eq!(url.to_string(), text);
        }
        let on_test: FileUrl = FileUrl::new(&FileServer::TEST, id.parse().unwrap(), true).unwrap();
        assert!(on_test.is_on(&FileServer::TEST) && !on_test.is_on(&FileServer::MAIN));
        assert_eq!(on_test.to_string().parse(), Ok(on_test));
        let on_main = FileUrl::new(&FileServer::MAIN, id.parse().unwrap(), false).unwrap();
        assert_eq!(on_main.key, None);
        assert!(on_main.is_on(&FileServer::MAIN));
    }

    #[test]
    fn paths_in_ids_and_other_oddities_are_refused() {
        for bad in [
            "",
            "http://example.com/file/../../etc/passwd",
            "http://example.com/file/1/2",
            "http://example.com/file/1?x=y",
            "http://example.com/1",
            "http://example.com//file/1",
            "http://example.com/room/../file/1",
            "http://example.com/room/a/b/file/1",
            "ftp://example.com/file/1",
            "http://a b.com/file/1",
            "/file/1",
            "file/1",
            "http://example.com:99999/file/1",
            "http://example.com/file/1#p=12",
        ] {
            assert!(bad.parse::<FileUrl>().is_err(), "{bad}");
        }
        let long = alloc::format!("http://example.com/file/1#{}", "x".repeat(MAX_URL_LENGTH));
        assert!(matches!(
            long.parse::<FileUrl>(),
            Err(UrlError::Length { .. })
        ));
    }
}
