//! Encryption of a content in pieces.

use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

use super::{CHUNK_LENGTH, FileKey, HEAD_LENGTH, MAGIC, MAX_CONTENT_SIZE, sizes};
use crate::EncryptError;
use crate::bytes::length;
use crate::secretstream::{MAX_MESSAGE_LENGTH, SecretStream, Tag};

/// The content has the wrong length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SizeError {
    /// The content exceeds the limit.
    #[error("expected a content of at most {max} bytes, got {got}")]
    TooLarge {
        /// Maximum length in bytes.
        max: u64,
        /// Announced length in bytes.
        got: u64,
    },
    /// The content exceeds its announced length.
    #[error("content is {excess} bytes longer than announced")]
    TooMuch {
        /// Number of bytes beyond the announced length.
        excess: u64,
    },
    /// The content is shorter than announced.
    #[error("content is {missing} bytes shorter than announced")]
    TooLittle {
        /// Number of missing bytes.
        missing: u64,
    },
}

/// Encrypts a content of known length in pieces.
///
/// Every function appends finished bytes to `out`, which the caller may drain between calls. Between
/// two calls less than one chunk is kept. Constant-time in key and content, not in the length.
pub struct Encryptor {
    stream: SecretStream,
    /// The beginning of the next chunk.
    chunk: Zeroizing<Vec<u8>>,
    /// Length of the plain stream that is not in a finished chunk.
    plain_left: u64,
    /// Length of the content that is still expected.
    content_left: u64,
}

impl Encryptor {
    /// Starts a file for a content of `size` bytes, and writes its head and padding.
    ///
    /// # Errors
    ///
    /// [`SizeError::TooLarge`] if the content exceeds [`MAX_CONTENT_SIZE`].
    pub fn new(file_key: &FileKey, size: u64, out: &mut Vec<u8>) -> Result<Self, SizeError> {
        if size > MAX_CONTENT_SIZE {
            return Err(SizeError::TooLarge {
                max: MAX_CONTENT_SIZE,
                got: size,
            });
        }
        Self::new_large(file_key, size, out)
    }

    /// Starts a file that may exceed the limit of Session's file servers.
    ///
    /// # Errors
    ///
    /// [`SizeError::TooLarge`] if the content exceeds 2^62 bytes.
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
        // Allocated once: a growing buffer leaves copies of the content behind.
        let kept = usize::try_from(plain).map_or(CHUNK_LENGTH, |plain| plain.min(CHUNK_LENGTH));
        let mut encryptor = Self {
            stream: file_key.key.stream(&file_key.header),
            chunk: Zeroizing::new(Vec::with_capacity(kept)),
            plain_left: plain,
            content_left: size,
        };
        static ZEROS: [u8; CHUNK_LENGTH] = [0; CHUNK_LENGTH];
        let mut zeros = padding.saturating_sub(1);
        while let Some(rest) = zeros.checked_sub(length(CHUNK_LENGTH)) {
            encryptor.write(&ZEROS, out)?;
            zeros = rest;
        }
        let last = usize::try_from(zeros)
            .ok()
            .and_then(|count| ZEROS.get(..count));
        encryptor.write(last.ok_or(too_large)?, out)?;
        encryptor.write(&[0x01], out)?;
        Ok(encryptor)
    }

    /// Encrypts the next bytes of the content.
    ///
    /// # Errors
    ///
    /// [`SizeError::TooMuch`] if they exceed the announced length; then nothing is written.
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

    /// Ends the file, which is complete if this succeeds.
    ///
    /// # Errors
    ///
    /// [`SizeError::TooLittle`] if the content is shorter than announced. The file is then unusable.
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
            self.seal(now, out).map_err(|_| SizeError::TooLarge {
                max: length(MAX_MESSAGE_LENGTH),
                got: length(whole),
            })?;
        }
        Ok(())
    }

    /// Writes the chunk that consists of the kept bytes and `rest`.
    fn seal(&mut self, rest: &[u8], out: &mut Vec<u8>) -> Result<(), EncryptError> {
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

impl fmt::Debug for Encryptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encryptor")
            .field("content_left", &self.content_left)
            .finish_non_exhaustive()
    }
}
