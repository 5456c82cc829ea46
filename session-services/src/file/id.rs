//! File ids, and the two rules by which servers make them of the content.

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use session_crypto::Blake2b;
use session_types::base64;

/// Length of an id made of the content, in characters.
const HASH_LENGTH: usize = 44;
/// Maximum length of a numeric id, in digits.
const NUMBER_LENGTH: usize = 16;
/// Salt of the HTTP server, key of the QUIC server.
const DOMAIN: &[u8; 16] = b"SessionFileSvr\0\0";

/// The text is not a file id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 44 characters of url-safe base64, or 1 to 16 digits")]
pub struct IdError;

/// The id of a file: 44 characters of url-safe base64, or 1 to 16 digits.
///
/// Opaque to clients: the two kinds of servers give the same content different ids.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(String);

impl FileId {
    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether the expiry of the file can be extended: numeric ids cannot.
    #[must_use]
    pub fn is_extendable(&self) -> bool {
        self.0.len() == HASH_LENGTH
    }

    /// Makes a numeric id. Numbers with more than 16 digits are reduced to 53 bits.
    #[must_use]
    pub fn from_number(number: u64) -> Self {
        Self(alloc::format!("{}", number & ((1 << 53) - 1)))
    }
}

/// Parses an id. Nothing is trimmed, so an id is never a path.
impl FromStr for FileId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let url_safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let is_hash = text.len() == HASH_LENGTH && text.bytes().all(url_safe);
        let is_number = (1..=NUMBER_LENGTH).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_hash || is_number {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdError)
        }
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileId({})", self.0)
    }
}

/// Rule by which a server derives file ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IdRule {
    /// BLAKE2b-33 of the content with the domain as **salt**: the HTTP server.
    Http,
    /// BLAKE2b-33 of the content with the domain as **key**: the QUIC server.
    Quic,
    /// A random number: servers in compatibility mode.
    Number,
}

/// Hashes a file piece by piece, for servers that stream it to the disk.
///
/// ```
/// use session_services::file::{FileId, IdHasher};
///
/// let mut hasher = IdHasher::http();
/// hasher.update(b"hello ");
/// hasher.update(b"file");
/// let id: FileId = hasher.finalize();
/// assert_eq!(id.as_str(), "IWDaYR2uy9UtUEu2eVMlKQJPDgEcQeJDY7ZRFhoVKaIp");
/// ```
#[derive(Debug)]
pub struct IdHasher(Blake2b<33>);

impl IdHasher {
    /// Starts the id of an HTTP server.
    #[must_use]
    pub fn http() -> Self {
        Self(Blake2b::salted(DOMAIN))
    }

    /// Starts the id of a QUIC server.
    #[must_use]
    pub fn quic() -> Self {
        Self(Blake2b::keyed(DOMAIN))
    }

    /// Adds a piece of the content.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// Returns the id.
    #[must_use]
    pub fn finalize(self) -> FileId {
        let text = base64::encode(self.0.finalize());
        FileId(text.replace('+', "-").replace('/', "_"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_are_paths_or_otherwise_odd_are_refused() {
        let long = "a".repeat(44);
        for good in ["0", "1234567890123456", &long] {
            assert_eq!(good.parse::<FileId>().unwrap().as_str(), good);
        }
        let dots = "../".repeat(14) + "aa";
        let question = "a".repeat(42) + "?b";
        for bad in [
            "",
            "a",
            "zz",
            "12345678901234567",
            "../1",
            "1/2",
            "1?a=b",
            "1#",
            " 1",
            "1\n",
            "é",
            "+1",
            "-1",
            &dots,
            &question,
            &"a".repeat(43),
            &"a".repeat(45),
        ] {
            assert_eq!(bad.parse::<FileId>(), Err(IdError), "{bad}");
        }
    }

    #[test]
    fn the_two_rules_give_different_ids() {
        let hash = |mut hasher: IdHasher| {
            hasher.update(b"hello file");
            hasher.finalize()
        };
        assert_ne!(hash(IdHasher::http()), hash(IdHasher::quic()));
        assert!(hash(IdHasher::quic()).is_extendable());
        assert!(!FileId::from_number(u64::MAX).is_extendable());
        assert_eq!(FileId::from_number(u64::MAX).as_str(), "9007199254740991");
    }
}
