//! The file server.

use alloc::vec::Vec;

use session_crypto::{Ed25519Public, Ed25519PublicExt as _, X25519Public};
use session_identity::community::BaseUrl;
use session_network::Server;
use session_services::file::{FileId, FileServer, FileUrl};

use super::FetchError;

/// A file server: its base URL and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileHost {
    base: BaseUrl,
    ed25519: Ed25519Public,
    server: Server,
}

/// Why a file server cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// The base URL is malformed.
    #[error("the base URL is malformed")]
    Url,
    /// The key is unusable.
    #[error("the key is unusable")]
    Key,
}

impl FileHost {
    /// A file server by its base URL (scheme, host, port) and its Ed25519 key.
    ///
    /// # Errors
    ///
    /// [`HostError`] if no node would post there, or the key is unusable.
    pub fn new(base: &str, ed25519: Ed25519Public) -> Result<Self, HostError> {
        let x25519 = ed25519.to_x25519().map_err(|_| HostError::Key)?;
        Self::with_key(base, ed25519, x25519)
    }

    fn with_key(
        base: &str,
        ed25519: Ed25519Public,
        x25519: X25519Public,
    ) -> Result<Self, HostError> {
        let base: BaseUrl = base.parse().map_err(|_| HostError::Url)?;
        let server = Server::new(&base, x25519).map_err(|_| HostError::Url)?;
        Ok(Self {
            base,
            ed25519,
            server,
        })
    }

    /// The file server of the main network.
    ///
    /// # Panics
    ///
    /// Never: its address is well-formed.
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "its address is a constant, which a test reads"
    )]
    pub fn main() -> Self {
        let FileServer {
            base,
            ed25519,
            x25519,
        } = FileServer::MAIN;
        Self::with_key(base, ed25519, x25519).expect("the address is well-formed")
    }

    pub(crate) fn server(&self) -> Server {
        self.server.clone()
    }

    fn is_main(&self) -> bool {
        self.base.as_str() == FileServer::MAIN.base && self.ed25519 == FileServer::MAIN.ed25519
    }

    /// The URL of a file that was uploaded. It names the key unless the server is that of the main network.
    pub(crate) fn url(&self, id: FileId) -> FileUrl {
        FileUrl {
            base: self.base.clone(),
            room: None,
            id,
            key: (!self.is_main()).then(|| self.ed25519.to_bytes()),
            is_deterministic: true,
            router_address: None,
        }
    }

    fn has_key(&self, key: &[u8; 32]) -> bool {
        self.ed25519.as_bytes() == key || self.server.x25519().as_bytes() == key
    }

    /// The servers that the URL of a file may mean. Without a key it is this one, or that of the main
    /// network. The key may be the Ed25519 key, as desktop writes it, or the X25519 key, as the library
    /// does: both are tried.
    pub(crate) fn servers_of(&self, url: &FileUrl) -> Result<Vec<Server>, FetchError> {
        if url.room.is_some() {
            return Err(FetchError::Community);
        }
        for known in [self, &Self::main()] {
            if url.base == known.base && url.key.is_none_or(|key| known.has_key(&key)) {
                return Ok(Vec::from([known.server()]));
            }
        }
        let key = url.key.ok_or(FetchError::UnknownServer)?;
        let mut servers = Vec::new();
        let converted = Ed25519Public::from_bytes(key).to_x25519().ok();
        for key in converted.into_iter().chain([X25519Public::from_bytes(key)]) {
            servers.extend(Server::new(&url.base, key));
        }
        match servers.is_empty() {
            true => Err(FetchError::UnknownServer),
            false => Ok(servers),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_the_server_they_are_on() {
        let main = FileHost::main();
        let test = FileServer::TEST;
        let other = FileHost::new(test.base, test.ed25519).unwrap();
        let id: FileId = "123".parse().unwrap();
        for host in [&main, &other] {
            let url = host.url(id.clone());
            assert_eq!(url.key.is_none(), host == &main);
            assert_eq!(other.servers_of(&url), Ok([host.server()].into()));
        }
        // Another server is found by its key, in both forms; without one it is not.
        let mut url = other.url(id);
        assert_eq!(main.servers_of(&url).unwrap().len(), 2);
        url.key = Some(test.x25519.to_bytes());
        assert!(main.servers_of(&url).unwrap().contains(&other.server()));
        url.key = None;
        assert_eq!(main.servers_of(&url), Err(FetchError::UnknownServer));
        let room: FileUrl = "http://open.example/room/Lounge/file/7".parse().unwrap();
        assert_eq!(main.servers_of(&room), Err(FetchError::Community));
        assert!(matches!(
            FileHost::new("ftp://x", test.ed25519),
            Err(HostError::Url)
        ));
        let zero = Ed25519Public::from_bytes([0; 32]);
        assert!(matches!(
            FileHost::new(test.base, zero),
            Err(HostError::Key)
        ));
    }
}
