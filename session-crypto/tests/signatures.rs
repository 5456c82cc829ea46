//! The one rule by which signatures are verified, and keys converted and multiplied.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs
)]

use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::{EdwardsPoint, Scalar};
use proptest::prelude::*;
use session_crypto::Ed25519PublicExt;
use session_crypto::X25519PublicExt;
use session_crypto::{
    Ed25519Public, Ed25519Secret, Ed25519Signature, KeyError, SecretScalar, SignatureError,
    X25519Public,
};
use sha2::{Digest, Sha512};
use testkit::Vectors;

fn challenge(r: &[u8], a: &[u8], message: &[u8]) -> Scalar {
    let hash = Sha512::new()
        .chain_update(r)
        .chain_update(a)
        .chain_update(message)
        .finalize();
    Scalar::from_bytes_mod_order_wide(&hash.into())
}

/// The rule of the specification word by word, decompressing everything.
fn rule(public: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    let r: [u8; 32] = signature[..32].try_into().unwrap();
    let s: [u8; 32] = signature[32..].try_into().unwrap();
    let Some(s) = Option::<Scalar>::from(Scalar::from_canonical_bytes(s)) else {
        return false;
    };
    let Some(a) = CompressedEdwardsY(*public).decompress() else {
        return false;
    };
    if a.compress().to_bytes() != *public || a.is_small_order() {
        return false;
    }
    if CompressedEdwardsY(r)
        .decompress()
        .is_none_or(|r| r.is_small_order())
    {
        return false;
    }
    let k = challenge(&r, public, message);
    (ED25519_BASEPOINT_POINT * s - a * k).compress().to_bytes() == r
}

fn check(public: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    let key = Ed25519Public::from_bytes(*public);
    let verified = key
        .verify(message, &Ed25519Signature::from_bytes(*signature))
        .is_ok();
    assert_eq!(
        verified,
        rule(public, message, signature),
        "{public:02x?} {signature:02x?}"
    );
    // The library's strict check differs in one thing: it takes keys that are not canonical.
    let strict = ed25519_dalek::VerifyingKey::from_bytes(public).is_ok_and(|key| {
        key.verify_strict(message, &ed25519_dalek::Signature::from_bytes(signature))
            .is_ok()
    });
    let canonical = CompressedEdwardsY(*public)
        .decompress()
        .is_some_and(|point| point.compress().to_bytes() == *public);
    assert_eq!(verified, strict && canonical);
    verified
}

/// A signature with any nonce point and key point of which the scalars are known.
fn forge(r: &Scalar, r_torsion: EdwardsPoint, a: &Scalar, public: [u8; 32]) -> [u8; 64] {
    let r_bytes = (EdwardsPoint::mul_base(r) + r_torsion)
        .compress()
        .to_bytes();
    let s = r + challenge(&r_bytes, &public, b"message") * a;
    [r_bytes, s.to_bytes()].concat().try_into().unwrap()
}

#[test]
fn components_of_small_order_decide_as_the_rule_says() {
    let (mut accepted, mut refused) = (0, 0);
    for round in 0_u64..12 {
        let (a, r) = (Scalar::from(1000 + round), Scalar::from(77 + round));
        for key_torsion in EIGHT_TORSION {
            let public = (EdwardsPoint::mul_base(&a) + key_torsion)
                .compress()
                .to_bytes();
            for r_torsion in EIGHT_TORSION {
                let signature = forge(&r, r_torsion, &a, public);
                if check(&public, b"message", &signature) {
                    accepted += 1;
                } else {
                    refused += 1;
                }
            }
        }
    }
    // A cofactored check would accept them all.
    assert!(accepted >= 12 && refused > accepted, "{accepted} {refused}");
}

/// Every encoding of a point of small order, canonical or not.
fn small_order_encodings() -> Vec<[u8; 32]> {
    let mut encodings = Vec::new();
    for point in EIGHT_TORSION {
        let bytes = point.compress().to_bytes();
        encodings.push(bytes);
        let mut other_sign = bytes;
        other_sign[31] ^= 0x80;
        encodings.push(other_sign);
    }
    // y = 0 and y = 1 plus p.
    for first in [0xed, 0xee] {
        for last in [0x7f, 0xff] {
            let mut bytes = [0xff; 32];
            (bytes[0], bytes[31]) = (first, last);
            encodings.push(bytes);
        }
    }
    encodings
}

#[test]
fn keys_of_small_order_verify_nothing() {
    // S = 0 and R of small order satisfy the equation of every lax check for some of them.
    for public in small_order_encodings() {
        for r in small_order_encodings() {
            let signature = [r, [0; 32]].concat().try_into().unwrap();
            for message in [b"a", b"b", b"c", b"d"] {
                assert!(!check(&public, message, &signature));
            }
        }
        let signature = forge(
            &Scalar::from(5_u64),
            EIGHT_TORSION[0],
            &Scalar::ZERO,
            public,
        );
        assert!(!check(&public, b"message", &signature));
        assert!(Ed25519Public::from_bytes(public).to_x25519().is_err());
    }
}

