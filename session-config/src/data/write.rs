//! From a tree to its one encoding.

use alloc::vec::Vec;

use super::dict::Dict;
use super::text::{Scalar, Value};

/// Digits of the longest number and its sign.
const DIGITS: usize = 20;

fn put_decimal(out: &mut Vec<u8>, mut number: u64) {
    // Most lengths and numbers of a config.
    if let Ok(digit @ 0..=9) = u8::try_from(number) {
        out.push(b'0'.saturating_add(digit));
        return;
    }
    let mut digits = [b'0'; DIGITS];
    let mut used = 0_usize;
    for place in digits.iter_mut().rev() {
        // A remainder of ten always fits.
        *place = b'0'.saturating_add(u8::try_from(number % 10).unwrap_or(0));
        used = used.saturating_add(1);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend(digits.iter().skip(DIGITS.saturating_sub(used)));
}

pub(crate) fn put_int(out: &mut Vec<u8>, int: i64) {
    out.push(b'i');
    if int < 0 {
        out.push(b'-');
    }
    put_decimal(out, int.unsigned_abs());
    out.push(b'e');
}

pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    // No target of Rust has a longer usize.
    put_decimal(out, bytes.len() as u64);
    out.push(b':');
    out.extend_from_slice(bytes);
}

pub(crate) fn put_scalar(out: &mut Vec<u8>, scalar: &Scalar) {
    match scalar {
        Scalar::Int(int) => put_int(out, *int),
        Scalar::Bytes(bytes) => put_bytes(out, bytes.as_slice()),
    }
}

const fn decimal_len(mut number: u64) -> usize {
    let mut length = 1_usize;
    while number >= 10 {
        number /= 10;
        length = length.saturating_add(1);
    }
    length
}

fn bytes_len(bytes: &[u8]) -> usize {
    decimal_len(bytes.len() as u64)
        .saturating_add(1)
        .saturating_add(bytes.len())
}

fn scalar_len(scalar: &Scalar) -> usize {
    match scalar {
        Scalar::Int(int) => decimal_len(int.unsigned_abs())
            .saturating_add(2)
            .saturating_add(usize::from(*int < 0)),
        Scalar::Bytes(bytes) => bytes_len(bytes.as_slice()),
    }
}

impl Dict {
    /// Returns the length of the encoding, in bytes.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        self.iter().fold(2_usize, |length, (key, value)| {
            let value = match value {
                Value::Scalar(scalar) => scalar_len(scalar),
                Value::Set(set) => set
                    .iter()
                    .fold(2, |sum: usize, item| sum.saturating_add(scalar_len(item))),
                Value::Dict(dict) => dict.encoded_len(),
            };
            length.saturating_add(bytes_len(key)).saturating_add(value)
        })
    }

    /// Appends the encoding to `out`.
    pub fn encode_to(&self, out: &mut Vec<u8>) {
        out.push(b'd');
        for (key, value) in self.iter() {
            put_bytes(out, key);
            match value {
                Value::Scalar(scalar) => put_scalar(out, scalar),
                Value::Set(set) => {
                    out.push(b'l');
                    set.iter().for_each(|item| put_scalar(out, item));
                    out.push(b'e');
                }
                Value::Dict(dict) => dict.encode_to(out),
            }
        }
        out.push(b'e');
    }
}
