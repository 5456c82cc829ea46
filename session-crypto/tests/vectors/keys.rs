//! Keys, signatures and hashes.

use session_crypto::Ed25519PublicExt;
use session_crypto::X25519PublicExt;
use session_crypto::{
    Ed25519Public, Ed25519Secret, Ed25519Signature, X25519Public, X25519Secret, xed25519,
};
use testkit::{Case, Replay, Vectors};

fn check_keys(case: Case<'_>) {
    let secret = Ed25519Secret::from_seed(&case.array("seed"));
    assert_eq!(secret.public().to_bytes(), case.array("ed25519_pk"));
    let pair = Ed25519Secret::from_libsodium(&case.array("ed25519_sk")).unwrap();
    assert_eq!(pair.expose_seed(), secret.expose_seed());
    let x25519 = secret.to_x25519();
    assert_eq!(*x25519.expose_bytes(), case.array("x25519_sk"));
    assert_eq!(x25519.public().to_bytes(), case.array("x25519_pk"));
    assert_eq!(secret.x25519_public(), x25519.public());
    assert_eq!(secret.public().to_x25519().unwrap(), x25519.public());
}

#[test]
fn keys() {
    let vectors = Vectors::load("keys");
    vectors.each("from_seed32", check_keys);
    vectors.each("from_seed16", check_keys);
    vectors.each("ed25519_pk_to_x25519", |case| {
        let converted = Ed25519Public::from_bytes(case.array("ed25519_pk")).to_x25519();
        if case.opt_flag("order2_component") {
            assert!(converted.is_err());
        } else {
            assert_eq!(converted.is_ok(), case.flag("ok"));
            if let Ok(converted) = converted {
                assert_eq!(converted.to_bytes(), case.array("x25519_pk"));
            }
        }
    });
}

#[test]
fn ed25519_sign() {
    let vectors = Vectors::load("ed25519_sign");
    vectors.each("sign", |case| {
        let secret = Ed25519Secret::from_seed(&case.array("seed"));
        assert_eq!(secret.public().to_bytes(), case.array("ed25519_pk"));
        let signature = secret.sign(&case.hex("message"));
        assert_eq!(signature.to_bytes(), case.array("signature"));
    });
    vectors.each("verify", |case| {
        let public = Ed25519Public::from_bytes(case.array("ed25519_pk"));
        // Some of the rejected cases have another length.
        let verified = Ed25519Signature::try_from(case.hex("signature").as_slice())
            .is_ok_and(|signature| public.verify(&case.hex("message"), &signature).is_ok());
        assert_eq!(verified, case.flag("ok"));
    });
}

#[test]
fn xed25519_keys_and_signatures() {
    let vectors = Vectors::load("xed25519");
    vectors.each("pubkey", |case| {
        let positive = X25519Public::from_bytes(case.array("x25519_pk")).to_ed25519_positive();
        assert_eq!(positive.to_bytes(), case.array("ed25519_pk"));
        let original = Ed25519Public::from_bytes(case.array("original_ed25519_pk"));
        assert_eq!(original.with_sign(false), positive);
    });
    vectors.each("pubkey_unchecked", |case| {
        let positive = X25519Public::from_bytes(case.array("x25519_pk")).to_ed25519_positive();
        assert_eq!(positive.to_bytes(), case.array("ed25519_pk"));
    });
    vectors.each("sign", |case| {
        let secret = X25519Secret::from_bytes(case.array("x25519_sk"));
        assert_eq!(secret.public().to_bytes(), case.array("x25519_pk"));
        let mut rng = Replay::new(case.hexes("random"));
        let message = case.hex("message");
        let signature = xed25519::sign(&mut rng, &secret, &message);
        assert!(rng.is_used_up());
        assert_eq!(signature.to_bytes(), case.array("signature"));
        assert_eq!(
            xed25519::verify(&secret.public(), &message, &signature),
            Ok(())
        );
    });
    vectors.each("verify", |case| {
        let public = X25519Public::from_bytes(case.array("x25519_pk"));
        let verified =
            Ed25519Signature::try_from(case.hex("signature").as_slice()).is_ok_and(|signature| {
                xed25519::verify(&public, &case.hex("message"), &signature).is_ok()
            });
        assert_eq!(verified, case.flag("ok"));
    });
    // The source makes signatures with unclamped secrets that do not verify. Ours clamp first.
    vectors.each("library_quirk_unclamped_secret", |case| {
        let secret = X25519Secret::from_bytes(case.array("x25519_sk"));
        let mut rng = Replay::new(case.hexes("random"));
        let message = case.hex("message");
        let signature = xed25519::sign(&mut rng, &secret, &message);
        assert_eq!(
            xed25519::verify(&secret.public(), &message, &signature),
            Ok(())
        );
    });
}
