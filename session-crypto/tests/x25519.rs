//! The Edwards route of Diffie-Hellman gives the bytes of the Montgomery ladder, for every point.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs
)]

use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::{MontgomeryPoint, Scalar};
use proptest::prelude::*;
use session_crypto::x25519::PreparedPublic;
use session_crypto::{KeyError, X25519Public, X25519Secret};

/// What RFC 7748 computes, and nothing where the result is all zero.
fn ladder(secret: [u8; 32], peer: [u8; 32]) -> Option<[u8; 32]> {
    let shared = MontgomeryPoint(peer).mul_clamped(secret).to_bytes();
    (shared != [0; 32]).then_some(shared)
}

fn check(secret: [u8; 32], peer: [u8; 32]) {
    check_all(&[secret], peer);
}

/// With and without a table of the peer's multiples, which takes long to make.
fn check_all(secrets: &[[u8; 32]], peer: [u8; 32]) {
    let public = X25519Public::from_bytes(peer);
    let prepared = PreparedPublic::new(public);
    for secret in secrets {
        let own = X25519Secret::from_bytes(*secret);
        let expected = ladder(*secret, peer).ok_or(KeyError::NonContributory);
        for shared in [
            own.diffie_hellman(&public),
            own.diffie_hellman_prepared(&prepared),
        ] {
            assert_eq!(shared.map(|shared| *shared.expose_bytes()), expected);
        }
    }
}

fn is_on_curve(u: [u8; 32]) -> bool {
    MontgomeryPoint(u).to_edwards(0).is_some()
}

/// Scalars with every shape of low and high bits; clamping makes them all usable.
fn edge_scalars() -> Vec<[u8; 32]> {
    let mut scalars = vec![[0; 32], [0xff; 32], [1; 32], [0x80; 32]];
    for bit in 0..256 {
        let mut scalar = [0; 32];
        scalar[bit / 8] = 1 << (bit % 8);
        scalars.push(scalar);
    }
    // Multiples of L and their neighbours, which a route that reduces would get wrong.
    let order_less_one = (-Scalar::ONE).to_bytes();
    for added in 0..16 {
        let mut scalar = order_less_one;
        scalar[0] = scalar[0].wrapping_add(added);
        scalars.push(scalar);
    }
    scalars
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn random_points_on_curve_and_twist(secret: [u8; 32], peer: [u8; 32]) {
        check(secret, peer);
    }

    #[test]
    fn points_with_and_without_a_component_of_small_order(secret: [u8; 32], multiple: [u8; 32]) {
        let point = ED25519_BASEPOINT_POINT * Scalar::from_bytes_mod_order(multiple);
        for torsion in EIGHT_TORSION {
            let peer = (point + torsion).to_montgomery().to_bytes();
            prop_assert!(is_on_curve(peer));
            check(secret, peer);
        }
    }

    #[test]
    fn the_unused_bit_is_unused(secret: [u8; 32], mut peer: [u8; 32]) {
        let own = X25519Secret::from_bytes(secret);
        let shared = |peer| {
            let shared = own.diffie_hellman(&X25519Public::from_bytes(peer));
            shared.map(|shared| *shared.expose_bytes())
        };
        let first = shared(peer);
        peer[31] ^= 0x80;
        prop_assert_eq!(shared(peer), first);
        check(secret, peer);
    }

    #[test]
    fn public_keys_are_those_of_the_ladder(secret: [u8; 32]) {
        let mut base = [0; 32];
        base[0] = 9;
        let public = X25519Secret::from_bytes(secret).public();
        prop_assert_eq!(Some(public.to_bytes()), ladder(secret, base));
    }
}

#[test]
fn both_curve_and_twist_are_met() {
    let small = (2_u8..60).map(|first| {
        let mut peer = [0; 32];
        peer[0] = first;
        peer
    });
    let (on_curve, on_twist): (Vec<_>, Vec<_>) = small.partition(|peer| is_on_curve(*peer));
    assert!(on_curve.len() > 10 && on_twist.len() > 10);
    for peer in on_curve.into_iter().chain(on_twist).step_by(5) {
        check_all(&edge_scalars(), peer);
    }
}

/// p, the modulus of the field, plus a small number that may be negative.
fn near_p(offset: i16) -> [u8; 32] {
    let mut bytes = [0xff; 32];
    bytes[31] = 0x7f;
    bytes[0] = u8::try_from(0xed_i16 + offset).unwrap();
    bytes
}

#[test]
fn coordinates_at_and_above_p_are_reduced() {
    for offset in -6..19 {
        for high_bit in [0, 0x80] {
            let mut peer = near_p(offset);
            peer[31] |= high_bit;
            check_all(&[[0x55; 32], [0xff; 32], [0; 32]], peer);
        }
    }
}

/// All u-coordinates of small order, on the curve (0, 1, two of order 8) and its twist (-1, 0), in
/// every encoding: as they are, plus p where that fits, and with the unused bit.
fn small_order() -> Vec<[u8; 32]> {
    let mut points: Vec<[u8; 32]> = EIGHT_TORSION
        .iter()
        .map(|point| point.to_montgomery().to_bytes())
        .collect();
    points.extend([-1, 0, 1].map(near_p));
    let mut zero_and_one = [[0; 32], [0; 32]];
    zero_and_one[1][0] = 1;
    points.extend(zero_and_one);
    let flipped: Vec<[u8; 32]> = points
        .iter()
        .map(|point| {
            let mut point = *point;
            point[31] ^= 0x80;
            point
        })
        .collect();
    points.extend(flipped);
    points
}

#[test]
fn keys_of_small_order_are_refused_with_every_secret() {
    for peer in small_order() {
        let secrets: Vec<[u8; 32]> = edge_scalars().into_iter().step_by(16).collect();
        assert!(secrets.iter().all(|secret| ladder(*secret, peer).is_none()));
        check_all(&secrets, peer);
    }
}

#[test]
fn the_iterated_vector_of_rfc_7748_holds() {
    let (mut scalar, mut point) = ([0; 32], [0; 32]);
    (scalar[0], point[0]) = (9, 9);
    for _ in 0..1000 {
        let own = X25519Secret::from_bytes(scalar);
        let shared = own
            .diffie_hellman(&X25519Public::from_bytes(point))
            .unwrap();
        (scalar, point) = (*shared.expose_bytes(), scalar);
    }
    let expected = "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51";
    assert_eq!(const_hex::encode(scalar), expected);
}
