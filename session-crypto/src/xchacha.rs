//! XChaCha20-Poly1305 with a 24-byte nonce, in place, and the plain form with the nonce in front.
//!
//! ```text
//! nonce (24) | ciphertext (as long as the message) | Poly1305 tag (16)
//! ```
//!
//! Protocol: crypto, section 8. Everything is authenticated, nothing is padded, and there is no
//! associated data. All functions are constant-time in key and message; the tag is compared in
//! constant time and checked before anything is decrypted.

use alloc::vec::Vec;

use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::bytes::{
    MAX_ALLOCATION, memory_limit, split_first, split_first_mut, split_last, split_last_mut,
};
use crate::{DecryptError, EncryptError, SymmetricKey};

/// Length of a key in bytes.
pub const KEY_LENGTH: usize = SymmetricKey::LENGTH;
/// Length of a nonce in bytes.
pub const NONCE_LENGTH: usize = 24;
/// Length of a tag in bytes.
pub const TAG_LENGTH: usize = 16;
/// Overhead of [`encrypt`] in bytes: nonce and tag.
pub const OVERHEAD: usize = 40;

/// Maximum length of a message in bytes, the limit of ChaCha20's block counter: 256 GiB minus one
/// block.
pub(crate) const MAX_LENGTH: usize = memory_limit(u32::MAX as u64 * 64 - 1);

fn cipher(key: &SymmetricKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.expose_bytes().into())
}

/// Encrypts `buffer` in place and returns its tag.
///
/// A nonce must never be used twice with one key for different messages.
///
/// # Errors
///
/// [`EncryptError::TooLong`] if the message has 256 GiB or more. The buffer is then unchanged.
pub fn encrypt_detached(
    key: &SymmetricKey,
    nonce: &[u8; NONCE_LENGTH],
    buffer: &mut [u8],
) -> Result<[u8; TAG_LENGTH], EncryptError> {
    let got = buffer.len();
    cipher(key)
        .encrypt_inout_detached(nonce.into(), &[], buffer.into())
        .map(Into::into)
        .map_err(|_| EncryptError::TooLong {
            max: MAX_LENGTH,
            got,
        })
}

/// Checks `tag` and decrypts `buffer` in place.
///
/// # Errors
///
/// [`DecryptError`] if the ciphertext fails authentication. The buffer is then unchanged, so that
/// another key can be tried.
pub fn decrypt_detached(
    key: &SymmetricKey,
    nonce: &[u8; NONCE_LENGTH],
    buffer: &mut [u8],
    tag: &[u8; TAG_LENGTH],
) -> Result<(), DecryptError> {
    cipher(key)
        .decrypt_inout_detached(nonce.into(), &[], buffer.into(), tag.into())
        .map_err(|_| DecryptError)
}

/// Encrypts `message` with a random nonce. The result is [`OVERHEAD`] bytes longer.
///
/// # Errors
///
/// [`EncryptError::TooLong`] if the message has 256 GiB or more.
///
/// ```
/// # use getrandom::{SysRng, rand_core::UnwrapErr};
/// # let rng = &mut UnwrapErr(SysRng);
/// use session_crypto::{SymmetricKey, xchacha};
///
/// let key = SymmetricKey::generate(rng);
/// let sealed = xchacha::encrypt(rng, &key, b"hello")?;
/// assert_eq!(sealed.len(), 24 + 5 + 16);
/// assert_eq!(xchacha::decrypt(&key, &sealed)?.as_slice(), b"hello");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn encrypt(
    rng: &mut (impl CryptoRng + ?Sized),
    key: &SymmetricKey,
    message: &[u8],
) -> Result<Vec<u8>, EncryptError> {
    let mut nonce = [0; NONCE_LENGTH];
    rng.fill_bytes(&mut nonce);
    encrypt_between(key, &nonce, &nonce, &[message], 0, &[])
}

/// Decrypts the output of [`encrypt`]. The message is zeroized on drop.
///
/// # Errors
///
/// [`DecryptError`] if the ciphertext is malformed or fails authentication.
pub fn decrypt(key: &SymmetricKey, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    let (nonce, rest) = split_first::<NONCE_LENGTH>(ciphertext).ok_or(DecryptError)?;
    open(key, nonce, rest)
}

/// Decrypts the output of [`encrypt`] in its own buffer, and returns the message in it.
///
/// The caller must zeroize the buffer.
///
/// # Errors
///
/// [`DecryptError`] if the ciphertext is malformed or fails authentication. The buffer is then
/// unchanged.
pub fn decrypt_in_place<'m>(
    key: &SymmetricKey,
    ciphertext: &'m mut [u8],
) -> Result<&'m mut [u8], DecryptError> {
    let (nonce, rest) = split_first_mut::<NONCE_LENGTH>(ciphertext).ok_or(DecryptError)?;
    let (message, tag) = split_last_mut::<TAG_LENGTH>(rest).ok_or(DecryptError)?;
    decrypt_detached(key, nonce, message, tag)?;
    Ok(message)
}

/// Decrypts a ciphertext that ends with its tag.
pub(crate) fn open(
    key: &SymmetricKey,
    nonce: &[u8; NONCE_LENGTH],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    let (ciphertext, tag) = split_last::<TAG_LENGTH>(sealed).ok_or(DecryptError)?;
    let mut message = Zeroizing::new(ciphertext.to_vec());
    decrypt_detached(key, nonce, &mut message, tag)?;
    Ok(message)
}

/// Returns `head || xchacha(key, nonce, parts || zeros) || tail`, with `padding` zeros, in one buffer
/// of the right size.
pub(crate) fn encrypt_between(
    key: &SymmetricKey,
    nonce: &[u8; NONCE_LENGTH],
    head: &[u8],
    parts: &[&[u8]],
    padding: usize,
    tail: &[u8],
) -> Result<Vec<u8>, EncryptError> {
    let padded = parts
        .iter()
        .fold(padding, |sum, part| sum.saturating_add(part.len()));
    let too_long = EncryptError::TooLong {
        max: MAX_LENGTH,
        got: padded,
    };
    let capacity = [head.len(), TAG_LENGTH, tail.len()]
        .iter()
        .fold(padded, |sum, length| sum.saturating_add(*length));
    if capacity > MAX_ALLOCATION {
        return Err(too_long);
    }
    let mut out = Vec::with_capacity(capacity);
    out.extend_from_slice(head);
    for part in parts {
        out.extend_from_slice(part);
    }
    out.resize(out.len().saturating_add(padding), 0);
    let (_, buffer) = out.split_at_mut_checked(head.len()).ok_or(too_long)?;
    let tag = encrypt_detached(key, nonce, buffer)?;
    out.extend_from_slice(&tag);
    out.extend_from_slice(tail);
    Ok(out)
}
