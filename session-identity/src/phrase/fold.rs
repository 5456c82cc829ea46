//! From a word as it was typed to what identifies it.
//!
//! `canon_prefix(word)` is the first U code points of `fold(NFC(word))`, where `fold` is the simple
//! lower-case mapping, one code point to one (protocol: identity, section 3.4). Both halves matter:
//!
//! - *Full* case folding turns ß into ss, and then "Floskel" and "Floß" are one word, and so are
//!   "Maßanzug" and "Maßkrug": the phrase restores another account.
//! - Without NFC a combining mark counts as a letter: "тайна", decomposed, becomes "таинство". And
//!   "ama" with a mark on its last letter would be read as "amaze".
//!
//! The composition is spelled out here, from the tables of `unicode-normalization`, rather than
//! taken from its iterators: those link the tables of compatibility forms too, 78 KB that are never
//! looked at, and leave the letters of the word on the stack.

use alloc::vec::Vec;

use unicode_normalization::char::{canonical_combining_class, compose, decompose_canonical};
use zeroize::Zeroizing;

/// Longest word that is looked at, in bytes. The longest of a list has 21, decomposed 42.
///
/// Without a bound a megabyte of combining marks would have to be sorted to normalise it.
pub(crate) const MAX_WORD_BYTES: usize = 128;

/// The word in NFC and lower case.
///
/// Of a word longer than [`MAX_WORD_BYTES`] nothing is left.
pub(crate) fn fold(word: &str) -> Zeroizing<Vec<char>> {
    if word.len() > MAX_WORD_BYTES {
        return Zeroizing::default();
    }
    let mut letters = if word.is_ascii() {
        let mut letters = Zeroizing::new(Vec::with_capacity(word.len()));
        letters.extend(word.chars());
        letters
    } else {
        recompose(&decompose(word))
    };
    for letter in letters.iter_mut() {
        *letter = simple_lower(*letter);
    }
    letters
}

/// A code point and its canonical combining class.
type Classed = (char, u8);

/// The canonical decomposition (NFD).
fn decompose(word: &str) -> Zeroizing<Vec<Classed>> {
    // No decomposition has more than two code points for a byte of UTF-8.
    let room = word.len().saturating_mul(2);
    let mut letters = Zeroizing::new(Vec::with_capacity(room));
    for letter in word.chars() {
        decompose_canonical(letter, |part| {
            letters.push((part, canonical_combining_class(part)));
        });
    }
    // Marks in the order of their classes; whatever has none stays where it is.
    for run in letters.split_mut(|(_, class)| *class == 0) {
        // An insertion sort: stable, in place, for a handful of marks.
        for end in 1..run.len() {
            for at in (1..=end).rev() {
                match run.get_mut(at.saturating_sub(1)..=at) {
                    Some([(_, before), (_, after)]) if *before <= *after => break,
                    Some(pair) => pair.reverse(),
                    None => break,
                }
            }
        }
    }
    letters
}

/// The canonical composition of a canonical decomposition.
fn recompose(parts: &[Classed]) -> Zeroizing<Vec<char>> {
    let mut letters: Zeroizing<Vec<char>> = Zeroizing::new(Vec::with_capacity(parts.len()));
    let mut starter = None;
    // The class of the last mark that stayed behind the starter; nothing if none did.
    let mut between = None;
    for (part, class) in parts.iter().copied() {
        let blocked = between.is_some_and(|between| between >= class);
        let last = starter.and_then(|at: usize| letters.get_mut(at));
        if let Some(last) = last
            && !blocked
            && let Some(composed) = compose(*last, part)
        {
            *last = composed;
            continue;
        }
        if class == 0 {
            starter = Some(letters.len());
            between = None;
        } else {
            between = Some(class);
        }
        letters.push(part);
    }
    letters
}

/// Unicode's simple lower-case mapping.
///
/// The standard library has the full one, which differs for a single code point: İ, U+0130, becomes
/// i and a combining dot. Its simple mapping is the first of the two.
fn simple_lower(letter: char) -> char {
    letter.to_lowercase().next().unwrap_or(letter)
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use proptest::prelude::*;
    use unicode_normalization::UnicodeNormalization;

    use super::*;

    fn composed(word: &str) -> String {
        recompose(&decompose(word)).iter().collect()
    }

    #[test]
    fn a_mark_is_composed_unless_one_of_its_class_or_higher_is_between() {
        // An overline, which nothing is composed with, is of the class of the acute; a cedilla under
        // an "a" is of a lower one.
        for (typed, folded) in [
            ("a\u{305}\u{301}", &['a', '\u{305}', '\u{301}'][..]),
            ("a\u{327}\u{301}", &['á', '\u{327}']),
            ("a\u{301}\u{327}", &['á', '\u{327}']),
        ] {
            assert_eq!(*fold(typed), folded);
        }
    }

    #[test]
    fn every_code_point_is_composed_as_unicode_says() {
        for letter in '\0'..=char::MAX {
            let word = String::from(letter);
            assert_eq!(composed(&word), word.nfc().collect::<String>());
            let word: String = word.nfd().collect();
            assert_eq!(composed(&word), word.nfc().collect::<String>());
        }
    }

    #[test]
    fn lower_case_is_simple() {
        for (capital, small) in [('Ö', 'ö'), ('Й', 'й'), ('ẞ', 'ß'), ('ß', 'ß'), ('İ', 'i')]
        {
            assert_eq!(simple_lower(capital), small);
        }
        let longer = ('\0'..=char::MAX).filter(|letter| letter.to_lowercase().len() > 1);
        assert!(longer.eq(['İ']));
    }

    #[test]
    fn a_word_too_long_is_nothing() {
        assert_eq!(fold(&"a".repeat(MAX_WORD_BYTES)).len(), MAX_WORD_BYTES);
        assert!(fold(&"a".repeat(MAX_WORD_BYTES + 1)).is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn words_are_composed_as_unicode_says(
            marked in "([aeiounAOUсеиßẞかはハ가각]|[\u{300}-\u{36f}\u{3099}\u{309a}\u{1100}-\u{1112}\u{1161}-\u{1175}\u{11a8}-\u{11c2}\u{93c}\u{327}\u{323}\u{308}]){0,20}",
            any in "\\PC{0,20}",
        ) {
            for word in [marked, any] {
                prop_assert_eq!(composed(&word), word.nfc().collect::<String>());
                let folded: String = fold(&word).iter().collect();
                if word.len() <= MAX_WORD_BYTES {
                    let expected: String = word.nfc().map(simple_lower).collect();
                    prop_assert_eq!(folded, expected);
                }
            }
        }
    }
}
