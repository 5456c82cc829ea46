//! The vectors of `tests/vectors/`, as far as this crate answers for them.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use session_identity::{Account, AccountId, Seed};
use testkit::{Case, Vectors};

fn check_account(seed: &Seed, case: Case<'_>) {
    assert_eq!(*seed.expose_full(), case.array("seed"));
    let account = Account::from_seed(seed);
    assert_eq!(account.id().to_string(), case.text("session_id"));
    assert_eq!(
        account.ed25519_public().to_bytes(),
        case.array("ed25519_pk")
    );
    assert_eq!(account.ed25519().public(), account.ed25519_public());
    assert_eq!(account.x25519_public().to_bytes(), case.array("x25519_pk"));
    assert_eq!(*account.x25519().expose_bytes(), case.array("x25519_sk"));
    let id: AccountId = case.text("session_id").parse().unwrap();
    assert_eq!(id, *account.id());
    assert_eq!(account.seed().expose_full(), seed.expose_full());
}

#[test]
fn keys() {
    let vectors = Vectors::load("keys");
    vectors.each("from_seed32", |case| {
        check_account(&Seed::from_full(&case.array("seed")), case);
    });
    vectors.each("from_seed16", |case| {
        let seed = Seed::try_from(case.hex("seed16").as_slice()).unwrap();
        assert!(seed.is_short());
        check_account(&seed, case);
    });
    vectors.each("ed25519_pk_to_x25519", |case| {
        let id = session_identity::UnblindedId::from_ed25519(
            &session_crypto::Ed25519Public::from_bytes(case.array("ed25519_pk")),
        );
        let account = id.account_id();
        if case.opt_flag("order2_component") {
            assert!(account.is_err());
        } else {
            assert_eq!(account.is_ok(), case.flag("ok"));
            if let Ok(account) = account {
                assert_eq!(*account.key_bytes(), case.array("x25519_pk"));
            }
        }
    });
}
