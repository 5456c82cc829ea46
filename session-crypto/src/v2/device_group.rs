//! Group messages of an account's devices: one payload, encrypted for each registered device.
//!
//! ```text
//! A               ephemeral X25519 key (32)
//! C               one ML-KEM ciphertext (1088) for each slot
//! K               index (2) | encrypted key (32) for each slot
//! d               XChaCha20-Poly1305 of the payload
//! k               one entry (16) for each removed device
//! ```
//!
//! The number of slots is a multiple of four; unused slots are random, and a random permutation says
//! which device has which slot, so that the message shows the number of devices only roughly. The same
//! holds for the entries of removed devices. The layer above writes the dict, and signs it with the
//! account's key.
//!
//! Protocol: protocol-v2, sections 6.3 to 6.5.

mod open;
mod slots;

use alloc::boxed::Box;
use alloc::vec::Vec;

use chacha20::XChaCha20;
use chacha20::cipher::{KeyIvInit, StreamCipher};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::kem::{CIPHERTEXT_LENGTH, KemCiphertext, KemShared};
use super::keys::PublicKeys;
use crate::ed25519::Ed25519Secret;
use crate::x25519::{SharedSecret, X25519Public, X25519Secret};
use crate::xchacha;
use crate::{Blake2b, EncryptError, SymmetricKey};

pub use open::Packet;
pub use slots::Slots;

/// Length of the id of a device in bytes.
pub const DEVICE_ID_LENGTH: usize = 32;
/// Length of the id of a group in bytes.
pub const GROUP_ID_LENGTH: usize = 8;
/// Length of a slot of `K` in bytes.
pub const KEY_SLOT_LENGTH: usize = 34;
/// Length of the entry of a removed device in bytes.
pub const KICKED_LENGTH: usize = 16;

/// Encrypts or decrypts the id of a group, in both directions.
///
/// `seed` is the account's Ed25519 seed, `ephemeral` the key `A` of the message. Nothing authenticates
/// the id but the signature of the message.
#[must_use]
pub fn crypt_group_id(
    account: &Ed25519Secret,
    ephemeral: &X25519Public,
    id: [u8; GROUP_ID_LENGTH],
) -> [u8; GROUP_ID_LENGTH] {
    let key = Zeroizing::new(
        Blake2b::<32>::personal(b"SessionDvGrpID_K")
            .chain(account.expose_seed())
            .finalize(),
    );
    let nonce = Blake2b::<24>::personal(b"SessionDvGrpID_N")
        .chain(ephemeral.as_bytes())
        .finalize();
    let mut id = id;
    XChaCha20::new((&*key).into(), (&nonce).into()).apply_keystream(&mut id);
    id
}

/// Returns the entry of a removed device in `k`. Only the devices of the account can compute it.
#[must_use]
pub fn kicked_entry(
    account: &Ed25519Secret,
    ephemeral: &X25519Public,
    device: &[u8; DEVICE_ID_LENGTH],
) -> [u8; KICKED_LENGTH] {
    Blake2b::<KICKED_LENGTH>::keyed_personal(ephemeral.as_bytes(), b"SessionDevKicked")
        .chain(account.expose_seed())
        .chain(device)
        .finalize()
}

/// Nonce of the payload.
fn payload_nonce(ephemeral: &X25519Public, ciphertexts: &[u8]) -> [u8; 24] {
    Blake2b::<24>::keyed_personal(ephemeral.as_bytes(), b"SessionDevDNonce")
        .chain(ciphertexts)
        .finalize()
}

/// The values of one slot, as sender and device compute them.
struct Slot<'a> {
    ephemeral: &'a X25519Public,
    device: &'a PublicKeys,
    ciphertext: &'a KemCiphertext,
}

impl Slot<'_> {
    /// Encrypts or decrypts the key of the payload.
    fn crypt(&self, payload: &[u8], shared: &SharedSecret, kem: &KemShared, key: &mut [u8; 32]) {
        let nonce = Blake2b::<24>::keyed_personal(self.ephemeral.as_bytes(), b"SessionDevKNonce")
            .chain(self.ciphertext)
            .chain(payload)
            .finalize();
        let slot_key = Zeroizing::new(
            Blake2b::<32>::personal(b"SessionDevKeyKey")
                .chain(shared.expose_bytes())
                .chain(self.ephemeral.as_bytes())
                .chain(self.device.x25519.as_bytes())
                .chain(kem.expose_bytes())
                .chain(self.device.kem.as_bytes())
                .finalize(),
        );
        XChaCha20::new((&*slot_key).into(), (&nonce).into()).apply_keystream(key);
    }

    /// Returns the index by which a device finds its slot.
    fn index(&self, wrapped: &[u8; 32]) -> [u8; 2] {
        Blake2b::<2>::personal(b"SessionDevKeyIdx")
            .chain(self.ephemeral.as_bytes())
            .chain(self.device.x25519.as_bytes())
            .chain(self.device.kem.as_bytes())
            .chain(self.ciphertext)
            .chain(wrapped)
            .finalize()
    }
}

/// The parts of a group message, for the dict of the layer above.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The encrypted id of the group, `@`.
    pub group_id: [u8; GROUP_ID_LENGTH],
    /// The ephemeral key, `A`.
    pub ephemeral: X25519Public,
    /// The ML-KEM ciphertexts, `C`.
    pub ciphertexts: Vec<u8>,
    /// The encrypted keys, `K`.
    pub keys: Vec<u8>,
    /// The encrypted payload, `d`.
    pub payload: Vec<u8>,
    /// The entries of removed devices, `k`; absent without one.
    pub kicked: Option<Vec<u8>>,
}

