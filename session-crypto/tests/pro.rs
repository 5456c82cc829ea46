//! Session Pro: the values of the specification, and the order of the checks.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use session_crypto::pro::{self, HashProof, Proof, Status};
use session_crypto::{Ed25519Public, Ed25519Secret, Ed25519Signature};
use testkit::array;

#[test]
fn master_keys_are_those_of_the_specification() {
    for (seed, secret) in [
        (
            "e5481635020d6f7b327e94e6d63e33a431fccabc4d2775845c43a8486a9f2884",
            "a4ec87e2346b25ee6394211cb682640a09dd8d297016fe241fe5b06fefef416cb6d20c075eddd2edb69d4d7da9b7e580f187ce0537585da2b5e454b77980d0c8",
        ),
        (
            "743d646706b6b04b97b752036dd6cf5f2adc4b339fcfdfb4b496f0764bb93a84",
            "7da256ba427cf5419cefea81f8ebb3395c261e4dfc2c91ee4d3ce9def67aa21c539d0a3be9658ebb6ba3ce97b25d4f6b716f7ef6d6ae6343bd0733519f5a51e8",
        ),
    ] {
        let master = pro::master_key(&Ed25519Secret::from_seed(&array(seed)));
        let expected = Ed25519Secret::from_libsodium(&array(secret)).unwrap();
        assert_eq!(master.expose_seed(), expected.expose_seed());
        assert_eq!(master.public(), expected.public());
    }
}

#[test]
fn rotating_keys_change_every_seven_days() {
    let master = Ed25519Secret::from_seed(&[1; 32]);
    let first = array("e617ee563883b95a736a4e375e581f578150346046b08fdb58d07f6a317c2ff7");
    let second = array("01887cd6b6827c3b335c5ab677ce831a6b253016e3d23646639188036d97bd91");
    for (time, seed) in [
        (1_699_488_000, first),
        (1_700_000_000, first),
        (1_700_092_799, first),
        (1_700_092_800, second),
        (1_700_604_800, second),
    ] {
        assert_eq!(*pro::rotating_key(&master, time).expose_seed(), seed);
    }
    let _ = pro::rotating_key(&master, u64::MAX);
}

fn backend() -> Ed25519Secret {
    Ed25519Secret::from_seed(&[3; 32])
}

fn rotating() -> Ed25519Secret {
    Ed25519Secret::from_seed(&[2; 32])
}

fn proof() -> Proof {
    let mut proof = Proof {
        revocation_tag: [0x11; 32],
        rotating_key: rotating().public(),
        expiry_seconds: 1_704_067_200,
        signature: Ed25519Signature::from_bytes([0; 64]),
    };
    proof.signature = backend().sign(&proof.signed_message());
    proof
}

#[test]
fn a_proof_is_that_of_the_specification() {
    let proof = proof();
    let message = "50726f50726f6f665f76305f5f5f5f5f11111111111111111111111111111111111111111111111111111111111111118139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b39431373034303637323030";
    assert_eq!(proof.signed_message(), const_hex::decode(message).unwrap());
    let signature = "767e7f14cec2d04fb67c6407e890cbe6a5cfdb7a0df3e729adda93164b13bc3fb20ed4ea1b8f1ffc74115ff2598a51ac52285d923f0864c6bca08bfc771fb708";
    assert_eq!(proof.signature.to_bytes(), array(signature));
    assert_eq!(proof.verify(&backend().public()), Ok(()));
    assert!(proof.verify(&rotating().public()).is_err());
}

#[test]
fn requests_are_those_of_the_specification() {
    let (master, rotating) = (
        Ed25519Secret::from_seed(&[1; 32]).public(),
        rotating().public(),
    );
    let time = 1_700_000_000;
    for (made, expected) in [
        (
            pro::generate_proof_request(&master, &rotating, time),
            "50726f47656e657261746550726f6f668a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b39431373030303030303030",
        ),
        (
            pro::status_request(&master, time),
            "50726f47657450726f5374617475735f8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c31373030303030303030",
        ),
        (
            pro::payments_request(&master, time, 10, ""),
            "50726f47657450617944657461696c738a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c3137303030303030303000313000",
        ),
        (
            pro::payments_request(&master, time, 10, "0a1b2c3d4e5f"),
            "50726f47657450617944657461696c738a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c3137303030303030303000313000306131623263336434653566",
        ),
    ] {
        assert_eq!(const_hex::encode(made), expected);
    }
}

#[test]
fn the_first_failing_check_is_reported() {
    let (proof, backend) = (proof(), backend().public());
    let message = b"content";
    let good = rotating().sign(message);
    let bad = rotating().sign(b"other content");
    let other = Ed25519Public::from_bytes(rotating().public().to_bytes());
    let last_moment = proof.expiry_seconds * 1000 + 999;
    let check = |backend: &Ed25519Public, signature: &Ed25519Signature, time| {
        pro::check_message(&proof, backend, message, signature, time)
    };
    assert_eq!(check(&backend, &good, 0), Status::Valid);
    assert_eq!(check(&backend, &good, last_moment), Status::Valid);
    assert_eq!(check(&backend, &good, last_moment + 1), Status::Expired);
    assert_eq!(
        check(&backend, &bad, last_moment + 1),
        Status::InvalidUserSignature
    );
    assert_eq!(check(&other, &bad, last_moment + 1), Status::InvalidProof);

    let mut longer = proof;
    longer.expiry_seconds += 1;
    let status = pro::check_message(&longer, &backend, message, &good, 0);
    assert_eq!(status, Status::InvalidProof);
}

#[test]
fn the_earlier_proof_signs_a_hash_and_counts_milliseconds() {
    let mut proof = HashProof {
        version: 0,
        gen_index_hash: [0x11; 32],
        rotating_key: rotating().public(),
        expiry_milliseconds: 1_704_067_200_000,
        signature: Ed25519Signature::from_bytes([0; 64]),
    };
    let hash = "0f88b9e8d7fbabe469e2db3649a19559b7e2fe77e4a1d6ccd0d65a33364332aa";
    assert_eq!(proof.signed_hash(), array(hash));
    proof.signature = backend().sign(&proof.signed_hash());
    let (message, signature) = (b"content", rotating().sign(b"content"));
    let check = |time| {
        let backend = backend().public();
        pro::check_message_with_hash_proof(&proof, &backend, message, &signature, time)
    };
    assert_eq!(check(1_704_067_200_000), Status::Valid);
    assert_eq!(check(1_704_067_200_001), Status::Expired);
    let other = rotating().public();
    let status = pro::check_message_with_hash_proof(&proof, &other, message, &signature, 0);
    assert_eq!(status, Status::InvalidProof);
}
