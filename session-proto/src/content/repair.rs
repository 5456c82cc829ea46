//! Prepares a Content for the generated decoder, which takes neither text that is not UTF-8 nor
//! anything malformed in a deprecated field.
//!
//! Deployed clients write unpaired surrogates into names and texts. A signature never covers the
//! decoded text, so such text is read lossily: each invalid sequence becomes U+FFFD, as in
//! [`String::from_utf8_lossy`](alloc::string::String::from_utf8_lossy). Deprecated fields are left
//! out. Everything else is copied as it is.

use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::ContentError;
use crate::wire::{Field, Kind, WireError, WireField, WireValue, fields};

/// A Content that the generated decoder takes.
pub(super) enum Repaired<'a> {
    /// The input was well-formed.
    AsReceived(&'a [u8]),
    /// A copy of the input without its faults.
    Copy {
        /// The copy. It may contain keys.
        bytes: Zeroizing<Vec<u8>>,
        /// Whether text was replaced, and not only deprecated fields left out.
        replaced_text: bool,
    },
}

/// What a walk over a message finds.
#[derive(Clone, Copy, Default)]
struct Found {
    /// Text that is not UTF-8.
    invalid_text: bool,
    /// A deprecated field.
    skipped: bool,
    /// A field that the schema does not know.
    unknown: bool,
}

/// Repairs `message`, which has passed [`check`](crate::wire::check).
///
/// # Errors
///
/// [`ContentError::Malformed`] if the copy would be more than half as long again as the input: more
/// than a quarter of a long input is not text.
pub(super) fn repair<'a>(
    message: &'a [u8],
    shape: &'static [Field],
) -> Result<Repaired<'a>, ContentError> {
    let found = look(message, shape)?;
    if !found.invalid_text && !found.skipped {
        return Ok(Repaired::AsReceived(message));
    }
    let length = length(message, shape)?;
    let allowed = message.len().saturating_add(message.len() / 2);
    if length > allowed.saturating_add(SLACK) {
        return Err(ContentError::Malformed);
    }
    // Exactly as much memory as is needed: memory that is outgrown would not be zeroized.
    let mut bytes = Zeroizing::new(Vec::with_capacity(length));
    write(message, shape, &mut bytes)?;
    Ok(Repaired::Copy {
        bytes,
        replaced_text: found.invalid_text,
    })
}

/// Returns whether `message` has a field that the schema does not know, at any depth.
pub(super) fn has_unknown_field(
    message: &[u8],
    shape: &'static [Field],
) -> Result<bool, WireError> {
    Ok(look(message, shape)?.unknown)
}

/// Growth that short messages may have beyond that, in bytes.
const SLACK: usize = 1024;

fn known(field: &WireField<'_>, shape: &'static [Field]) -> Option<Kind> {
    let known = shape.iter().find(|known| known.number == field.number);
    known.map(|known| known.kind)
}

fn look(message: &[u8], shape: &'static [Field]) -> Result<Found, WireError> {
    let mut found = Found::default();
    for field in fields(message) {
        let field = field?;
        match (known(&field, shape), field.value) {
            (None, _) => found.unknown = true,
            (Some(Kind::Skipped), _) => found.skipped = true,
            (Some(Kind::Text), WireValue::Bytes(text)) => {
                found.invalid_text |= core::str::from_utf8(text).is_err();
            }
            (Some(Kind::Message(shape)), WireValue::Bytes(inner)) => {
                let inner = look(inner, shape)?;
                found.invalid_text |= inner.invalid_text;
                found.skipped |= inner.skipped;
                found.unknown |= inner.unknown;
            }
            _ => {}
        }
    }
    Ok(found)
}

/// Length of what [`write`] writes, in bytes.
fn length(message: &[u8], shape: &'static [Field]) -> Result<usize, WireError> {
    let mut total = 0_usize;
    for field in fields(message) {
        let field = field?;
        let length = match (known(&field, shape), field.value) {
            (Some(Kind::Skipped), _) => 0,
            (Some(Kind::Text), WireValue::Bytes(text)) => {
                delimited(field.number, lossy_length(text))
            }
            (Some(Kind::Message(shape)), WireValue::Bytes(inner)) => {
                delimited(field.number, length(inner, shape)?)
            }
            _ => field.raw.len(),
        };
        total = total.saturating_add(length);
    }
    Ok(total)
}

fn write(message: &[u8], shape: &'static [Field], out: &mut Vec<u8>) -> Result<(), WireError> {
    for field in fields(message) {
        let field = field?;
        match (known(&field, shape), field.value) {
            (Some(Kind::Skipped), _) => {}
            (Some(Kind::Text), WireValue::Bytes(text)) => {
                put_head(out, field.number, lossy_length(text));
                for chunk in text.utf8_chunks() {
                    out.extend_from_slice(chunk.valid().as_bytes());
                    if !chunk.invalid().is_empty() {
                        out.extend_from_slice(REPLACEMENT.as_bytes());
                    }
                }
            }
            (Some(Kind::Message(shape)), WireValue::Bytes(inner)) => {
                put_head(out, field.number, length(inner, shape)?);
                write(inner, shape, out)?;
            }
            _ => out.extend_from_slice(field.raw),
        }
    }
    Ok(())
}

const REPLACEMENT: &str = "\u{fffd}";

/// Length of a text after its invalid sequences were replaced, in bytes.
fn lossy_length(text: &[u8]) -> usize {
    let chunks = text.utf8_chunks().map(|chunk| {
        let replacement = if chunk.invalid().is_empty() {
            0
        } else {
            REPLACEMENT.len()
        };
        chunk.valid().len().saturating_add(replacement)
    });
    chunks.fold(0, usize::saturating_add)
}

/// Length of a field of wire type 2 with its head, in bytes.
fn delimited(number: u32, length: usize) -> usize {
    prost::encoding::key_len(number)
        .saturating_add(prost::length_delimiter_len(length))
        .saturating_add(length)
}

fn put_head(out: &mut Vec<u8>, number: u32, length: usize) {
    prost::encoding::encode_key(number, prost::encoding::WireType::LengthDelimited, out);
    prost::encoding::encode_varint(length as u64, out);
}

impl Repaired<'_> {
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::AsReceived(bytes) => bytes,
            Self::Copy { bytes, .. } => bytes,
        }
    }

    pub(super) const fn replaced_text(&self) -> bool {
        matches!(
            self,
            Self::Copy {
                replaced_text: true,
                ..
            }
        )
    }
}
