//! Accounts, phrases, blinded ids.

use session_crypto::X25519Public;
use session_identity::AccountIdExt;
use session_identity::blinded::blinded15;
use session_identity::{Account, Language, Seed};

use crate::Suite;
use crate::floors::Primitives;

pub fn run(suite: &mut Suite) {
    let primitives = Primitives::new();
    let seed = Seed::from_short(b"0123456789abcdef");
    let account = Account::from_seed(&seed);
    suite
        .operation("accounts", "account from seed")
        .floor("base point multiplication", &mut || primitives.base())
        .run(|| Account::from_seed(&seed));
    let phrase = seed.to_phrase(Language::English);
    suite
        .operation("accounts", "phrase encode")
        .reference(0.78)
        .run(|| seed.to_phrase(Language::English));
    suite
        .operation("accounts", "phrase decode")
        .reference(1.0)
        .run(|| Seed::from_phrase(&phrase, Language::English).unwrap());

    let server = X25519Public::from_bytes([9; 32]);
    let key = account.ed25519_public();
    let mut floor = || {
        primitives.decompress_checked();
        primitives.multiply();
    };
    suite
        .operation("accounts", "blind15 id of an account")
        .floor("key check, multiplication", &mut floor)
        .run(|| blinded15(&key, &server).unwrap());
    suite
        .operation("accounts", "blind25 id of an account id")
        .floor("key check, multiplication", &mut floor)
        .run(|| account.id().blinded25(&server).unwrap());
}
