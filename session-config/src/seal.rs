//! The way from a plaintext to stored messages and back: compression, padding, parts, encryption.
//!
//! ```text
//! d…                   the message, or
//! z | frame            compressed
//! 0 … 0 | that         padded in front, to a round length
//! m | l H i n chunk e  or cut into parts
//! XChaCha20-Poly1305, the nonce behind
//! ```
//!
//! Protocol: [config, sections 8 and 9].
//!
//! [config, sections 8 and 9]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/config.md#section-8

use alloc::vec::Vec;

use session_crypto::config::{self, Domain, OVERHEAD};
use session_crypto::{Blake2b, SymmetricKey};
use session_proto::bt;
use session_proto::zstd::{self, Compressor};
use zeroize::{Zeroize as _, Zeroizing};

use crate::data::put_bytes;
use crate::error::PushError;
use crate::limits::{CHUNK, MAX_MESSAGE, MAX_MULTIPART, MAX_PARTS, MAX_PLAIN};

/// Bounds of decompression.
const LIMITS: zstd::Limits = zstd::Limits {
    max_length: MAX_PLAIN,
    max_window: MAX_PLAIN as u64,
};
/// First byte of a compressed config.
const COMPRESSED: u8 = b'z';
/// First byte of a part.
const PART: u8 = b'm';
/// First byte of a config that is not compressed.
const PLAIN: u8 = b'd';
/// Bytes of a part beside its chunk.
const PART_OVERHEAD: usize = 50;
/// Zero bytes behind a part's list, at most: they depend on the digits of the chunk's length.
const MAX_FILL: usize = 4;

/// The hash of a padded config, by which its parts belong together.
pub(crate) type SetHash = [u8; 32];

/// The stored messages of a config.
pub(crate) struct Sealed {
    pub(crate) messages: Vec<Vec<u8>>,
    /// The hash of a config in parts.
    pub(crate) set: Option<SetHash>,
}

/// A config message, and the padded and perhaps compressed form that is stored.
///
/// The form is kept: another encoder would give other bytes, and a config that is stored again must
/// be the same.
pub(crate) struct Packed {
    pub(crate) padded: Zeroizing<Vec<u8>>,
    pub(crate) plain: Zeroizing<Vec<u8>>,
}

impl Packed {
    /// Reads the padded form. `None` if it is not a config message.
    pub(crate) fn read(padded: Zeroizing<Vec<u8>>) -> Option<Self> {
        let plain = match config::unpad(&padded) {
            [COMPRESSED, frame @ ..] => {
                let plain = zstd::decompress_all(frame, &LIMITS).ok()?;
                Some(plain).filter(|plain| plain.first() == Some(&PLAIN))?
            }
            message @ [PLAIN, ..] if message.len() <= MAX_PLAIN => Zeroizing::new(message.to_vec()),
            _ => return None,
        };
        Some(Self { padded, plain })
    }
}

fn too_long(got: usize) -> PushError {
    PushError::TooLong {
        max: MAX_MULTIPART,
        got,
    }
}

/// Compresses a plaintext, if that makes it shorter, and pads it.
pub(crate) fn pack(
    plain: &[u8],
    compressor: &dyn Compressor,
) -> Result<Zeroizing<Vec<u8>>, PushError> {
    let mut frame = compressor.compress(plain);
    let padded = pad_shorter(plain, &frame);
    // Not as `Zeroizing`, which would also wipe much capacity that was never written.
    frame.as_mut_slice().zeroize();
    padded.ok_or(too_long(plain.len()))
}

/// Pads a frame, or the plaintext if the frame is not shorter.
fn pad_shorter(plain: &[u8], frame: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let length = frame.len().saturating_add(1);
    if length >= plain.len() {
        return config::pad(plain).map(Zeroizing::new).ok();
    }
    // As `config::pad` does it, without a copy of letter and frame.
    let total = config::padded_size(length, OVERHEAD)?;
    let mut padded = Zeroizing::new(Vec::with_capacity(total));
    padded.resize(total.saturating_sub(length), 0);
    padded.push(COMPRESSED);
    padded.extend_from_slice(frame);
    Some(padded)
}

/// Splits a padded config, if it is long, and encrypts it.
pub(crate) fn seal(
    padded: &[u8],
    key: &SymmetricKey,
    domain: Domain<'_>,
) -> Result<Sealed, PushError> {
    let encrypt =
        |message: &[u8]| config::encrypt(key, domain, message).map_err(|_| too_long(padded.len()));
    if padded.len().saturating_add(OVERHEAD) <= MAX_MESSAGE {
        return Ok(Sealed {
            messages: [encrypt(padded)?].into(),
            set: None,
        });
    }
    let chunks = padded.chunks(CHUNK);
    let count = u8::try_from(chunks.len()).map_err(|_| too_long(padded.len()))?;
    if padded.len() > MAX_MULTIPART || usize::from(count) > MAX_PARTS {
        return Err(too_long(padded.len()));
    }
    let set = Blake2b::<32>::new().chain(padded).finalize();
    let parts = chunks.zip(0..count);
    let messages = parts.map(|(chunk, index)| encrypt(&encode_part(&set, index, count, chunk)));
    Ok(Sealed {
        messages: messages.collect::<Result<_, _>>()?,
        set: Some(set),
    })
}

/// One part of a padded config (protocol: config, section 9.3).
fn encode_part(set: &SetHash, index: u8, count: u8, chunk: &[u8]) -> Zeroizing<Vec<u8>> {
    let length = chunk.len().saturating_add(PART_OVERHEAD);
    let mut body = Zeroizing::new(Vec::with_capacity(length.saturating_add(16)));
    body.extend_from_slice(&[PART, b'l']);
    put_bytes(&mut body, set);
    put_bytes(&mut body, &[index]);
    put_bytes(&mut body, &[count]);
    put_bytes(&mut body, chunk);
    body.push(b'e');
    // Deployed clients leave room for five digits.
    let length = length.max(body.len());
    body.resize(length, 0);
    body
}

/// A decrypted message.
pub(crate) enum Opened {
    /// A whole config message.
    Whole(Packed),
    /// A part of one.
    Part(Part),
}

/// A part of a config.
pub(crate) struct Part {
    pub(crate) set: SetHash,
    pub(crate) index: u8,
    pub(crate) count: u8,
    pub(crate) chunk: Zeroizing<Vec<u8>>,
}

/// Reads a decrypted message. `None` if it is neither a config nor a part of one.
pub(crate) fn open(padded: Zeroizing<Vec<u8>>) -> Option<Opened> {
    match config::unpad(&padded) {
        [PART, part @ ..] if padded.len() <= MAX_MESSAGE => decode_part(part).map(Opened::Part),
        [PART, ..] => None,
        _ => Packed::read(padded).map(Opened::Whole),
    }
}

fn decode_part(part: &[u8]) -> Option<Part> {
    let (list, fill) = bt::parse_prefix(part, &bt::Limits::DEFAULT).ok()?;
    if fill.len() > MAX_FILL || fill.iter().any(|byte| *byte != 0) {
        return None;
    }
    let mut items = list.as_list()?.iter();
    let mut next = || items.next().and_then(|item| item.as_bytes());
    let set = next()?.try_into().ok()?;
    let ([index], [count], chunk) = (next()?, next()?, next()?) else {
        return None;
    };
    let is_valid = *count > 1 && index < count && !chunk.is_empty() && items.next().is_none();
    is_valid.then(|| Part {
        set,
        index: *index,
        count: *count,
        chunk: Zeroizing::new(chunk.to_vec()),
    })
}
