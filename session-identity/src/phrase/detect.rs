//! In which language a phrase is.
//!
//! The lists share words and beginnings of words, so a language counts only if it knows every word
//! *and* the checksum holds (protocol: identity, section 3.5). Two languages can still both fit, by
//! chance. Session's own clients never guess.

use alloc::vec::Vec;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{Language, PhraseError, count_with_checksum, find, read};

/// Why no language was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DetectError {
    /// Not as many words as such a phrase has in any language.
    #[error(transparent)]
    Phrase(#[from] PhraseError),
    /// A phrase in no language that is compiled in.
    #[error("a phrase in no language; most like {nearest}, where {error}")]
    NotFound {
        /// The language that knows most of the words.
        nearest: Language,
        /// What is wrong with it in that language.
        error: PhraseError,
    },
    /// A phrase in two languages, for different bytes. Only the person who wrote it down can tell.
    #[error("a phrase both in {first} and in {second}")]
    Ambiguous {
        /// One of the languages.
        first: Language,
        /// The other.
        second: Language,
    },
    /// No language is compiled in.
    #[error("no language is compiled in")]
    NoLanguage,
}

/// The language of a phrase with its checksum word.
///
/// # Errors
///
/// [`DetectError`] if there is none, or more than one.
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

/// Reads a phrase with its checksum word in whichever language it is.
///
/// # Errors
///
/// [`DetectError`] if there is none, or more than one.
pub fn decode_any(text: &str) -> Result<(Language, Zeroizing<Vec<u8>>), DetectError> {
    let words = count_with_checksum(text)?;
    let mut found: Option<(Language, Zeroizing<Vec<u8>>)> = None;
    for language in Language::ALL.iter().copied() {
        let Ok(bytes) = read(text, words, language) else {
            continue;
        };
        match &found {
            Some((first, other)) if !bool::from(other.ct_eq(&bytes)) => {
                return Err(DetectError::Ambiguous {
                    first: *first,
                    second: language,
                });
            }
            Some(_) => {}
            None => found = Some((language, bytes)),
        }
    }
    match found {
        Some(found) => Ok(found),
        None => Err(closest(text, words)),
    }
}

/// What is wrong with a phrase in the language that knows most of its words, the first of equals.
fn closest(text: &str, words: usize) -> DetectError {
    let known = |language: &Language| {
        text.split_whitespace()
            .filter(|word| find(*language, word).is_some())
            .count()
    };
    // `max_by_key` takes the last of equals.
    match Language::ALL.iter().copied().rev().max_by_key(known) {
        Some(nearest) => match super::decode_counted(text, words, nearest) {
            Err(error) => DetectError::NotFound { nearest, error },
            // Every language was tried before.
            Ok(_) => DetectError::NoLanguage,
        },
        None => DetectError::NoLanguage,
    }
}
