//! Errors of recovery phrases.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

use super::Language;

/// The bytes have a length that no phrase has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 4 to 64 bytes, a multiple of 4, got {got}")]
pub struct LengthError {
    /// Number of bytes given.
    pub got: usize,
}

/// The text is not a phrase. Checks run in this order: the number of words, then from left to right
/// unknown words and impossible triples, then the checksum word (protocol: identity, section 3.2).
///
/// Positions count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PhraseError {
    /// The phrase has the wrong number of words.
    #[error("expected {expected} words, got {got}")]
    WordCount {
        /// The accepted numbers of words.
        expected: &'static str,
        /// Number of words given.
        got: usize,
    },
    /// A word is not in the list.
    #[error(transparent)]
    UnknownWord(#[from] UnknownWord),
    /// Three words encode a number above 2^32 - 1. No phrase contains them.
    #[error("words {first} to {last} cannot follow each other in a phrase")]
    InvalidValue {
        /// Position of the first of the three.
        first: usize,
        /// Position of the last of the three.
        last: usize,
    },
    /// All words are known, but the last word is not the one that the checksum selects: a word was
    /// replaced by another of the list, or words were swapped.
    #[error("the last word does not confirm the others: a word is wrong, or in the wrong place")]
    Checksum,
}

/// A word that is not in the list of the language.
///
/// Its message and its `Debug` form print the word as it was typed, which may be one letter away
/// from the secret word. Show them to the person who typed it; do not log them.
#[derive(Clone, PartialEq, Eq)]
pub struct UnknownWord {
    pub(super) language: Language,
    pub(super) position: usize,
    pub(super) word: Zeroizing<String>,
    pub(super) suggestions: Vec<&'static str>,
}

impl UnknownWord {
    /// Position in the phrase, counted from 1.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.position
    }

    /// Returns the word as it was typed, truncated to 32 code points.
    #[must_use]
    pub fn word(&self) -> &str {
        &self.word
    }

    /// Returns the language whose list does not contain the word.
    #[must_use]
    pub const fn language(&self) -> Language {
        self.language
    }

    /// Returns up to three similar words of the list, the most similar first. May be empty.
    #[must_use]
    pub fn suggestions(&self) -> &[&'static str] {
        &self.suggestions
    }
}

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Debug escapes invisible characters, such as a zero-width space.
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
