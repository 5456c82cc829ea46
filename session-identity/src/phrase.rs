//! Recovery phrases: bytes as words of a list, with one more word that repeats one of them.
//!
//! Four bytes are three words; the words chain, so that equal bytes need not be equal words. This
//! is the scheme of Monero and Electrum with lists of 1626 words (protocol: identity, section 3).
//!
//! [`Seed`](crate::Seed) has the phrases of accounts. The functions here take other lengths too.
//!
//! # What the checksum is worth
//!
//! The last word repeats one of the others, chosen by a CRC-32. It is no protection against
//! deliberate change, and against mistakes a weak one: about one in twelve goes unnoticed and
//! restores *another* account. Counted for four English phrases of 13 words (`tests/checksum.rs`):
//!
//! | mistake | tried | impossible triple | checksum | unnoticed |
//! |---|---|---|---|---|
//! | one word replaced by another of the list | 84,500 | 868 | 76,327 | 7,305 (8.6 %) |
//! | two different words swapped | 301 | 5 | 264 | 32 (10.6 %) |
//!
//! Show the account id and have it confirmed before anything is done with a restored account, or
//! compare it: [`Account::restore`](crate::Account::restore). Without a checksum word only the
//! impossible triples are noticed. [`substitutions`] lists the words that were read as another than
//! was typed.
//!
//! # Timing
//!
//! The position of a word in the list is secret. Looking a typed word up compares it with all 1626
//! words without a branch or an address that depends on it, and the checksum is computed without a
//! table. What does depend on the secret: the number and lengths of the words in memory, the
//! normalisation and the checksum of words with other than ASCII letters (Unicode tables, lengths in
//! UTF-8), the writing of a phrase (accesses to the list), the search for the language, and
//! everything once a word is wrong. Rust promises no constant time; in the machine code for x86-64 the search is a
//! loop of vector comparisons without a branch but its end.

mod checksum;
mod detect;
mod error;
mod fold;
mod language;
mod list;
mod nearest;
mod substitution;

use alloc::string::String;
use alloc::vec::Vec;

use zeroize::Zeroizing;

pub use self::detect::{DetectError, decode_any, detect};
pub use self::error::{LengthError, PhraseError, UnknownWord};
pub use self::language::{Language, UnknownLanguage};
pub use self::substitution::{Substitution, substitutions};

use self::checksum::Folding;
use self::list::WORDS;

/// Most bytes that are written as a phrase.
pub const MAX_BYTES: usize = 64;
/// Words of the longest phrase, its checksum word included.
pub const MAX_WORDS: usize = 49;

/// The lists have this many words.
const N: u64 = WORDS as u64;
const N_SQUARED: u64 = N.pow(2);
/// Longest word of all lists in bytes, and a space.
const ROOM_FOR_A_WORD: usize = 22;

/// Writes bytes as words, with a checksum word at the end, joined by single spaces.
///
/// # Errors
///
/// [`LengthError`] unless there are 4 to [`MAX_BYTES`] bytes, a multiple of 4.
pub fn encode(bytes: &[u8], language: Language) -> Result<Zeroizing<String>, LengthError> {
    let mut indexes = to_indexes(bytes)?;
    let list = language.list();
    let mut keys = Zeroizing::new(Vec::with_capacity(indexes.len()));
    keys.extend(indexes.iter().map(|index| list.key_at(*index)));
    let place = checksum::place(list.script(), list.prefix_length(), &keys, Folding::Simple);
    let repeated = indexes.get(place).copied().unwrap_or_default();
    indexes.push(repeated);
    Ok(join(language, &indexes))
}

/// Writes bytes as words without a checksum word.
///
/// Nothing tells such a phrase from one with a mistake. Prefer [`encode`].
///
/// # Errors
///
/// As [`encode`].
pub fn encode_without_checksum(
    bytes: &[u8],
    language: Language,
) -> Result<Zeroizing<String>, LengthError> {
    let indexes = to_indexes(bytes)?;
    Ok(join(language, &indexes))
}

/// Reads a phrase with its checksum word: 4 to 49 words, of which the last is the checksum.
///
/// Words are parted by any white space. Of each word the first letters count, in upper or lower
/// case, composed or not; what follows them is ignored, as the protocol has it.
///
/// # Errors
///
/// [`PhraseError`] for the first thing that is wrong.
pub fn decode(text: &str, language: Language) -> Result<Zeroizing<Vec<u8>>, PhraseError> {
    decode_counted(text, count_with_checksum(text)?, language)
}

/// Reads a phrase without a checksum word: 3 to 48 words.
///
/// A mistake in it cannot be noticed, unless a word is not in the list.
///
/// # Errors
///
/// [`PhraseError`] for the first thing that is wrong.
pub fn decode_without_checksum(
    text: &str,
    language: Language,
) -> Result<Zeroizing<Vec<u8>>, PhraseError> {
    let words = count(text);
    if !(3..MAX_WORDS).contains(&words) || !words.is_multiple_of(3) {
        return Err(PhraseError::WordCount {
            expected: "3 to 48, a multiple of 3,",
            got: words,
        });
    }
    decode_counted(text, words, language)
}

/// How many words a text has.
pub(crate) fn count(text: &str) -> usize {
    text.split_whitespace().count()
}

