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

use chacha20::XChaCha20;
use chacha20::cipher::{KeyIvInit, StreamCipher};
use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::bytes::{
    MAX_ALLOCATION, memory_limit, split_array, split_first, split_first_mut, split_last,
    split_last_mut,
};
use crate::error::authentic;
use crate::short_tag::TagKey;
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

/// Maximum length of what is encrypted and authenticated step by step, in bytes: the library prepares for
/// long messages, which takes longer than a short one does.
const SHORT: usize = 1024;

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
    if got <= SHORT {
        let (mut stream, tag_key) = start(key, nonce);
        stream.apply_keystream(buffer);
        return Ok(tag_key.tag(buffer));
    }
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
    if buffer.len() <= SHORT {
        let (mut stream, tag_key) = start(key, nonce);
        authentic(tag_key.tag(buffer).ct_eq(tag))?;
        stream.apply_keystream(buffer);
        return Ok(());
    }
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

/// Returns the keystream behind its first block, and the one-time key of the tag, which is the first half
/// of that block (RFC 8439, section 2.8).
pub(crate) fn start(key: &SymmetricKey, nonce: &[u8; NONCE_LENGTH]) -> (XChaCha20, TagKey) {
    let mut stream = XChaCha20::new(key.expose_bytes().into(), nonce.into());
    let mut block = Zeroizing::new([0; 64]);
    stream.apply_keystream(block.as_mut_slice());
    let (mac_key, _) = split_array::<64, 32, 32>(&block);
    (stream, TagKey::new(mac_key))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a message is short or long, and on the border between both: the bytes of the library.
    #[test]
    fn short_messages_are_those_of_the_library() {
        let (key, nonce) = (SymmetricKey::from_bytes([7; 32]), [9; NONCE_LENGTH]);
        for length in (0..200).chain(SHORT - 20..SHORT + 20) {
            let message: Vec<u8> = (0..length).map(|index| (index * 7) as u8).collect();
            let mut expected = message.clone();
            let library = cipher(&key).encrypt_inout_detached(
                &nonce.into(),
                &[],
                expected.as_mut_slice().into(),
            );
            let mut own = message.clone();
            let tag = encrypt_detached(&key, &nonce, &mut own).unwrap();
            assert_eq!(own, expected);
            assert_eq!(tag, <[u8; TAG_LENGTH]>::from(library.unwrap()));

            decrypt_detached(&key, &nonce, &mut own, &tag).unwrap();
            assert_eq!(own, message);
            for bit in 0..128 {
                let mut wrong = tag;
                wrong[bit / 8] ^= 1 << (bit % 8);
                let mut unchanged = expected.clone();
                assert!(decrypt_detached(&key, &nonce, &mut unchanged, &wrong).is_err());
                assert_eq!(unchanged, expected);
            }
        }
    }
}
