//! Padding of the content of one-to-one, community and community inbox messages.
//!
//! ```text
//! content | 0x80 | at least one 0x00, up to a multiple of 160
//! ```
//!
//! Protocol: messages, section 3. There is always at least one zero: if content and marker fill whole
//! blocks, a block of zeros is added. Messages of closed groups and configs have other paddings, which
//! are not in this module.

use alloc::vec::Vec;

/// Length of a block in bytes. The length of a padded content is a multiple of it.
pub const BLOCK: usize = 160;
/// The byte between content and zeros.
pub const MARKER: u8 = 0x80;

/// Returns the padded length of a content of `length` bytes.
#[must_use]
pub const fn padded_len(length: usize) -> usize {
    let marked = length.saturating_add(1);
    marked.saturating_add(BLOCK.saturating_sub(marked % BLOCK))
}

/// Pads a content in place.
///
/// ```
/// use session_proto::padding;
///
/// let mut content = b"hello".to_vec();
/// padding::pad(&mut content);
/// assert_eq!(content.len(), 160);
/// assert_eq!(padding::unpad(&content)?, b"hello");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn pad(content: &mut Vec<u8>) {
    let length = padded_len(content.len());
    content.reserve_exact(length.saturating_sub(content.len()));
    content.push(MARKER);
    content.resize(length, 0);
}

/// The padded content consists of zeros, or is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("padded content of {length} bytes has no byte other than zero")]
pub struct PaddingError {
    /// Length of the padded content.
    pub length: usize,
}

/// Returns the content without its padding.
///
/// Any total length is accepted, because older senders pad to others. Bytes without a marker are
/// returned unchanged: a content without padding may end in zeros.
///
/// # Errors
///
/// [`PaddingError`] if all bytes are zero, or there are none.
pub fn unpad(padded: &[u8]) -> Result<&[u8], PaddingError> {
    let last = padded.iter().rposition(|byte| *byte != 0);
    let (before, rest) =
        last.and_then(|last| padded.split_at_checked(last))
            .ok_or(PaddingError {
                length: padded.len(),
            })?;
    Ok(if rest.first() == Some(&MARKER) {
        before
    } else {
        padded
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    /// Protocol: messages, section 9, V3.
    #[test]
    fn lengths_are_those_of_the_vectors() {
        for (length, padded) in [
            (0, 160),
            (1, 160),
            (158, 160),
            (159, 320),
            (160, 320),
            (318, 320),
            (319, 480),
        ] {
            assert_eq!(padded_len(length), padded, "{length}");
            let mut content = vec![0x11; length];
            pad(&mut content);
            assert_eq!(content.len(), padded);
            assert_eq!(content[length], 0x80);
            assert_eq!(unpad(&content).unwrap(), vec![0x11; length]);
        }
    }

    #[test]
    fn padded_content_of_old_senders_is_unpadded() {
        assert_eq!(unpad(b"abc\x80").unwrap(), b"abc");
        assert_eq!(unpad(b"abc\x80\0\0").unwrap(), b"abc");
        assert_eq!(unpad(b"abc\x80\x80\0").unwrap(), b"abc\x80");
        assert_eq!(unpad(b"\x80").unwrap(), b"");
    }

    #[test]
    fn content_without_marker_is_returned_unchanged() {
        assert_eq!(unpad(b"\x18\0").unwrap(), b"\x18\0");
        assert_eq!(unpad(b"abc").unwrap(), b"abc");
    }

    #[test]
    fn nothing_but_zeros_is_refused() {
        assert_eq!(unpad(b""), Err(PaddingError { length: 0 }));
        assert_eq!(unpad(&[0; 160]), Err(PaddingError { length: 160 }));
    }
}
