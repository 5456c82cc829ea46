//! Selects the word of a phrase that is repeated at its end.

use subtle::{ConditionallySelectable, ConstantTimeEq};

use super::list::WordList;

/// The folding of a word before the checksum.
///
/// Clients differ in German only, for words that begin with Ä, Ö or Ü and for words with ß within
/// their first four letters (protocol: identity, section 3.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Folding {
    /// Full case folding, where ß is "ss": the newest clients.
    Full,
    /// Simple lower case, where ß remains: the first form of this crate.
    Simple,
    /// Lower case in ASCII only, where Ä, Ö, Ü and ß remain: older clients.
    Ascii,
}

impl Folding {
    /// Returns the foldings whose checksum word is accepted, the written one first.
    ///
    /// Lists without ß have one, so that no branch depends on a letter of their words.
    pub(super) const fn accepted(list: &WordList) -> &'static [Self] {
        if list.has_sharp_s() {
            &[Self::Full, Self::Simple, Self::Ascii]
        } else {
            &[Self::Simple]
        }
    }
}

/// CRC-32 of zlib: reflected, polynomial 0xEDB88320, initial value and final xor all ones.
///
/// Bit by bit and without a table, as the input is secret and a few dozen bytes long.
struct Crc32(u32);

impl Crc32 {
    const fn new() -> Self {
        Self(u32::MAX)
    }

    fn update(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 ^= u32::from(*byte);
            for _ in 0..8 {
                let mask = (self.0 & 1).wrapping_neg();
                self.0 = self.0 >> 1 ^ mask & 0xedb8_8320;
            }
        }
    }

    const fn value(&self) -> u32 {
        !self.0
    }
}

/// Returns the position, among the words with these keys, of the word to repeat.
///
/// `None` if there are no words.
pub(super) fn position(list: &WordList, keys: &[u32], folding: Folding) -> Option<u32> {
    let mut crc = Crc32::new();
    for key in keys {
        for letter in folded(list, *key, folding).take(list.prefix_length()) {
            crc.update(letter.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    let words = u32::try_from(keys.len()).ok()?;
    crc.value().checked_rem(words)
}

/// Returns the key of the word to repeat, or `None` if there are no words. All keys are read,
/// whichever it is.
pub(super) fn repeated(list: &WordList, keys: &[u32], folding: Folding) -> Option<u32> {
    let position = position(list, keys, folding)?;
    let mut chosen = 0u32;
    for (at, key) in (0u32..).zip(keys) {
        chosen.conditional_assign(key, at.ct_eq(&position));
    }
    Some(chosen)
}

/// Returns the letters of a prefix, folded. There is one more of them if ß becomes "ss".
fn folded(list: &WordList, key: u32, folding: Folding) -> impl Iterator<Item = char> {
    let capital = folding == Folding::Ascii && list.is_capital(key);
    let letters = list.script().prefix(key).enumerate();
    letters.flat_map(move |(at, letter)| match folding {
        Folding::Full if letter == 'ß' => ['s', 's'].into_iter().take(2),
        Folding::Ascii if capital && at == 0 => [capital_of(letter); 2].into_iter().take(1),
        _ => [letter; 2].into_iter().take(1),
    })
}

/// Returns the capital of the first letter of a word for which [`WordList::is_capital`] holds.
const fn capital_of(letter: char) -> char {
    match letter {
        'ä' => 'Ä',
        'ö' => 'Ö',
        'ü' => 'Ü',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc_has_the_check_value_of_zlib() {
        let mut crc = Crc32::new();
        crc.update(b"1234");
        crc.update(b"56789");
        assert_eq!(crc.value(), 0xcbf4_3926);
    }
}
