//! The symmetric layer of group messages: encryption with a key that all members share.
//!
//! ```text
//! nonce (24) | XChaCha20-Poly1305 of: content, zeros | tag (16)
//! ```
//!
//! Protocol: crypto, section 3. The content is a bt-encoded dict whose signature says who wrote it;
//! making, reading and verifying it belongs to the layer above. This layer shows only that somebody
//! with the group's key made the message.

use alloc::vec::Vec;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::bytes::{
    split_first, split_first_mut, split_last, split_last_mut, without_trailing_zeros,
};
use crate::xchacha::{self, KEY_LENGTH, NONCE_LENGTH, TAG_LENGTH};
use crate::{DecryptError, LengthError};

/// Bytes that an unpadded message is longer than its content: nonce and tag.
pub const OVERHEAD: usize = xchacha::OVERHEAD;
/// The multiple of which clients make the length of every message. Receivers accept any length.
pub const PADDING_MULTIPLE: usize = 256;

/// Encrypts `content` with the group's newest key and a nonce of the generator.
///
/// Zeros behind the content make the length of the result a multiple of `multiple`; 0 and 1 mean
/// none. They are removed again by [`decrypt`], so the content must not end with a zero. Constant time
/// in key and content.
///
/// # Errors
///
/// [`LengthError`] if the padded message would have 256 GiB or more.
///
/// ```
/// # use getrandom::{SysRng, rand_core::UnwrapErr};
/// # let rng = &mut UnwrapErr(SysRng);
/// use session_crypto::group;
///
/// let (old, new) = ([1; 32], [2; 32]);
/// let message = group::encrypt(rng, &new, b"content", 256)?;
/// assert_eq!(message.len(), 256);
/// let opened = group::decrypt([&old, &new], &message)?;
/// assert_eq!((opened.key_index, opened.content.as_slice()), (1, b"content".as_slice()));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn encrypt(
    rng: &mut (impl CryptoRng + ?Sized),
    key: &[u8; KEY_LENGTH],
    content: &[u8],
    multiple: usize,
) -> Result<Vec<u8>, LengthError> {
    let too_long = LengthError {
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

/// What a group message contained, and with which key.
#[derive(Debug)]
pub struct Opened {
    /// Which of the keys opened it, counted from 0.
    pub key_index: usize,
    /// The content without its padding. Who wrote it has not been verified.
    pub content: Zeroizing<Vec<u8>>,
}

/// Decrypts a message with the first of `keys` that opens it, and removes the trailing zeros.
///
/// Give a pending key first, then the others; their order does not matter for the result. How many
/// keys were tried can be seen from the time taken, and where the padding of an authentic message
/// begins; otherwise it is constant time in the keys. What a caller must still do: parse the content,
/// verify its signature, and check that the sender is a member.
///
/// # Errors
///
/// [`DecryptError`] if none of the keys opens it. Keep the message: its key may still come.
pub fn decrypt<'k>(
    keys: impl IntoIterator<Item = &'k [u8; KEY_LENGTH]>,
    message: &[u8],
) -> Result<Opened, DecryptError> {
    let (nonce, sealed) = split_first::<NONCE_LENGTH>(message).ok_or(DecryptError)?;
    let (ciphertext, tag) = split_last::<TAG_LENGTH>(sealed).ok_or(DecryptError)?;
    let mut content = Zeroizing::new(ciphertext.to_vec());
    let (key_index, length) = open(keys, nonce, &mut content, tag)?;
    content.truncate(length);
    Ok(Opened { key_index, content })
}

/// What a group message contained, in the buffer that it came in.
#[derive(Debug)]
pub struct OpenedInPlace<'m> {
    /// Which of the keys opened it, counted from 0.
    pub key_index: usize,
    /// The content without its padding. Who wrote it has not been verified.
    pub content: &'m mut [u8],
}

/// Decrypts as [`decrypt`] does, but in the buffer of the message. Wiping it is the caller's.
///
/// # Errors
///
/// [`DecryptError`] if none of the keys opens it. The buffer is then left as it was.
pub fn decrypt_in_place<'k, 'm>(
    keys: impl IntoIterator<Item = &'k [u8; KEY_LENGTH]>,
    message: &'m mut [u8],
) -> Result<OpenedInPlace<'m>, DecryptError> {
    let (nonce, sealed) = split_first_mut::<NONCE_LENGTH>(message).ok_or(DecryptError)?;
    let (content, tag) = split_last_mut::<TAG_LENGTH>(sealed).ok_or(DecryptError)?;
    let (key_index, length) = open(keys, nonce, content, tag)?;
    let content = content.get_mut(..length).ok_or(DecryptError)?;
    Ok(OpenedInPlace { key_index, content })
}

/// Which key opened `buffer`, and the length of its content without the zeros behind it.
fn open<'k>(
    keys: impl IntoIterator<Item = &'k [u8; KEY_LENGTH]>,
    nonce: &[u8; NONCE_LENGTH],
    buffer: &mut [u8],
    tag: &[u8; TAG_LENGTH],
) -> Result<(usize, usize), DecryptError> {
    let key_index = keys
        .into_iter()
        // A key that does not fit leaves the buffer as it was.
        .position(|key| xchacha::open_in_place(key, nonce, buffer, tag).is_ok())
        .ok_or(DecryptError)?;
    Ok((key_index, without_trailing_zeros(buffer).len()))
}
