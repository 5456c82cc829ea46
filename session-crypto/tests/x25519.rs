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
use session_crypto::x25519::{Peer, PreparedPublic, SharedSecret, agree_all};
use session_crypto::{KeyError, X25519Public, X25519Secret};

/// Computes RFC 7748; `None` if the result is all zero.
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

/// Every way to do many at once, for all pairs of the two lists.
fn check_batch(secrets: &[[u8; 32]], peers: &[[u8; 32]]) {
    let publics: Vec<_> = peers
        .iter()
        .copied()
        .map(X25519Public::from_bytes)
        .collect();
    let prepared: Vec<_> = publics.iter().copied().map(PreparedPublic::new).collect();
    let own: Vec<_> = secrets
        .iter()
        .copied()
        .map(X25519Secret::from_bytes)
        .collect();
    let bytes = |shared: Result<SharedSecret, KeyError>| shared.ok().map(|s| *s.expose_bytes());
    for (own, secret) in own.iter().zip(secrets) {
        let expected: Vec<_> = peers.iter().map(|peer| ladder(*secret, *peer)).collect();
        let all = own.diffie_hellman_all(&publics);
        assert_eq!(all.into_iter().map(bytes).collect::<Vec<_>>(), expected);
    }
    // Plain, prepared, plain, …, with every secret at every place.
    for shift in 0..own.len() {
        let pairs: Vec<_> = publics
            .iter()
            .zip(&prepared)
            .enumerate()
            .map(|(index, (public, prepared))| {
                let own = &own[(index + shift) % own.len()];
                match (index + shift) % 2 {
                    0 => (own, Peer::Plain(public)),
                    _ => (own, Peer::Prepared(prepared)),
                }
            })
            .collect();
        let agreements = agree_all(&pairs);
        assert_eq!(agreements.len(), pairs.len());
        for ((own, peer), agreement) in pairs.iter().zip(agreements) {
            assert_eq!(agreement.ephemeral, own.public());
            let expected = ladder(*own.expose_bytes(), peer.public().to_bytes());
            assert_eq!(bytes(agreement.shared), expected);
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
    fn random_batches(secrets: [[u8; 32]; 2], peers in proptest::collection::vec(any::<[u8; 32]>(), 1..6)) {
        check_batch(&secrets, &peers);
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
fn a_batch_gives_what_each_gives_alone() {
    check_batch(&[], &[]);
    check_batch(&[[7; 32]], &[]);
    // On the curve, on the twist, of small order, not canonical: mixed.
    let plain = (2_u8..9).map(|first| [first; 32]);
    let edges = small_order().into_iter().chain((-3..19).map(near_p));
    let mut peers: Vec<_> = plain.chain(edges).collect();
    let secrets = [[0; 32], [0xff; 32], [0x55; 32]];
    check_batch(&secrets, &peers);
    peers.reverse();
    check_batch(&secrets, &peers);
    for peer in peers {
        check_batch(&secrets[2..], &[peer]);
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
