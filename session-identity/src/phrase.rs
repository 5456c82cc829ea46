//! Recovery phrases: bytes as words of a list, with a checksum word that repeats one of them.
//!
//! Four bytes become three words; each word depends on the one before it, so that equal bytes need
//! not become equal words. This is the scheme of Monero and Electrum with lists of 1626 words
//! (protocol: identity, section 3).
//!
//! [`Seed`](crate::Seed) has the phrases of accounts. The functions here accept other lengths too.
//!
//! # What the checksum detects
//!
//! The last word repeats one of the others, selected by a CRC-32. It does not protect against
//! deliberate changes, and it detects mistakes poorly: about one in twelve goes unnoticed and
//! restores *another* account. Counted for four English phrases of 13 words (`tests/checksum.rs`):
//!
//! | mistake | tried | impossible triple | checksum | unnoticed |
//! |---|---|---|---|---|
//! | one word replaced by another of the list | 84,500 | 868 | 76,327 | 7,305 (8.6 %) |
//! | two different words swapped | 301 | 5 | 264 | 32 (10.6 %) |
//!
//! Show the account id and have it confirmed before a restored account is used, or compare it:
//! [`Account::restore`](crate::Account::restore). Without a checksum word only impossible triples
//! are detected. [`substitutions`] lists the words that were read as another than was typed.
//!
//! # Phrases of other clients
//!
//! Clients fold the capital letters of German in three ways, and the checksum word depends on it
//! (protocol: identity, section 3.6). All three are accepted; the newest is written.
//!
//! # Timing
//!
//! The index of a word in the list is secret. Lookup compares a typed word with all 1626 words
//! without a branch or an address that depends on it, and the checksum is computed without a table.
//! The following depends on the secret: the number and lengths of the words in memory, the
//! normalization, lookup and checksum of words with letters outside ASCII and of German words with
//! "ss" (Unicode tables, lengths in UTF-8, accesses to the list), the writing of a phrase (accesses
//! to the list), the search for the language, and everything after an error. Rust does not
//! guarantee constant time; in the machine code for x86-64 the search is a loop of vector
//! comparisons without a branch except at its end.

mod checksum;
#[cfg_attr(
    not(feature = "english"),
    allow(
        unreachable_code,
        reason = "without any language `Language` has no values"
    )
)]
mod detect;
mod error;
mod fold;
mod language;
mod list;
mod lookup;
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
use self::list::{Index, N};
use self::lookup::find;

/// Maximum number of bytes that are written as a phrase.
pub const MAX_BYTES: usize = 64;
/// Maximum number of words of a phrase, its checksum word included.
pub const MAX_WORDS: usize = 49;

const N_SQUARED: u64 = N.pow(2);
/// Maximum length of a word of the lists in bytes, and a space.
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
    let repeated = Folding::accepted(list)
        .first()
        .and_then(|written| checksum::position(list, &keys, *written))
        .and_then(|position| usize::try_from(position).ok())
        .and_then(|position| indexes.get(position).copied())
        .ok_or(LengthError { got: bytes.len() })?;
    indexes.push(repeated);
    Ok(join(language, &indexes))
}

/// Writes bytes as words without a checksum word.
///
/// Mistakes in such a phrase cannot be detected. Prefer [`encode`].
///
/// # Errors
///
/// [`LengthError`] unless there are 4 to [`MAX_BYTES`] bytes, a multiple of 4.
pub fn encode_without_checksum(
    bytes: &[u8],
    language: Language,
) -> Result<Zeroizing<String>, LengthError> {
    let indexes = to_indexes(bytes)?;
    Ok(join(language, &indexes))
}

/// Reads a phrase with its checksum word: 4 to 49 words, of which the last is the checksum.
///
/// Any white space separates words. Only the first letters of a word count, in upper or lower case,
/// composed or decomposed; the protocol ignores the letters after them.
///
/// # Errors
///
/// [`PhraseError`] for the first mistake.
pub fn decode(text: &str, language: Language) -> Result<Zeroizing<Vec<u8>>, PhraseError> {
    decode_counted(text, count_with_checksum(text)?, language)
}

