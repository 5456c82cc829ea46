//! The map from the Montgomery to the Edwards form, for any 32 bytes.
//!
//! curve25519-dalek offers it for one point of the curve at a time, and does not export its field. This
//! file has the arithmetic modulo p = 2^255 - 19 that the map needs, for public data, in five limbs of
//! 51 bits.

// Limbs are below 2^57 before a carry and below 2^52 after it, sums of products below 2^111.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "limb arithmetic with stated bounds"
)]

use alloc::vec::Vec;

const MASK: u64 = (1 << 51) - 1;

/// A number modulo p: the sum of `limb[i] * 2^(51 i)`.
#[derive(Clone, Copy)]
struct Field([u64; 5]);

impl Field {
    const ONE: Self = Self([1, 0, 0, 0, 0]);

    /// Decodes 32 bytes, little-endian, without bit 255. Limbs below 2^51.
    fn from_bytes(bytes: &[u8; 32]) -> Self {
        let mut words = [0; 4];
        for (word, chunk) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*chunk);
        }
        let [a, b, c, d] = words;
        Self([
            a & MASK,
            (a >> 51 | b << 13) & MASK,
            (b >> 38 | c << 26) & MASK,
            (c >> 25 | d << 39) & MASK,
            (d >> 12) & MASK,
        ])
    }

    /// Carries limbs below 2^63 to limbs below 2^52: 2^255 is 19.
    fn carry(self) -> Self {
        let [mut a, mut b, mut c, mut d, mut e] = self.0;
        b += a >> 51;
        a &= MASK;
        c += b >> 51;
        b &= MASK;
        d += c >> 51;
        c &= MASK;
        e += d >> 51;
        d &= MASK;
        a += 19 * (e >> 51);
        e &= MASK;
        Self([a, b, c, d, e])
    }

    fn add(self, other: Self) -> Self {
        let ([a, b, c, d, e], [f, g, h, i, j]) = (self.0, other.0);
        Self([a + f, b + g, c + h, d + i, e + j]).carry()
    }

    /// Adds 16 p first, whose limbs exceed those of `other` (below 2^52).
    fn subtract(self, other: Self) -> Self {
        const LOW: u64 = 16 * (MASK - 18);
        const HIGH: u64 = 16 * MASK;
        let ([a, b, c, d, e], [f, g, h, i, j]) = (self.0, other.0);
        Self([
            a + LOW - f,
            b + HIGH - g,
            c + HIGH - h,
            d + HIGH - i,
            e + HIGH - j,
        ])
        .carry()
    }

    /// Limbs below 2^52 give sums of five products, four of them times 19, below 2^111.
    #[expect(
        clippy::expect_used,
        reason = "every limb has been carried: the top one carried less than 2^64"
    )]
    fn multiply(self, other: Self) -> Self {
        let [a, b, c, d, e] = self.0.map(u128::from);
        let [f, g, h, i, j] = other.0.map(u128::from);
        let mut v = a * f + 19 * (b * j + c * i + d * h + e * g);
        let mut w = a * g + b * f + 19 * (c * j + d * i + e * h);
        let mut x = a * h + b * g + c * f + 19 * (d * j + e * i);
        let mut y = a * i + b * h + c * g + d * f + 19 * (e * j);
        let mut z = a * j + b * i + c * h + d * g + e * f;
        let mask = u128::from(MASK);
        w += v >> 51;
        v &= mask;
        x += w >> 51;
        w &= mask;
        y += x >> 51;
        x &= mask;
        z += y >> 51;
        y &= mask;
        v += 19 * (z >> 51);
        z &= mask;
        w += v >> 51;
        v &= mask;
        Self([v, w, x, y, z].map(|limb| u64::try_from(limb).expect("below 2^64")))
    }

    /// Returns the power 2^`times`, by squaring.
    fn square_repeatedly(self, times: u32) -> Self {
        (0..times).fold(self, |power, _| power.multiply(power))
    }

    /// Returns the power p - 2: 1 / x, and 0 for 0.
    fn invert(self) -> Self {
        // Named after their exponents; `ones_n` is 2^n - 1, n bits that are all set.
        let two = self.square_repeatedly(1);
        let nine = two.square_repeatedly(2).multiply(self);
        let eleven = nine.multiply(two);
        let ones_5 = eleven.square_repeatedly(1).multiply(nine);
        let ones_10 = ones_5.square_repeatedly(5).multiply(ones_5);
        let ones_20 = ones_10.square_repeatedly(10).multiply(ones_10);
        let ones_40 = ones_20.square_repeatedly(20).multiply(ones_20);
        let ones_50 = ones_40.square_repeatedly(10).multiply(ones_10);
        let ones_100 = ones_50.square_repeatedly(50).multiply(ones_50);
        let ones_200 = ones_100.square_repeatedly(100).multiply(ones_100);
        let ones_250 = ones_200.square_repeatedly(50).multiply(ones_50);
        // p - 2 = 2^255 - 21 = (2^250 - 1) * 2^5 + 11.
        ones_250.square_repeatedly(5).multiply(eleven)
    }

    fn is_zero(self) -> bool {
        self.to_bytes() == [0; 32]
    }

    /// Encodes the number below p, 32 bytes little-endian.
    fn to_bytes(self) -> [u8; 32] {
        let [a, b, c, d, e] = self.carry().carry().0;
        // Now below 2^255 + 2^52. Adding 19 reaches bit 255 exactly if the number is not below p.
        let q = [b, c, d, e]
            .iter()
            .fold((a + 19) >> 51, |carry, limb| (limb + carry) >> 51);
        let mut limbs = [a + 19 * q, b, c, d, e];
        let mut carry = 0;
        for limb in &mut limbs {
            *limb += carry;
            carry = *limb >> 51;
            *limb &= MASK;
        }
        let [a, b, c, d, e] = limbs;
        let words = [
            a | b << 51,
            b >> 13 | c << 38,
            c >> 26 | d << 25,
            d >> 39 | e << 12,
        ];
        let mut bytes = [0; 32];
        for (chunk, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
            *chunk = word.to_le_bytes();
        }
        bytes
    }
}

