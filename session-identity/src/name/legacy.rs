//! Values of old records: no nonce, and a key whose derivation takes 256 MiB of memory.

use alloc::vec::Vec;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use poly1305::Poly1305;
use poly1305::universal_hash::KeyInit;
use salsa20::XSalsa20;
use salsa20::cipher::{KeyIvInit, StreamCipher};
use session_crypto::DecryptError;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::Name;
use crate::AccountId;

/// Memory of the key derivation in KiB: 256 MiB.
const MEMORY: u32 = 262_144;
/// Passes of the key derivation over its memory.
const PASSES: u32 = 3;
/// Length of the tag in bytes; it stands before the ciphertext.
const TAG: usize = 16;

/// The value of an old record is malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LegacyError {
    /// The value does not belong to this name.
    #[error(transparent)]
    Decrypt(#[from] DecryptError),
    /// The 256 MiB that the key derivation needs cannot be allocated.
    #[error("not enough memory: the key of an old name takes 256 MiB")]
    Memory,
}

impl Name {
    /// Decrypts the value of an old record, one without a nonce.
    ///
    /// Takes 256 MiB of memory and most of a second, unless the value has the wrong length.
    ///
    /// # Errors
    ///
    /// [`LegacyError::Decrypt`] if the value is malformed or fails authentication,
    /// [`LegacyError::Memory`] if there is not enough memory.
    pub fn open_legacy(&self, value: &[u8]) -> Result<AccountId, LegacyError> {
        let value: &[u8; TAG + AccountId::LENGTH] = value.try_into().map_err(|_| DecryptError)?;
        let (tag, sealed) = value.split_first_chunk::<TAG>().ok_or(DecryptError)?;
        let mut id: [u8; AccountId::LENGTH] = sealed.try_into().map_err(|_| DecryptError)?;

        // secretbox: the first 32 bytes of key stream are the key of the MAC.
        let key = self.legacy_key()?;
        let mut cipher = XSalsa20::new((&*key).into(), &[0; 24].into());
        let mut mac_key = Zeroizing::new([0; 32]);
        cipher.apply_keystream(mac_key.as_mut_slice());
        let expected = Poly1305::new((&*mac_key).into()).compute_unpadded(sealed);
        if !bool::from(expected.as_slice().ct_eq(tag)) {
            return Err(DecryptError.into());
        }
        cipher.apply_keystream(&mut id);
        Ok(AccountId::from_bytes(id).map_err(|_| DecryptError)?)
    }

    /// Argon2id of the name, with a salt of zeros.
    fn legacy_key(&self) -> Result<Zeroizing<[u8; 32]>, LegacyError> {
        let params = Params::new(MEMORY, PASSES, 1, Some(32)).map_err(|_| LegacyError::Memory)?;
        let mut memory = Vec::new();
        // An infallible allocation would abort the program.
        memory
            .try_reserve_exact(params.block_count())
            .map_err(|_| LegacyError::Memory)?;
        memory.resize(params.block_count(), Block::default());
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(
                self.as_str().as_bytes(),
                &[0; 16],
                key.as_mut_slice(),
                &mut memory,
            )
            .map_err(|_| LegacyError::Memory)?;
        Ok(key)
    }
}
