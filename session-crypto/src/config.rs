//! Encryption of shared configs: deterministic, so that all devices write the same bytes.
//!
//! ```text
//! XChaCha20-Poly1305 of the message | tag (16) | nonce (24)
//! ```
//!
//! Key and nonce are hashes of the message's length and content, the domain (the kind of config)
//! and a key of 32 bytes: the account's seed, or a key of the group (protocol: crypto, section 7).
//! Whoever sees two ciphertexts can tell whether they carry the same message.

use alloc::vec::Vec;

use zeroize::Zeroizing;

use crate::bytes::{copy_prefix, split_last, split_last_mut};
use crate::xchacha::{self, KEY_LENGTH, NONCE_LENGTH, TAG_LENGTH};
use crate::{Blake2b, DecryptError, LengthError};

/// Bytes that a ciphertext is longer than its message: tag and nonce.
pub const OVERHEAD: usize = xchacha::OVERHEAD;
/// Longest domain in bytes.
pub const MAX_DOMAIN_LENGTH: usize = 24;

const NONCE_KEY: &[u8; 32] = b"libsessionutil-config-encrypted-";

/// The name of a kind of config, 1 to 24 bytes: `UserProfile`, `Contacts`, ….
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Domain<'a>(&'a str);

/// A domain that is empty or has more than 24 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a domain of 1 to {MAX_DOMAIN_LENGTH} bytes, got {got}")]
pub struct DomainError {
    /// Bytes that were given.
    pub got: usize,
}

impl<'a> Domain<'a> {
    /// Takes a name of 1 to 24 bytes.
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

    /// The name.
    #[must_use]
    pub const fn as_str(&self) -> &'a str {
        self.0
    }
}

/// `BLAKE2b-32(key_base || length as 8 bytes, big-endian || domain)`.
fn message_key(
    key_base: &[u8; KEY_LENGTH],
    length: usize,
    domain: Domain<'_>,
) -> Zeroizing<[u8; 32]> {
    // No target of Rust has a longer usize.
    let length = u64::try_from(length).unwrap_or(u64::MAX);
    Zeroizing::new(
        Blake2b::<32>::new()
            .chain(key_base)
            .chain(&length.to_be_bytes())
            .chain(domain.0.as_bytes())
            .finalize(),
    )
}

/// `BLAKE2b-24(message)` with the key `libsessionutil-config-encrypted-` followed by the domain.
fn message_nonce(message: &[u8], domain: Domain<'_>) -> [u8; NONCE_LENGTH] {
    let mut key = [0; NONCE_KEY.len() + MAX_DOMAIN_LENGTH];
    copy_prefix(&mut key, NONCE_KEY);
    copy_prefix(
        key.get_mut(NONCE_KEY.len()..).unwrap_or_default(),
        domain.0.as_bytes(),
    );
    let length = NONCE_KEY.len().saturating_add(domain.0.len());
    Blake2b::<NONCE_LENGTH>::keyed_prefix(key.get(..length).unwrap_or_default())
        .chain(message)
        .finalize()
}

/// Encrypts `message`, which is padded already. The result is [`OVERHEAD`] bytes longer.
///
/// Constant time in key and message.
///
/// # Errors
///
/// [`LengthError`] if the message has 256 GiB or more.
///
/// ```
/// use session_crypto::config::{self, Domain};
///
/// let (key, domain) = ([7; 32], Domain::new("UserProfile")?);
/// let padded = config::pad(b"d1:#i1ee")?;
/// let sealed = config::encrypt(&key, domain, &padded)?;
/// // No randomness: all devices of an account make the same bytes.
/// assert_eq!(sealed, config::encrypt(&key, domain, &padded)?);
/// let opened = config::decrypt(&key, domain, &sealed)?;
/// assert_eq!(config::unpad(&opened), b"d1:#i1ee");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn encrypt(
    key_base: &[u8; KEY_LENGTH],
    domain: Domain<'_>,
    message: &[u8],
) -> Result<Vec<u8>, LengthError> {
    let key = message_key(key_base, message.len(), domain);
    let nonce = message_nonce(message, domain);
    xchacha::encrypt_between(&key, &nonce, &[], &[message], 0, &nonce)
}

/// Decrypts what [`encrypt`] made. The message is still padded, and wiped when it is dropped.
///
/// Any nonce is taken, not only that which [`encrypt`] would have computed. Whoever has the key can have
/// made the message. Constant time in the key.
///
/// # Errors
///
/// [`DecryptError`] for whatever is wrong.
pub fn decrypt(
    key_base: &[u8; KEY_LENGTH],
    domain: Domain<'_>,
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    let (sealed, nonce) = split_last::<NONCE_LENGTH>(ciphertext).ok_or(DecryptError)?;
    let length = ciphertext.len().checked_sub(OVERHEAD).ok_or(DecryptError)?;
    xchacha::open(&message_key(key_base, length, domain), nonce, sealed)
}

/// Decrypts as [`decrypt`] does, but in the buffer of the ciphertext, and returns where the message
/// lies in it. Wiping it is the caller's.
///
/// # Errors
///
/// [`DecryptError`] for whatever is wrong. The buffer is then left as it was.
pub fn decrypt_in_place<'m>(
    key_base: &[u8; KEY_LENGTH],
    domain: Domain<'_>,
    ciphertext: &'m mut [u8],
) -> Result<&'m mut [u8], DecryptError> {
    let (sealed, nonce) = split_last_mut::<NONCE_LENGTH>(ciphertext).ok_or(DecryptError)?;
    let (message, tag) = split_last_mut::<TAG_LENGTH>(sealed).ok_or(DecryptError)?;
    let key = message_key(key_base, message.len(), domain);
    xchacha::open_in_place(&key, nonce, message, tag)?;
    Ok(message)
}

/// The length that a message of `length` bytes is to be padded to, so that `overhead` bytes more
/// make a round number (protocol: crypto, section 7.2). [`OVERHEAD`] is the overhead of this module.
///
/// None if the padded length with its overhead does not fit `usize`.
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

/// The message with zeros in front, of [`padded_size`] with [`OVERHEAD`].
///
/// # Errors
///
/// [`LengthError`] if the padded message would not fit into memory.
pub fn pad(message: &[u8]) -> Result<Vec<u8>, LengthError> {
    let padded = padded_size(message.len(), OVERHEAD).ok_or(LengthError {
        max: xchacha::MAX_LENGTH,
        got: message.len(),
    })?;
    let mut out = Vec::with_capacity(padded);
    out.resize(padded.saturating_sub(message.len()), 0);
    out.extend_from_slice(message);
    Ok(out)
}

/// The message without the zeros in front.
#[must_use]
pub fn unpad(padded: &[u8]) -> &[u8] {
    let mut rest = padded;
    while let [0, shorter @ ..] = rest {
        rest = shorter;
    }
    rest
}
