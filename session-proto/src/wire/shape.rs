//! Checks a message against the schema before it is decoded.
//!
//! Prost accepts messages without their `required` fields, accepts repetitions of a field that occurs
//! at most once, and stores every element of a repeated field. This pass rejects all that in the bytes
//! themselves, so that decoding costs at most a small multiple of their length.

use super::{WireError, WireValue, fields};
use crate::limits;

mod tables {
    include!("../schema/shape.rs");
}
pub(crate) use tables::CONTENT;

/// How often a field may occur.
#[derive(Clone, Copy)]
pub(crate) enum Label {
    Required,
    Optional,
    /// At most this many times.
    Repeated(usize),
}

/// What a field contains.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Varint,
    Fixed64,
    Bytes,
    /// Bytes that should be UTF-8. `content` repairs them.
    Text,
    Message(&'static [Field]),
    /// A deprecated field, whose value is neither checked nor decoded.
    Skipped,
}

/// A field of the schema.
pub(crate) struct Field {
    pub(crate) number: u32,
    pub(crate) name: &'static str,
    label: Label,
    pub(crate) kind: Kind,
}

/// Maximum number of fields of a message in the schema.
const MAX_FIELDS: usize = 24;

/// Checks `message` and all messages in it. Unknown fields are skipped.
///
/// The recursion follows the schema, which is four messages deep, and not the input.
pub(crate) fn check(message: &[u8], shape: &'static [Field]) -> Result<(), WireError> {
    let mut counts = [0_usize; MAX_FIELDS];
    for field in fields(message) {
        let field = field?;
        let known = shape
            .iter()
            .zip(&mut counts)
            .find(|(known, _)| known.number == field.number);
        let Some((known, count)) = known else {
            continue;
        };
        if matches!(known.kind, Kind::Skipped) {
            continue;
        }
        let wrong_type = WireError::FieldType { field: known.name };
        let mut values = 1;
        match (known.kind, field.value) {
            (Kind::Varint, WireValue::Varint(_))
            | (Kind::Fixed64, WireValue::Fixed64(_))
            | (Kind::Bytes | Kind::Text, WireValue::Bytes(_)) => {}
            (Kind::Message(inner), WireValue::Bytes(bytes)) => check(bytes, inner)?,
            // Repeated numbers may be packed: each ends in a byte without its top bit.
            (Kind::Varint, WireValue::Bytes(packed)) if known.is_repeated() => {
                values = packed.iter().filter(|byte| **byte & 0x80 == 0).count();
            }
            _ => return Err(wrong_type),
        }
        *count = count.saturating_add(values);
        match known.label {
            Label::Repeated(max) if *count > max => {
                let field = known.name;
                return Err(WireError::TooMany { field, max });
            }
            Label::Required | Label::Optional if *count > 1 => {
                return Err(WireError::Repeated { field: known.name });
            }
            _ => {}
        }
    }
    let missing = shape
        .iter()
        .zip(counts)
        .find(|(known, count)| matches!(known.label, Label::Required) && *count == 0);
    match missing {
        Some((known, _)) => Err(WireError::Missing { field: known.name }),
        None => Ok(()),
    }
}

impl Field {
    const fn is_repeated(&self) -> bool {
        matches!(self.label, Label::Repeated(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn largest(shape: &[Field]) -> usize {
        let inner = shape.iter().map(|field| match field.kind {
            Kind::Message(inner) => largest(inner),
            _ => 0,
        });
        inner.max().unwrap_or(0).max(shape.len())
    }

    #[test]
    fn there_is_a_count_for_each_field() {
        assert!(largest(CONTENT) <= MAX_FIELDS);
    }
}
