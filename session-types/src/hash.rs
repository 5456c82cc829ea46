//! The name of a stored message.

use core::fmt;
use core::str::FromStr;

use crate::base64;

/// The hash under which storage servers keep a message: 43 characters of unpadded base64
/// (protocol: storage-rpc, section 5.1).
///
/// ```text
/// BLAKE2b-32(id (33) || namespace in decimal, nothing for 0 || data), in base64
/// ```
///
/// Stored as text, because signatures cover the text. `session_crypto::hash::message_hash` computes
/// it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageHash([u8; 43]);

/// Text that is not the hash of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// The text is not 43 characters long.
    #[error("expected a message hash of 43 base64 characters")]
    Length,
    /// The text contains a character outside the base64 alphabet.
    #[error("message hash is not base64")]
    NotBase64,
}

impl MessageHash {
    /// Length in characters.
    pub const LENGTH: usize = 43;

    /// Encodes a digest of 32 bytes.
    #[must_use]
    #[expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        reason = "unpadded base64 of 32 bytes has 43 characters"
    )]
    pub fn from_digest(digest: &[u8; 32]) -> Self {
        let text = base64::encode_unpadded(digest);
        Self(text.as_bytes().try_into().expect("43 characters"))
    }

    /// Returns the text of the hash.
    #[must_use]
    #[expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        reason = "base64 characters are ASCII"
    )]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).expect("ASCII")
    }

    /// Returns the text of the hash as bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 43] {
        &self.0
    }
}

impl AsRef<[u8]> for MessageHash {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<str> for MessageHash {
    fn as_ref(&self) -> &str {
        self.as_str()
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
        f.pad(self.as_str())
    }
}

impl fmt::Debug for MessageHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageHash({self})")
    }
}

#[cfg(feature = "serde")]
crate::serde::as_text!(MessageHash);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_base64_without_padding() {
        let hash = MessageHash::from_digest(&[0xff; 32]);
        assert_eq!(hash.as_str(), "//////////////////////////////////////////8");
        assert_eq!(hash.as_str().parse(), Ok(hash));
    }

    #[test]
    fn other_lengths_and_alphabets_are_rejected() {
        let padded = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        assert_eq!(padded.parse::<MessageHash>(), Err(HashError::Length));
        assert_eq!(
            padded[1..].parse::<MessageHash>(),
            Err(HashError::NotBase64)
        );
        let url = "-------------------------------------------";
        assert_eq!(url.parse::<MessageHash>(), Err(HashError::NotBase64));
    }
}
