//! Zstandard frames of group messages.
//!
//! The header of a frame contains the content size; there is no checksum and no dictionary
//! (protocol: crypto, section 3.1). The encoder writes no content size, so this module writes the
//! header. The compression ratio differs between encoders; every receiver opens the result.
//!
//! The working memory of the encoder and the decoder is not zeroized.

use alloc::vec::Vec;

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use ruzstd::encoding::{self, CompressionLevel};
use zeroize::Zeroizing;

/// Maximum length of the content of a frame, in bytes (protocol: crypto, section 3.2).
pub(super) const MAX_LENGTH: usize = 1_000_000;
/// Maximum window size, which every decoder must support (RFC 8878, section 3.1.1.1.2).
const MAX_WINDOW: u64 = 8 << 20;
/// Maximum length of the content of a block, in bytes (RFC 8878, section 3.1.1.2.4).
const MAX_BLOCK: u32 = 128 << 10;

const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Length of the encoder's header: magic, descriptor without flags, window.
const ENCODER_HEADER: usize = 6;
/// Flag of the descriptor: the window is the content, whose size follows.
const SINGLE_SEGMENT: u8 = 0x20;

/// Compresses `plain`. Returns `None` if the frame is not shorter.
pub(super) fn compress(plain: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    // Incompressible data grows by a header, and by 3 bytes for each 128 KiB.
    let room = plain.len().saturating_add(64);
    let mut frame = Zeroizing::new(Vec::with_capacity(room));
    encoding::compress(plain, &mut *frame, CompressionLevel::Fastest);
    let (header, blocks) = frame.split_at_checked(ENCODER_HEADER)?;
    if !header.starts_with(&MAGIC) || header.get(4) != Some(&0) {
        // The header of another encoder version: its frame is valid as it is.
        return Some(frame).filter(|frame| frame.len() < plain.len());
    }
    let size = u32::try_from(plain.len()).ok()?;
    let mut out = Zeroizing::new(Vec::with_capacity(frame.len().saturating_add(8)));
    out.extend_from_slice(&MAGIC);
    // Descriptor, then the content size in 1, 2 (less 256) or 4 bytes.
    match size {
        0..=255 => {
            out.push(SINGLE_SEGMENT);
            out.extend(size.to_le_bytes().first());
        }
        256..=65_791 => {
            out.push(SINGLE_SEGMENT | 0x40);
            out.extend(size.saturating_sub(256).to_le_bytes().iter().take(2));
        }
        _ => {
            out.push(SINGLE_SEGMENT | 0x80);
            out.extend_from_slice(&size.to_le_bytes());
        }
    }
    out.extend_from_slice(blocks);
    Some(out).filter(|frame| frame.len() < plain.len())
}

