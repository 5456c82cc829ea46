//! What can be wrong with a phrase.

use alloc::string::String;
use core::fmt;

use zeroize::Zeroizing;

use super::Language;
use super::nearest::Suggestions;

/// Bytes that cannot be written as a phrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 4 to 64 bytes, a multiple of 4, got {got}")]
pub struct LengthError {
    /// Bytes that were given.
    pub got: usize,
}

/// A phrase that restores nothing. Found in this order: the count of words, then from left to right
/// unknown words and impossible triples, then the checksum word (protocol: identity, section 3.2).
///
/// Positions count from 1, as people do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PhraseError {
    /// Not as many words as such a phrase has.
    #[error("expected {expected} words, got {got}")]
    WordCount {
        /// The counts that would do.
        expected: &'static str,
        /// Words that were given.
        got: usize,
    },
    /// A word that is not in the list.
    #[error(transparent)]
    UnknownWord(#[from] UnknownWord),
    /// Three words that stand for a number above 2^32 - 1. No phrase contains them.
    #[error("words {first} to {last} cannot follow each other in a phrase")]
    InvalidValue {
        /// Position of the first of the three.
        first: usize,
        /// Position of the last of the three.
        last: usize,
    },
    /// All words are known, but the last one is not the one to be repeated: some word was replaced
    /// by another of the list, or words were swapped.
    #[error("the last word does not confirm the others: a word is wrong, or in the wrong place")]
    Checksum,
}

/// A word that is not in the list of the language.
///
/// Its message and its `Debug` form show the word as it was typed, which may be one letter away
/// from the secret one. They are for the eyes of the person who typed it, not for a log.
#[derive(Clone, PartialEq, Eq)]
pub struct UnknownWord {
    pub(super) language: Language,
    pub(super) position: usize,
    pub(super) word: Zeroizing<String>,
    pub(super) suggestions: Suggestions,
}

impl UnknownWord {
    /// Where it stands in the phrase, counted from 1.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.position
    }

    /// The word as it was typed; of one that is absurdly long, the first 32 code points.
    #[must_use]
    pub fn word(&self) -> &str {
        &self.word
    }

    /// The language in which it is unknown.
    #[must_use]
    pub const fn language(&self) -> Language {
        self.language
    }

    /// Up to three words of the list that look like it, the most similar first. May be empty.
    #[must_use]
    pub fn suggestions(&self) -> &[&'static str] {
        self.suggestions.as_slice()
    }
}

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Debug escapes what cannot be seen, a zero-width space for instance.
        write!(
            f,
            "word {}, {:?}, is not in the {} list",
            self.position,
            self.word.as_str(),
            self.language
        )?;
        for (index, word) in self.suggestions().iter().enumerate() {
            f.write_str(if index == 0 { "; nearest: " } else { ", " })?;
            f.write_str(word)?;
        }
        Ok(())
    }
}

impl fmt::Debug for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnknownWord({self})")
    }
}

impl core::error::Error for UnknownWord {}
