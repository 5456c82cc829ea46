//! Which word of a phrase is repeated at its end.

use super::list::Script;

/// How letters enter the checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Folding {
    /// Simple lower case: what the protocol writes.
    Simple,
    /// Full case folding, where ß is ss, as some deployed code has it.
    Full,
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

/// The place, among the words with these keys, of the one to repeat. 0 if there are none.
pub(super) fn place(script: Script, prefix_length: usize, keys: &[u32], folding: Folding) -> usize {
    let words = u32::try_from(keys.len()).unwrap_or(u32::MAX);
    let mut crc = Crc32::new();
    for key in keys {
        for letter in folded(script.prefix(*key), folding).take(prefix_length) {
            crc.update(letter.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    let place = crc.value().checked_rem(words).unwrap_or(0);
    usize::try_from(place).unwrap_or(0)
}

/// The key of the word to repeat. All keys are read, whichever it is.
pub(super) fn repeated(
    script: Script,
    prefix_length: usize,
    keys: &[u32],
    folding: Folding,
) -> u32 {
    let place = place(script, prefix_length, keys, folding);
    let chosen = |found, (at, key): (usize, &u32)| if at == place { *key } else { found };
    keys.iter().enumerate().fold(0, chosen)
}

/// The letters of a prefix, folded. More of them than before if there is a ß.
fn folded(letters: impl Iterator<Item = char>, folding: Folding) -> impl Iterator<Item = char> {
    letters.flat_map(move |letter| match (letter, folding) {
        ('ß', Folding::Full) => ['s', 's'].into_iter().take(2),
        _ => [letter; 2].into_iter().take(1),
    })
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
