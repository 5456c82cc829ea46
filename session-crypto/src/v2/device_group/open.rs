//! Reading a group message.

use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::{KEY_SLOT_LENGTH, Slot, payload_nonce};
use crate::bytes::split_array;
use crate::v2::kem::CIPHERTEXT_LENGTH;
use crate::v2::keys::DeviceKeys;
use crate::x25519::X25519Public;
use crate::xchacha::{self, TAG_LENGTH};
use crate::{DecryptError, SymmetricKey};

/// The encrypted parts of a group message as received.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'a> {
    ephemeral: X25519Public,
    ciphertexts: &'a [u8],
    keys: &'a [u8],
    payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Checks the lengths of the parts `A`, `C`, `K` and `d`.
    ///
    /// # Errors
    ///
    /// [`DecryptError`] if `C` and `K` do not have the same number of slots, or if the payload is empty.
    pub fn new(
        ephemeral: X25519Public,
        ciphertexts: &'a [u8],
        keys: &'a [u8],
        payload: &'a [u8],
    ) -> Result<Self, DecryptError> {
        let (slots, rest) = ciphertexts.as_chunks::<CIPHERTEXT_LENGTH>();
        let (key_slots, key_rest) = keys.as_chunks::<KEY_SLOT_LENGTH>();
        let is_whole = rest.is_empty() && key_rest.is_empty();
        if !is_whole || slots.len() != key_slots.len() || payload.len() <= TAG_LENGTH {
            return Err(DecryptError);
        }
        Ok(Self {
            ephemeral,
            ciphertexts,
            keys,
            payload,
        })
    }

    /// Decrypts the payload with the keys of a device. The padding is still there.
    ///
    /// Hashes all slots, and does a Diffie-Hellman and a decapsulation for those whose index fits: for
    /// one of 65,536 foreign slots on average.
    ///
    /// # Errors
    ///
    /// [`DecryptError`] if no slot is for this device, or if the message fails authentication.
    pub fn open(&self, keys: &DeviceKeys) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
        let (ciphertexts, _) = self.ciphertexts.as_chunks::<CIPHERTEXT_LENGTH>();
        let (key_slots, _) = self.keys.as_chunks::<KEY_SLOT_LENGTH>();
        for (ciphertext, key_slot) in ciphertexts.iter().zip(key_slots) {
            let (index, wrapped) = split_array::<KEY_SLOT_LENGTH, 2, 32>(key_slot);
            let slot = Slot {
                ephemeral: &self.ephemeral,
                device: keys.public(),
                ciphertext,
            };
            if slot.index(wrapped) != *index {
                continue;
            }
            let shared = keys.x25519().diffie_hellman(&self.ephemeral)?;
            let kem = keys.kem().decapsulate(ciphertext);
            let mut key = Zeroizing::new(*wrapped);
            slot.crypt(self.payload, &shared, &kem, &mut key);
            let key = SymmetricKey::from_bytes(*key);
            let nonce = payload_nonce(&self.ephemeral, self.ciphertexts);
            if let Ok(payload) = xchacha::open(&key, &nonce, self.payload) {
                return Ok(payload);
            }
        }
        Err(DecryptError)
    }
}
