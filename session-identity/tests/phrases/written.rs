//! Every phrase that is written, in any language, is read back without naming the language.
//!
//! The number of phrases per language is 5,000, or the value of `PHRASES_PER_LANGUAGE`. With 100,000
//! it takes minutes; with `--release`, seconds.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use super::*;

/// Phrases per language, unless the environment names another number.
const PHRASES: usize = 5_000;

#[test]
fn every_written_phrase_is_read_back_without_naming_its_language() {
    let phrases = std::env::var("PHRASES_PER_LANGUAGE")
        .map_or(PHRASES, |number| number.parse().expect("a number"));
    let mut rng = ChaCha20Rng::seed_from_u64(18);
    for language in Language::ALL.iter().copied() {
        for _ in 0..phrases {
            let seed = Seed::generate(&mut rng);
            let text = seed.to_phrase(language);
            let (read, found) = Seed::from_phrase_in_any_language(&text)
                .unwrap_or_else(|error| panic!("{}: {error}", *text));
            assert_eq!(found, language, "{}", *text);
            assert_eq!(read.expose_full(), seed.expose_full(), "{}", *text);
        }
    }
}