/// Decompresses exactly one frame of at most [`MAX_LENGTH`] bytes of content.
///
/// It decompresses at most that limit and two blocks more, whatever size the frame announces. The
/// decoder's buffer doubles when it grows and takes up to three times as much for a moment.
pub(super) fn decompress(frame: &[u8]) -> Option<Vec<u8>> {
    let mut decoder = FrameDecoder::new();
    decoder.set_max_window_size(MAX_WINDOW);
    let mut rest = frame;
    decoder.init(&mut rest).ok()?;
    let announced = usize::try_from(decoder.content_size()).ok()?;
    if announced > MAX_LENGTH {
        return None;
    }
    if !literals_fit_blocks(rest) {
        return None;
    }
    let limit = MAX_LENGTH.saturating_add(1);
    let strategy = BlockDecodingStrategy::UptoBytes(limit);
    let is_finished = decoder.decode_blocks(&mut rest, strategy).ok()?;
    if !is_finished || !rest.is_empty() {
        return None;
    }
    let plain = decoder.collect()?;
    let is_as_announced = announced == 0 || announced == plain.len();
    Some(plain).filter(|plain| is_as_announced && !plain.is_empty() && plain.len() <= MAX_LENGTH)
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
        if kind == 2 && literals(block) > MAX_BLOCK {
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
    use super::*;
    use alloc::vec;

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

    #[test]
    fn frames_say_their_size_and_decompress() {
        for length in [
            1_usize, 40, 100, 255, 256, 257, 5_000, 65_791, 65_792, 500_000, 1_000_000,
        ] {
            let plain: Vec<u8> = (0..length).map(|i| (i / 40) as u8).collect();
            let Some(frame) = compress(&plain) else {
                assert!(length <= 40, "{length}");
                continue;
            };
            assert!(frame.len() < plain.len());
            let mut decoder = FrameDecoder::new();
            decoder.init(frame.as_slice()).unwrap();
            assert_eq!(decoder.content_size(), length as u64);
            assert_eq!(decompress(&frame).unwrap(), plain);
        }
    }

    #[test]
    fn what_does_not_shrink_is_not_compressed() {
        assert_eq!(compress(b"hello"), None);
    }

    /// From the protocol specification: config, section 8.1.
    #[test]
    fn frames_of_the_reference_compressor_decompress() {
        let frame = const_hex::decode("28b52ffd205145000010aaaa01008c022c").unwrap();
        assert_eq!(decompress(&frame).unwrap(), vec![0xaa; 81]);
    }

    #[test]
    fn bombs_are_refused() {
        assert_eq!(decompress(&bomb(7)).unwrap().len(), 7 * 131_072);
        assert_eq!(decompress(&bomb(8)), None);
        assert_eq!(decompress(&bomb(10_000)), None);
    }

    #[test]
    fn bombs_that_announce_themselves_are_refused() {
        // Single segment with a content size of 2^63, then of 2^32 - 1.
        let mut frame = MAGIC.to_vec();
        frame.push(0xe0);
        frame.extend((1_u64 << 63).to_le_bytes());
        assert_eq!(decompress(&frame), None);
        let mut frame = MAGIC.to_vec();
        frame.push(0xa0);
        frame.extend(u32::MAX.to_le_bytes());
        frame.extend([1, 0, 0]);
        assert_eq!(decompress(&frame), None);
        // A window of more than 8 MiB.
        let mut frame = bomb(1);
        frame[5] = 14 << 3;
        assert_eq!(decompress(&frame), None);
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
        // Raw, repeated and compressed blocks before it are stepped over.
        let raw = [3 << 3, 0, 0, 0xff, 0xff, 0xff];
        let repeated = [9 << 3 | 0b010, 0, 0, b'b'];
        let compressed = [3 << 3 | 0b100, 0, 0, 1 << 3 | 0b01, b'c', 0];
        for before in [&[][..], &raw, &repeated, &compressed] {
            let good = literals_of_one_byte(before, MAX_BLOCK);
            let plain = decompress(&good).unwrap();
            assert!(plain.ends_with(&[b'a'; MAX_BLOCK as usize]));
            for count in [MAX_BLOCK + 1, 1_000_000, (1 << 20) - 1] {
                assert_eq!(decompress(&literals_of_one_byte(before, count)), None);
            }
        }
        // The same in the forms of Huffman-coded literals, which have 18 bits.
        for form in [0b1110_u32, 0b1111] {
            let announced = |count: u32| (count << 4 | form).to_le_bytes();
            assert_eq!(literals(&announced(MAX_BLOCK + 1)), MAX_BLOCK + 1);
            assert_eq!(literals(&announced(1 << 18)), 0);
        }
    }

    #[test]
    fn cut_continued_and_empty_frames_are_refused() {
        let plain = vec![7; 1000];
        let frame = compress(&plain).unwrap();
        for cut in 0..frame.len() {
            assert_eq!(decompress(&frame[..cut]), None, "{cut}");
        }
        assert_eq!(decompress(&[frame.as_slice(), &[0]].concat()), None);
        assert_eq!(decompress(&[frame.as_slice(), &frame].concat()), None);
        // A frame of nothing.
        let mut empty = MAGIC.to_vec();
        empty.extend([0x20, 0, 1, 0, 0]);
        assert_eq!(decompress(&empty), None);
        // A wrong content size.
        let mut wrong = frame;
        wrong[5] ^= 1;
        assert_eq!(decompress(&wrong), None);
    }
}