/// Recipients and content of a group message.
#[derive(Debug, Clone, Copy)]
pub struct Draft<'a> {
    /// The account, whose seed hides the id of the group and the removed devices.
    pub account: &'a Ed25519Secret,
    /// The id of the group.
    pub group_id: [u8; GROUP_ID_LENGTH],
    /// The public keys of the registered devices, in the order of their ids.
    pub devices: &'a [&'a PublicKeys],
    /// The ids of the removed devices, in ascending order.
    pub kicked: &'a [&'a [u8; DEVICE_ID_LENGTH]],
    /// The payload, padded.
    pub payload: &'a [u8],
}

impl Draft<'_> {
    /// Encrypts the message, with random slots.
    ///
    /// A device whose keys are not usable gets a slot with random bytes, and cannot read the message.
    /// Constant-time in the payload and in the account's seed.
    ///
    /// # Errors
    ///
    /// [`EncryptError::TooLong`] if the message does not fit into memory.
    pub fn seal(&self, rng: &mut (impl CryptoRng + ?Sized)) -> Result<Sealed, EncryptError> {
        let kicked = Slots::random(rng, self.kicked.len());
        let slots = Slots::random(rng, self.devices.len());
        self.seal_in(rng, &slots, &kicked)
    }

    /// Encrypts the message with given slots, which makes the result reproducible.
    ///
    /// # Errors
    ///
    /// [`EncryptError::SlotCount`] if the slots are for another number of devices, and those of
    /// [`seal`](Self::seal).
    pub fn seal_in(
        &self,
        rng: &mut (impl CryptoRng + ?Sized),
        slots: &Slots,
        kicked_slots: &Slots,
    ) -> Result<Sealed, EncryptError> {
        slots.check(self.devices.len())?;
        kicked_slots.check(self.kicked.len())?;
        let secret = X25519Secret::generate(rng);
        let ephemeral = secret.public();
        let kicked = self.kicked_entries(rng, &ephemeral, kicked_slots);

        let mut encapsulated = Vec::with_capacity(slots.len());
        for device in self.devices {
            encapsulated.push(match device.kem.encapsulate(rng) {
                Ok((ciphertext, shared)) => (ciphertext, Some(shared)),
                Err(_) => (random_ciphertext(rng), None),
            });
        }
        while encapsulated.len() < slots.len() {
            encapsulated.push((random_ciphertext(rng), None));
        }
        let in_order: Vec<&[u8]> = encapsulated.iter().map(|(c, _)| c.as_slice()).collect();
        let ciphertexts = slots.arrange(&in_order);

        let key = SymmetricKey::generate(rng);
        let nonce = payload_nonce(&ephemeral, &ciphertexts);
        let payload = xchacha::encrypt_between(&key, &nonce, &[], &[self.payload], 0, &[])?;

        let mut keys: Vec<[u8; KEY_SLOT_LENGTH]> = Vec::with_capacity(slots.len());
        for (number, (ciphertext, kem)) in encapsulated.iter().enumerate() {
            let readable = self
                .devices
                .get(number)
                .zip(kem.as_ref())
                .and_then(|(device, kem)| {
                    let shared = secret.diffie_hellman(&device.x25519).ok()?;
                    let slot = Slot {
                        ephemeral: &ephemeral,
                        device,
                        ciphertext,
                    };
                    let mut wrapped = *key.expose_bytes();
                    slot.crypt(&payload, &shared, kem, &mut wrapped);
                    Some((slot.index(&wrapped), wrapped))
                });
            let (index, wrapped) = match readable {
                Some(slot) => slot,
                None => {
                    let (mut index, mut wrapped) = ([0; 2], [0; 32]);
                    rng.fill_bytes(&mut index);
                    rng.fill_bytes(&mut wrapped);
                    (index, wrapped)
                }
            };
            let mut slot = [0; KEY_SLOT_LENGTH];
            let (head, tail) = crate::bytes::split_array_mut::<KEY_SLOT_LENGTH, 2, 32>(&mut slot);
            (*head, *tail) = (index, wrapped);
            keys.push(slot);
        }
        let in_order: Vec<&[u8]> = keys.iter().map(<[u8; KEY_SLOT_LENGTH]>::as_slice).collect();
        Ok(Sealed {
            group_id: crypt_group_id(self.account, &ephemeral, self.group_id),
            ephemeral,
            ciphertexts,
            keys: slots.arrange(&in_order),
            payload,
            kicked,
        })
    }

    fn kicked_entries(
        &self,
        rng: &mut (impl CryptoRng + ?Sized),
        ephemeral: &X25519Public,
        slots: &Slots,
    ) -> Option<Vec<u8>> {
        if self.kicked.is_empty() {
            return None;
        }
        let mut entries = alloc::vec![0; slots.len().saturating_mul(KICKED_LENGTH)];
        rng.fill_bytes(&mut entries);
        for (device, position) in self.kicked.iter().zip(slots.positions()) {
            if let Some(place) = entries.chunks_exact_mut(KICKED_LENGTH).nth(*position) {
                for (to, from) in
                    place
                        .iter_mut()
                        .zip(kicked_entry(self.account, ephemeral, device))
                {
                    *to = from;
                }
            }
        }
        Some(entries)
    }
}

fn random_ciphertext(rng: &mut (impl CryptoRng + ?Sized)) -> Box<KemCiphertext> {
    let mut ciphertext = Box::new([0; CIPHERTEXT_LENGTH]);
    rng.fill_bytes(ciphertext.as_mut_slice());
    ciphertext
}
