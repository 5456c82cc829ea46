//! The signed and encrypted group message.
//!
//! ```text
//! d 0:  "G"    1:@ encrypted id of the group (8)    1:A ephemeral key (32)    1:C ML-KEM ciphertexts
//!   1:K encrypted keys    1:X current account key (32)    1:d encrypted payload
//!   1:k entries of removed devices, optional    1:~ signature of the account's Ed25519 key (64) e
//! ```

use alloc::vec::Vec;

use rand_core::CryptoRng;
use session_crypto::v2::device_group::{
    Draft, GROUP_ID_LENGTH, KICKED_LENGTH, Packet, Sealed, Slots, crypt_group_id, kicked_entry,
};
use session_crypto::v2::{AccountKeys, DeviceKeys, PublicKeys};
use session_crypto::{
    Ed25519PublicExt, Ed25519Secret, Ed25519Signature, EncryptError, X25519Public,
};
use session_proto::bt;
use session_types::limits::MESSAGE_DATA_MAX;
use zeroize::Zeroizing;

use super::payload::{Payload, PayloadError, padded_length};
use super::record::DeviceId;

/// The id of a device group: 4 bytes of time, in minutes, and 4 random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub [u8; GROUP_ID_LENGTH]);

impl GroupId {
    /// Makes the id of a group that is founded at `now`, in Unix seconds. Draws 4 bytes.
    #[must_use]
    pub fn generate(rng: &mut (impl CryptoRng + ?Sized), now: i64) -> Self {
        let mut random = [0; 4];
        rng.fill_bytes(&mut random);
        let [a, b, c, d, ..] = now.div_euclid(60).to_le_bytes();
        let [e, f, g, h] = random;
        Self([a, b, c, d, e, f, g, h])
    }
}

/// A message that cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// There is no current account key.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// The message is too long to be encrypted.
    #[error(transparent)]
    Encrypt(#[from] EncryptError),
    /// The message is longer than may be stored: there are too many devices.
    #[error("expected a group message of at most {max} bytes, got {got}")]
    TooLong {
        /// Maximum length in bytes.
        max: usize,
        /// Length in bytes.
        got: usize,
    },
}

/// The slots of a message: those of devices and those of removed devices.
#[derive(Debug, Clone)]
pub struct Placement {
    /// Slots of the registered devices, in the order of their ids.
    pub devices: Slots,
    /// Slots of the removed devices, in the order of their ids.
    pub kicked: Slots,
}

/// Writes a message.
///
/// `recipients` are the public keys of the registered devices, `kicked` the ids of the removed ones, both
/// in ascending order of ids. Without `placement` the slots are random.
///
/// # Errors
///
/// [`WriteError`] if there is no current account key, or if the message is too long.
pub fn write(
    rng: &mut (impl CryptoRng + ?Sized),
    account: &Ed25519Secret,
    group: GroupId,
    payload: &Payload,
    recipients: &[&PublicKeys],
    kicked: &[DeviceId],
    placement: Option<&Placement>,
) -> Result<Vec<u8>, WriteError> {
    let link_key = payload.keys.iter().find(|key| key.rotated.is_none());
    let link_key = link_key.ok_or(PayloadError::NoCurrentKey)?;
    let link_key = AccountKeys::from_seed(&link_key.seed).public().x25519;
    let mut plain = payload.encode()?;
    let length = padded_length(plain.len());
    if plain.capacity() < length {
        let mut longer = Zeroizing::new(Vec::with_capacity(length));
        longer.extend_from_slice(&plain);
        plain = longer;
    }
    plain.resize(length, 0);
    let kicked: Vec<&[u8; 32]> = kicked.iter().map(DeviceId::as_bytes).collect();
    let draft = Draft {
        account,
        group_id: group.0,
        devices: recipients,
        kicked: &kicked,
        payload: &plain,
    };
    let sealed = match placement {
        Some(placement) => draft.seal_in(rng, &placement.devices, &placement.kicked)?,
        None => draft.seal(rng)?,
    };
    let message = sign(account, &sealed, &link_key);
    if message.len() > MESSAGE_DATA_MAX {
        return Err(WriteError::TooLong {
            max: MESSAGE_DATA_MAX,
            got: message.len(),
        });
    }
    Ok(message)
}

