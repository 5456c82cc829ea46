//! Validated curve points of public keys.

use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::traits::IsIdentity;
use curve25519_dalek::{EdwardsPoint, MontgomeryPoint, Scalar};
use session_types::{Ed25519Public, X25519Public};

use crate::KeyError;

/// Returns the point of an Ed25519 key, in the prime-order subgroup and not the identity.
pub(crate) fn of_ed25519(key: &Ed25519Public) -> Result<EdwardsPoint, KeyError> {
    let point = decompress(key)?;
    require_prime_order(&point)?;
    Ok(point)
}

/// Returns the positive Edwards point of an X25519 key, in the prime-order subgroup and not the
/// identity.
pub(crate) fn of_x25519(key: &X25519Public) -> Result<EdwardsPoint, KeyError> {
    let point = MontgomeryPoint(key.to_bytes())
        .to_edwards(0)
        .ok_or(KeyError::NotAPoint)?;
    require_prime_order(&point)?;
    Ok(point)
}

/// Returns the X25519 key of a point.
pub(crate) fn to_x25519(point: &EdwardsPoint) -> X25519Public {
    X25519Public::from_bytes(point.to_montgomery().to_bytes())
}

/// Decodes the canonical encoding of a point.
///
/// The encodings of x = 0 with the sign bit set are of points of order 1 and 2, which the callers
/// reject.
pub(crate) fn decompress(key: &Ed25519Public) -> Result<EdwardsPoint, KeyError> {
    if !is_canonical_y(key.as_bytes()) {
        return Err(KeyError::NotAPoint);
    }
    CompressedEdwardsY(key.to_bytes())
        .decompress()
        .ok_or(KeyError::NotAPoint)
}

/// Rejects points outside the prime-order subgroup, and the identity. Not constant-time: the points
/// are public.
pub(crate) fn require_prime_order(point: &EdwardsPoint) -> Result<(), KeyError> {
    if point.is_identity() || !is_torsion_free(point) {
        return Err(KeyError::NotPrimeOrder);
    }
    Ok(())
}

/// Returns whether the order L of the group maps the point to the identity: `[L - 1]P = -P`.
///
/// The result is that of `EdwardsPoint::is_torsion_free`, which is constant-time and a fifth slower.
fn is_torsion_free(point: &EdwardsPoint) -> bool {
    let multiple =
        EdwardsPoint::vartime_double_scalar_mul_basepoint(&-Scalar::ONE, point, &Scalar::ZERO);
    multiple == -point
}

/// Returns whether the y-coordinate is below 2^255 - 19.
fn is_canonical_y(bytes: &[u8; 32]) -> bool {
    let [first, middle @ .., last] = bytes;
    !(last & 0x7f == 0x7f && *first >= 0xed && middle.iter().all(|byte| *byte == 0xff))
}

#[cfg(test)]
mod tests {
    use curve25519_dalek::constants::EIGHT_TORSION;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_subgroup_check_is_that_of_the_library(scalar: [u8; 32]) {
            let point = EdwardsPoint::mul_base(&Scalar::from_bytes_mod_order(scalar));
            for torsion in EIGHT_TORSION {
                for point in [point + torsion, torsion] {
                    prop_assert_eq!(is_torsion_free(&point), point.is_torsion_free());
                }
            }
            prop_assert!(is_torsion_free(&point));
        }
    }
}
