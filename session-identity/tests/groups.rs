//! Groups: whose key it is, and what follows from it.
#![allow(clippy::unwrap_used, missing_docs)]

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use session_crypto::KeyError;
use session_identity::{Group, GroupId, group};

const SEED: &str = "0123456789abcdeffedcba98765432100123456789abcdeffedcba9876543210";
const ID: &str = "03c50cb3ae956947a8de19135b5be2685ff348afc63fc34a837aca12bc5c1f5625";

fn seed() -> Vec<u8> {
    const_hex::decode(SEED).unwrap()
}

#[test]
fn both_forms_of_the_admin_key_are_the_group() {
    let id: GroupId = ID.parse().unwrap();
    let both = [seed(), id.key_bytes().to_vec()].concat();
    for bytes in [seed(), both] {
        let group = Group::from_admin_key(&bytes, &id).unwrap();
        assert_eq!(*group.id(), id);
        assert_eq!(group.ed25519().expose_seed().to_vec(), seed());
    }
}

#[test]
fn the_key_of_another_group_is_rejected() {
    let id: GroupId = ID.parse().unwrap();
    let other = Group::generate(&mut ChaCha20Rng::from_seed([1; 32]));
    let key = other.ed25519().expose_seed();
    let refused = |bytes: &[u8], id| Group::from_admin_key(bytes, id).unwrap_err();
    assert_eq!(refused(key, &id), KeyError::Mismatch);
    assert_eq!(refused(&seed(), other.id()), KeyError::Mismatch);
    // Halves that do not belong together, whichever id they are taken for.
    let mixed = [seed(), other.id().key_bytes().to_vec()].concat();
    assert_eq!(refused(&mixed, &id), KeyError::Mismatch);
    assert_eq!(refused(&mixed, other.id()), KeyError::Mismatch);
}

#[test]
fn admin_keys_of_other_lengths_are_rejected() {
    let id: GroupId = ID.parse().unwrap();
    for got in [0, 31, 33, 63, 65, 100] {
        let error = Group::from_admin_key(&vec![1; got], &id).unwrap_err();
        assert_eq!(error, KeyError::Length { expected: 32, got });
    }
}

#[test]
fn secrets_follow_from_the_seed_by_their_names() {
    let group = Group::from_admin_key(&seed(), &ID.parse().unwrap()).unwrap();
    let secrets = [
        (
            group.derive(group::KEY_SEED),
            "87f879e6e89abce3389b1531aef850d1147d3f9f81e712547ba26306be8a0ef1",
        ),
        (
            group.derive(group::ADMIN_KEY),
            "3aa44e2e355a0910f046a2f7053a1dab2597cd75cb6ef6235e98aba27ec0f19a",
        ),
        (
            group.derive(group::SUBACCOUNT_MASK),
            "c4c074efde08f1a8fbf8bc9208895bce7d458d8e8c7c6d324c8299b15ced7ac9",
        ),
    ];
    for (derived, secret) in secrets {
        assert_eq!(const_hex::encode(*derived), secret);
    }
}

#[test]
fn no_secret_is_printed() {
    let group = Group::from_admin_key(&seed(), &ID.parse().unwrap()).unwrap();
    assert_eq!(
        format!("{group:?}"),
        format!("Group {{ id: GroupId({ID}), .. }}")
    );
}

#[test]
fn what_a_group_derives_depends_on_the_name_and_the_group() {
    let group = Group::from_admin_key(&seed(), &ID.parse().unwrap()).unwrap();
    let other = Group::generate(&mut ChaCha20Rng::from_seed([1; 32]));
    let derived = group.derive(group::KEY_SEED);
    assert_ne!(*derived, [0; 32]);
    assert_ne!(*derived, *group.derive(group::ADMIN_KEY));
    assert_ne!(*derived, *other.derive(group::KEY_SEED));
}
