//! The words of a list that look most like a word that is not in it.

use alloc::vec::Vec;
use core::mem::swap;

use super::Language;
use super::fold::fold;

/// How many are offered.
const OFFERED: usize = 3;
/// Code points of the typed word that are looked at. The longest word of a list has 16.
const COMPARED: usize = 24;

/// Up to three words, the most similar first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Suggestions {
    words: [&'static str; OFFERED],
    count: usize,
}

impl Suggestions {
    pub(super) fn as_slice(&self) -> &[&'static str] {
        self.words.get(..self.count).unwrap_or_default()
    }
}

/// The words of the list nearest to `typed`, as far as there is any likeness.
///
/// About a million steps at most, whatever was typed.
pub(super) fn nearest(language: Language, typed: &str) -> Suggestions {
    let mut typed = fold(typed);
    typed.retain(|letter| letter.is_alphabetic() || *letter == '\'');
    typed.truncate(COMPARED);
    // Ranks count twice, so this is about half of the letters: more wrong is no likeness.
    let limit = typed.len().saturating_add(1);
    let mut ranked: [(usize, &'static str); OFFERED] = [(usize::MAX, ""); OFFERED];
    let mut rows = Rows::default();
    for word in language.words() {
        let letters = fold(word);
        let cut = letters.get(..language.prefix_length()).unwrap_or(&letters);
        // A whole word one letter off ranks before a cut one that is one letter off.
        let whole = rows.distance(&letters, &typed).saturating_mul(2);
        let short = rows
            .distance(cut, &typed)
            .saturating_mul(2)
            .saturating_add(1);
        let rank = whole.min(short);
        // `>` keeps the order of the list among equals: a new one goes behind them.
        if rank <= limit
            && let Some(place) = ranked.iter().position(|(other, _)| *other > rank)
            && let Some(tail) = ranked.get_mut(place..)
        {
            tail.rotate_right(1);
            if let Some(first) = tail.first_mut() {
                *first = (rank, word);
            }
        }
    }
    Suggestions {
        words: ranked.map(|(_, word)| word),
        count: ranked.iter().filter(|(rank, _)| *rank <= limit).count(),
    }
}

/// The last three rows of the table of distances.
#[derive(Default)]
struct Rows {
    before: Vec<usize>,
    last: Vec<usize>,
    current: Vec<usize>,
}

impl Rows {
    /// How many letters must be put in, left out, replaced or swapped with their neighbour to make
    /// one of the other (optimal string alignment).
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
