//! Poly1305 tags of short ciphertexts (RFC 8439, sections 2.5 and 2.8).
//!
//! The library's code prepares for long messages: on x86-64 it takes a microsecond for one block as for
//! sixty. This takes 3 ns for a block. A member of a group tries the entries of all members, 48 bytes each,
//! with one key; an admin seals as many.

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::bytes::split_last;
use crate::error::authentic;
use crate::xchacha::TAG_LENGTH;

/// The one-time key of Poly1305: it authenticates one ciphertext, and checks any number.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct TagKey {
    /// The factor, clamped.
    r: [u64; 2],
    /// Five quarters of its upper half, which is a multiple of four: what overflows comes back.
    r1_5_4: u64,
    /// What is added at the end.
    s: [u64; 2],
}

impl TagKey {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        let (words, _) = key.as_chunks::<8>();
        let mut words = words.iter().map(|word| u64::from_le_bytes(*word));
        let mut next = || words.next().unwrap_or(0);
        let r = [
            next() & 0x0fff_fffc_0fff_ffff,
            next() & 0x0fff_fffc_0fff_fffc,
        ];
        let [_, r1] = r;
        Self {
            r,
            r1_5_4: r1.wrapping_add(r1 >> 2),
            s: [next(), next()],
        }
    }

    /// Whether `sealed` ends with the tag of the rest, without associated data. Constant-time.
    pub(crate) fn is_right(&self, sealed: &[u8]) -> bool {
        split_last::<TAG_LENGTH>(sealed)
            .is_some_and(|(ciphertext, tag)| authentic(self.tag(ciphertext).ct_eq(tag)).is_ok())
    }

    /// Returns the tag of a ciphertext without associated data, over its blocks, the last filled with zeros, and the lengths.
    /// Constant-time in key and ciphertext.
    pub(crate) fn tag(&self, ciphertext: &[u8]) -> [u8; TAG_LENGTH] {
        let lengths = u128::from(ciphertext.len() as u64) << 64;
        let (whole, rest) = ciphertext.as_chunks::<16>();
        let mut last = [0; 16];
        for (byte, given) in last.iter_mut().zip(rest) {
            *byte = *given;
        }
        let mut sum = Sum::default();
        for block in whole {
            self.absorb(&mut sum, u128::from_le_bytes(*block));
        }
        if !rest.is_empty() {
            self.absorb(&mut sum, u128::from_le_bytes(last));
        }
        self.absorb(&mut sum, lengths);
        let [s0, s1] = self.s;
        let s = u128::from(s0) | u128::from(s1) << 64;
        sum.reduced().wrapping_add(s).to_le_bytes()
    }

    /// `sum = (sum + block + 2^128) r`, below 2^131 and so not fully reduced modulo 2^130 - 5.
    #[inline]
    fn absorb(&self, sum: &mut Sum, block: u128) {
        let [r0, r1] = self.r;
        let (low, carry) = sum.low.overflowing_add(block);
        let high = sum.high.wrapping_add(u64::from(carry)).wrapping_add(1);
        let (h0, h1) = halves(low);
        // Nothing overflows: r0 and r1 are below 2^60, `high` is below 8.
        let d0 = product(h0, r0).wrapping_add(product(h1, self.r1_5_4));
        let d1 = product(h0, r1)
            .wrapping_add(product(h1, r0))
            .wrapping_add(product(high, self.r1_5_4))
            .wrapping_add(d0 >> 64);
        let ((low, _), (middle, d1)) = (halves(d0), halves(d1));
        let d2 = high.wrapping_mul(r0).wrapping_add(d1);
        let low = u128::from(low) | u128::from(middle) << 64;
        // 2^130 is 5: the bits from there on are a multiple of 4 and a quarter of it.
        let back = (d2 & !3).wrapping_add(d2 >> 2);
        let (low, carry) = low.overflowing_add(back.into());
        *sum = Sum {
            low,
            high: (d2 & 3).wrapping_add(u64::from(carry)),
        };
    }
}

#[inline]
fn product(a: u64, b: u64) -> u128 {
    u128::from(a).wrapping_mul(b.into())
}

#[expect(clippy::cast_possible_truncation, reason = "each half is meant")]
#[inline]
const fn halves(value: u128) -> (u64, u64) {
    (value as u64, (value >> 64) as u64)
}

