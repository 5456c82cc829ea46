//! The signed and encrypted layer of a group message.
//!
//! ```text
//! nonce (24) | XChaCha20-Poly1305 of the padded dict | tag (16)
//!
//! dict      ""  1                 version
//!           a   Ed25519 key of the sender, 32 bytes
//!           d   data              if not compressed
//!           s   signature by a over: stored data || group key, 64 bytes
//!           z   zstd frame        if compressed
//! ```
//!
//! Protocol: crypto, section 3. The signature covers the data as it is stored, so it is verified
//! before anything is decompressed, and the key of the group, so that the message cannot be replayed
//! to another group.

use alloc::vec::Vec;

use rand_core::CryptoRng;
use session_crypto::{
    DecryptError, Ed25519Public, Ed25519PublicExt, Ed25519Secret, Ed25519Signature, SymmetricKey,
    group,
};
use session_identity::{AccountId, GroupId};
use session_proto::bt;
use session_proto::zstd::{self, Compressor as _};
use zeroize::Zeroizing;

use crate::error::{OpenError, SealError};

/// Maximum length of the payload of a group message, before compression, in bytes.
pub const MAX_LENGTH: usize = 1_000_000;
/// Protocol: crypto, section 3.2.
const LIMITS: zstd::Limits = zstd::Limits {
    max_length: MAX_LENGTH,
    max_window: 8 << 20,
};

const VERSION: u64 = 1;
/// Upper bound of the length of the dict without its data, in bytes.
const DICT_OVERHEAD: usize = 128;

/// Compression and padding of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Whether to compress. It is done only if the message becomes shorter and is longer than the
    /// minimum padded length.
    pub compress: bool,
    /// The result is padded to a multiple of this length in bytes; 0 and 1 mean no padding.
    pub padding: usize,
}

impl Default for Options {
    /// Returns the options of all clients: compressed, padded to a multiple of 256 bytes.
    fn default() -> Self {
        Self {
            compress: true,
            padding: group::PADDING_MULTIPLE,
        }
    }
}

/// Signs and encrypts bytes from `sender` to a group, with its newest key.
///
/// # Errors
///
/// [`SealError::Length`] if `plain` is empty or longer than [`MAX_LENGTH`].
pub fn seal(
    rng: &mut (impl CryptoRng + ?Sized),
    sender: &Ed25519Secret,
    group: &GroupId,
    key: &SymmetricKey,
    plain: &[u8],
    options: Options,
) -> Result<Vec<u8>, SealError> {
    if plain.is_empty() || plain.len() > MAX_LENGTH {
        return Err(SealError::Length {
            max: MAX_LENGTH,
            got: plain.len(),
        });
    }
    // A message that fits the minimum padded length would not become shorter.
    let fits = plain.len() < options.padding && {
        let length = encode(sender, plain, None, &[0; 64]).len();
        length.saturating_add(group::OVERHEAD) <= options.padding
    };
    let compressed = (options.compress && !fits)
        .then(|| Zeroizing::new(zstd::Encoder.compress(plain)))
        .filter(|frame| frame.len() < plain.len());
    let compressed = compressed.as_ref().map(|frame| frame.as_slice());
    let stored = compressed.unwrap_or(plain);
    let signature = sender.sign_parts(&[stored, group.key_bytes()]);
    let dict = encode(sender, plain, compressed, signature.as_bytes());
    Ok(group::encrypt(rng, key, &dict, options.padding)?)
}

/// Encodes the dict of a message, with its bytes as they are or compressed.
fn encode(
    sender: &Ed25519Secret,
    plain: &[u8],
    compressed: Option<&[u8]>,
    signature: &[u8; 64],
) -> Zeroizing<Vec<u8>> {
    let stored = compressed.unwrap_or(plain);
    let room = stored.len().saturating_add(DICT_OVERHEAD);
    Zeroizing::new(bt::dict_with_capacity(room, |dict| {
        dict.int(b"", VERSION);
        dict.bytes(b"a", sender.public().as_bytes());
        if compressed.is_none() {
            dict.bytes(b"d", plain);
        }
        dict.bytes(b"s", signature);
        if let Some(compressed) = compressed {
            dict.bytes(b"z", compressed);
        }
    }))
}

/// The payload of a group message, with its verified sender.
#[derive(Debug)]
pub struct Payload {
    /// The author. Not necessarily a member: a holder of the key can write.
    pub sender: AccountId,
    /// The sender's Ed25519 key.
    pub sender_ed25519: Ed25519Public,
    /// The bytes that were passed to [`seal`].
    pub plain: Zeroizing<Vec<u8>>,
    /// Index of the key that opened it.
    pub key_index: usize,
}

/// Decrypts a message to a group with the first of its keys that opens it, and verifies its sender.
///
/// # Errors
///
/// [`OpenError::GroupDecrypt`] if none of the keys opens it or the signature does not verify: keep it
/// until new keys have come. Other variants if what the sender signed is malformed.
pub fn open<'k>(
    group: &GroupId,
    keys: impl IntoIterator<Item = &'k SymmetricKey>,
    data: &[u8],
) -> Result<Payload, OpenError> {
    let opened = group::decrypt(keys, data).map_err(OpenError::GroupDecrypt)?;
    let dict = bt::parse_dict(&opened.content)?;
    if dict.u64("")? != VERSION {
        return Err(OpenError::Version);
    }
    let sender_ed25519 = Ed25519Public::from_bytes(*dict.array("a")?);
    let signature = Ed25519Signature::from_bytes(*dict.array("s")?);
    let plain = optional(&dict, "d")?;
    let compressed = optional(&dict, "z")?;
    let (Some(stored), None) = (plain.or(compressed), plain.and(compressed)) else {
        return Err(OpenError::GroupData);
    };

    // The key fits, so this has to be the same error as if it did not.
    let refused = |error: DecryptError| OpenError::GroupDecrypt(error);
    let sender = sender_ed25519
        .to_x25519()
        .map_err(|error| refused(error.into()))?;
    sender_ed25519
        .verify_parts(&[stored, group.key_bytes()], &signature)
        .map_err(|error| refused(error.into()))?;
    let plain = match plain {
        Some(plain) if plain.len() <= MAX_LENGTH => Zeroizing::new(plain.to_vec()),
        Some(_) => return Err(OpenError::GroupData),
        None => zstd::decompress(stored, &LIMITS).map_err(|_| OpenError::Compression)?,
    };
    Ok(Payload {
        sender: AccountId::from_x25519(&sender),
        sender_ed25519,
        plain,
        key_index: opened.key_index,
    })
}

/// Returns a string that may be absent but not empty.
fn optional<'a>(dict: &bt::Dict<'a>, key: &'static str) -> Result<Option<&'a [u8]>, OpenError> {
    if dict.get(key.as_bytes()).is_none() {
        return Ok(None);
    }
    match dict.bytes(key)? {
        [] => Err(OpenError::GroupData),
        bytes => Ok(Some(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn a_dict_does_not_outgrow_its_memory() {
        let sender = Ed25519Secret::from_seed(&[1; 32]);
        for length in [1, 10, 100, 1_000, 65_536, MAX_LENGTH] {
            let stored = vec![7; length];
            for compressed in [None, Some(stored.as_slice())] {
                let dict = encode(&sender, &stored, compressed, &[0; 64]);
                assert_eq!(dict.capacity(), length + DICT_OVERHEAD);
            }
        }
    }
}
