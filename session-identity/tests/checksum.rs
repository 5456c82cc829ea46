//! Changes that the checksum of a phrase detects, counted for every word of the list at every position.
//!
//! The figures stand in the documentation of `session_identity::phrase`.
#![cfg(feature = "english")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs
)]

use session_identity::{Account, AccountId, Language, PhraseError, RestoreError, Seed};

const EN: Language = Language::English;

/// Outcomes of the changed phrases.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    tried: usize,
    /// A triple that no four bytes make.
    impossible: usize,
    /// The last word does not confirm the others.
    checksum: usize,
    /// Nothing was noticed: another account.
    missed: usize,
}

impl Tally {
    fn count(&mut self, words: &[&str], seed: &Seed) {
        self.tried += 1;
        match Seed::from_phrase(&words.join(" "), EN) {
            Ok(other) => {
                assert_ne!(other.expose_full(), seed.expose_full());
                self.missed += 1;
            }
            Err(PhraseError::InvalidValue { .. }) => self.impossible += 1,
            Err(PhraseError::Checksum) => self.checksum += 1,
            Err(error) => panic!("{error}"),
        }
    }
}

fn seeds() -> Vec<Seed> {
    [
        "000102030405060708090a0b0c0d0e0f",
        "0123456789abcdef0123456789abcdef",
        "00112233445566778899aabbccddeeff",
        "91a1f4dcbd3a8a5f1a7cf2fa6e3d0c5b",
    ]
    .map(|hex| Seed::try_from(const_hex::decode(hex).unwrap().as_slice()).unwrap())
    .into()
}

#[test]
fn one_replaced_word_is_missed_about_once_in_twelve_times() {
    let list: Vec<&str> = EN.words().collect();
    let mut all = Tally::default();
    for seed in seeds() {
        let phrase = seed.to_phrase(EN);
        let mut words: Vec<&str> = phrase.split(' ').collect();
        for position in 0..words.len() {
            let right = words[position];
            for wrong in list.iter().filter(|word| **word != right) {
                words[position] = wrong;
                all.count(&words, &seed);
            }
            words[position] = right;
        }
        assert_eq!(words.join(" "), *phrase);
    }
    let expected = Tally {
        tried: 84_500,
        impossible: 868,
        checksum: 76_327,
        missed: 7_305,
    };
    assert_eq!(all, expected);
}

#[test]
fn two_swapped_words_are_missed_about_once_in_twelve_times() {
    let mut all = Tally::default();
    for seed in seeds() {
        let phrase = seed.to_phrase(EN);
        let mut words: Vec<&str> = phrase.split(' ').collect();
        for first in 0..words.len() {
            for second in first + 1..words.len() {
                if words[first] != words[second] {
                    words.swap(first, second);
                    all.count(&words, &seed);
                    words.swap(first, second);
                }
            }
        }
    }
    let expected = Tally {
        tried: 301,
        impossible: 5,
        checksum: 264,
        missed: 32,
    };
    assert_eq!(all, expected);
}

#[test]
fn the_account_id_notices_what_the_checksum_misses() {
    let seed = &seeds()[0];
    let id: AccountId = *Account::from_seed(seed).id();
    let phrase = seed.to_phrase(EN);
    let restored = Account::restore(&phrase, EN, &id).unwrap();
    assert_eq!(restored.seed().expose_full(), seed.expose_full());

    let mut missed = 0;
    let words: Vec<&str> = phrase.split(' ').collect();
    for wrong in EN.words().filter(|word| *word != words[4]) {
        let mut words = words.clone();
        words[4] = wrong;
        let restored = Account::restore(&words.join(" "), EN, &id);
        match restored.unwrap_err() {
            RestoreError::Phrase(_) => {}
            RestoreError::OtherAccount { found } => {
                assert_ne!(found, id);
                missed += 1;
            }
            error => panic!("{error}"),
        }
    }
    assert!(missed > 0);
}
