//! The frame of a packet and of every decrypted layer (protocol: onion, section 3).
//!
//! ```text
//! length of the blob (4, little-endian) | blob | JSON, up to the end
//! ```

/// The bytes are not a frame.
///
/// The texts are those of deployed nodes, which send them back to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// There are fewer than the four bytes of the length.
    #[error("Unexpected payload size; expected ciphertext size")]
    NoLength,
    /// Fewer bytes follow the length than it announces.
    #[error("Unexpected payload size {got}, expected >= {expected}")]
    Short {
        /// Bytes that follow the length.
        got: usize,
        /// The length of the blob.
        expected: u32,
    },
    /// The text after the blob is not UTF-8.
    #[error("JSON is not valid UTF-8")]
    NotUtf8,
}

/// A frame, borrowed from its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The blob: a ciphertext, or the body of a request.
    pub blob: &'a [u8],
    /// The text that follows: valid UTF-8, otherwise unchecked.
    pub json: &'a str,
}

impl<'a> Frame<'a> {
    /// Length of the length prefix in bytes.
    pub const HEAD: usize = 4;

    /// Parses a frame.
    ///
    /// # Errors
    ///
    /// [`FrameError`] if the bytes are shorter than the length prefix announces, or the text is not
    /// UTF-8.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, FrameError> {
        let (length, rest) = bytes.split_first_chunk().ok_or(FrameError::NoLength)?;
        let expected = u32::from_le_bytes(*length);
        let (blob, json) = usize::try_from(expected)
            .ok()
            .and_then(|length| rest.split_at_checked(length))
            .ok_or(FrameError::Short {
                got: rest.len(),
                expected,
            })?;
        let json = core::str::from_utf8(json).map_err(|_| FrameError::NotUtf8)?;
        Ok(Self { blob, json })
    }
}
