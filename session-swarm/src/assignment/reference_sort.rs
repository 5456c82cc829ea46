//! The `std::sort` of GNU libstdc++ (protocol: swarm, section 5.6).
//!
//! The sort is not stable, and its order of equal keys decides which swarm gets a node. An
//! implementation that must agree with the deployed daemons has to sort in the same steps.

/// Sorts by a key in the steps of the reference.
pub(super) fn sort_by_key<T: Copy>(items: &mut [T], key: impl Fn(&T) -> usize) {
    let depth = items.len().checked_ilog2().unwrap_or(0).saturating_mul(2);
    let mut sorter = Sorter { items, key };
    sorter.intro(0, sorter.items.len(), depth);
    sorter.insertion();
}

/// Length of the parts that are left to the insertion sort.
const SMALL: usize = 16;

struct Sorter<'a, T, K> {
    items: &'a mut [T],
    key: K,
}

impl<T: Copy, K: Fn(&T) -> usize> Sorter<'_, T, K> {
    /// Compares two items. The algorithm yields valid indices; invalid ones would compare as equal.
    fn key(&self, index: usize) -> usize {
        self.items.get(index).map_or(0, &self.key)
    }

    fn less(&self, left: usize, right: usize) -> bool {
        self.key(left) < self.key(right)
    }

    fn swap(&mut self, left: usize, right: usize) {
        if left.max(right) < self.items.len() {
            self.items.swap(left, right);
        }
    }

    fn intro(&mut self, first: usize, mut last: usize, mut depth: u32) {
        while last.saturating_sub(first) > SMALL {
            if depth == 0 {
                self.heap_sort(first, last);
                return;
            }
            depth = depth.saturating_sub(1);
            let cut = self.partition(first, last);
            self.intro(cut, last, depth);
            last = cut;
        }
    }

    fn partition(&mut self, first: usize, last: usize) -> usize {
        let x = first.saturating_add(1);
        let y = first.saturating_add(last.saturating_sub(first) / 2);
        let w = last.saturating_sub(1);
        let median = if self.less(x, y) {
            if self.less(y, w) {
                y
            } else if self.less(x, w) {
                w
            } else {
                x
            }
        } else if self.less(x, w) {
            x
        } else if self.less(y, w) {
            w
        } else {
            y
        };
        self.swap(first, median);
        let pivot = self.key(first);
        let (mut i, mut j) = (x, last);
        loop {
            while self.key(i) < pivot {
                i = i.saturating_add(1);
            }
            j = j.saturating_sub(1);
            while pivot < self.key(j) {
                j = j.saturating_sub(1);
            }
            if i >= j {
                return i;
            }
            self.swap(i, j);
            i = i.saturating_add(1);
        }
    }

    fn insertion(&mut self) {
        for end in 1..self.items.len() {
            let mut index = end;
            while let Some(before) = index.checked_sub(1)
                && self.less(index, before)
            {
                self.swap(index, before);
                index = before;
            }
        }
    }

    /// Sorts with a binary max-heap, built bottom-up. A pop sifts the hole down to a leaf, along
    /// the larger children (the right one of equals), and then sifts the last item up from there.
    fn heap_sort(&mut self, first: usize, last: usize) {
        let length = last.saturating_sub(first);
        for parent in (0..length / 2).rev() {
            let Some(value) = self.items.get(first.saturating_add(parent)).copied() else {
                return;
            };
            self.sift(first, parent, length, value);
        }
        for end in (1..length).rev() {
            let Some(value) = self.items.get(first.saturating_add(end)).copied() else {
                return;
            };
            self.set(first, end, first);
            self.sift(first, 0, end, value);
        }
    }

    /// Copies the item at `from` to the place `to` of the part.
    fn set(&mut self, first: usize, to: usize, from: usize) {
        let Some(value) = self.items.get(from).copied() else {
            return;
        };
        if let Some(slot) = self.items.get_mut(first.saturating_add(to)) {
            *slot = value;
        }
    }

    fn sift(&mut self, first: usize, top: usize, length: usize, value: T) {
        let at = |index: usize| first.saturating_add(index);
        let mut hole = top;
        let mut child = hole.saturating_mul(2).saturating_add(2);
        while child < length {
            let left = child.saturating_sub(1);
            if self.less(at(child), at(left)) {
                child = left;
            }
            self.set(first, hole, at(child));
            hole = child;
            child = hole.saturating_mul(2).saturating_add(2);
        }
        if child == length {
            let left = child.saturating_sub(1);
            self.set(first, hole, at(left));
            hole = left;
        }
        while hole > top {
            let parent = hole.saturating_sub(1) / 2;
            if self.key(at(parent)) >= (self.key)(&value) {
                break;
            }
            self.set(first, hole, at(parent));
            hole = parent;
        }
        if let Some(slot) = self.items.get_mut(at(hole)) {
            *slot = value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_sorts_and_loses_nothing(mut keys in proptest::collection::vec(0usize..40, 0..400)) {
            let mut items: alloc::vec::Vec<_> = keys.iter().copied().enumerate().collect();
            sort_by_key(&mut items, |(_, key)| *key);
            let sorted: alloc::vec::Vec<_> = items.iter().map(|(_, key)| *key).collect();
            keys.sort_unstable();
            prop_assert_eq!(sorted, keys);
            items.sort_unstable();
            prop_assert!(items.iter().enumerate().all(|(index, (old, _))| index == *old));
        }

        #[test]
        fn the_heap_sort_of_adversarial_input_sorts(
            mut keys in proptest::collection::vec(0usize..40, 0..200)
        ) {
            let mut items = keys.clone();
            let length = items.len();
            let mut sorter = Sorter { items: &mut items, key: |key: &usize| *key };
            sorter.heap_sort(0, length);
            keys.sort_unstable();
            prop_assert_eq!(items, keys);
        }
    }
}