/// Returns `y = (u - 1) / (u + 1)` with the sign bit 0, where 1 / 0 is 0.
pub(crate) fn edwards_y(u: &[u8; 32]) -> [u8; 32] {
    let u = Field::from_bytes(u);
    let numerator = u.subtract(Field::ONE);
    let denominator = u.add(Field::ONE);
    numerator.multiply(denominator.invert()).to_bytes()
}

/// Returns [`edwards_y`] of each, with one inversion for all.
///
/// `None` for `u = -1`, which has no Edwards form.
pub(crate) fn edwards_y_all<'a>(
    all: impl IntoIterator<Item = &'a [u8; 32]>,
) -> Vec<Option<[u8; 32]>> {
    // Each with the product of the denominators before it, where those that are 0 are left out.
    let mut product = Field::ONE;
    let prefixes: Vec<_> = all
        .into_iter()
        .map(|u| {
            let u = Field::from_bytes(u);
            let before = product;
            let denominator = u.add(Field::ONE);
            if denominator.is_zero() {
                return None;
            }
            product = product.multiply(denominator);
            Some((u.subtract(Field::ONE), denominator, before))
        })
        .collect();
    // From the last to the first, the inverse of the product of all up to each.
    let mut inverse = product.invert();
    let mut ys: Vec<_> = prefixes
        .into_iter()
        .rev()
        .map(|prefix| {
            let (numerator, denominator, before) = prefix?;
            let y = numerator.multiply(inverse).multiply(before);
            inverse = inverse.multiply(denominator);
            Some(y.to_bytes())
        })
        .collect();
    ys.reverse();
    ys
}

#[cfg(test)]
mod tests {
    use curve25519_dalek::MontgomeryPoint;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn agrees_with_the_library_wherever_the_library_has_an_answer(u: [u8; 32]) {
            if let Some(point) = MontgomeryPoint(u).to_edwards(0) {
                prop_assert_eq!(edwards_y(&u), point.compress().to_bytes());
            }
        }

        #[test]
        fn many_at_once_are_each_alone(
            mut all in proptest::collection::vec(any::<[u8; 32]>(), 0..9),
            minus_one_at: proptest::sample::Index,
        ) {
            // Both are -1: bit 255 does not count.
            for last in [0x7f, 0xff] {
                let mut minus_one = [0xff; 32];
                minus_one[0] = 0xec;
                minus_one[31] = last;
                all.insert(minus_one_at.index(all.len() + 1), minus_one);
            }
            let is_minus_one = |u: &[u8; 32]| matches!(u, [0xec, middle @ .., 0x7f | 0xff]
                if middle.iter().all(|byte| *byte == 0xff));
            let expected: Vec<_> = all
                .iter()
                .map(|u| (!is_minus_one(u)).then(|| edwards_y(u)))
                .collect();
            prop_assert_eq!(expected.iter().filter(|y| y.is_none()).count(), 2);
            prop_assert_eq!(edwards_y_all(&all), expected);
        }

        #[test]
        fn the_map_can_be_undone(u: [u8; 32]) {
            // u = (1 + y) / (1 - y), the inverse of the map, on and off the curve alike.
            let y = Field::from_bytes(&edwards_y(&u));
            let back = Field::ONE.add(y).multiply(Field::ONE.subtract(y).invert());
            let mut canonical = u;
            canonical[31] &= 0x7f;
            prop_assert_eq!(back.to_bytes(), Field::from_bytes(&canonical).to_bytes());
        }
    }
}
