//! A compiled-in word list: the text of the file, and tables built at compile time.
//!
//! A program builds nothing when it starts. A typed word is reduced to a key: its canonical prefix,
//! packed into 32 bits. The key is compared with the key of every word of the list. The scan takes
//! the same time for every word and for none: no branch and no address depends on the key.

use zeroize::Zeroize;

/// Number of words in every list.
pub(crate) const WORDS: usize = 1626;
/// The same number, for arithmetic.
pub(crate) const N: u64 = WORDS as u64;

/// The list keeps the offset of every 16th word, so that no word is more than 15 line ends away.
const STRIDE: usize = 16;
const MARKS: usize = WORDS.div_ceil(STRIDE);

/// Maximum number of words in a list that begin with a capital letter outside ASCII.
const MAX_CAPITALS: usize = 5;

/// The index of a word in its list, below [`WORDS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Zeroize)]
pub(crate) struct Index(u16);

impl Index {
    /// Returns the index `number mod 1626`.
    pub(crate) const fn reduce(number: u64) -> Self {
        // A number below 1626 has two bytes.
        let [.., high, low] = number.wrapping_rem(N).to_be_bytes();
        Self(u16::from_be_bytes([high, low]))
    }

    /// Returns the index as a number.
    pub(crate) fn get(self) -> u64 {
        u64::from(self.0)
    }
}

/// The block of code points that contains the letters of a list.
///
/// A letter of a canonical prefix is stored as its distance from the first code point of the block:
/// one byte, never zero. A Chinese prefix has a single letter, which is stored whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "all-languages"),
    allow(dead_code, reason = "each block serves some languages only")
)]
pub(crate) enum Script {
    /// ASCII and Latin-1.
    Latin,
    Cyrillic,
    /// Hiragana and katakana.
    Kana,
    Han,
}

impl Script {
    /// First code point of the block, and its size.
    const fn block(self) -> (u32, u32) {
        match self {
            Self::Latin => (0, 0x100),
            Self::Cyrillic => (0x400, 0x100),
            Self::Kana => (0x3000, 0x100),
            Self::Han => (0, 0x1_0000),
        }
    }

    /// Returns the number for a code point in a key, or `None` outside the block.
    const fn letter(self, code: u32) -> Option<u32> {
        let (first, size) = self.block();
        match code.checked_sub(first) {
            Some(letter) if letter != 0 && letter < size => Some(letter),
            _ => None,
        }
    }

    /// The key of a canonical prefix: 0, which no word has, if a letter is outside the block.
    // Not inlined, so that the check of constant time can name it.
    #[inline(never)]
    pub(crate) fn key(self, prefix: impl Iterator<Item = char>) -> u32 {
        let mut key = 0u32;
        for letter in prefix {
            match self.letter(u32::from(letter)) {
                Some(letter) => key = key.wrapping_shl(8) | letter,
                None => return 0,
            }
        }
        key
    }

    /// Returns the canonical prefix of a key.
    pub(crate) fn prefix(self, key: u32) -> impl Iterator<Item = char> {
        let (first, _) = self.block();
        let letters = match self {
            Self::Han => [0, 0, 0, key],
            _ => key.to_be_bytes().map(u32::from),
        };
        letters
            .into_iter()
            .filter(|letter| *letter != 0)
            .filter_map(move |letter| char::from_u32(first.saturating_add(letter)))
    }
}

/// One of the twelve lists.
pub(crate) struct WordList {
    /// One word per line, as in the file.
    text: &'static str,
    /// Number of code points that distinguish a word from all others: 1, 3 or 4.
    prefix_length: usize,
    script: Script,
    /// The key of each word, in the order of the list.
    keys: [u32; WORDS],
    /// The offset in `text` of each 16th word.
    marks: [u16; MARKS],
    /// The keys of the words that begin with Ä, Ö or Ü; the rest are zero.
    capitals: [u32; MAX_CAPITALS],
    /// Set if a canonical prefix of the list contains ß.
    has_sharp_s: bool,
}

