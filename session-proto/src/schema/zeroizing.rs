//! What the derive macro of prost uses, with byte fields that may be a [`Secret`].
//!
//! The messages with a key in them name this module as their `prost_path` (`xtask/src/proto.rs`).
//! It replaces the functions for byte fields, whose field types are sealed in prost. They also copy
//! the bytes once; those of prost copy them through a buffer that is not zeroized.

pub(crate) use prost::*;

/// As `prost::encoding`, with other functions for byte fields.
pub(crate) mod encoding {
    pub(crate) use prost::encoding::*;

    /// As `prost::encoding::bytes`.
    pub(crate) mod bytes {
        use alloc::vec::Vec;

        use prost::DecodeError;
        use prost::bytes::{Buf, BufMut};
        use prost::encoding::{
            DecodeContext, WireType, check_wire_type, decode_varint, encode_key, encode_varint,
            encoded_len_varint, fixed64, key_len,
        };

        use crate::Secret;

        /// A type of byte fields.
        pub(crate) trait FieldBytes: From<Vec<u8>> {
            fn as_slice(&self) -> &[u8];
        }

        impl FieldBytes for Vec<u8> {
            fn as_slice(&self) -> &[u8] {
                self
            }
        }

        impl FieldBytes for Secret {
            fn as_slice(&self) -> &[u8] {
                self.expose_bytes()
            }
        }

        pub(crate) fn encode(tag: u32, value: &impl FieldBytes, buf: &mut impl BufMut) {
            let bytes = value.as_slice();
            encode_key(tag, WireType::LengthDelimited, buf);
            encode_varint(length(bytes), buf);
            buf.put_slice(bytes);
        }

        pub(crate) fn merge(
            wire_type: WireType,
            value: &mut impl FieldBytes,
            buf: &mut impl Buf,
            ctx: DecodeContext,
        ) -> Result<(), DecodeError> {
            check_wire_type(WireType::LengthDelimited, wire_type)?;
            let announced = decode_varint(buf)?;
            match usize::try_from(announced) {
                Ok(length) if length <= buf.remaining() => {
                    let mut bytes = alloc::vec![0; length];
                    buf.copy_to_slice(&mut bytes);
                    *value = bytes.into();
                    Ok(())
                }
                // Eight bytes of none: the error for a field that is not complete.
                _ => fixed64::merge(WireType::SixtyFourBit, &mut 0, &mut &[][..], ctx),
            }
        }

        pub(crate) fn encoded_len(tag: u32, value: &impl FieldBytes) -> usize {
            let bytes = value.as_slice();
            key_len(tag)
                .saturating_add(encoded_len_varint(length(bytes)))
                .saturating_add(bytes.len())
        }

        /// Returns the length as it is encoded.
        const fn length(bytes: &[u8]) -> u64 {
            // No platform has a `usize` of more than 64 bits.
            bytes.len() as u64
        }
    }
}
