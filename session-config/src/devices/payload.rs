//! The payload of a group message: devices, tombstones and account keys.
//!
//! ```text
//! d 1:D d <id> record | i<time>e  …  e    1:K l d 1:c created 1:r rotated 1:s seed e … e e  zeros
//! ```

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use session_crypto::v2::KeySeed;
use session_proto::bt;
use zeroize::Zeroizing;

use super::account_keys::AccountKey;
use super::record::{DeviceId, Digest, Record};

/// Room for account keys in the first block of the padding.
const FIRST_BLOCK: usize = 2300;
/// Room for four devices.
const BLOCK: usize = 6400;
/// Maximum length of a payload that is read, in bytes: that of a stored message.
const MAX_LENGTH: usize = session_types::limits::MESSAGE_DATA_MAX;

/// A payload that is malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// The payload is not canonical bt-encoding.
    #[error(transparent)]
    Encoding(#[from] bt::Error),
    /// A part is missing, or has the wrong kind or length.
    #[error(transparent)]
    Field(#[from] bt::FieldError),
    /// A device is neither a record nor a time, or its id does not have 32 bytes.
    #[error("malformed entry of a device")]
    Device,
    /// The time of a tombstone is zero or out of range.
    #[error("time of a tombstone is out of range")]
    Tombstone,
    /// The number of a record is below 1.
    #[error("expected a number from 1, got {got}")]
    Seqno {
        /// The number received.
        got: i64,
    },
    /// There is no current account key, without which no payload may be written.
    #[error("no current account key")]
    NoCurrentKey,
}

/// An entry of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A registered device, with the digest of the record as received.
    Live(Record, Digest),
    /// A device that was removed, at a time in Unix seconds.
    Kicked(i64),
    /// A device that left, at a time in Unix seconds.
    Left(i64),
}

/// The content of a group message.
#[derive(Debug, Default)]
pub struct Payload {
    /// The devices by id.
    pub devices: BTreeMap<DeviceId, Entry>,
    /// The account keys, in the order of the message.
    pub keys: Vec<AccountKey>,
}

impl Payload {
    /// Reads a payload, with or without padding.
    ///
    /// # Errors
    ///
    /// [`PayloadError`] if it is malformed. One malformed device rejects the whole payload.
    pub fn decode(bytes: &[u8]) -> Result<Self, PayloadError> {
        let limits = bt::Limits {
            size: MAX_LENGTH,
            ..bt::Limits::DEFAULT
        };
        let end = bytes.iter().rposition(|byte| *byte != 0);
        let trimmed = end.and_then(|end| bytes.get(..=end));
        // Absent: a payload of zeros only, which is as malformed as an empty one.
        let dict = match bt::parse_prefix(trimmed.unwrap_or_default(), &limits)? {
            (bt::Value::Dict(dict), []) => dict,
            _ => return Err(PayloadError::Device),
        };
        let mut payload = Self::default();
        for entry in dict.dict("D")? {
            let id = entry.key.try_into().map_err(|_| PayloadError::Device)?;
            let device = match entry.value {
                bt::Value::Dict(record) => {
                    Entry::Live(Record::read(&record)?, Digest::of(record.raw()))
                }
                bt::Value::Int(time) => {
                    let time = time.as_i64().ok_or(PayloadError::Tombstone)?;
                    match (time, time.checked_neg()) {
                        (1.., _) => Entry::Kicked(time),
                        (_, Some(left @ 1..)) => Entry::Left(left),
                        _ => return Err(PayloadError::Tombstone),
                    }
                }
                _ => return Err(PayloadError::Device),
            };
            payload.devices.insert(DeviceId::from_bytes(id), device);
        }
        for item in dict.list("K")? {
            let key = item.as_dict().ok_or(PayloadError::Device)?;
            let rotated = match key.get(b"r") {
                Some(_) => Some(key.i64("r")?),
                None => None,
            };
            payload.keys.push(AccountKey {
                seed: KeySeed::from_bytes(*key.array("s")?),
                created: key.i64("c")?,
                rotated,
                is_distributed: true,
            });
        }
        Ok(payload)
    }

    /// Writes the payload, without padding. The keys are written in the order given.
    ///
    /// # Errors
    ///
    /// [`PayloadError::NoCurrentKey`] without a current account key: no device may send such a payload.
    pub fn encode(&self) -> Result<Zeroizing<Vec<u8>>, PayloadError> {
        if self.keys.iter().all(|key| key.rotated.is_some()) {
            return Err(PayloadError::NoCurrentKey);
        }
        let devices = self.devices.len().saturating_mul(BLOCK);
        let keys = self.keys.len().saturating_mul(128);
        let capacity = padded_length(devices.saturating_add(keys));
        Ok(Zeroizing::new(bt::dict_with_capacity(capacity, |dict| {
            dict.dict(b"D", |dict| {
                for (id, entry) in &self.devices {
                    match entry {
                        Entry::Live(record, _) => {
                            dict.dict(id.as_bytes(), |dict| record.write(dict));
                        }
                        Entry::Kicked(time) => {
                            dict.int(id.as_bytes(), *time);
                        }
                        Entry::Left(time) => {
                            dict.int(id.as_bytes(), time.saturating_neg());
                        }
                    }
                }
            });
            dict.list(b"K", |list| {
                for key in &self.keys {
                    list.dict(|dict| {
                        dict.int(b"c", key.created);
                        if let Some(rotated) = key.rotated {
                            dict.int(b"r", rotated);
                        }
                        dict.bytes(b"s", key.seed.expose_bytes());
                    });
                }
            });
        })))
    }
}

/// Returns the length of a payload of `length` bytes with its padding.
#[must_use]
pub const fn padded_length(length: usize) -> usize {
    let blocks = length.saturating_sub(FIRST_BLOCK).div_ceil(BLOCK);
    let blocks = if blocks == 0 { 1 } else { blocks };
    blocks.saturating_mul(BLOCK).saturating_add(FIRST_BLOCK)
}