impl WordList {
    pub(crate) const fn prefix_length(&self) -> usize {
        self.prefix_length
    }

    pub(crate) const fn script(&self) -> Script {
        self.script
    }

    /// Returns whether a canonical prefix of the list contains ß.
    pub(crate) const fn has_sharp_s(&self) -> bool {
        self.has_sharp_s
    }

    /// Returns the key of a folded word.
    pub(crate) fn key(&self, letters: &[char]) -> u32 {
        self.script
            .key(letters.iter().take(self.prefix_length).copied())
    }

    /// Returns the index of the word with this key. Constant time.
    pub(crate) fn find(&self, key: u32) -> Option<Index> {
        let mut found = 0u16;
        for (place, candidate) in (1u16..).zip(&self.keys) {
            let difference = candidate ^ key;
            // The top bit is set unless they are equal; `same` is all ones if they are.
            let top = (difference | difference.wrapping_neg()) >> 31;
            let same = 0u16.wrapping_sub(u16::from(top == 0));
            found |= place & same;
        }
        found.checked_sub(1).map(Index)
    }

    /// Returns whether the word with this key begins with Ä, Ö or Ü. All capitals are compared.
    pub(crate) fn is_capital(&self, key: u32) -> bool {
        self.capitals
            .iter()
            .fold(false, |found, capital| found | (*capital == key))
    }

    /// Returns the key of the word at `index`.
    #[expect(clippy::expect_used, reason = "an index is below the number of words")]
    pub(crate) fn key_at(&self, index: Index) -> u32 {
        let key = self.keys.get(usize::from(index.0));
        *key.expect("an index is below the number of words")
    }

    /// Returns the word at `index`.
    #[expect(
        clippy::expect_used,
        reason = "an index is below the number of words, and `compile` counts the words"
    )]
    pub(crate) fn word(&self, index: Index) -> &'static str {
        let index = usize::from(index.0);
        let mark = self.marks.get(index / STRIDE).copied();
        mark.and_then(|mark| self.text.get(usize::from(mark)..))
            .and_then(|text| text.lines().nth(index % STRIDE))
            .expect("an index is below the number of words")
    }

    /// Returns all words in order.
    pub(crate) fn words(&self) -> core::str::Lines<'static> {
        self.text.lines()
    }
}

#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::panic,
    reason = "runs at compile time only: a failure here is a failure to build"
)]
#[cfg_attr(
    not(feature = "english"),
    allow(dead_code, reason = "without any language there is nothing to compile")
)]
impl WordList {
    /// Builds the tables of a list. Only initialisers of statics may call it.
    pub(crate) const fn compile(text: &'static str, prefix_length: usize, script: Script) -> Self {
        let bytes = text.as_bytes();
        let mut keys = [0; WORDS];
        let mut marks = [0; MARKS];
        let mut capitals = [0; MAX_CAPITALS];
        let mut capital = 0;
        let mut has_sharp_s = false;
        let mut at = 0;
        let mut word = 0;
        while word < WORDS {
            if word % STRIDE == 0 {
                assert!(at <= u16::MAX as usize, "list too long");
                marks[word / STRIDE] = at as u16;
            }
            let (first, _) = decode(bytes, at);
            let mut letters = 0;
            while bytes[at] != b'\n' {
                let (code, length) = decode(bytes, at);
                if letters < prefix_length {
                    let Some(letter) = script.letter(lower(code)) else {
                        panic!("letter of another script");
                    };
                    keys[word] = keys[word] << 8 | letter;
                    has_sharp_s |= code == 0xdf;
                    letters += 1;
                }
                at += length;
            }
            if lower(first) != first && first > 0x7f {
                // `Folding::Ascii` restores these three.
                assert!(matches!(first, 0xc4 | 0xd6 | 0xdc), "another capital");
                capitals[capital] = keys[word];
                capital += 1;
            }
            at += 1;
            word += 1;
        }
        assert!(at == bytes.len(), "too many words");
        Self {
            text,
            prefix_length,
            script,
            keys,
            marks,
            capitals,
            has_sharp_s,
        }
    }
}

