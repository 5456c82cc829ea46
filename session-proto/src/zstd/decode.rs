//! Bounded decompression.

use alloc::vec::Vec;

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use zeroize::Zeroizing;

use super::MAX_BLOCK;

/// Last three bytes of the magic number of a skippable frame (RFC 8878, section 3.1.2).
const SKIPPABLE: [u8; 3] = [0x2a, 0x4d, 0x18];

/// Bounds of a decompression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Maximum length of the content of all frames, in bytes.
    pub max_length: usize,
    /// Maximum window size that a frame may announce, in bytes. Every decoder must support 8 MiB
    /// (RFC 8878, section 3.1.1.1.2).
    pub max_window: u64,
}

/// Bytes that cannot be decompressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ZstdError {
    /// The input is not a valid frame, or frames.
    #[error("malformed zstd frame")]
    Malformed,
    /// Bytes follow the frame.
    #[error("{count} bytes after the zstd frame")]
    Trailing {
        /// Number of bytes.
        count: usize,
    },
    /// The content is longer than the limit.
    #[error("zstd content is longer than {max} bytes")]
    TooLong {
        /// Maximum length in bytes.
        max: usize,
    },
    /// The content is empty.
    #[error("zstd content is empty")]
    Empty,
}

/// Decompresses exactly one frame with content.
///
/// Decompresses at most `max_length` bytes and two blocks more, whatever size the frame announces. The
/// buffer of the decoder doubles when it grows and takes up to three times as much for a moment. The
/// working memory of the decoder is not zeroized.
///
/// # Errors
///
/// [`ZstdError`] if the frame is malformed, empty, longer than the limit, or not alone.
pub fn decompress(frame: &[u8], limits: &Limits) -> Result<Zeroizing<Vec<u8>>, ZstdError> {
    let mut rest = frame;
    let plain = decompress_frame(&mut rest, limits, limits.max_length)?;
    match rest.len() {
        0 if plain.is_empty() => Err(ZstdError::Empty),
        0 => Ok(plain),
        count => Err(ZstdError::Trailing { count }),
    }
}

/// Decompresses one or more frames. Skippable frames are skipped.
///
/// The bounds are those of [`decompress`], for all frames together.
///
/// # Errors
///
/// [`ZstdError`] if a frame is malformed, or the content is empty or longer than the limit.
pub fn decompress_all(frames: &[u8], limits: &Limits) -> Result<Zeroizing<Vec<u8>>, ZstdError> {
    let mut rest = frames;
    let mut plain = Zeroizing::new(Vec::new());
    while !rest.is_empty() {
        if let Some(after) = skip_frame(rest)? {
            rest = after;
            continue;
        }
        let too_long = ZstdError::TooLong {
            max: limits.max_length,
        };
        let room = limits.max_length.checked_sub(plain.len()).ok_or(too_long)?;
        let content = decompress_frame(&mut rest, limits, room)?;
        if plain.is_empty() {
            plain = content;
        } else {
            let length = plain.len().checked_add(content.len()).ok_or(too_long)?;
            let mut both = Vec::with_capacity(length);
            both.extend_from_slice(&plain);
            both.extend_from_slice(&content);
            plain = Zeroizing::new(both);
        }
    }
    if plain.is_empty() {
        return Err(ZstdError::Empty);
    }
    Ok(plain)
}

/// Returns what follows a skippable frame; `None` if the input does not start with one.
fn skip_frame(input: &[u8]) -> Result<Option<&[u8]>, ZstdError> {
    let [0x50..=0x5f, after @ ..] = input else {
        return Ok(None);
    };
    let Some(after) = after.strip_prefix(&SKIPPABLE) else {
        return Ok(None);
    };
    let (length, after) = after.split_first_chunk().ok_or(ZstdError::Malformed)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| ZstdError::Malformed)?;
    after.get(length..).map(Some).ok_or(ZstdError::Malformed)
}

