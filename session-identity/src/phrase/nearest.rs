//! Suggests words of a list for a word that is not in it.

use alloc::vec::Vec;
use core::mem::swap;

use super::Language;
use super::fold::fold;

/// Maximum number of suggestions.
const OFFERED: usize = 3;
/// Maximum number of code points of the typed word that are compared. The longest word of the lists
/// has 16.
const COMPARED: usize = 24;

/// Returns up to three words of the list, the most similar first.
///
/// Takes about a million steps at most, for any input.
pub(super) fn nearest(language: Language, typed: &str) -> Vec<&'static str> {
    let Some(mut typed) = fold(typed) else {
        return Vec::new();
    };
    typed.retain(|letter| letter.is_alphabetic() || *letter == '\'');
    typed.truncate(COMPARED);
    // Ranks count twice, so this limit is about half of the letters.
    let limit = typed.len().saturating_add(1);
    let mut ranked: Vec<(usize, &'static str)> = Vec::with_capacity(OFFERED.saturating_add(1));
    let mut rows = Rows::default();
    for word in language.words() {
        let Some(letters) = fold(word) else { continue };
        let cut = letters.get(..language.prefix_length()).unwrap_or(&letters);
        // A whole word one letter off ranks before a cut one that is one letter off.
        let whole = rows.distance(&letters, &typed).saturating_mul(2);
        let short = rows
            .distance(cut, &typed)
            .saturating_mul(2)
            .saturating_add(1);
        let rank = whole.min(short);
        if rank <= limit {
            // Among equals the order of the list remains: a new word goes behind them.
            let place = ranked.partition_point(|(other, _)| *other <= rank);
            ranked.insert(place, (rank, word));
            ranked.truncate(OFFERED);
        }
    }
    ranked.into_iter().map(|(_, word)| word).collect()
}

/// The last three rows of the table of distances.
#[derive(Default)]
struct Rows {
    before: Vec<usize>,
    last: Vec<usize>,
    current: Vec<usize>,
}

impl Rows {
    /// Returns the number of letters to insert, delete, replace or swap with their neighbour that
    /// turns one into the other (optimal string alignment).
    fn distance(&mut self, a: &[char], b: &[char]) -> usize {
        self.last.clear();
        self.last.extend(0..=b.len());
        let mut previous_a = None;
        for (row, letter_a) in (1usize..).zip(a) {
            self.current.clear();
            let mut left = row;
            self.current.push(left);
            let mut previous_b = None;
            let above = self.last.windows(2);
            for (column, (letter_b, above)) in b.iter().zip(above).enumerate() {
                let &[diagonal, up] = above else { break };
                let replaced = diagonal.saturating_add(usize::from(letter_a != letter_b));
                let mut best = replaced.min(left.min(up).saturating_add(1));
                if previous_a == Some(letter_b) && previous_b == Some(letter_a) {
                    let corner = column.checked_sub(1).and_then(|at| self.before.get(at));
                    best = best.min(corner.map_or(best, |swapped| swapped.saturating_add(1)));
                }
                self.current.push(best);
                left = best;
                previous_b = Some(letter_b);
            }
            previous_a = Some(letter_a);
            swap(&mut self.before, &mut self.last);
            swap(&mut self.last, &mut self.current);
        }
        self.last.last().copied().unwrap_or(a.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distance(a: &str, b: &str) -> usize {
        let a: Vec<char> = a.chars().collect();
        let b: Vec<char> = b.chars().collect();
        Rows::default().distance(&a, &b)
    }

    #[test]
    fn distance_counts_the_four_kinds_of_mistakes() {
        assert_eq!(distance("amaze", "amaze"), 0);
        assert_eq!(distance("amaze", "amze"), 1);
        assert_eq!(distance("amaze", "ammaze"), 1);
        assert_eq!(distance("amaze", "amase"), 1);
        assert_eq!(distance("amaze", "maaze"), 1);
        assert_eq!(distance("amaze", ""), 5);
        assert_eq!(distance("", "amaze"), 5);
        assert_eq!(distance("abcd", "badc"), 2);
    }
}
