//! AES-256-CBC with PKCS#7 padding, for layers of old clients (protocol: onion, section 2.5).
//!
//! Nothing is authenticated: anybody who holds a ciphertext can change it, and the errors of the node
//! reveal whether the padding was right.

use alloc::vec::Vec;

use aes::Aes256;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use session_crypto::DecryptError;

use super::TooLong;

const BLOCK: usize = 16;

/// Encrypts `buffer[start..]` in place and appends the padding.
pub(super) fn seal(
    key: &[u8; 32],
    nonce: &[u8; 16],
    buffer: &mut Vec<u8>,
    start: usize,
) -> Result<(), TooLong> {
    let length = buffer.len().checked_sub(start).ok_or(TooLong)?;
    // A whole block is added; the padding takes at most that.
    buffer.resize(buffer.len().saturating_add(BLOCK), 0);
    let cipher = cbc::Encryptor::<Aes256>::new(key.into(), nonce.into());
    let message = buffer.get_mut(start..).ok_or(TooLong)?;
    let sealed = cipher
        .encrypt_padded::<Pkcs7>(message, length)
        .map_err(|_| TooLong)?
        .len();
    buffer.truncate(start.saturating_add(sealed));
    Ok(())
}

/// Decrypts nonce and ciphertext.
pub(super) fn open(key: &[u8; 32], sealed: &[u8]) -> Result<Vec<u8>, DecryptError> {
    let (nonce, ciphertext) = sealed.split_first_chunk::<BLOCK>().ok_or(DecryptError)?;
    let mut message = ciphertext.to_vec();
    let cipher = cbc::Decryptor::<Aes256>::new(key.into(), nonce.into());
    let length = cipher
        .decrypt_padded::<Pkcs7>(&mut message)
        .map_err(|_| DecryptError)?
        .len();
    message.truncate(length);
    Ok(message)
}