/// How many words a phrase with its checksum word has.
fn count_with_checksum(text: &str) -> Result<usize, PhraseError> {
    let words = count(text);
    if (4..=MAX_WORDS).contains(&words) && words % 3 == 1 {
        return Ok(words);
    }
    Err(PhraseError::WordCount {
        expected: "4 to 49, one more than a multiple of 3,",
        got: words,
    })
}

/// Reads a phrase of so many words. With one more than a multiple of 3, the last is the checksum.
pub(crate) fn decode_counted(
    text: &str,
    words: usize,
    language: Language,
) -> Result<Zeroizing<Vec<u8>>, PhraseError> {
    read(text, words, language).map_err(|fault| fault.explain(language))
}

/// What is wrong with a phrase, before suggestions are looked for.
enum Fault<'a> {
    Unknown { position: usize, word: &'a str },
    InvalidValue { first: usize },
    Checksum,
}

#[cfg_attr(
    not(feature = "english"),
    allow(unreachable_code, reason = "without any language no word is unknown")
)]
impl Fault<'_> {
    fn explain(self, language: Language) -> PhraseError {
        match self {
            Self::Unknown { position, word } => unknown(language, position, word).into(),
            Self::InvalidValue { first } => PhraseError::InvalidValue {
                first,
                last: first.saturating_add(2),
            },
            Self::Checksum => PhraseError::Checksum,
        }
    }
}

fn read(text: &str, words: usize, language: Language) -> Result<Zeroizing<Vec<u8>>, Fault<'_>> {
    let list = language.list();
    let mut keys = Zeroizing::new(Vec::with_capacity(words));
    let mut bytes = Zeroizing::new(Vec::with_capacity(words.saturating_mul(2)));
    let mut reader = (1usize..).zip(text.split_whitespace());
    let mut next = || {
        let Some((position, word)) = reader.next() else {
            return Ok(None);
        };
        let key = key(language, word);
        match list.find(key) {
            Some(index) => Ok(Some((index, key))),
            None => Err(Fault::Unknown { position, word }),
        }
    };
    for first in (1..words).step_by(3) {
        let (Some(a), Some(b), Some(c)) = (next()?, next()?, next()?) else {
            break;
        };
        let value = from_indexes(a.0, b.0, c.0).ok_or(Fault::InvalidValue { first })?;
        bytes.extend_from_slice(&value.to_le_bytes());
        keys.extend_from_slice(&[a.1, b.1, c.1]);
    }
    if let Some((_, last)) = next()? {
        let confirmed = |folding| {
            // The keys are those that were typed: no table is read at a secret place.
            checksum::repeated(list.script(), list.prefix_length(), &keys, folding) == last
        };
        // The second differs from the first for German words with ß only.
        if !confirmed(Folding::Simple) && !confirmed(Folding::Full) {
            return Err(Fault::Checksum);
        }
    }
    Ok(bytes)
}

/// The key of a typed word.
fn key(language: Language, word: &str) -> u32 {
    let list = language.list();
    let folded = fold::fold(word);
    let prefix = folded.iter().take(list.prefix_length());
    list.script().key(prefix.copied())
}

/// The place of a typed word in the list.
fn find(language: Language, word: &str) -> Option<u16> {
    language.list().find(key(language, word))
}

fn unknown(language: Language, position: usize, word: &str) -> UnknownWord {
    // 32 code points are 128 bytes at most: the text is not copied while it grows.
    let mut quoted = Zeroizing::new(String::with_capacity(128));
    quoted.extend(word.chars().take(32));
    UnknownWord {
        language,
        position,
        suggestions: nearest::nearest(language, &quoted),
        word: quoted,
    }
}

/// The places in the list of the words for `bytes`.
fn to_indexes(bytes: &[u8]) -> Result<Zeroizing<Vec<u16>>, LengthError> {
    let (groups, rest) = bytes.as_chunks::<4>();
    if groups.is_empty() || !rest.is_empty() || bytes.len() > MAX_BYTES {
        return Err(LengthError { got: bytes.len() });
    }
    let mut indexes = Zeroizing::new(Vec::with_capacity(MAX_WORDS));
    for group in groups {
        let value = u64::from(u32::from_le_bytes(*group));
        let first = value.wrapping_rem(N);
        let second = value.wrapping_div(N).wrapping_add(first).wrapping_rem(N);
        let third = value
            .wrapping_div(N_SQUARED)
            .wrapping_add(second)
            .wrapping_rem(N);
        // All are below 1626.
        indexes.extend([first, second, third].map(|index| u16::try_from(index).unwrap_or(0)));
    }
    Ok(indexes)
}

/// The number that three words stand for, unless it is above 2^32 - 1.
fn from_indexes(a: u16, b: u16, c: u16) -> Option<u32> {
    let [a, b, c] = [a, b, c].map(u64::from);
    let step = |from: u64, to: u64| N.wrapping_sub(from).wrapping_add(to).wrapping_rem(N);
    // At most N^3 - 1, which is below 2^33.
    let high = step(b, c).wrapping_mul(N).wrapping_add(step(a, b));
    u32::try_from(high.wrapping_mul(N).wrapping_add(a)).ok()
}

/// The words at these places. There is room for all of them from the start, so that the text is not
/// copied while it grows.
fn join(language: Language, indexes: &[u16]) -> Zeroizing<String> {
    let room = indexes.len().saturating_mul(ROOM_FOR_A_WORD);
    let mut text = Zeroizing::new(String::with_capacity(room));
    for index in indexes {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(language.list().word(*index));
    }
    text
}