/// A number below 2^131.
#[derive(Default, Zeroize, ZeroizeOnDrop)]
struct Sum {
    low: u128,
    high: u64,
}

impl Sum {
    /// The lower 128 bits of the number modulo 2^130 - 5.
    fn reduced(&self) -> u128 {
        let (plus_5, carry) = self.low.overflowing_add(5);
        // All ones if the number is 2^130 - 5 or more, otherwise zero.
        let is_above = (self.high.wrapping_add(u64::from(carry)) >> 2).min(1);
        let mask = u128::from(is_above).wrapping_neg();
        plus_5 & mask | self.low & !mask
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use poly1305::Poly1305;
    use poly1305::universal_hash::{KeyInit, UniversalHash};
    use proptest::prelude::*;

    use super::*;

    fn library(key: &[u8; 32], ciphertext: &[u8]) -> [u8; 16] {
        let mut mac = Poly1305::new(key.into());
        mac.update_padded(ciphertext);
        let lengths = (u128::from(ciphertext.len() as u64) << 64).to_le_bytes();
        mac.update(&[lengths.into()]);
        mac.finalize().into()
    }

    fn check(key: &[u8; 32], ciphertext: &[u8]) {
        let tag = TagKey::new(key).tag(ciphertext);
        assert_eq!(
            tag,
            library(key, ciphertext),
            "{key:02x?} {ciphertext:02x?}"
        );
        let mut sealed = [ciphertext, &tag].concat();
        let key = TagKey::new(key);
        assert!(key.is_right(&sealed));
        for bit in 0..128 {
            let place = ciphertext.len() + bit / 8;
            sealed[place] ^= 1 << (bit % 8);
            assert!(!key.is_right(&sealed));
            sealed[place] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn every_length_around_the_blocks_is_right() {
        for length in 0..100_u32 {
            let ciphertext: Vec<u8> = (0_u32..length).map(|index| (index * 7 + 1) as u8).collect();
            check(&[0x5a; 32], &ciphertext);
        }
        assert!(!TagKey::new(&[7; 32]).is_right(&[0; 15]));
        assert!(!TagKey::new(&[7; 32]).is_right(&[]));
    }

    /// Sums at the border of the modulus, which carry as far as a carry can go.
    #[test]
    fn sums_around_the_modulus_are_right() {
        let blocks = [
            [0xff; 16],
            [0; 16],
            (u128::MAX - 4).to_le_bytes(),
            (u128::MAX - 5).to_le_bytes(),
            (u128::MAX - 3).to_le_bytes(),
            [0x80; 16],
        ];
        let factors = [
            [0; 16],
            [0xff; 16],
            1_u128.to_le_bytes(),
            2_u128.to_le_bytes(),
            (1_u128 << 124 | 4).to_le_bytes(),
        ];
        for factor in factors {
            for added in [[0; 16], [0xff; 16]] {
                let key: [u8; 32] = [factor, added].concat().try_into().unwrap();
                for first in blocks {
                    for second in blocks {
                        for third in blocks {
                            check(&key, &[first, second, third].concat());
                        }
                    }
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn tags_are_those_of_the_library(key: [u8; 32], ciphertext in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert_eq!(TagKey::new(&key).tag(&ciphertext), library(&key, &ciphertext));
        }

        #[test]
        fn tags_of_sparse_bytes_are_those_of_the_library(
            key in proptest::array::uniform32(prop_oneof![Just(0_u8), Just(0xff), any::<u8>()]),
            ciphertext in proptest::collection::vec(prop_oneof![Just(0_u8), Just(0xff), any::<u8>()], 0..100),
        ) {
            prop_assert_eq!(TagKey::new(&key).tag(&ciphertext), library(&key, &ciphertext));
        }
    }

    #[test]
    fn a_final_sum_is_reduced_once() {
        let values = vec![
            (0, 0),
            (5, 0),
            (u128::MAX - 5, 3),
            (u128::MAX - 4, 3),
            (u128::MAX, 3),
            (3, 4),
            (u128::MAX, 4),
        ];
        for (low, high) in values {
            // Modulo 2^130 - 5, by hand: at most one subtraction is needed.
            let is_above = high > 3 || (high == 3 && low >= u128::MAX - 4);
            let expected = if is_above { low.wrapping_add(5) } else { low };
            assert_eq!(Sum { low, high }.reduced(), expected);
        }
    }
}
