//! The older form of profile pictures: one AES-256-GCM ciphertext.
//!
//! ```text
//! iv (12) | ciphertext (as long as the picture) | tag (16)
//! ```
//!
//! Protocol: crypto, section 11. There is no padding and no associated data. Clients read both forms;
//! the URL of a file determines its form. Write the [current one](super).

use alloc::vec::Vec;

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::Key;
use crate::bytes::{memory_limit, split_first, split_last};
use crate::{DecryptError, EncryptError};

/// Overhead of a ciphertext in bytes.
pub const OVERHEAD: usize = IV + TAG;

const IV: usize = 12;
const TAG: usize = 16;
/// Maximum length of a picture in bytes, the limit of the block counter of GCM.
const MAX_LENGTH: usize = memory_limit((1 << 36) - 32);

/// Encrypts a picture with a random iv. The result is [`OVERHEAD`] bytes longer.
///
/// Constant-time in key and picture.
///
/// # Errors
///
/// [`EncryptError::TooLong`] if the picture exceeds 64 GiB minus 32 bytes.
pub fn encrypt(
    rng: &mut (impl CryptoRng + ?Sized),
    key: &Key,
    picture: &[u8],
) -> Result<Vec<u8>, EncryptError> {
    let too_long = EncryptError::TooLong {
        max: MAX_LENGTH,
        got: picture.len(),
    };
    let mut iv = [0; IV];
    rng.fill_bytes(&mut iv);
    let mut out = Vec::with_capacity(picture.len().saturating_add(OVERHEAD));
    out.extend_from_slice(&iv);
    out.extend_from_slice(picture);
    let (_, buffer) = out.split_at_mut_checked(IV).ok_or(too_long)?;
    let tag = Aes256Gcm::new(key.expose_bytes().into())
        .encrypt_inout_detached(&iv.into(), &[], buffer.into())
        .map_err(|_| too_long)?;
    out.extend_from_slice(&tag);
    Ok(out)
}

/// Decrypts a picture, which is zeroized on drop. An empty picture is rejected.
///
/// # Errors
///
/// [`DecryptError`] if the ciphertext is malformed or fails authentication, most often because the key
/// has changed since.
pub fn decrypt(key: &Key, blob: &[u8]) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    let (iv, rest) = split_first::<IV>(blob).ok_or(DecryptError)?;
    let (ciphertext, tag) = split_last::<TAG>(rest).ok_or(DecryptError)?;
    if ciphertext.is_empty() {
        return Err(DecryptError);
    }
    let mut picture = Zeroizing::new(ciphertext.to_vec());
    let buffer = picture.as_mut_slice();
    Aes256Gcm::new(key.expose_bytes().into())
        .decrypt_inout_detached(iv.into(), &[], buffer.into(), tag.into())
        .map_err(|_| DecryptError)?;
    Ok(picture)
}
