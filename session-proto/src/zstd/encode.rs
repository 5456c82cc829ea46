//! Compression: one greedy pass that looks for repetitions, then entropy coding.
//!
//! ```text
//! frame   magic, header with the content size, blocks of at most 128 KiB
//! block   literals (raw, repeated or Huffman-coded), sequences (FSE-coded); or the bytes as they are
//! ```
//!
//! Every step of encoding a block can fail; the block is then stored as it is.

mod bits;
mod fse;
mod huffman;
mod matches;
mod sequences;

use alloc::vec::Vec;

use zeroize::Zeroize as _;

use super::{Compressor, MAGIC, MAX_BLOCK};
use matches::Finder;

/// Flag of the frame header: the window is the content.
const SINGLE_SEGMENT: u8 = 0x20;
/// Maximum distance of a repetition, in bytes, which every decoder must support.
const WINDOW: usize = 8 << 20;
/// Window descriptor of [`WINDOW`].
const WINDOW_BYTE: u8 = 13 << 3;
/// Room for what is written before a block turns out not to shrink, in bytes.
const SLACK: usize = 1024;

/// The encoder in Rust. Its frames state the size of their content.
///
/// The output has its full capacity from the beginning, and bytes that it does not keep are zeroized.
#[derive(Debug, Clone, Copy, Default)]
pub struct Encoder;

impl Compressor for Encoder {
    fn compress(&self, plain: &[u8]) -> Vec<u8> {
        // Incompressible data gets longer by a header, and by 3 bytes for each block.
        let room = plain.len().saturating_add(plain.len() >> 12);
        let mut out = Vec::with_capacity(room.saturating_add(SLACK));
        put_header(&mut out, plain.len());
        let mut finder = Finder::new(plain);
        let mut literals = Vec::with_capacity(plain.len().min(MAX_BLOCK));
        let (mut start, mut rest) = (0_usize, plain);
        loop {
            // A shorter rest is the last block.
            let (block, after) = rest.split_at_checked(MAX_BLOCK).unwrap_or((rest, &[]));
            let end = start.saturating_add(block.len());
            let is_last = after.is_empty();
            let (before, reps) = (out.len(), finder.reps);
            // The header is written again when the length is known.
            put_block_header(&mut out, is_last, 2, 0);
            let is_coded = put_block(&mut out, &mut finder, start, end, &mut literals);
            cut(&mut literals, 0);
            let length = out.len().saturating_sub(before).saturating_sub(3);
            let mut header = Vec::with_capacity(3);
            if is_coded.is_some() && length < worthwhile(block.len()) {
                put_block_header(&mut header, is_last, 2, length);
                for (place, byte) in out.iter_mut().skip(before).zip(header) {
                    *place = byte;
                }
            } else {
                cut(&mut out, before);
                finder.reps = reps;
                put_block_header(&mut out, is_last, 0, block.len());
                out.extend_from_slice(block);
            }
            if is_last {
                return out;
            }
            (start, rest) = (end, after);
        }
    }
}

/// Zeroizes and removes what follows the first `length` bytes.
///
/// Unlike `Vec::zeroize` this leaves alone capacity that was never written.
fn cut(bytes: &mut Vec<u8>, length: usize) {
    if let Some(rest) = bytes.get_mut(length..) {
        rest.zeroize();
    }
    bytes.truncate(length);
}

/// Returns the length below which a compressed block of `length` bytes is worthwhile.
///
/// A short config that the reference encoder cannot shrink is stored as it is, the same bytes on every
/// device. Here it must not shrink either, so a block that saves little is left as it is: what is saved
/// would mostly be padded away.
const fn worthwhile(length: usize) -> usize {
    length.saturating_sub(length >> 4).saturating_sub(16)
}

/// Appends magic number, descriptor and content size (RFC 8878, section 3.1.1.1).
fn put_header(out: &mut Vec<u8>, length: usize) {
    let segment = if length <= WINDOW { SINGLE_SEGMENT } else { 0 };
    let size = length as u64;
    let (flag, size, width) = match size {
        0..=255 => (0x00, size, 1),
        256..=65_791 => (0x40, size.saturating_sub(256), 2),
        65_792..=0xffff_ffff => (0x80, size, 4),
        _ => (0xc0, size, 8),
    };
    out.extend_from_slice(&MAGIC);
    out.push(flag | segment);
    if segment == 0 {
        out.push(WINDOW_BYTE);
    }
    out.extend(size.to_le_bytes().iter().take(width));
}

fn put_block_header(out: &mut Vec<u8>, is_last: bool, kind: usize, length: usize) {
    let header = usize::from(is_last) | kind << 1 | length << 3;
    out.extend(header.to_le_bytes().iter().take(3));
}

/// Appends the compressed block of `start..end`. Returns `None` if it does not shrink.
fn put_block(
    out: &mut Vec<u8>,
    finder: &mut Finder<'_>,
    start: usize,
    end: usize,
    literals: &mut Vec<u8>,
) -> Option<()> {
    let sequences = finder.block(start, end, literals)?;
    let limit = out.len().checked_add(end.checked_sub(start)?)?;
    huffman::put_literals(out, literals)?;
    sequences::put_sequences(out, &sequences, limit)
}

#[cfg(test)]
mod tests;