#[test]
fn nonce_points_of_small_order_are_refused() {
    let a = Scalar::from(1000_u64);
    let public = EdwardsPoint::mul_base(&a).compress().to_bytes();
    for torsion in EIGHT_TORSION {
        let signature = forge(&Scalar::ZERO, torsion, &a, public);
        assert!(!check(&public, b"message", &signature));
    }
    for r in small_order_encodings() {
        let s = challenge(&r, &public, b"message") * a;
        let signature = [r, s.to_bytes()].concat().try_into().unwrap();
        assert!(!check(&public, b"message", &signature));
    }
}

#[test]
fn keys_that_are_not_canonical_are_refused() {
    // y = 2^255 - 19 + y' for every y' below 19 that is on the curve, both signs.
    let mut met = 0;
    for low in 0_u8..19 {
        for last in [0x7f, 0xff] {
            let mut public = [0xff; 32];
            (public[0], public[31]) = (0xed + low, last);
            let key = Ed25519Public::from_bytes(public);
            met += u32::from(CompressedEdwardsY(public).decompress().is_some());
            assert_eq!(key.to_x25519(), Err(KeyError::NotAPoint));
            assert_eq!(key.to_verifying_key().err(), Some(KeyError::NotAPoint));
            assert!(!check(&public, b"message", &[1; 64]));
        }
    }
    assert!(met > 10);
}

#[test]
fn every_bit_flip_of_key_message_and_signature_is_noticed() {
    let secret = Ed25519Secret::from_seed(&[7; 32]);
    let (message, signature) = ([0x42; 8], secret.sign(&[0x42; 8]).to_bytes());
    let public = secret.public().to_bytes();
    assert!(check(&public, &message, &signature));
    for bit in 0..512 {
        let mut changed = signature;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(!check(&public, &message, &changed));
    }
    for bit in 0..256 {
        let mut changed = public;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(!check(&changed, &message, &signature));
    }
    for bit in 0..64 {
        let mut changed = message;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(!check(&public, &changed, &signature));
    }
}

#[test]
fn a_scalar_that_is_not_reduced_is_refused() {
    let secret = Ed25519Secret::from_seed(&[7; 32]);
    let mut signature = secret.sign(b"message").to_bytes();
    // S + L, which plain arithmetic would accept.
    let order_less_one = (-Scalar::ONE).to_bytes();
    let mut carry = 1;
    for (byte, order) in signature[32..].iter_mut().zip(order_less_one) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        (*byte, carry) = (sum.to_le_bytes()[0], sum >> 8);
    }
    assert!(!check(&secret.public().to_bytes(), b"message", &signature));
}

#[test]
fn a_prepared_verifier_is_no_other_rule() {
    Vectors::load("ed25519_sign").each("verify", |case| {
        let public = Ed25519Public::from_bytes(case.array("ed25519_pk"));
        let Ok(signature) = Ed25519Signature::try_from(case.hex("signature").as_slice()) else {
            return;
        };
        let message = case.hex("message");
        let prepared = public.to_verifying_key().map_err(|_| SignatureError);
        let prepared = prepared.and_then(|verifier| verifier.verify(&message, &signature));
        assert_eq!(prepared, public.verify(&message, &signature));
        assert_eq!(prepared.is_ok(), case.flag("ok"));
        check(public.as_bytes(), &message, signature.as_bytes());
    });
}

