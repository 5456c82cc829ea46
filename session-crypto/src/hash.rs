//! The general-purpose hashes of the protocol, and the hashes of stored messages.
//!
//! Protocol: crypto, section 12. The hashes that belong to one construct are in its module.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

use session_types::{AnyId, MessageHash, Namespace, base64};

use crate::Blake2b;
use crate::blake2b::{MAX_DIGEST_LENGTH, MAX_KEY_LENGTH};

/// Minimum length of a digest of [`hash`] in bytes.
pub const MIN_HASH_LENGTH: usize = 16;

/// The parameters of a hash are out of range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// The length of the digest is not 16 to 64 bytes.
    #[error("expected a digest of {MIN_HASH_LENGTH} to {MAX_DIGEST_LENGTH} bytes, got {got}")]
    DigestLength {
        /// Requested length in bytes.
        got: usize,
    },
    /// The key has more than 64 bytes.
    #[error("expected a key of at most {MAX_KEY_LENGTH} bytes, got {got}")]
    KeyLength {
        /// Length of the key in bytes.
        got: usize,
    },
}

/// Computes BLAKE2b with a digest of `length` bytes (16 to 64) and a key of at most 64 bytes.
///
/// An empty key means no key. If the lengths are known at compile time, use [`Blake2b`]. Constant-time
/// in key and message.
///
/// # Errors
///
/// [`HashError`] for any other length.
pub fn hash(length: usize, message: &[u8], key: &[u8]) -> Result<Vec<u8>, HashError> {
    if !(MIN_HASH_LENGTH..=MAX_DIGEST_LENGTH).contains(&length) {
        return Err(HashError::DigestLength { got: length });
    }
    if key.len() > MAX_KEY_LENGTH {
        return Err(HashError::KeyLength { got: key.len() });
    }
    let digest = Blake2b::sized(length, key).chain(message).finalize();
    Ok(digest.into_iter().take(length).collect())
}

/// A hash over the concatenation of parts: `b64 hash` of the specification.
///
/// Numbers are hashed as decimal digits. Nothing separates the parts, so the borders between them must
/// be known from elsewhere.
///
/// ```
/// use session_crypto::hash::JoinedHash;
///
/// let text = JoinedHash::new().bytes(b"hello").integer(123).finalize_base64();
/// assert_eq!(text, "uKViNPtpjQrUnFQm9QsYg2VVitphho+ZJ9ggIyo7lWI");
/// ```
#[derive(Debug, Default)]
pub struct JoinedHash(Blake2b<32>);

impl JoinedHash {
    /// Starts a hash.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes, or the bytes of a text.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.update(bytes);
        self
    }

    /// Adds an integer as decimal digits, with a minus sign if it is negative. Points in time are
    /// milliseconds since 1970.
    #[must_use]
    pub fn integer(mut self, integer: impl Into<i128>) -> Self {
        /// Formats into the hash.
        struct Digits<'a>(&'a mut Blake2b<32>);
        impl Write for Digits<'_> {
            fn write_str(&mut self, digits: &str) -> core::fmt::Result {
                self.0.update(digits.as_bytes());
                Ok(())
            }
        }
        // Infallible: `Digits` never returns an error.
        let _ = write!(Digits(&mut self.0), "{}", integer.into());
        self
    }

    /// Returns the digest, 32 bytes.
    #[must_use]
    pub fn finalize(self) -> [u8; 32] {
        self.0.finalize()
    }

    /// Returns the digest in base64 without padding: 43 characters of the standard alphabet.
    #[must_use]
    pub fn finalize_base64(self) -> String {
        base64::encode_unpadded(self.finalize())
    }
}

/// Returns the hash under which storage servers keep a message (protocol: storage-rpc, section 5.1).
///
/// `owner` is the account or group that the message is stored for, `data` the stored bytes, not
/// their base64. Neither time nor time to live enters the hash, and the namespace 0 does not.
///
/// ```
/// use session_crypto::hash::message_hash;
/// use session_types::{AnyId, Namespace};
///
/// let id = AnyId::from_parts(0x05, &[7; 32]);
/// let hash = message_hash(&id, Namespace::DEFAULT, b"data");
/// assert_eq!(hash.as_str().len(), 43);
/// assert_ne!(hash, message_hash(&id, Namespace::USER_PROFILE, b"data"));
/// ```
#[must_use]
pub fn message_hash(owner: &AnyId, namespace: Namespace, data: &[u8]) -> MessageHash {
    let digest = JoinedHash::new()
        .bytes(owner.as_bytes())
        .bytes(namespace.signed_text().as_bytes())
        .bytes(data)
        .finalize();
    MessageHash::from_digest(&digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_the_specification() {
        let group = "03ffba630924aa1224bb930dde21c0d11bf004608f2812217f8ac812d6c7e3ad48";
        let hash = message_hash(&group.parse().unwrap(), Namespace::new(42), b"abc 123");
        assert_eq!(hash.as_str(), "mvOjJ13eBDQgbyro2WYQ6rVrOzjzjZxZGERA8QhS1JQ");
    }
}
