//! The symmetric layer of group messages: encryption with a key that all members share.
//!
//! ```text
//! nonce (24) | XChaCha20-Poly1305 of: content, zeros | tag (16)
//! ```
//!
//! Protocol: crypto, section 3. The content is a bt-encoded dict whose signature names its author; the
//! layer above writes, parses and verifies it. This layer only shows that a holder of the group's key
//! made the message.

use alloc::vec::Vec;
use core::borrow::Borrow;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::bytes::{
    split_first, split_first_mut, split_last, split_last_mut, without_trailing_zeros,
};
use crate::xchacha::{self, NONCE_LENGTH, TAG_LENGTH};
use crate::{DecryptError, EncryptError, SymmetricKey};

/// Overhead of an unpadded message in bytes: nonce and tag.
pub const OVERHEAD: usize = xchacha::OVERHEAD;
/// Clients pad every message to a multiple of this length in bytes. Receivers accept any length.
pub const PADDING_MULTIPLE: usize = 256;

/// Encrypts `content` with the group's newest key and a random nonce.
///
/// Zeros behind the content make the length of the result a multiple of `multiple`; 0 and 1 add none.
/// [`decrypt`] removes them, so the content must not end with a zero. Constant-time in key and content.
///
/// # Errors
///
/// [`EncryptError::TooLong`] if the padded message would have 256 GiB or more.
///
/// ```
/// # use getrandom::{SysRng, rand_core::UnwrapErr};
/// # let rng = &mut UnwrapErr(SysRng);
/// use session_crypto::{SymmetricKey, group};
///
/// let (old, new) = (SymmetricKey::generate(rng), SymmetricKey::generate(rng));
/// let message = group::encrypt(rng, &new, b"content", 256)?;
/// assert_eq!(message.len(), 256);
/// let opened = group::decrypt([&old, &new], &message)?;
/// assert_eq!((opened.key_index, opened.content.as_slice()), (1, b"content".as_slice()));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn encrypt(
    rng: &mut (impl CryptoRng + ?Sized),
    key: &SymmetricKey,
    content: &[u8],
    multiple: usize,
) -> Result<Vec<u8>, EncryptError> {
    let too_long = EncryptError::TooLong {
        max: xchacha::MAX_LENGTH,
        got: content.len(),
    };
    let length = content.len().checked_add(OVERHEAD).ok_or(too_long)?;
    let padding = match length.checked_next_multiple_of(multiple.max(1)) {
        Some(padded) if padded <= xchacha::MAX_LENGTH => padded.saturating_sub(length),
        _ => return Err(too_long),
    };
    let mut nonce = [0; NONCE_LENGTH];
    rng.fill_bytes(&mut nonce);
    xchacha::encrypt_between(key, &nonce, &nonce, &[content], padding, &[])
}

/// The content of a group message and the key that decrypted it.
#[derive(Debug)]
pub struct Decrypted {
    /// Index of the key in the list, from 0.
    pub key_index: usize,
    /// The content without its padding. Its author has not been verified.
    pub content: Zeroizing<Vec<u8>>,
}

/// Decrypts a message with the first of `keys` that fits, and removes the trailing zeros.
///
/// Give a pending key first, then the others; their order does not matter for the result. The time
/// reveals how many keys were tried and where the padding of an authentic message begins; otherwise it
/// is constant-time in the keys. The caller must parse the content, verify its signature, and check
/// that the sender is a member.
///
/// # Errors
///
/// [`DecryptError`] if no key fits. Keep the message: its key may still arrive.
pub fn decrypt(
    keys: impl IntoIterator<Item = impl Borrow<SymmetricKey>>,
    message: &[u8],
) -> Result<Decrypted, DecryptError> {
    let (nonce, sealed) = split_first::<NONCE_LENGTH>(message).ok_or(DecryptError)?;
    let (ciphertext, tag) = split_last::<TAG_LENGTH>(sealed).ok_or(DecryptError)?;
    let mut content = Zeroizing::new(ciphertext.to_vec());
    let (key_index, length) = open(keys, nonce, &mut content, tag)?;
    content.truncate(length);
    Ok(Decrypted { key_index, content })
}

/// The content of a group message in its own buffer, and the key that decrypted it.
#[derive(Debug)]
pub struct DecryptedInPlace<'m> {
    /// Index of the key in the list, from 0.
    pub key_index: usize,
    /// The content without its padding. Its author has not been verified.
    pub content: &'m mut [u8],
}

/// Decrypts as [`decrypt`] does, but in the buffer of the message. The caller must zeroize the buffer.
///
/// # Errors
///
/// [`DecryptError`] if no key fits. The buffer is then unchanged.
pub fn decrypt_in_place(
    keys: impl IntoIterator<Item = impl Borrow<SymmetricKey>>,
    message: &mut [u8],
) -> Result<DecryptedInPlace<'_>, DecryptError> {
    let (nonce, sealed) = split_first_mut::<NONCE_LENGTH>(message).ok_or(DecryptError)?;
    let (content, tag) = split_last_mut::<TAG_LENGTH>(sealed).ok_or(DecryptError)?;
    let (key_index, length) = open(keys, nonce, content, tag)?;
    let content = content.get_mut(..length).ok_or(DecryptError)?;
    Ok(DecryptedInPlace { key_index, content })
}

/// Returns the index of the key that decrypted `buffer`, and the length of the content without the
/// zeros behind it.
fn open(
    keys: impl IntoIterator<Item = impl Borrow<SymmetricKey>>,
    nonce: &[u8; NONCE_LENGTH],
    buffer: &mut [u8],
    tag: &[u8; TAG_LENGTH],
) -> Result<(usize, usize), DecryptError> {
    let key_index = keys
        .into_iter()
        // A key that does not fit leaves the buffer unchanged.
        .position(|key| xchacha::decrypt_detached(key.borrow(), nonce, buffer, tag).is_ok())
        .ok_or(DecryptError)?;
    Ok((key_index, without_trailing_zeros(buffer).len()))
}