proptest! {
    /// Whatever the backend, and in whatever parts the message comes: the signature of RFC 8032.
    #[test]
    fn signatures_are_those_of_the_library(
        seed: [u8; 32],
        parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..4),
    ) {
        use ed25519_dalek::Signer as _;
        let secret = Ed25519Secret::from_seed(&seed);
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        let expected = ed25519_dalek::SigningKey::from_bytes(&seed).sign(&parts.concat());
        // The second signature finds what the first one prepared.
        for _ in 0..2 {
            prop_assert_eq!(secret.sign_parts(&parts).to_bytes(), expected.to_bytes());
        }
        prop_assert_eq!(secret.sign(&parts.concat()).to_bytes(), expected.to_bytes());
        let copy = secret.duplicate();
        prop_assert_eq!(copy.expose_seed(), &seed);
        prop_assert_eq!(copy.public(), secret.public());
        prop_assert_eq!(copy.sign_parts(&parts).to_bytes(), expected.to_bytes());
    }

    #[test]
    fn parts_are_one_message(seed: [u8; 32], message: Vec<u8>, cut: prop::sample::Index) {
        let secret = Ed25519Secret::from_seed(&seed);
        let (left, right) = message
            .split_at_checked(cut.index(message.len() + 1))
            .unwrap();
        let signature = secret.sign(&message);
        prop_assert_eq!(secret.sign_parts(&[left, b"", right]), signature);
        prop_assert_eq!(secret.public().verify_parts(&[left, right], &signature), Ok(()));
        prop_assert!(check(secret.public().as_bytes(), &message, signature.as_bytes()));
    }

    #[test]
    fn only_the_prime_order_subgroup_is_converted(scalar in 1_u64.., index in 0_usize..8) {
        let point = EdwardsPoint::mul_base(&Scalar::from(scalar)) + EIGHT_TORSION[index];
        let key = Ed25519Public::from_bytes(point.compress().to_bytes());
        let u = X25519Public::from_bytes(point.to_montgomery().to_bytes());
        let product = SecretScalar::from_bytes(&[3; 32]).multiply_point(&key);
        let converted = key.to_x25519();
        prop_assert_eq!(key.to_verifying_key().unwrap().to_x25519(), converted);
        if index == 0 {
            prop_assert_eq!(converted, Ok(u));
            prop_assert!(product.is_ok());
            prop_assert_eq!(u.to_ed25519_positive(), key.with_sign(false));
        } else {
            prop_assert_eq!(converted, Err(KeyError::NotPrimeOrder));
            prop_assert_eq!(product, Err(KeyError::NotPrimeOrder));
        }
    }

    #[test]
    fn keys_of_accounts_are_converted_as_their_secrets_are(seed: [u8; 32]) {
        let secret = Ed25519Secret::from_seed(&seed);
        prop_assert_eq!(secret.public().to_x25519(), Ok(secret.to_x25519().public()));
    }
}

#[test]
fn a_libsodium_secret_with_another_public_half_is_refused() {
    let (first, second) = (
        Ed25519Secret::from_seed(&[1; 32]),
        Ed25519Secret::from_seed(&[2; 32]),
    );
    let join = |public: &Ed25519Secret| -> [u8; 64] {
        [*first.expose_seed(), public.public().to_bytes()]
            .concat()
            .try_into()
            .unwrap()
    };
    assert!(Ed25519Secret::from_libsodium(&join(&first)).is_ok());
    let mismatch = Ed25519Secret::from_libsodium(&join(&second)).err();
    assert_eq!(mismatch, Some(KeyError::Mismatch));
}

#[test]
fn decoys_have_the_form_of_signatures_and_verify_under_nothing() {
    let mut rng = testkit::Replay::new([vec![1; 64], vec![2; 64]]);
    let decoy = session_crypto::ed25519::decoy_signature(&mut rng).to_bytes();
    let r = CompressedEdwardsY(decoy[..32].try_into().unwrap())
        .decompress()
        .unwrap();
    assert!(r.is_torsion_free() && !r.is_small_order());
    let s = Scalar::from_canonical_bytes(decoy[32..].try_into().unwrap());
    assert!(bool::from(s.is_some()));
    let public = Ed25519Secret::from_seed(&[7; 32]).public();
    assert!(!check(public.as_bytes(), b"message", &decoy));
    // A draw of zero is drawn again.
    let mut rng = testkit::Replay::new([vec![0; 64], vec![1; 64], vec![2; 64]]);
    assert_eq!(
        session_crypto::ed25519::decoy_signature(&mut rng).to_bytes(),
        decoy
    );
}

#[test]
fn multiplication_does_not_clamp_and_ignores_bit_255_only() {
    let base = Ed25519Public::from_bytes(ED25519_BASEPOINT_POINT.compress().to_bytes());
    let mut bytes = [0; 32];
    bytes[0] = 3;
    let three = EdwardsPoint::mul_base(&Scalar::from(3_u64))
        .compress()
        .to_bytes();
    let scalar = SecretScalar::from_bytes(&bytes);
    assert_eq!(scalar.multiply_point(&base).unwrap().to_bytes(), three);
    assert_eq!(scalar.multiply_base().unwrap().to_bytes(), three);
    bytes[31] = 0x80;
    let scalar = SecretScalar::from_bytes(&bytes);
    assert_eq!(scalar.multiply_point(&base).unwrap().to_bytes(), three);
}

#[test]
fn zero_is_refused_where_it_is_used() {
    let base = Ed25519Public::from_bytes(ED25519_BASEPOINT_POINT.compress().to_bytes());
    // 0 itself, bit 255 alone, and L.
    let mut high = [0; 32];
    high[31] = 0x80;
    let mut order = (-Scalar::ONE).to_bytes();
    order[0] += 1;
    for zero in [[0; 32], high, order] {
        let scalar = SecretScalar::from_bytes(&zero);
        assert_eq!(scalar.multiply_base(), Err(KeyError::ZeroScalar));
        assert_eq!(scalar.multiply_point(&base), Err(KeyError::ZeroScalar));
    }
}
