//! Compression: Zstandard frames, and the encoder as a part that can be replaced.
//!
//! A config is stored as the letter `z` and a frame, if that is shorter (protocol: [config, section
//! 8.1]). Every reader takes every valid frame, so the encoder is free. Devices that hold the same
//! config store the same bytes, and the swarm keeps one copy, only if their encoders agree; deployed
//! clients use the reference encoder at level 1. [`Ruzstd`] is written in Rust and gives other frames.
//! A program that links the reference encoder can hand it in by [`Compressor`].
//!
//! [config, section 8.1]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/config.md#section-8.1

use alloc::vec::Vec;

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use ruzstd::encoding::{self, CompressionLevel};
use zeroize::Zeroizing;

use crate::limits::MAX_PLAIN;

/// Maximum length of a decompressed block (RFC 8878, section 3.1.1.2.4).
const MAX_BLOCK: u32 = 128 << 10;
#[cfg(test)]
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Last three bytes of the magic of a frame that is to be skipped (RFC 8878, section 3.1.2).
const SKIPPABLE: [u8; 3] = [0x2a, 0x4d, 0x18];
/// Header that the encoder writes: magic, descriptor without any flag, window.
const ENCODER_HEADER: usize = 6;
/// Flag of the descriptor: the window is the content, whose size follows.
const SINGLE_SEGMENT: u8 = 0x20;

/// An encoder of Zstandard frames.
pub trait Compressor {
    /// Returns one frame that decompresses to `plain`.
    ///
    /// The same input must give the same frame: a config that is stored again must not change.
    fn compress(&self, plain: &[u8]) -> Vec<u8>;
}

/// The encoder of the `ruzstd` crate.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ruzstd;

impl Compressor for Ruzstd {
    fn compress(&self, plain: &[u8]) -> Vec<u8> {
        // Incompressible data gets longer by a header, and by 3 bytes for each 128 KiB.
        let room = plain
            .len()
            .saturating_add(plain.len() >> 12)
            .saturating_add(64);
        let mut frame = Zeroizing::new(Vec::with_capacity(room));
        encoding::compress(plain, &mut *frame, CompressionLevel::Fastest);
        let size = u32::try_from(plain.len());
        let header = frame.split_at_checked(ENCODER_HEADER);
        let (Ok(size), Some((&[m0, m1, m2, m3, 0, _], blocks))) = (size, header) else {
            return frame.to_vec();
        };
        // The header again, with the size of the content in it, as other clients write it.
        let mut out = Vec::with_capacity(frame.len().saturating_add(8));
        out.extend_from_slice(&[m0, m1, m2, m3]);
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
        out
    }
}

/// Decompresses one or more frames of together at most [`MAX_PLAIN`] bytes of content.
pub(crate) fn decompress(frames: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut rest = frames;
    let mut plain = Zeroizing::new(Vec::new());
    while !rest.is_empty() {
        if let [0x50..=0x5f, skip @ ..] = rest
            && skip.starts_with(&SKIPPABLE)
        {
            let length = skip.get(3..7)?.try_into().ok().map(u32::from_le_bytes)?;
            rest = skip.get(7..)?.get(usize::try_from(length).ok()?..)?;
            continue;
        }
        let room = MAX_PLAIN.checked_sub(plain.len())?;
        let content = decompress_frame(&mut rest, room)?;
        if plain.is_empty() {
            plain = content;
        } else {
            let mut both = Vec::with_capacity(plain.len().checked_add(content.len())?);
            both.extend_from_slice(&plain);
            both.extend_from_slice(&content);
            plain = Zeroizing::new(both);
        }
    }
    Some(plain).filter(|plain| !plain.is_empty())
}

