//! Words that count as another than was typed.

use alloc::vec::Vec;

use super::fold::fold;
use super::{Language, find};

/// A word that was read as another: only its first letters count, and they are those of `word`.
///
/// `Debug` shows a word of the phrase: not for a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Substitution<'a> {
    /// Where it stands in the phrase, counted from 1.
    pub position: usize,
    /// The word as it was typed.
    pub typed: &'a str,
    /// The word of the list that it counts as.
    pub word: &'static str,
}

/// The words of a phrase that count as another than was typed: `amazing` as `amaze`.
///
/// The protocol takes them, as it must take words cut to their first letters; those are not
/// listed here, nor are words that are not in the list at all. Whoever shows these to the person
/// who typed them lets no word change silently.
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
            let word = language.list().word(find(language, typed)?);
            let is_cut = fold(word).starts_with(&fold(typed));
            (!is_cut).then_some(Substitution {
                position,
                typed,
                word,
            })
        })
        .collect()
}
