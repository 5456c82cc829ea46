//! From a word as it was typed to what identifies it.
//!
//! `canon_prefix(word)` is the first U code points of `fold(NFC(word))`, where `fold` is the simple
//! lower-case mapping, one code point to one (protocol: identity, section 3.4). Both halves matter:
//!
//! - *Full* case folding turns ß into ss, and then "Floskel" and "Floß" are one word, and so are
//!   "Maßanzug" and "Maßkrug": the phrase restores another account.
//! - Without NFC a combining mark counts as a letter: "тайна", decomposed, becomes "таинство".

use unicode_normalization::UnicodeNormalization;

/// Longest word that is looked at, in bytes. The longest of a list has 21, decomposed 42.
///
/// Without a bound a megabyte of combining marks would have to be sorted to normalise it.
pub(crate) const MAX_WORD_BYTES: usize = 128;

/// The word in NFC and lower case, one code point after the other.
///
/// A word longer than [`MAX_WORD_BYTES`] gives nothing.
pub(crate) fn fold(word: &str) -> impl Iterator<Item = char> {
    let word = if word.len() > MAX_WORD_BYTES {
        ""
    } else {
        word
    };
    word.nfc().map(simple_lower)
}

/// Unicode's simple lower-case mapping.
///
/// The standard library has the full one, which differs for a single code point: İ, U+0130, becomes
/// i and a combining dot. Its simple mapping is the first of the two.
fn simple_lower(letter: char) -> char {
    letter.to_lowercase().next().unwrap_or(letter)
}
