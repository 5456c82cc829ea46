//! Zstandard frames (RFC 8878), as group messages and shared configs contain them.
//!
//! Reading is bounded by [`Limits`], whatever size a frame announces. Every reader accepts every valid
//! frame, so the choice of the encoder is free: [`Encoder`] is written in Rust, and [`Compressor`] lets
//! a program pass another one. Protocol: crypto, section 3.1; config, section 8.1.

mod decode;
mod encode;

use alloc::vec::Vec;

pub use decode::{Limits, ZstdError, decompress, decompress_all};
pub use encode::Encoder;

/// Magic number of a frame.
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Maximum length of the content of a block, in bytes (RFC 8878, section 3.1.1.2.4).
const MAX_BLOCK: usize = 128 << 10;

/// An encoder of Zstandard frames.
pub trait Compressor {
    /// Returns one frame that decompresses to `plain`. It may be longer than `plain`.
    ///
    /// The same input must give the same frame: a config that is stored again must not change.
    fn compress(&self, plain: &[u8]) -> Vec<u8>;
}
