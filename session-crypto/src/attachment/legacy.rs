//! The older form of attachments: AES-256-CBC with HMAC-SHA256.
//!
//! ```text
//! iv (16) | AES-256-CBC of: content, zeros, PKCS#7 padding | HMAC-SHA256 (32)
//! ```
//!
//! Protocol: crypto, section 9. The message that points to the file carries its keys, its SHA-256 and
//! the length of the content. New clients only receive it; [`encrypt`] is for tests and for files that
//! older clients must read.

use alloc::vec::Vec;

use aes::Aes256;
use aes::cipher::{Block, BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use hmac::{Hmac, KeyInit, Mac};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::bytes::{length, split_array, split_array_mut, split_first, split_last};
use crate::error::authentic;
use crate::{DecryptError, EncryptError};

/// Maximum length of a content in bytes, padded or not.
pub const MAX_CONTENT_SIZE: usize = 10_000_000;

const IV: usize = 16;
const BLOCK: usize = 16;
const TAG: usize = 32;
const LEAST_BUCKET: usize = 541;

secret_bytes! {
    /// The two keys of a file, for AES and for HMAC: 64 bytes. They are zeroized on drop and never printed.
    Keys, 64
}

impl Keys {
    /// Returns the keys of AES and of HMAC.
    fn parts(&self) -> (&[u8; 32], &[u8; 32]) {
        split_array(&self.0)
    }

    /// Starts the HMAC of a blob.
    fn hmac(&self, blob: &[u8]) -> Hmac<Sha256> {
        let (_, key) = self.parts();
        // HMAC pads a short key with zeros to a block of the hash.
        let mut block = Zeroizing::new([0; 64]);
        let (place, _) = split_array_mut::<64, 32, 32>(&mut block);
        *place = *key;
        Hmac::<Sha256>::new((&*block).into()).chain_update(blob)
    }
}

impl TryFrom<&[u8]> for Keys {
    type Error = crate::KeyError;

    fn try_from(bytes: &[u8]) -> Result<Self, Self::Error> {
        crate::key_bytes(bytes).map(Self)
    }
}

/// An encrypted file, with the digest that its recipients need besides the keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encrypted {
    /// The file.
    pub blob: Vec<u8>,
    /// SHA-256 of the file.
    pub digest: [u8; 32],
}

/// Encrypts a content, padded with zeros to [`bucket`] if `pad` is set.
///
/// Constant-time in keys and content, not in lengths.
///
/// # Errors
///
/// [`EncryptError::TooLong`] if the content exceeds [`MAX_CONTENT_SIZE`].
pub fn encrypt(
    rng: &mut (impl CryptoRng + ?Sized),
    keys: &Keys,
    content: &[u8],
    pad: bool,
) -> Result<Encrypted, EncryptError> {
    let too_long = EncryptError::TooLong {
        max: MAX_CONTENT_SIZE,
        got: content.len(),
    };
    let padded = bucket(content.len()).ok_or(too_long)?;
    let plain = if pad { padded } else { content.len() };
    let mut iv = [0; IV];
    rng.fill_bytes(&mut iv);
    // PKCS#7 fills up to the next block, with a whole block if the length is a multiple already. The
    // value of each byte is their number.
    let fill = BLOCK.saturating_sub(plain % BLOCK);
    let fill_byte = u8::try_from(fill).map_err(|_| too_long)?;
    let end = plain.saturating_add(IV).saturating_add(fill);

    let mut blob = Vec::with_capacity(end.saturating_add(TAG));
    blob.extend_from_slice(&iv);
    blob.extend_from_slice(content);
    blob.resize(plain.saturating_add(IV), 0);
    blob.resize(end, fill_byte);
    let (_, buffer) = blob.split_at_mut_checked(IV).ok_or(too_long)?;
    let (blocks, _) = Block::<Aes256>::slice_as_chunks_mut(buffer);
    let (aes, _) = keys.parts();
    cbc::Encryptor::<Aes256>::new(aes.into(), &iv.into()).encrypt_blocks(blocks);
    let tag = keys.hmac(&blob).finalize().into_bytes();
    blob.extend_from_slice(&tag);
    let digest = Sha256::digest(&blob).into();
    Ok(Encrypted { blob, digest })
}

/// Decrypts a file and truncates it to `size`, the length of its content.
///
/// `digest` is the SHA-256 from the message. HMAC and digest are compared in constant time before
/// anything is decrypted. The content is zeroized on drop.
///
/// # Errors
///
/// [`DecryptError`] if the file is malformed, fails authentication, or is shorter than `size`.
pub fn decrypt(
    keys: &Keys,
    digest: &[u8; 32],
    size: usize,
    blob: &[u8],
) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    let (signed, tag) = split_last::<TAG>(blob).ok_or(DecryptError)?;
    let (iv, ciphertext) = split_first::<IV>(signed).ok_or(DecryptError)?;
    let signed_with_keys = keys.hmac(signed).finalize().into_bytes().ct_eq(tag);
    let named_by_message = Sha256::digest(blob).ct_eq(digest);
    authentic(signed_with_keys & named_by_message)?;
    let mut plain = Zeroizing::new(ciphertext.to_vec());
    let (blocks, rest) = Block::<Aes256>::slice_as_chunks_mut(&mut plain);
    if !rest.is_empty() {
        return Err(DecryptError);
    }
    let (aes, _) = keys.parts();
    cbc::Decryptor::<Aes256>::new(aes.into(), iv.into()).decrypt_blocks(blocks);

    // The bytes are authentic, so reading the padding is no oracle.
    let fill = plain.last().copied().ok_or(DecryptError)?;
    let length = plain
        .len()
        .checked_sub(usize::from(fill))
        .ok_or(DecryptError)?;
    let padding = plain.get(length..).ok_or(DecryptError)?;
    if !(1..=BLOCK).contains(&padding.len()) || padding.iter().any(|byte| *byte != fill) {
        return Err(DecryptError);
    }
    if length < size {
        return Err(DecryptError);
    }
    plain.truncate(size);
    Ok(plain)
}

/// Returns the length to which a content is padded: 541 bytes, or the next power of 1.05 rounded down,
/// at most [`MAX_CONTENT_SIZE`]. Returns `None` for a longer content.
///
/// Receivers do not check it.
#[must_use]
pub fn bucket(content: usize) -> Option<usize> {
    if content > MAX_CONTENT_SIZE {
        return None;
    }
    // 64 bits for the fraction, 24 for the length, 5 for the multiplication.
    let content_scaled = u128::from(length(content)).checked_shl(64)?;
    let mut power: u128 = 1 << 64;
    while power < content_scaled {
        power = power.saturating_mul(21) / 20;
    }
    let power = usize::try_from(power >> 64).ok()?;
    Some(power.clamp(LEAST_BUCKET, MAX_CONTENT_SIZE))
}
