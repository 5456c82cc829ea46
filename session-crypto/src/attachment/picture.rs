//! The older form of profile pictures: one AES-256-GCM ciphertext.
//!
//! ```text
//! iv (12) | ciphertext (as long as the picture) | tag (16)
//! ```
//!
//! Protocol: crypto, section 11. No padding, no associated data. Clients read both forms; which one
//! a file has, its URL tells. Write the [current one](super).

use alloc::vec::Vec;

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::bytes::{memory_limit, split_first, split_last};
use crate::{DecryptError, LengthError};

/// Length of a profile key in bytes.
pub const KEY_LENGTH: usize = 32;
/// Bytes that a ciphertext is longer than the picture.
pub const OVERHEAD: usize = IV + TAG;

const IV: usize = 12;
const TAG: usize = 16;
/// What the block counter of GCM reaches.
const MAX_LENGTH: usize = memory_limit((1 << 36) - 32);

/// Encrypts a picture with an iv of the generator. The result is [`OVERHEAD`] bytes longer.
///
/// Constant time in key and picture.
///
/// # Errors
///
/// [`LengthError`] if the picture has more than 64 GiB less 32 bytes.
pub fn encrypt(
    rng: &mut (impl CryptoRng + ?Sized),
    key: &[u8; KEY_LENGTH],
    picture: &[u8],
) -> Result<Vec<u8>, LengthError> {
    let mut iv = [0; IV];
    rng.fill_bytes(&mut iv);
    let mut out = Vec::with_capacity(picture.len().saturating_add(OVERHEAD));
    out.extend_from_slice(&iv);
    out.extend_from_slice(picture);
    let buffer = out.get_mut(IV..).unwrap_or_default();
    let tag = Aes256Gcm::new(key.into())
        .encrypt_inout_detached(&iv.into(), &[], buffer.into())
        .map_err(|_| LengthError {
            max: MAX_LENGTH,
            got: picture.len(),
        })?;
    out.extend_from_slice(&tag);
    Ok(out)
}

/// Decrypts a picture, which is wiped when it is dropped. An empty one is refused.
///
/// # Errors
///
/// [`DecryptError`] for whatever is wrong; most often the key has changed since.
pub fn decrypt(key: &[u8; KEY_LENGTH], blob: &[u8]) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    let (iv, rest) = split_first::<IV>(blob).ok_or(DecryptError)?;
    let (ciphertext, tag) = split_last::<TAG>(rest).ok_or(DecryptError)?;
    if ciphertext.is_empty() {
        return Err(DecryptError);
    }
    let mut picture = Zeroizing::new(ciphertext.to_vec());
    let buffer = picture.as_mut_slice();
    Aes256Gcm::new(key.into())
        .decrypt_inout_detached(iv.into(), &[], buffer.into(), tag.into())
        .map_err(|_| DecryptError)?;
    Ok(picture)
}