fn decompress_frame(
    rest: &mut &[u8],
    limits: &Limits,
    room: usize,
) -> Result<Zeroizing<Vec<u8>>, ZstdError> {
    let too_long = ZstdError::TooLong {
        max: limits.max_length,
    };
    let mut decoder = FrameDecoder::new();
    decoder.set_max_window_size(limits.max_window);
    decoder.init(&mut *rest).map_err(|_| ZstdError::Malformed)?;
    let announced = usize::try_from(decoder.content_size()).map_err(|_| too_long)?;
    if announced > room {
        return Err(too_long);
    }
    if !literals_fit_blocks(rest) {
        return Err(ZstdError::Malformed);
    }
    let strategy = BlockDecodingStrategy::UptoBytes(room.saturating_add(1));
    let is_finished = decoder
        .decode_blocks(&mut *rest, strategy)
        .map_err(|_| ZstdError::Malformed)?;
    if !is_finished {
        return Err(too_long);
    }
    let plain = Zeroizing::new(decoder.collect().ok_or(ZstdError::Malformed)?);
    if announced != 0 && announced != plain.len() {
        return Err(ZstdError::Malformed);
    }
    if plain.len() > room {
        return Err(too_long);
    }
    Ok(plain)
}

/// Returns whether no block has more literals than its maximum length. The decoder checks all other
/// sizes of blocks, but would allocate a megabyte of literals for one block.
fn literals_fit_blocks(mut blocks: &[u8]) -> bool {
    while let [a, b, c, after @ ..] = blocks {
        let header = u32::from_le_bytes([*a, *b, *c, 0]);
        let (is_last, kind, size) = (header & 1 == 1, header >> 1 & 3, header >> 3);
        // A repeated byte, and a compressed block.
        let length = if kind == 1 { 1 } else { size as usize };
        let Some((block, after)) = after.split_at_checked(length) else {
            break;
        };
        if kind == 2 && literals(block) as usize > MAX_BLOCK {
            return false;
        }
        if is_last {
            break;
        }
        blocks = after;
    }
    true
}