/// Returns the code point at an offset of valid UTF-8, and its length in bytes.
#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "runs at compile time only"
)]
#[cfg_attr(not(feature = "english"), allow(dead_code, reason = "as its caller"))]
const fn decode(bytes: &[u8], at: usize) -> (u32, usize) {
    let first = bytes[at] as u32;
    if first < 0x80 {
        return (first, 1);
    }
    let second = (bytes[at + 1] & 0x3f) as u32;
    if first < 0xe0 {
        return ((first & 0x1f) << 6 | second, 2);
    }
    let third = (bytes[at + 2] & 0x3f) as u32;
    assert!(first < 0xf0, "letter outside the basic plane");
    ((first & 0x0f) << 12 | second << 6 | third, 3)
}

/// Simple lower case of the capital letters in the lists, which are Latin-1.
#[expect(clippy::arithmetic_side_effects, reason = "runs at compile time only")]
#[cfg_attr(not(feature = "english"), allow(dead_code, reason = "as its caller"))]
const fn lower(code: u32) -> u32 {
    match code {
        0x41..=0x5a | 0xc0..=0xd6 | 0xd8..=0xde => code + 0x20,
        _ => code,
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec::Vec;
    use std::collections::HashSet;

    use unicode_normalization::{UnicodeNormalization, is_nfkc};

    use super::{Index, WORDS};
    use crate::phrase::fold::{MAX_WORD_BYTES, fold};
    use crate::phrase::lookup::find;
    use crate::phrase::{Language, ROOM_FOR_A_WORD};

    #[test]
    fn every_word_of_every_list_is_found_where_it_stands() {
        for language in Language::ALL.iter().copied() {
            let list = language.list();
            let words: Vec<_> = list.words().collect();
            assert_eq!(words.len(), WORDS);
            for (index, word) in (0u16..).zip(&words) {
                let index = Index(index);
                assert_eq!(list.word(index), *word);
                assert_eq!(find(language, word).unwrap().index, index);
                let key = list.key_at(index);
                assert_eq!(list.find(key), Some(index));
                // The compile-time tables come from other, smaller code than run-time folding.
                let folded = fold(word).unwrap();
                let prefix = folded.iter().take(list.prefix_length()).copied();
                assert!(list.script().prefix(key).eq(prefix));
                let decomposed: String = word.nfd().collect();
                assert_eq!(find(language, &decomposed).unwrap().index, index);
                assert_eq!(
                    list.is_capital(key),
                    word.starts_with(|first: char| !first.is_ascii() && first.is_uppercase())
                );
                assert!(is_nfkc(word));
                assert!(word.len() < ROOM_FOR_A_WORD && decomposed.len() < MAX_WORD_BYTES);
            }
            let keys: HashSet<_> = list.keys.iter().collect();
            assert_eq!(keys.len(), WORDS);
            assert!(!keys.contains(&0));
            assert_eq!(list.find(0), None);
            assert_eq!(list.has_sharp_s(), is_german(language));
        }
    }

    fn is_german(language: Language) -> bool {
        language.english_name() == "German"
    }

    #[test]
    fn an_index_is_reduced() {
        assert_eq!(Index::reduce(1625).get(), 1625);
        assert_eq!(Index::reduce(1626).get(), 0);
        assert_eq!(Index::reduce(u64::MAX).get(), u64::MAX % 1626);
    }

    #[test]
    fn letters_of_other_scripts_are_no_key() {
        for language in Language::ALL.iter().copied() {
            // Outside the blocks, at their edges, and beyond the basic plane.
            for letter in ['\0', 'ā', 'Ͽ', '\u{500}', '\u{2fff}', '\u{3100}', '𐀀', '𝐚'] {
                let word: String = [letter; 4].iter().collect();
                assert!(find(language, &word).is_none(), "{letter:?}");
            }
        }
    }
}
