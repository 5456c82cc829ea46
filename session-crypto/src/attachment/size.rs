//! The length of a file for a content of some length (protocol: crypto, section 10.3).

use super::{CHUNK_LENGTH, CHUNK_OVERHEAD, HEAD_LENGTH};

/// Maximum length in bytes of the content of a regular attachment; its file has 10223616 bytes.
pub const MAX_CONTENT_SIZE: u64 = 10_218_286;

const CHUNK: u64 = CHUNK_LENGTH as u64;
const OVERHEAD: u64 = CHUNK_OVERHEAD as u64;
const HEAD: u64 = HEAD_LENGTH as u64;
/// Shorter files are padded in the steps of a file of this length.
const LEAST: u64 = 131_072;
/// Far above every real file, and low enough that no sum overflows.
const LARGEST: u64 = 1 << 62;

/// The lengths of a new file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Length of the padding in front of the content in bytes, at least 1.
    pub padding: u64,
    /// Length of the whole file in bytes.
    pub file: u64,
}

/// Returns the lengths of the file for a content of `content` bytes, `None` above 2^62 bytes.
///
/// Files grow in steps of 1/32 to 1/64 of their length, and of at least 4096 bytes, so that a length
/// reveals little.
#[must_use]
#[expect(
    clippy::arithmetic_side_effects,
    reason = "content is at most 2^62, and everything added is less than a quarter of it"
)]
pub fn sizes(content: u64) -> Option<Sizes> {
    if content > LARGEST {
        return None;
    }
    let chunks = content.div_ceil(CHUNK);
    let least = HEAD + 1 + content + chunks * OVERHEAD;
    // The highest bit of the length, five bits down.
    let step = (1 << least.max(LEAST).ilog2()) >> 5;
    let room = least.next_multiple_of(step) - least + 1;
    // Padding needs its own chunks, which have an overhead too.
    let mut overhead = room / (CHUNK + OVERHEAD) * OVERHEAD;
    if room % (CHUNK + OVERHEAD) > chunks * CHUNK - content {
        overhead += OVERHEAD;
    }
    // For six contents of 1.3 TB the formula has no room for one more overhead.
    let padding = room.saturating_sub(overhead).max(1);
    let plain = content + padding;
    Some(Sizes {
        padding,
        file: HEAD + plain + plain.div_ceil(CHUNK) * OVERHEAD,
    })
}

/// Returns the maximum length of the content of a file of `file` bytes, `None` if the file is too
/// short for any content.
#[must_use]
pub fn max_content_size(file: u64) -> Option<u64> {
    let chunks = file.checked_sub(HEAD)?.checked_sub(1)?;
    chunks.checked_sub(
        chunks
            .div_ceil(CHUNK.saturating_add(OVERHEAD))
            .checked_mul(OVERHEAD)?,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_the_specification() {
        for (content, padding, file) in [
            (0, 4054, 4096),
            (1, 4053, 4096),
            (2, 4052, 4096),
            (10, 4044, 4096),
            (100, 3954, 4096),
            (1000, 3054, 4096),
            (2000, 2054, 4096),
            (4000, 54, 4096),
            (4053, 1, 4096),
            (4054, 4096, 8192),
            (8149, 1, 8192),
            (8150, 4096, 12288),
            (33333, 3472, 36864),
            (60000, 1381, 61440),
            (261_982, 1, 262_144),
            (261_983, 8175, 270_336),
            (523_990, 1, 524_288),
            (523_991, 16367, 540_672),
            (6_543_210, 6965, 6_553_600),
            (10_000_000, 218_287, 10_223_616),
            (MAX_CONTENT_SIZE, 1, 10_223_616),
            (MAX_CONTENT_SIZE + 1, 262_008, 10_485_760),
            (25_000_000, 152_743, 25_165_824),
        ] {
            assert_eq!(sizes(content), Some(Sizes { padding, file }), "{content}");
        }
    }

    #[test]
    fn no_length_overflows() {
        for bits in 0..64 {
            for content in [(1_u64 << bits) - 1, 1 << bits, (1 << bits) + 1] {
                if let Some(sizes) = sizes(content) {
                    assert!(sizes.padding >= 1 && sizes.file > content);
                    assert!(max_content_size(sizes.file).unwrap() >= content);
                } else {
                    assert!(content > LARGEST);
                }
                let _ = max_content_size(content);
            }
        }
        assert_eq!(sizes(u64::MAX), None);
        assert!(max_content_size(u64::MAX).is_some());
    }

    #[test]
    fn the_longest_content_of_a_file_is_exact() {
        for content in (0..200_000).step_by(97).chain(261_900..262_000) {
            let sizes = sizes(content).unwrap();
            // All the padding but one byte could have been content.
            let most = max_content_size(sizes.file).unwrap();
            assert_eq!(most, content + sizes.padding - 1, "{content}");
        }
        assert_eq!(max_content_size(HEAD), None);
        assert_eq!(max_content_size(HEAD + 1 + 17), Some(0));
    }

    #[test]
    fn padding_is_never_missing() {
        // The formula of the specification yields 0 to -5 for these six contents only.
        for content in 1_339_334_950_907..=1_339_334_950_912 {
            assert_eq!(sizes(content).unwrap().padding, 1);
        }
    }
}
