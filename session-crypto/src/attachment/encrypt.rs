//! Encryption of a content that comes in pieces.

use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

use super::{CHUNK_LENGTH, FileKey, HEAD_LENGTH, MAGIC, MAX_CONTENT_SIZE, sizes};
use crate::LengthError;
use crate::secretstream::{SecretStream, Tag};

/// A content that cannot be encrypted, because of its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SizeError {
    /// The content is longer than allowed.
    #[error("expected a content of at most {max} bytes, got {got}")]
    TooLarge {
        /// Bytes that are allowed.
        max: u64,
        /// Bytes that were announced.
        got: u64,
    },
    /// More bytes came than were announced.
    #[error("more content than announced: {excess} bytes too many")]
    TooMuch {
        /// Bytes beyond the announced length.
        excess: u64,
    },
    /// Fewer bytes came than were announced.
    #[error("less content than announced: {missing} bytes are missing")]
    TooLittle {
        /// Bytes that did not come.
        missing: u64,
    },
}

/// Encrypts a content of known length that comes in pieces.
///
/// Every function appends to `out` what can be written by then; take it out at any time. Between
/// two calls less than one chunk is kept. Constant time in key and content, not in their lengths.
pub struct Encryptor {
    stream: SecretStream,
    /// The beginning of the next chunk.
    chunk: Zeroizing<Vec<u8>>,
    /// Bytes of the plain stream that no finished chunk has.
    plain_left: u64,
    /// Bytes of the content that have not come.
    content_left: u64,
}

impl Encryptor {
    /// Starts a file for a content of `size` bytes, and writes its head and padding.
    ///
    /// # Errors
    ///
    /// [`SizeError::TooLarge`] if the content is longer than [`MAX_CONTENT_SIZE`].
    pub fn new(file_key: &FileKey, size: u64, out: &mut Vec<u8>) -> Result<Self, SizeError> {
        if size > MAX_CONTENT_SIZE {
            return Err(SizeError::TooLarge {
                max: MAX_CONTENT_SIZE,
                got: size,
            });
        }
        Self::new_large(file_key, size, out)
    }

    /// Starts a file that may be longer than the file servers of Session take.
    ///
    /// # Errors
    ///
    /// [`SizeError::TooLarge`] if the content is longer than 2^62 bytes.
    pub fn new_large(file_key: &FileKey, size: u64, out: &mut Vec<u8>) -> Result<Self, SizeError> {
        let too_large = SizeError::TooLarge {
            max: 1 << 62,
            got: size,
        };
        let padding = sizes(size).ok_or(too_large)?.padding;
        out.reserve(HEAD_LENGTH);
        out.push(MAGIC);
        out.extend_from_slice(&file_key.header);
        let plain = size.checked_add(padding).ok_or(too_large)?;
        // All at once: a buffer that grows leaves copies of the content behind.
        let kept = usize::try_from(plain).map_or(CHUNK_LENGTH, |plain| plain.min(CHUNK_LENGTH));
        let mut encryptor = Self {
            stream: SecretStream::new(file_key.key.expose_bytes(), &file_key.header),
            chunk: Zeroizing::new(Vec::with_capacity(kept)),
            plain_left: plain,
            content_left: size,
        };
        let mut zeros = padding.saturating_sub(1);
        while zeros > 0 {
            static ZEROS: [u8; CHUNK_LENGTH] = [0; CHUNK_LENGTH];
            let count =
                usize::try_from(zeros).map_or(CHUNK_LENGTH, |count| count.min(CHUNK_LENGTH));
            encryptor.write(ZEROS.get(..count).unwrap_or_default(), out)?;
            zeros = zeros.saturating_sub(length(count));
        }
        encryptor.write(&[0x01], out)?;
        Ok(encryptor)
    }

    /// Encrypts the next bytes of the content.
    ///
    /// # Errors
    ///
    /// [`SizeError::TooMuch`] if they are more than were announced; then nothing is written.
    pub fn update(&mut self, content: &[u8], out: &mut Vec<u8>) -> Result<(), SizeError> {
        let count = length(content.len());
        self.content_left = match self.content_left.checked_sub(count) {
            Some(left) => left,
            None => {
                let excess = count.saturating_sub(self.content_left);
                return Err(SizeError::TooMuch { excess });
            }
        };
        self.write(content, out)
    }

    /// Ends the file. All of it has been written if this is no error.
    ///
    /// # Errors
    ///
    /// [`SizeError::TooLittle`] if less content came than was announced. The file is then of no use.
    pub fn finish(self) -> Result<(), SizeError> {
        match self.content_left {
            0 => Ok(()),
            missing => Err(SizeError::TooLittle { missing }),
        }
    }

    /// Adds to the plain stream.
    fn write(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), SizeError> {
        while !bytes.is_empty() {
            let whole = usize::try_from(self.plain_left)
                .map_or(CHUNK_LENGTH, |left| left.min(CHUNK_LENGTH));
            if whole == 0 {
                let excess = length(bytes.len());
                return Err(SizeError::TooMuch { excess });
            }
            let missing = whole.saturating_sub(self.chunk.len());
            let Some((now, rest)) = bytes.split_at_checked(missing) else {
                self.chunk.extend_from_slice(bytes);
                return Ok(());
            };
            bytes = rest;
            self.seal(now, out).map_err(|error| SizeError::TooLarge {
                max: length(error.max),
                got: length(error.got),
            })?;
        }
        Ok(())
    }

    /// Writes the chunk of what is kept and of `rest`.
    fn seal(&mut self, rest: &[u8], out: &mut Vec<u8>) -> Result<(), LengthError> {
        let plain = self.chunk.len().saturating_add(rest.len());
        self.plain_left = self.plain_left.saturating_sub(length(plain));
        let tag = if self.plain_left == 0 {
            Tag::Final
        } else {
            Tag::Message
        };
        self.stream.push_to(tag, [&self.chunk, rest], out)?;
        // The next kept piece overwrites this one.
        self.chunk.clear();
        Ok(())
    }
}

/// A length in memory; no target of Rust has a longer usize.
fn length(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

impl fmt::Debug for Encryptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encryptor")
            .field("content_left", &self.content_left)
            .finish_non_exhaustive()
    }
}
