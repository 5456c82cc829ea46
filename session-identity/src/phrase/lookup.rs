//! Finds the word of a list that a typed word stands for.
//!
//! Lookup compares canonical prefixes. One rule is added for German, where capitals have no ß in
//! common use: a typed "ss" counts as ß if the typed word is the beginning of a word of the list
//! with that ß. `FUSSBAD` is `Fußbad`, and `FLOSS` is `Floß` although its prefix is that of
//! `Floskel`; `Massage` remains unknown, for it is not the beginning of `Maßanzug`.

use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::Language;
use super::fold::{fold, fold_fully};
use super::list::Index;

/// A typed word that is in the list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) index: Index,
    /// The key of the word.
    pub(super) key: u32,
}

/// Finds a typed word in the list of a language.
pub(super) fn find(language: Language, typed: &str) -> Option<Found> {
    let list = language.list();
    let letters = fold(typed)?;
    let found = |letters: &[char]| {
        let key = list.key(letters);
        list.find(key).map(|index| Found { index, key })
    };
    if list.has_sharp_s()
        && let Some(sharp) = with_sharp_s(&letters)
        && let Some(sharp) = found(&sharp)
        && begins(list.word(sharp.index), &letters)
    {
        return Some(sharp);
    }
    found(&letters)
}

/// Returns whether a typed word is a whole word of the list, in either case.
pub(super) fn is_whole(language: Language, typed: &str) -> bool {
    let Some((found, letters)) = find(language, typed).zip(fold(typed)) else {
        return false;
    };
    let word = language.list().word(found.index);
    fold(word).is_some_and(|word| fold_fully(&word) == fold_fully(&letters))
}

/// Returns whether `word`, in full case folding, begins with the typed letters.
pub(super) fn begins(word: &str, letters: &[char]) -> bool {
    fold(word).is_some_and(|word| fold_fully(&word).starts_with(&fold_fully(letters)))
}

/// Returns the letters with the first "ss" replaced by ß, if there is one.
fn with_sharp_s(letters: &[char]) -> Option<Zeroizing<Vec<char>>> {
    let at = letters.windows(2).position(|pair| *pair == ['s', 's'])?;
    let (before, rest) = letters.split_at_checked(at)?;
    let (_, after) = rest.split_at_checked(2)?;
    let mut sharp = Zeroizing::new(Vec::with_capacity(letters.len()));
    sharp.extend_from_slice(before);
    sharp.push('ß');
    sharp.extend_from_slice(after);
    Some(sharp)
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    /// Every word, cut anywhere behind its prefix, in lower case and in capitals.
    #[test]
    fn every_beginning_of_a_word_is_that_word_in_either_case() {
        for language in Language::ALL.iter().copied() {
            for word in language.words() {
                let index = find(language, word).unwrap().index;
                let letters: Vec<char> = word.chars().collect();
                assert!(is_whole(language, word));
                assert!(is_whole(language, &word.to_uppercase()));
                for end in language.prefix_length()..=letters.len() {
                    let cut: String = letters.iter().take(end).collect();
                    for typed in [cut.to_lowercase(), cut.to_uppercase(), cut] {
                        let found = find(language, &typed).map(|found| found.index);
                        assert_eq!(found, Some(index), "{typed}");
                        assert_eq!(is_whole(language, &typed), end == letters.len(), "{typed}");
                    }
                }
            }
        }
    }
}
