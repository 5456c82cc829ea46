//! The name of a stored message.

use core::fmt;
use core::str::FromStr;

use session_crypto::Blake2b;
use session_swarm::StorageAccount;

use crate::base64;
use crate::namespace::Namespace;

/// The hash under which a message is stored: 43 characters of unpadded base64.
///
/// ```text
/// BLAKE2b-32(id (33) || namespace in decimal, nothing for 0 || data), in base64
/// ```
///
/// Kept as its text, which is what signatures cover.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageHash([u8; 43]);

/// A text that is not the hash of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// It has another length.
    #[error("expected a message hash of 43 base64 characters")]
    Length,
    /// It has characters that base64 has not.
    #[error("message hash is not base64")]
    NotBase64,
}

impl MessageHash {
    /// Length in characters.
    pub const LENGTH: usize = 43;

    /// The hash of a message (protocol: storage-rpc, section 5.1): BLAKE2b-256 over the account
    /// id, the namespace unless it is 0, and the data. Neither time nor lifetime enter it.
    #[must_use]
    pub fn of(account: &StorageAccount, namespace: Namespace, data: &[u8]) -> Self {
        let digest = Blake2b::<32>::new()
            .chain(account.as_bytes())
            .chain(namespace.signed_text().as_bytes())
            .chain(data)
            .finalize();
        let mut text = [b'A'; 43];
        // 32 bytes are 43 characters: the buffer always fits.
        let _ = <base64ct::Base64Unpadded as base64ct::Encoding>::encode(&digest, &mut text);
        Self(text)
    }

    /// The text of the hash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The text of the hash as bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 43] {
        &self.0
    }
}

impl TryFrom<&[u8]> for MessageHash {
    type Error = HashError;

    fn try_from(text: &[u8]) -> Result<Self, HashError> {
        let hash: [u8; 43] = text.try_into().map_err(|_| HashError::Length)?;
        if !base64::is_alphabet(&hash) {
            return Err(HashError::NotBase64);
        }
        Ok(Self(hash))
    }
}

impl FromStr for MessageHash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        Self::try_from(text.as_bytes())
    }
}

impl fmt::Display for MessageHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for MessageHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageHash({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_the_specification() {
        let group = "03ffba630924aa1224bb930dde21c0d11bf004608f2812217f8ac812d6c7e3ad48";
        let hash = MessageHash::of(&group.parse().unwrap(), Namespace::new(42), b"abc 123");
        assert_eq!(hash.as_str(), "mvOjJ13eBDQgbyro2WYQ6rVrOzjzjZxZGERA8QhS1JQ");
    }

    #[test]
    fn other_lengths_and_alphabets_are_refused() {
        let padded = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        assert_eq!(padded.parse::<MessageHash>(), Err(HashError::Length));
        let url = "-------------------------------------------";
        assert_eq!(url.parse::<MessageHash>(), Err(HashError::NotBase64));
    }
}
