//! Words that count as another word than was typed.

use alloc::vec::Vec;

use super::Language;
use super::fold::fold;
use super::lookup::{begins, find};

/// A typed word that was read as another: only its first letters count, and they are those of `word`.
///
/// `Debug` prints a word of the phrase. Do not log it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Substitution<'a> {
    /// Position in the phrase, counted from 1.
    pub position: usize,
    /// The word as it was typed.
    pub typed: &'a str,
    /// The word of the list that it counts as.
    pub word: &'static str,
}

/// Returns the words of a phrase that count as another word than was typed: `amazing` as `amaze`.
///
/// The protocol accepts them, as it must accept words cut to their first letters. Cut words are not
/// returned, nor are words that are not in the list. Show the result to the person who typed the
/// phrase, so that no word changes silently.
///
/// ```
/// # #[cfg(feature = "english")] {
/// use session_identity::{Language, phrase};
///
/// let read = phrase::substitutions("amazing buffet", Language::English);
/// assert_eq!((read[0].position, read[0].typed, read[0].word), (1, "amazing", "amaze"));
/// assert_eq!(read.len(), 1);
/// # }
/// ```
#[must_use]
pub fn substitutions(text: &str, language: Language) -> Vec<Substitution<'_>> {
    (1usize..)
        .zip(text.split_whitespace())
        .filter_map(|(position, typed)| {
            let word = language.list().word(find(language, typed)?.index);
            let is_cut = fold(typed).is_some_and(|letters| begins(word, &letters));
            (!is_cut).then_some(Substitution {
                position,
                typed,
                word,
            })
        })
        .collect()
}
