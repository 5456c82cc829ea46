//! Reduces a typed word to the letters that identify it.
//!
//! `canon_prefix(word)` is the first U code points of `fold(NFC(word))`, where `fold` is the simple
//! lower-case mapping, one code point to one (protocol: identity, section 3.4). Both halves matter:
//!
//! - *Full* case folding turns ß into ss. Then "Floskel" and "Floß" have one prefix, and so have
//!   "Maßanzug" and "Maßkrug": the phrase restores another account.
//! - Without NFC a combining mark counts as a letter: "тайна", decomposed, becomes "таинство". And
//!   "ama" with a mark on its last letter would be read as "amaze".
//!
//! The composition is implemented here on the tables of `unicode-normalization`. Its iterators link
//! the tables of compatibility forms too, 78 KB that are never read, and leave the letters of the
//! word on the stack.

use alloc::vec::Vec;

use unicode_normalization::char::{canonical_combining_class, compose, decompose_canonical};
use zeroize::Zeroizing;

/// Maximum length of a word, in bytes. The longest word of the lists has 21, decomposed 42.
///
/// Without a bound, normalization would have to sort a megabyte of combining marks.
pub(crate) const MAX_WORD_BYTES: usize = 128;

/// Returns the word in NFC and simple lower case, or `None` if it is longer than
/// [`MAX_WORD_BYTES`].
pub(crate) fn fold(word: &str) -> Option<Zeroizing<Vec<char>>> {
    if word.len() > MAX_WORD_BYTES {
        return None;
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
    Some(letters)
}

/// Returns the full case folding of a folded word, as far as the lists need it: ß becomes "ss".
pub(crate) fn fold_fully(letters: &[char]) -> Zeroizing<Vec<char>> {
    let mut folded = Zeroizing::new(Vec::with_capacity(letters.len().saturating_mul(2)));
    for letter in letters {
        match letter {
            'ß' => folded.extend(['s', 's']),
            other => folded.push(*other),
        }
    }
    folded
}

/// A code point and its canonical combining class.
type Classed = (char, u8);

/// Returns the canonical decomposition (NFD).
fn decompose(word: &str) -> Zeroizing<Vec<Classed>> {
    // No decomposition has more than two code points for a byte of UTF-8.
    let room = word.len().saturating_mul(2);
    let mut letters = Zeroizing::new(Vec::with_capacity(room));
    for letter in word.chars() {
        decompose_canonical(letter, |part| {
            letters.push((part, canonical_combining_class(part)));
        });
    }
    // Marks are put in the order of their classes; code points of class 0 remain in place.
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

/// Returns the canonical composition of a canonical decomposition.
fn recompose(parts: &[Classed]) -> Zeroizing<Vec<char>> {
    let mut letters: Zeroizing<Vec<char>> = Zeroizing::new(Vec::with_capacity(parts.len()));
    let mut starter = None;
    // The class of the last mark that remained after the starter, if any did.
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
/// The standard library has the full mapping. It differs for a single code point: İ, U+0130,
/// becomes i and a combining dot. The simple mapping is the first of the two.
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
        // An overline, which composes with nothing, has the class of the acute; a cedilla under
        // an "a" has a lower one.
        for (typed, folded) in [
            ("a\u{305}\u{301}", &['a', '\u{305}', '\u{301}'][..]),
            ("a\u{327}\u{301}", &['á', '\u{327}']),
            ("a\u{301}\u{327}", &['á', '\u{327}']),
        ] {
            assert_eq!(*fold(typed).unwrap(), folded);
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
    fn a_word_that_is_too_long_is_not_folded() {
        let longest = fold(&"a".repeat(MAX_WORD_BYTES)).unwrap();
        assert_eq!(longest.len(), MAX_WORD_BYTES);
        assert!(fold(&"a".repeat(MAX_WORD_BYTES + 1)).is_none());
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
                match fold(&word) {
                    Some(folded) => {
                        let folded: String = folded.iter().collect();
                        let expected: String = word.nfc().map(simple_lower).collect();
                        prop_assert_eq!(folded, expected);
                    }
                    None => prop_assert!(word.len() > MAX_WORD_BYTES),
                }
            }
        }
    }
}