/// Returns the number of literals that a compressed block announces (RFC 8878, section 3.1.1.3.1.1).
fn literals(block: &[u8]) -> u32 {
    let [a, b, c, ..] = block else {
        return 0;
    };
    let header = u32::from_le_bytes([*a, *b, *c, 0]);
    // Type and form of the size. The other forms have at most 14 bits.
    match header & 0b1111 {
        0b1100 | 0b1101 => header >> 4,
        0b1110 | 0b1111 => header >> 4 & 0x3_ffff,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Compressor as _, Encoder, MAGIC};
    use super::*;
    use alloc::vec;

    const LIMITS: Limits = Limits {
        max_length: 1_000_000,
        max_window: 8 << 20,
    };
    const TOO_LONG: ZstdError = ZstdError::TooLong { max: 1_000_000 };

    fn one(frame: &[u8]) -> Result<usize, ZstdError> {
        decompress(frame, &LIMITS).map(|plain| plain.len())
    }

    fn all(frames: &[u8]) -> Result<Vec<u8>, ZstdError> {
        decompress_all(frames, &LIMITS).map(|plain| plain.to_vec())
    }

    /// A frame made of one repeated byte: 4 bytes for each 128 KiB.
    fn bomb(blocks: u32) -> Vec<u8> {
        let mut frame = MAGIC.to_vec();
        // A window of 1 MiB, no content size.
        frame.extend([0, 10 << 3]);
        for block in 1..=blocks {
            let header = (128 << 10 << 3) | 0b010 | u32::from(block == blocks);
            frame.extend(&header.to_le_bytes()[..3]);
            frame.push(b'a');
        }
        frame
    }

    /// Protocol: config, section 8.1.
    #[test]
    fn frames_of_the_reference_compressor_decompress() {
        for frame in [
            "28b52ffd205145000010aaaa01008c022c",
            "28b52ffd20513d000008aa01000dea84",
        ] {
            let frame = const_hex::decode(frame).unwrap();
            assert_eq!(*decompress(&frame, &LIMITS).unwrap(), vec![0xaa; 81]);
        }
    }

    #[test]
    fn several_frames_are_one_text_and_skippable_ones_nothing() {
        let (first, second) = (Encoder.compress(b"one "), Encoder.compress(b"two"));
        let skip = [0x5a, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 0xff, 0xff];
        let frames = [first.as_slice(), &skip, &second, &skip].concat();
        assert_eq!(all(&frames).unwrap(), b"one two");
        assert_eq!(all(&skip), Err(ZstdError::Empty));
        assert_eq!(all(b""), Err(ZstdError::Empty));
        assert_eq!(all(&frames[..frames.len() - 1]), Err(ZstdError::Malformed));
        let count = frames.len() - first.len();
        assert_eq!(one(&frames), Err(ZstdError::Trailing { count }));
        assert_eq!(one(&skip), Err(ZstdError::Malformed));
    }

    #[test]
    fn bombs_are_refused() {
        assert_eq!(one(&bomb(7)), Ok(7 * 131_072));
        assert_eq!(one(&bomb(8)), Err(TOO_LONG));
        assert_eq!(one(&bomb(10_000)), Err(TOO_LONG));
        // Several frames that are small enough, each.
        assert_eq!(all(&bomb(4).repeat(2)), Err(TOO_LONG));
        let limits = Limits {
            max_length: 64 << 20,
            max_window: 64 << 20,
        };
        let length = |frames: &[u8]| decompress_all(frames, &limits).map(|plain| plain.len());
        assert_eq!(length(&bomb(512)), Ok(64 << 20));
        let max = 64 << 20;
        assert_eq!(length(&bomb(513)), Err(ZstdError::TooLong { max }));
        assert_eq!(
            length(&bomb(256).repeat(3)),
            Err(ZstdError::TooLong { max })
        );
    }

    #[test]
    fn bombs_that_announce_themselves_are_refused() {
        // Single segment with a content size of 2^63, then of 2^32 - 1.
        let mut frame = MAGIC.to_vec();
        frame.push(0xe0);
        frame.extend((1_u64 << 63).to_le_bytes());
        assert!(one(&frame).is_err());
        let mut frame = MAGIC.to_vec();
        frame.push(0xa0);
        frame.extend(u32::MAX.to_le_bytes());
        frame.extend([1, 0, 0]);
        assert!(one(&frame).is_err());
        // A window of more than 8 MiB.
        let mut frame = bomb(1);
        frame[5] = 14 << 3;
        assert_eq!(one(&frame), Err(ZstdError::Malformed));
    }

    /// A block of one repeated literal and no sequences, after others.
    fn literals_of_one_byte(before: &[u8], count: u32) -> Vec<u8> {
        let mut frame = MAGIC.to_vec();
        frame.extend([0, 10 << 3]);
        frame.extend(before);
        // Last, compressed, 5 bytes: type 1 with 20 bits of size, the literal, no sequences.
        frame.extend([5 << 3 | 0b101, 0, 0]);
        frame.extend(&(count << 4 | 0b1101).to_le_bytes()[..3]);
        frame.extend([b'a', 0]);
        frame
    }

    #[test]
    fn blocks_of_more_literals_than_a_block_has_are_refused() {
        const MAX: u32 = MAX_BLOCK as u32;
        // Raw, repeated and compressed blocks before it are stepped over.
        let raw = [3 << 3, 0, 0, 0xff, 0xff, 0xff];
        let repeated = [9 << 3 | 0b010, 0, 0, b'b'];
        let compressed = [3 << 3 | 0b100, 0, 0, 1 << 3 | 0b01, b'c', 0];
        for before in [&[][..], &raw, &repeated, &compressed] {
            let plain = decompress(&literals_of_one_byte(before, MAX), &LIMITS).unwrap();
            assert!(plain.ends_with(&[b'a'; MAX_BLOCK]));
            for count in [MAX + 1, 1_000_000, (1 << 20) - 1] {
                let frame = literals_of_one_byte(before, count);
                assert_eq!(one(&frame), Err(ZstdError::Malformed));
            }
        }
        // The same in the forms of Huffman-coded literals, which have 18 bits.
        for form in [0b1110_u32, 0b1111] {
            let announced = |count: u32| (count << 4 | form).to_le_bytes();
            assert_eq!(literals(&announced(MAX + 1)), MAX + 1);
            assert_eq!(literals(&announced(1 << 18)), 0);
        }
    }

    #[test]
    fn cut_continued_and_empty_frames_are_refused() {
        let frame = Encoder.compress(&[7; 1000]);
        for cut in 0..frame.len() {
            assert!(one(&frame[..cut]).is_err(), "{cut}");
            assert!(all(&frame[..cut]).is_err(), "{cut}");
        }
        let continued = [frame.as_slice(), &[0]].concat();
        assert_eq!(one(&continued), Err(ZstdError::Trailing { count: 1 }));
        assert_eq!(all(&continued), Err(ZstdError::Malformed));
        // A frame of nothing.
        let mut empty = MAGIC.to_vec();
        empty.extend([0x20, 0, 1, 0, 0]);
        assert_eq!(one(&empty), Err(ZstdError::Empty));
        assert_eq!(all(&empty), Err(ZstdError::Empty));
        // A wrong content size.
        let mut wrong = frame;
        wrong[5] ^= 1;
        assert_eq!(one(&wrong), Err(ZstdError::Malformed));
    }
}