/// Reads a phrase without a checksum word: 3 to 48 words.
///
/// Mistakes are detected only if a word is not in the list or a triple is impossible.
///
/// # Errors
///
/// [`PhraseError`] for the first mistake.
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

/// Returns the number of words of a text.
pub(crate) fn count(text: &str) -> usize {
    text.split_whitespace().count()
}

/// Returns the number of words of a phrase with its checksum word.
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

/// Reads a phrase of `words` words. If that is one more than a multiple of 3, the last word is the
/// checksum.
pub(crate) fn decode_counted(
    text: &str,
    words: usize,
    language: Language,
) -> Result<Zeroizing<Vec<u8>>, PhraseError> {
    read(text, words, language).map_err(|fault| fault.explain(language))
}

/// The first mistake of a phrase, before suggestions are computed.
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
        match find(language, word) {
            Some(found) => Ok(Some(found)),
            None => Err(Fault::Unknown { position, word }),
        }
    };
    for first in (1..words).step_by(3) {
        let (Some(a), Some(b), Some(c)) = (next()?, next()?, next()?) else {
            break;
        };
        let value = from_indexes(a.index, b.index, c.index).ok_or(Fault::InvalidValue { first })?;
        bytes.extend_from_slice(&value.to_le_bytes());
        keys.extend_from_slice(&[a.key, b.key, c.key]);
    }
    if let Some(last) = next()? {
        // The keys are those that were typed: no table is read at a secret place.
        let mut confirmed = false;
        for folding in Folding::accepted(list) {
            if let Some(repeated) = checksum::repeated(list, &keys, *folding) {
                confirmed |= repeated == last.key;
            }
        }
        if !confirmed {
            return Err(Fault::Checksum);
        }
    }
    Ok(bytes)
}

fn unknown(language: Language, position: usize, word: &str) -> UnknownWord {
    // 32 code points have at most 128 bytes: the text does not move while it grows.
    let mut quoted = Zeroizing::new(String::with_capacity(128));
    quoted.extend(word.chars().take(32));
    UnknownWord {
        language,
        position,
        suggestions: nearest::nearest(language, &quoted),
        word: quoted,
    }
}

/// Returns the indexes of the words for `bytes`.
fn to_indexes(bytes: &[u8]) -> Result<Zeroizing<Vec<Index>>, LengthError> {
    let (groups, rest) = bytes.as_chunks::<4>();
    if groups.is_empty() || !rest.is_empty() || bytes.len() > MAX_BYTES {
        return Err(LengthError { got: bytes.len() });
    }
    let mut indexes = Zeroizing::new(Vec::with_capacity(MAX_WORDS));
    for group in groups {
        let value = u64::from(u32::from_le_bytes(*group));
        let first = Index::reduce(value);
        let second = Index::reduce(value.wrapping_div(N).wrapping_add(first.get()));
        let third = Index::reduce(value.wrapping_div(N_SQUARED).wrapping_add(second.get()));
        indexes.extend([first, second, third]);
    }
    Ok(indexes)
}

/// Returns the number that three words encode, or `None` if it is above 2^32 - 1.
fn from_indexes(a: Index, b: Index, c: Index) -> Option<u32> {
    let [a, b, c] = [a, b, c].map(Index::get);
    let step = |from: u64, to: u64| N.wrapping_sub(from).wrapping_add(to).wrapping_rem(N);
    // At most N^3 - 1, which is below 2^33.
    let high = step(b, c).wrapping_mul(N).wrapping_add(step(a, b));
    u32::try_from(high.wrapping_mul(N).wrapping_add(a)).ok()
}

/// Joins the words at these indexes. The capacity suffices from the start, so that the text does
/// not move while it grows.
fn join(language: Language, indexes: &[Index]) -> Zeroizing<String> {
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
