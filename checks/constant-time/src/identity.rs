//! Seeds, phrases, accounts and subaccounts.

use std::hint::black_box;

use session_crypto::{Blinding, Ed25519Secret};
use session_identity::phrase::{self, Language};
use session_identity::subaccount::{AuthData, Permissions};
use session_identity::{Account, AccountId, Seed};

use crate::{Check, server, valgrind};

fn secret_seed() -> Seed {
    Seed::from_short(&valgrind::secret([7; 16]))
}

/// The account of [`secret_seed`], computed without secrets.
fn member() -> AccountId {
    *Account::from_seed(&Seed::from_short(&[7; 16])).id()
}

/// The phrase of a seed with its letters secret. Where a word ends is public: how long the words of a
/// phrase are shows in the memory that it takes.
fn secret_phrase(seed: u8, language: Language) -> String {
    let public = Seed::from_short(&[seed; 16]).to_phrase(language);
    let mut bytes = public.as_bytes().to_vec();
    for byte in bytes.iter_mut().filter(|byte| **byte != b' ') {
        [*byte] = valgrind::secret([*byte]);
    }
    // SAFETY: these are the bytes of a text; checking that would be a branch on them.
    unsafe { String::from_utf8_unchecked(bytes) }
}

pub fn check(check: &mut Check) {
    check.clean("account of a seed", || {
        black_box(Account::from_seed(&secret_seed()).id());
    });
    check.clean("blinded key pair of an account", || {
        let account = Account::from_seed(&secret_seed());
        let blinded = account.blinded(Blinding::Blind25, &server()).unwrap();
        black_box(blinded.public());
    });
    check.clean("seed drawn", || {
        black_box(Account::from_seed(&Seed::generate(&mut crate::SecretRng)).id());
    });
    check.clean("auth data of a subaccount made", || {
        let made = AuthData::create(&crate::account(), &member(), Permissions::MEMBER);
        black_box(made.unwrap().expose_bytes());
    });
    check.clean("request signed as a subaccount", || {
        let group = Ed25519Secret::from_seed(&[5; 32]);
        let auth = AuthData::create(&group, &member(), Permissions::MEMBER).unwrap();
        let mut bytes = auth.expose_bytes();
        if let Some(factor) = bytes.get_mut(4..36) {
            for byte in factor {
                [*byte] = valgrind::secret([*byte]);
            }
        }
        let auth = AuthData::try_from(bytes.as_slice()).unwrap();
        let account = Account::from_seed(&secret_seed());
        black_box(auth.sign(&account, b"message").unwrap());
    });
    check.clean("English phrase decoded", || {
        let text = secret_phrase(7, Language::English);
        black_box(phrase::decode(&text, Language::English).unwrap());
    });
    // What the documentation of the module says is not protected.
    check.documented("phrase written", || {
        black_box(phrase::encode(&valgrind::secret([7; 16]), Language::English).unwrap());
    });
    check.documented("phrase with other than ASCII letters decoded", || {
        let is_other = |seed: &u8| {
            let phrase = Seed::from_short(&[*seed; 16]).to_phrase(Language::German);
            !phrase.is_ascii()
        };
        let seed = (0..=255).find(is_other).unwrap();
        let text = secret_phrase(seed, Language::German);
        black_box(phrase::decode(&text, Language::German).unwrap());
    });
}
