//! Zstandard frames of group messages.
//!
//! A frame has its content size in its header, no checksum and no dictionary, as the protocol asks
//! (protocol: [crypto, section 3.1]). The encoder at hand writes no content size, so the header is
//! written here. How small the result gets differs from encoder to encoder; any receiver opens it.
//!
//! [crypto, section 3.1]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/crypto.md#section-3.1

use alloc::vec::Vec;

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

/// Bytes that a frame decompresses to at most (protocol: [crypto, section 3.2]).
///
/// [crypto, section 3.2]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/crypto.md#section-3.2
pub(super) const MAX_LENGTH: usize = 1_000_000;
/// Windows up to this size must be supported by every decoder (RFC 8878, section 3.1.1.1.2).
const MAX_WINDOW: u64 = 8 << 20;

const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Header that the encoder writes: magic, descriptor without any flag, window.
const ENCODER_HEADER: usize = 6;
/// Flag of the descriptor: the window is the content, whose size follows.
const SINGLE_SEGMENT: u8 = 0x20;

/// Compresses `plain` to a frame, if the frame is shorter.
pub(super) fn compress(plain: &[u8]) -> Option<Vec<u8>> {
    let frame = compress_to_vec(plain, CompressionLevel::Fastest);
    let (header, blocks) = frame.split_at_checked(ENCODER_HEADER)?;
    if !header.starts_with(&MAGIC) || header.get(4) != Some(&0) {
        // Another encoder than this was written for: its frame is good as it is.
        return Some(frame).filter(|frame| frame.len() < plain.len());
    }
    let size = u32::try_from(plain.len()).ok()?;
    let mut out = Vec::with_capacity(frame.len().saturating_add(8));
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
/// Memory is bounded by that limit, one block and the window, whatever the frame announces.
pub(super) fn decompress(frame: &[u8]) -> Option<Vec<u8>> {
    let mut decoder = FrameDecoder::new();
    decoder.set_max_window_size(MAX_WINDOW);
    let mut rest = frame;
    decoder.init(&mut rest).ok()?;
    let announced = usize::try_from(decoder.content_size()).ok()?;
    if announced > MAX_LENGTH {
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