fn decompress_frame(rest: &mut &[u8], room: usize) -> Option<Zeroizing<Vec<u8>>> {
    let mut decoder = FrameDecoder::new();
    decoder.set_max_window_size(MAX_PLAIN as u64);
    decoder.init(&mut *rest).ok()?;
    let announced = usize::try_from(decoder.content_size()).ok()?;
    if announced > room || !literals_fit_blocks(rest) {
        return None;
    }
    let strategy = BlockDecodingStrategy::UptoBytes(room.saturating_add(1));
    if !decoder.decode_blocks(&mut *rest, strategy).ok()? {
        return None;
    }
    let plain = Zeroizing::new(decoder.collect()?);
    let is_as_announced = announced == 0 || announced == plain.len();
    Some(plain).filter(|plain| is_as_announced && plain.len() <= room)
}

/// Whether no block has more literals than it may have bytes. The decoder checks everything else
/// about the size of blocks, but would make a megabyte of literals for one.
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

/// How many literals a compressed block announces (RFC 8878, section 3.1.1.3.1.1).
fn literals(block: &[u8]) -> u32 {
    let [a, b, c, ..] = block else {
        return 0;
    };
    let header = u32::from_le_bytes([*a, *b, *c, 0]);
    // Type and form of the size; the other forms have at most 14 bits.
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
            1_usize, 40, 255, 256, 257, 65_791, 65_792, 500_000, 3_000_000,
        ] {
            let plain: Vec<u8> = (0..length).map(|i| (i / 40) as u8).collect();
            let frame = Ruzstd.compress(&plain);
            let mut decoder = FrameDecoder::new();
            decoder.init(frame.as_slice()).unwrap();
            assert_eq!(decoder.content_size(), length as u64);
            assert_eq!(*decompress(&frame).unwrap(), plain);
        }
    }

    /// Protocol: config, section 8.1.
    #[test]
    fn frames_of_the_reference_compressor_decompress() {
        for frame in [
            "28b52ffd205145000010aaaa01008c022c",
            "28b52ffd20513d000008aa01000dea84",
        ] {
            let frame = const_hex::decode(frame).unwrap();
            assert_eq!(*decompress(&frame).unwrap(), vec![0xaa; 81]);
        }
    }

    #[test]
    fn several_frames_are_one_text_and_skippable_ones_nothing() {
        let (one, two) = (Ruzstd.compress(b"one "), Ruzstd.compress(b"two"));
        let skip = [0x5a, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 0xff, 0xff];
        let frames = [one.as_slice(), &skip, &two, &skip].concat();
        assert_eq!(*decompress(&frames).unwrap(), b"one two");
        assert_eq!(decompress(&skip), None);
        assert_eq!(decompress(&frames[..frames.len() - 1]), None);
    }

    #[test]
    fn bombs_are_refused() {
        assert_eq!(decompress(&bomb(7)).unwrap().len(), 7 * 131_072);
        assert_eq!(decompress(&bomb(512)).unwrap().len(), MAX_PLAIN);
        assert_eq!(decompress(&bomb(513)), None);
        // Many frames that are small enough, each.
        let many = bomb(256).repeat(3);
        assert_eq!(decompress(&many), None);
        // One that announces itself.
        let mut frame = MAGIC.to_vec();
        frame.push(0xa0);
        frame.extend(u32::MAX.to_le_bytes());
        frame.extend([1, 0, 0]);
        assert_eq!(decompress(&frame), None);
        // A block of one repeated literal, more of them than a block has bytes.
        let mut frame = MAGIC.to_vec();
        frame.extend([0, 10 << 3]);
        frame.extend([5 << 3 | 0b101, 0, 0]);
        frame.extend(&((MAX_BLOCK + 1) << 4 | 0b1101_u32).to_le_bytes()[..3]);
        frame.extend([b'a', 0]);
        assert_eq!(decompress(&frame), None);
    }

    #[test]
    fn cut_and_continued_frames_are_refused() {
        let frame = Ruzstd.compress(&[7; 1000]);
        for cut in 0..frame.len() {
            assert_eq!(decompress(&frame[..cut]), None, "{cut}");
        }
        assert_eq!(decompress(&[frame.as_slice(), &[0]].concat()), None);
        let mut wrong = frame;
        wrong[5] ^= 1;
        assert_eq!(decompress(&wrong), None);
    }
}
