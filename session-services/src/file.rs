//! The file server: opaque encrypted bytes under an id, with an expiry (protocol: file-server).
//!
//! ```text
//! POST /file              bytes, X-FS-TTL   ->  {"id", "expires"}
//! GET  /file/ID                             ->  bytes
//! GET  /file/ID/info                        ->  {"size", "uploaded", "expires"}
//! POST /file/ID/extend    X-FS-TTL          ->  {"size", "uploaded", "expires"}
//! ```
//!
//! [`client`] makes requests and reads replies, [`server`] answers requests over a
//! [`Store`](server::Store). Files are encrypted before they are uploaded: [`Upload`] does it in pieces on the
//! way into the request, [`Download::decrypt`](client::Download::decrypt) on the way out of a reply.

pub mod client;
mod id;
pub mod quic;
pub mod release;
pub mod server;
mod stream;
pub mod token;
mod url;

use session_crypto::{Ed25519Public, Ed25519PublicExt, X25519Public};
use session_types::limits;

pub use id::{FileId, IdError, IdHasher, IdRule};
pub use stream::{DownloadError, Upload, UploadError};
pub use url::{FileUrl, MAX_URL_LENGTH, UrlError};

/// Maximum size of a file in bytes. Exactly this many are allowed.
pub const MAX_SIZE: usize = 10_000_000;

/// Maximum and default time to live.
pub const MAX_TTL: core::time::Duration = limits::TTL_MAX_INBOX;

/// The header that asks for a time to live in seconds.
pub const TTL_HEADER: &str = "X-FS-TTL";

/// A file server: where it is and its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileServer {
    /// Scheme, host and port.
    pub base: &'static str,
    /// The key to which onion requests are sealed.
    pub x25519: X25519Public,
    /// The key that stands in file URLs.
    pub ed25519: Ed25519Public,
}

/// Decodes a constant of 64 hex digits.
const fn key(text: &[u8; 64]) -> [u8; 32] {
    const fn digit(character: u8) -> u8 {
        match character {
            b'0'..=b'9' => character.wrapping_sub(b'0'),
            _ => character.wrapping_sub(b'a').wrapping_add(10),
        }
    }
    let mut bytes = [0; 32];
    let mut rest: &[u8] = text;
    let mut out: &mut [u8] = &mut bytes;
    while let ([high, low, tail @ ..], Some((first, others))) = (rest, out.split_first_mut()) {
        *first = digit(*high) << 4 | digit(*low);
        rest = tail;
        out = others;
    }
    bytes
}

impl FileServer {
    /// The file server of the main network.
    pub const MAIN: Self = Self {
        base: "http://filev2.getsession.org",
        x25519: X25519Public::from_bytes(key(
            b"09324794aa9c11948189762d198c618148e9136ac9582068180661208927ef34",
        )),
        ed25519: Ed25519Public::from_bytes(key(
            b"b8eef9821445ae16e2e97ef8aa6fe782fd11ad5253cd6723b281341dba22e371",
        )),
    };

    /// The file server of the test network.
    pub const TEST: Self = Self {
        base: "http://superduperfiles.oxen.io",
        x25519: X25519Public::from_bytes(key(
            b"16d6c60aebb0851de7e6f4dc0a4734671dbf80f73664c008596511454cb6576d",
        )),
        ed25519: Ed25519Public::from_bytes(key(
            b"929e33ded05e653fec04b49645117f51851f102a947e04806791be416ed76602",
        )),
    };

    /// Returns whether a key names this server: its Ed25519 key, or an X25519 key of it.
    #[must_use]
    pub fn has_key(&self, key: &[u8; 32]) -> bool {
        self.ed25519.as_bytes() == key
            || self.x25519.as_bytes() == key
            || self
                .ed25519
                .to_x25519()
                .is_ok_and(|converted| converted.as_bytes() == key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_the_known_servers_belong_together() {
        for server in [FileServer::MAIN, FileServer::TEST] {
            assert_eq!(server.ed25519.to_x25519(), Ok(server.x25519));
            assert!(server.has_key(server.x25519.as_bytes()));
            assert!(server.has_key(server.ed25519.as_bytes()));
            assert!(!server.has_key(&[7; 32]));
        }
    }
}
