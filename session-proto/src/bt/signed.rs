//! Dicts whose last entry is a signature over the others.

use alloc::vec::Vec;

use super::read::{Dict, FieldError};
use super::write::{DictWriter, key_at};

/// The key of a signature.
pub const SIGNATURE_KEY: &str = "~";
/// The key of a second signature, which covers the first.
const SECOND_KEY: &str = "~P";

/// A signature found in a dict, and the bytes that it must cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signed<'a> {
    /// The signed bytes: the encoded dict up to the key of the signature, without its final `e`.
    pub message: &'a [u8],
    /// The signature; not verified.
    pub signature: &'a [u8; 64],
}

impl<'a> Dict<'a> {
    fn signed_at(&self, key: &'static str) -> Result<(Signed<'a>, usize), FieldError> {
        let signature = self.array(key)?;
        let missing = FieldError::Missing { key };
        let entry = self.entry(key.as_bytes()).ok_or(missing)?;
        let message = self.raw().get(..entry.key_offset).ok_or(missing)?;
        let following = self
            .iter()
            .filter(|entry| entry.key > key.as_bytes())
            .count();
        Ok((Signed { message, signature }, following))
    }

    /// Returns the signature under [`SIGNATURE_KEY`], 64 bytes and the last entry.
    ///
    /// Verify it over [`Signed::message`], the bytes as received (protocol: bt-encoding,
    /// section 6). Not every dict with this key is signed.
    ///
    /// # Errors
    ///
    /// [`FieldError`] if the signature is missing or malformed, or entries follow it.
    pub fn signed(&self) -> Result<Signed<'a>, FieldError> {
        match self.signed_at(SIGNATURE_KEY)? {
            (signed, 0) => Ok(signed),
            _ => Err(FieldError::AfterSignature),
        }
    }

    /// Returns the signatures of a dict that may have a second one under `~P`.
    ///
    /// The second signature covers everything before its own key, the first signature included. Only
    /// the inner dict of a version 2 one-to-one message has it.
    ///
    /// # Errors
    ///
    /// [`FieldError`] if the first signature is missing, one of them is malformed, or other entries
    /// follow them.
    pub fn signed_twice(&self) -> Result<(Signed<'a>, Option<Signed<'a>>), FieldError> {
        let (first, following) = self.signed_at(SIGNATURE_KEY)?;
        match following {
            0 => Ok((first, None)),
            1 if self.get(SECOND_KEY.as_bytes()).is_some() => {
                let (second, _) = self.signed_at(SECOND_KEY)?;
                Ok((first, Some(second)))
            }
            _ => Err(FieldError::AfterSignature),
        }
    }
}

/// Writes a dict and signs it with `sign`.
///
/// `sign` receives the bytes to sign: the dict without its final `e`.
///
/// # Errors
///
/// [`FieldError::AfterSignature`] if `fill` writes a key that does not sort before
/// [`SIGNATURE_KEY`].
///
/// ```
/// use session_proto::bt;
///
/// // In production, sign the message. This program records it.
/// let mut covered = Vec::new();
/// let bytes = bt::signed_dict(
///     |d| {
///         d.bytes(b"a", b"x");
///     },
///     |message| {
///         covered = message.to_vec();
///         [7; 64]
///     },
/// )?;
/// assert_eq!(covered, b"d1:a1:x");
/// let dict = bt::parse_dict(&bytes)?;
/// let signed = dict.signed()?;
/// assert_eq!(signed.message, covered);
/// assert_eq!(signed.signature, &[7; 64]);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn signed_dict(
    fill: impl FnOnce(&mut DictWriter<'_>),
    sign: impl FnOnce(&[u8]) -> [u8; 64],
) -> Result<Vec<u8>, FieldError> {
    let mut out = Vec::new();
    let last = DictWriter::fill(&mut out, fill);
    let last_key = last.and_then(|last| key_at(&out, last));
    if last_key.is_some_and(|key| key >= SIGNATURE_KEY.as_bytes()) {
        return Err(FieldError::AfterSignature);
    }
    out.pop();
    let signature = sign(&out);
    out.extend_from_slice(b"1:~64:");
    out.extend_from_slice(&signature);
    out.push(b'e');
    Ok(out)
}