#[expect(
    clippy::expect_used,
    reason = "all keys sort before that of the signature"
)]
fn sign(account: &Ed25519Secret, sealed: &Sealed, link_key: &X25519Public) -> Vec<u8> {
    bt::signed_dict(
        |dict| {
            dict.bytes(b"", b"G");
            dict.bytes(b"@", &sealed.group_id);
            dict.bytes(b"A", sealed.ephemeral.as_bytes());
            dict.bytes(b"C", &sealed.ciphertexts);
            dict.bytes(b"K", &sealed.keys);
            dict.bytes(b"X", link_key.as_bytes());
            dict.bytes(b"d", &sealed.payload);
            if let Some(kicked) = &sealed.kicked {
                dict.bytes(b"k", kicked);
            }
        },
        |message| account.sign(message).to_bytes(),
    )
    .expect("k sorts before ~")
}

/// A message in namespace 21 that is malformed or not signed by the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The message is malformed, or the account did not sign it.
    #[error("message is malformed or not signed by the account")]
    Invalid,
    /// The message is of another type.
    #[error("message of another type")]
    OtherType,
}

/// A group message whose signature was verified.
#[derive(Debug)]
pub struct GroupMessage<'a> {
    /// The id of the group; `None` in a message of an older generation.
    pub group: Option<GroupId>,
    /// The X25519 key to which requests to be admitted are encrypted; `None` in a message of an older
    /// generation.
    pub link_key: Option<X25519Public>,
    ephemeral: X25519Public,
    packet: Packet<'a>,
    kicked: &'a [u8],
}

impl<'a> GroupMessage<'a> {
    /// Reads a message and verifies its signature.
    ///
    /// # Errors
    ///
    /// [`ReadError`] if it is malformed, not signed by the account, or of another type.
    pub fn read(account: &Ed25519Secret, data: &'a [u8]) -> Result<Self, ReadError> {
        let invalid = |_| ReadError::Invalid;
        let dict = bt::parse_dict(data).map_err(|_| ReadError::Invalid)?;
        if dict.bytes("").map_err(invalid)? != b"G" {
            return Err(ReadError::OtherType);
        }
        let signed = dict.signed().map_err(invalid)?;
        account
            .public()
            .verify(
                signed.message,
                &Ed25519Signature::from_bytes(*signed.signature),
            )
            .map_err(|_| ReadError::Invalid)?;
        let ephemeral = X25519Public::from_bytes(*dict.array("A").map_err(invalid)?);
        let packet = Packet::new(
            ephemeral,
            dict.bytes("C").map_err(invalid)?,
            dict.bytes("K").map_err(invalid)?,
            dict.bytes("d").map_err(invalid)?,
        )
        .map_err(|_| ReadError::Invalid)?;
        let link_key = match dict.get(b"X") {
            Some(_) => dict
                .array("X")
                .map(|key| Some(X25519Public::from_bytes(*key))),
            None => Ok(None),
        };
        let (group, link_key) = match dict.get(b"@") {
            Some(_) => {
                let encrypted = *dict.array("@").map_err(invalid)?;
                let id = crypt_group_id(account, &ephemeral, encrypted);
                let key = link_key.map_err(invalid)?.ok_or(ReadError::Invalid)?;
                (Some(GroupId(id)), Some(key))
            }
            // A message without an id may have any key.
            None => (None, link_key.ok().flatten()),
        };
        let kicked = match dict.get(b"k") {
            Some(_) => dict.bytes("k").map_err(invalid)?,
            None => &[],
        };
        Ok(Self {
            group,
            link_key,
            ephemeral,
            packet,
            kicked,
        })
    }

    /// Decrypts the payload with the key sets of this device: the current one, and earlier ones.
    #[must_use]
    pub fn open<'k>(
        &self,
        keys: impl IntoIterator<Item = &'k DeviceKeys>,
    ) -> Option<Zeroizing<Vec<u8>>> {
        keys.into_iter()
            .find_map(|keys| self.packet.open(keys).ok())
    }

    /// Returns whether the message says that a device was removed. Only devices of the account can tell.
    #[must_use]
    pub fn has_kicked(&self, account: &Ed25519Secret, device: &DeviceId) -> bool {
        let entry = kicked_entry(account, &self.ephemeral, device.as_bytes());
        let (entries, rest) = self.kicked.as_chunks::<KICKED_LENGTH>();
        rest.is_empty() && entries.contains(&entry)
    }
}
