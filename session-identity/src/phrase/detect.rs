//! Finds the language of a phrase.
//!
//! The lists share words and beginnings of words. A language fits if it knows every word *and* the
//! checksum holds. Among several languages that fit, those in which every word stands whole win:
//! a phrase as it was written stands whole in its language, and in others its words match by their
//! first letters only (protocol: identity, section 3.5). Session's own clients read English only.

use alloc::vec::Vec;
use core::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::lookup::{find, is_whole};
use super::{Language, PhraseError, count_with_checksum, read};

/// No single language fits the phrase.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DetectError {
    /// The text has a number of words that no phrase has, in any language.
    #[error(transparent)]
    Phrase(#[from] PhraseError),
    /// The text is not a phrase in any language that is compiled in.
    #[error("not a phrase in any language; the nearest is {nearest}: {error}")]
    NotFound {
        /// The language that fits most of the words.
        nearest: Language,
        /// The error of the phrase in that language.
        error: PhraseError,
    },
    /// The text is a phrase in several languages, with different bytes. Only the person who wrote
    /// it down knows which: read it with [`Seed::from_phrase`](crate::Seed::from_phrase).
    #[error(
        "a phrase in {}, of a different account in each: name the language it was written in",
        Listed(languages)
    )]
    Ambiguous {
        /// All languages that fit, in the order of [`Language::ALL`].
        languages: Vec<Language>,
    },
    /// No language is compiled in.
    #[error("no language is compiled in")]
    NoLanguage,
}

/// Languages in a sentence: "English, French and Italian".
struct Listed<'a>(&'a [Language]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.0.len().saturating_sub(1);
        for (at, language) in self.0.iter().enumerate() {
            f.write_str(match at {
                0 => "",
                _ if at == last => " and ",
                _ => ", ",
            })?;
            write!(f, "{language}")?;
        }
        Ok(())
    }
}

/// Returns the language of a phrase with its checksum word.
///
/// # Errors
///
/// [`DetectError`] if no language fits, or several.
///
/// ```
/// # #[cfg(feature = "english")] {
/// use session_identity::{Language, phrase};
///
/// let typed = "amaze buffet cake entrance symptoms tiger lamb maze nestle python dusted faxed faxed";
/// assert_eq!(phrase::detect(typed)?, Language::English);
/// # }
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn detect(text: &str) -> Result<Language, DetectError> {
    decode_any(text).map(|(language, _)| language)
}

/// Reads a phrase with its checksum word in the language that fits.
///
/// If several languages fit, those in which every word stands whole win. Of languages that give the
/// same bytes, the first is returned.
///
/// # Errors
///
/// [`DetectError`] if no language fits, or several with different bytes.
pub fn decode_any(text: &str) -> Result<(Language, Zeroizing<Vec<u8>>), DetectError> {
    let words = count_with_checksum(text)?;
    let mut fitting: Vec<(Language, Zeroizing<Vec<u8>>)> = Vec::with_capacity(Language::ALL.len());
    for language in Language::ALL.iter().copied() {
        if let Ok(bytes) = read(text, words, language) {
            fitting.push((language, bytes));
        }
    }
    if fitting.len() > 1 {
        let whole = |language| text.split_whitespace().all(|word| is_whole(language, word));
        if fitting.iter().any(|(language, _)| whole(*language)) {
            fitting.retain(|(language, _)| whole(*language));
        }
    }
    let mut readings = fitting.iter();
    let Some((_, first)) = readings.next() else {
        return Err(closest(text, words));
    };
    if readings.all(|(_, other)| other.ct_eq(first).into()) {
        let first = fitting.into_iter().next();
        return first.ok_or_else(|| closest(text, words));
    }
    Err(DetectError::Ambiguous {
        languages: fitting.iter().map(|(language, _)| *language).collect(),
    })
}

/// Returns the error of a phrase in the language that fits most of its words, the first of equals.
///
/// A word counts twice if it stands whole: of two languages, one of which knows the words by their
/// first letters only, the other is meant.
fn closest(text: &str, words: usize) -> DetectError {
    let fit = |language: &Language| {
        let known = |word: &str| usize::from(find(*language, word).is_some());
        let whole = |word: &str| usize::from(is_whole(*language, word));
        text.split_whitespace()
            .map(|word| known(word).saturating_add(whole(word)))
            .fold(0, usize::saturating_add)
    };
    // `max_by_key` returns the last of equals.
    match Language::ALL.iter().copied().rev().max_by_key(fit) {
        Some(nearest) => match super::decode_counted(text, words, nearest) {
            Err(error) => DetectError::NotFound { nearest, error },
            // Every language was tried before.
            Ok(_) => DetectError::NoLanguage,
        },
        None => DetectError::NoLanguage,
    }
}
