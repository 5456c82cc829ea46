//! Encryption of shared configs: deterministic, so that all devices write the same bytes.
//!
//! ```text
//! XChaCha20-Poly1305 of the message | tag (16) | nonce (24)
//! ```
//!
//! Key and nonce are hashes of the message's length and content, the domain (the kind of config)
//! and a base key: the account's seed, or a key of the group (protocol: crypto, section 7). Two
//! ciphertexts reveal whether they carry the same message.

use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

use crate::bytes::{self, split_last, split_last_mut};
use crate::xchacha::{self, NONCE_LENGTH, TAG_LENGTH};
use crate::{Blake2b, DecryptError, EncryptError, SymmetricKey};

/// Overhead of a ciphertext in bytes: tag and nonce.
pub const OVERHEAD: usize = xchacha::OVERHEAD;
/// Maximum length of a domain in bytes.
pub const MAX_DOMAIN_LENGTH: usize = 24;

const NONCE_KEY: &[u8; 32] = b"libsessionutil-config-encrypted-";

/// The name of a kind of config, 1 to 24 bytes: `UserProfile`, `Contacts`, ….
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain<'a>(&'a str);

/// The domain is empty or has more than 24 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a domain of 1 to {MAX_DOMAIN_LENGTH} bytes, got {got}")]
pub struct DomainError {
    /// Length of the input in bytes.
    pub got: usize,
}

impl<'a> Domain<'a> {
    /// Wraps a name of 1 to 24 bytes.
    ///
    /// # Errors
    ///
    /// [`DomainError`] if it is empty or longer.
    pub const fn new(name: &'a str) -> Result<Self, DomainError> {
        match name.len() {
            1..=MAX_DOMAIN_LENGTH => Ok(Self(name)),
            got => Err(DomainError { got }),
        }
    }

    /// Returns the name.
    #[must_use]
    pub const fn as_str(&self) -> &'a str {
        self.0
    }
}

impl AsRef<str> for Domain<'_> {
    fn as_ref(&self) -> &str {
        self.0
    }
}

impl fmt::Display for Domain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

/// Computes `BLAKE2b-32(base key || length as 8 bytes, big-endian || domain)`.
fn message_key(base: &SymmetricKey, length: usize, domain: Domain<'_>) -> SymmetricKey {
    SymmetricKey::from_bytes(
        Blake2b::<32>::new()
            .chain(base.expose_bytes())
            .chain(&bytes::length(length).to_be_bytes())
            .chain(domain.0.as_bytes())
            .finalize(),
    )
}

/// Computes `BLAKE2b-24(message)` with the key `libsessionutil-config-encrypted-` followed by the
/// domain.
fn message_nonce(message: &[u8], domain: Domain<'_>) -> [u8; NONCE_LENGTH] {
    let key = [NONCE_KEY.as_slice(), domain.0.as_bytes()].concat();
    Blake2b::<NONCE_LENGTH>::keyed_prefix(&key)
        .chain(message)
        .finalize()
}

/// Encrypts `message`, which must be padded already. The result is [`OVERHEAD`] bytes longer.
///
/// Constant-time in key and message.
///
/// # Errors
///
/// [`EncryptError::TooLong`] if the message has 256 GiB or more.
///
/// ```
/// use session_crypto::SymmetricKey;
/// use session_crypto::config::{self, Domain};
///
/// let (key, domain) = (SymmetricKey::from_bytes([7; 32]), Domain::new("UserProfile")?);
/// let padded = config::pad(b"d1:#i1ee")?;
/// let sealed = config::encrypt(&key, domain, &padded)?;
/// // No randomness: all devices of an account make the same bytes.
/// assert_eq!(sealed, config::encrypt(&key, domain, &padded)?);
/// let opened = config::decrypt(&key, domain, &sealed)?;
/// assert_eq!(config::unpad(&opened), b"d1:#i1ee");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn encrypt(
    base: &SymmetricKey,
    domain: Domain<'_>,
    message: &[u8],
) -> Result<Vec<u8>, EncryptError> {
    let key = message_key(base, message.len(), domain);
    let nonce = message_nonce(message, domain);
    xchacha::encrypt_between(&key, &nonce, &[], &[message], 0, &nonce)
}

/// Decrypts the output of [`encrypt`]. The message is still padded, and zeroized on drop.
///
/// Any nonce is accepted, not only the one that [`encrypt`] computes. Every holder of the key can
/// have made the message. Constant-time in the key.
///
/// # Errors
///
/// [`DecryptError`] if the ciphertext is malformed or fails authentication.
pub fn decrypt(
    base: &SymmetricKey,
    domain: Domain<'_>,
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    let (sealed, nonce) = split_last::<NONCE_LENGTH>(ciphertext).ok_or(DecryptError)?;
    let length = ciphertext.len().checked_sub(OVERHEAD).ok_or(DecryptError)?;
    xchacha::open(&message_key(base, length, domain), nonce, sealed)
}

/// Decrypts as [`decrypt`] does, but in the buffer of the ciphertext, and returns the message in
/// it. The caller must zeroize the buffer.
///
/// # Errors
///
/// [`DecryptError`] if the ciphertext is malformed or fails authentication. The buffer is then
/// unchanged.
pub fn decrypt_in_place<'m>(
    base: &SymmetricKey,
    domain: Domain<'_>,
    ciphertext: &'m mut [u8],
) -> Result<&'m mut [u8], DecryptError> {
    let (sealed, nonce) = split_last_mut::<NONCE_LENGTH>(ciphertext).ok_or(DecryptError)?;
    let (message, tag) = split_last_mut::<TAG_LENGTH>(sealed).ok_or(DecryptError)?;
    let key = message_key(base, message.len(), domain);
    xchacha::decrypt_detached(&key, nonce, message, tag)?;
    Ok(message)
}

/// Returns the length to which a message of `length` bytes is padded, so that `overhead` more bytes
/// make a round number (protocol: crypto, section 7.2). [`OVERHEAD`] is the overhead of this
/// module.
///
/// Returns `None` if the padded length with its overhead does not fit into a `usize`.
#[must_use]
pub const fn padded_size(length: usize, overhead: usize) -> Option<usize> {
    let Some(total) = length.checked_add(overhead) else {
        return None;
    };
    let step = match total {
        ..5120 => 256,
        5120..20480 => 1024,
        20480..40960 => 2048,
        _ => 5120,
    };
    match total.checked_next_multiple_of(step) {
        Some(rounded) => rounded.checked_sub(overhead),
        None => None,
    }
}

/// Pads a message with zeros in front, to [`padded_size`] with [`OVERHEAD`].
///
/// # Errors
///
/// [`EncryptError::TooLong`] if the padded message does not fit into memory.
pub fn pad(message: &[u8]) -> Result<Vec<u8>, EncryptError> {
    let padded = padded_size(message.len(), OVERHEAD).ok_or(EncryptError::TooLong {
        max: xchacha::MAX_LENGTH,
        got: message.len(),
    })?;
    let mut out = Vec::with_capacity(padded);
    out.resize(padded.saturating_sub(message.len()), 0);
    out.extend_from_slice(message);
    Ok(out)
}

/// Removes the zeros in front of a message.
#[must_use]
pub fn unpad(padded: &[u8]) -> &[u8] {
    let mut rest = padded;
    while let [0, shorter @ ..] = rest {
        rest = shorter;
    }
    rest
}
