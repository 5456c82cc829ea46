//! A reader of the protobuf wire format, without allocation and without recursion.
//!
//! It finds fields in bytes as received, and checks a message before it is decoded into owned types.

mod shape;

pub(crate) use shape::{CONTENT, Field, Kind, check};

/// The bytes are not a protobuf message of the expected shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// The input ends inside a field, or a length exceeds the input.
    #[error("protobuf message ends inside a field")]
    Truncated,
    /// A varint has more than ten bytes, or is above 2^64-1.
    #[error("varint does not fit into 64 bits")]
    Varint,
    /// A field number is outside `1 ..= 2^29-1`.
    #[error("field number {number} is out of range")]
    FieldNumber {
        /// The number.
        number: u64,
    },
    /// A field has a wire type that no sender uses: groups (3, 4) and unassigned values (6, 7).
    #[error("field {number} has wire type {wire_type}, which is not in use")]
    WireType {
        /// Number of the field.
        number: u32,
        /// The wire type.
        wire_type: u8,
    },
    /// A known field has another wire type than in the schema.
    #[error("field {field} has another wire type than in the schema")]
    FieldType {
        /// Name of the field.
        field: &'static str,
    },
    /// A field that occurs at most once is repeated.
    #[error("field {field} is repeated")]
    Repeated {
        /// Name of the field.
        field: &'static str,
    },
    /// A repeated field has too many values.
    #[error("more than {max} values of field {field}")]
    TooMany {
        /// Name of the field.
        field: &'static str,
        /// Maximum number of values.
        max: usize,
    },
    /// A required field is missing.
    #[error("required field {field} is missing")]
    Missing {
        /// Name of the field.
        field: &'static str,
    },
    /// The message is too long.
    #[error("expected a message of at most {max} bytes, got {got}")]
    TooLong {
        /// Maximum length in bytes.
        max: usize,
        /// Length of the message in bytes.
        got: usize,
    },
}

/// The value of one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WireValue<'a> {
    /// Wire type 0.
    Varint(u64),
    /// Wire type 1.
    Fixed64(u64),
    /// Wire type 2: bytes, text, a message, or packed numbers.
    Bytes(&'a [u8]),
    /// Wire type 5.
    Fixed32(u32),
}

/// One field of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WireField<'a> {
    /// Number of the field.
    pub number: u32,
    /// Value of the field.
    pub value: WireValue<'a>,
    /// The encoded field, with its tag.
    pub raw: &'a [u8],
}

/// The fields of a message in their encoded order.
#[derive(Debug, Clone)]
pub struct WireFields<'a> {
    rest: &'a [u8],
}

/// Reads the fields of `message`. The first error ends the iteration.
#[must_use]
pub const fn fields(message: &[u8]) -> WireFields<'_> {
    WireFields { rest: message }
}

fn varint(rest: &mut &[u8]) -> Result<u64, WireError> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first().ok_or(WireError::Truncated)?;
        *rest = after;
        let bits = u64::from(byte & 0x7f);
        // The tenth byte has room for one bit.
        if shift == 63 && bits > 1 {
            return Err(WireError::Varint);
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(WireError::Varint)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], WireError> {
    let (head, after) = rest.split_first_chunk().ok_or(WireError::Truncated)?;
    *rest = after;
    Ok(*head)
}

impl<'a> WireFields<'a> {
    fn read(&mut self) -> Result<WireField<'a>, WireError> {
        let start = self.rest;
        let rest = &mut self.rest;
        let tag = varint(rest)?;
        let number = u32::try_from(tag >> 3)
            .ok()
            .filter(|number| (1..1 << 29).contains(number))
            .ok_or(WireError::FieldNumber { number: tag >> 3 })?;
        let value = match tag & 7 {
            0 => WireValue::Varint(varint(rest)?),
            1 => WireValue::Fixed64(u64::from_le_bytes(take(rest)?)),
            2 => {
                let length = usize::try_from(varint(rest)?).map_err(|_| WireError::Truncated)?;
                let (bytes, after) = rest.split_at_checked(length).ok_or(WireError::Truncated)?;
                *rest = after;
                WireValue::Bytes(bytes)
            }
            5 => WireValue::Fixed32(u32::from_le_bytes(take(rest)?)),
            wire_type => {
                let wire_type = wire_type.to_le_bytes()[0];
                return Err(WireError::WireType { number, wire_type });
            }
        };
        let length = start.len().saturating_sub(rest.len());
        let (raw, _) = start.split_at_checked(length).ok_or(WireError::Truncated)?;
        Ok(WireField { number, value, raw })
    }
}

impl<'a> Iterator for WireFields<'a> {
    type Item = Result<WireField<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.read();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn read(bytes: &[u8]) -> Result<Vec<(u32, WireValue<'_>)>, WireError> {
        fields(bytes)
            .map(|field| field.map(|field| (field.number, field.value)))
            .collect()
    }

    #[test]
    fn fields_are_read_in_order() {
        let bytes = [
            0x08, 0x96, 0x01, 0x12, 2, 7, 8, 0x19, 1, 0, 0, 0, 0, 0, 0, 0, 0x25, 2, 0, 0, 0,
        ];
        assert_eq!(
            read(&bytes).unwrap(),
            [
                (1, WireValue::Varint(150)),
                (2, WireValue::Bytes(&[7, 8])),
                (3, WireValue::Fixed64(1)),
                (4, WireValue::Fixed32(2)),
            ]
        );
        let raw: Vec<u8> = fields(&bytes)
            .flat_map(|f| f.unwrap().raw.to_vec())
            .collect();
        assert_eq!(raw, bytes);
    }

    #[test]
    fn truncated_fields_are_refused() {
        for bytes in [
            &[0x80][..],
            &[0x08],
            &[0x08, 0x80],
            &[0x12, 3, 1, 2],
            &[0x19, 1, 2, 3],
            &[0x25, 1],
            &[
                0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
            ],
        ] {
            assert_eq!(read(bytes), Err(WireError::Truncated), "{bytes:?}");
        }
    }

    #[test]
    fn varints_above_64_bits_are_refused() {
        let mut bytes = [0xff; 11];
        bytes[0] = 0x08;
        bytes[10] = 0x02;
        assert_eq!(read(&bytes), Err(WireError::Varint));
        bytes[10] = 0x81;
        assert_eq!(read(&bytes), Err(WireError::Varint));
        bytes[10] = 0x01;
        assert_eq!(read(&bytes).unwrap(), [(1, WireValue::Varint(u64::MAX))]);
    }

    #[test]
    fn field_number_zero_groups_and_unassigned_types_are_refused() {
        assert!(matches!(
            read(&[0x00, 1]),
            Err(WireError::FieldNumber { number: 0 })
        ));
        for wire_type in [3, 4, 6, 7] {
            let refused = WireError::WireType {
                number: 1,
                wire_type,
            };
            assert_eq!(read(&[0x08 | wire_type, 0]), Err(refused));
        }
        let large = [0x80, 0x80, 0x80, 0x80, 0x10, 0];
        assert!(matches!(read(&large), Err(WireError::FieldNumber { .. })));
    }
}
