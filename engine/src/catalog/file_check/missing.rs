//! The pages that a file lacks at its end.

use std::collections::HashMap;

/// A range of pages, and which of them are free. Memory grows with the free pages, not with the range, which a damaged
/// file may make as long as it likes.
pub(super) struct Missing {
    first: u64,
    last: u64,
    /// 64 pages a word, counted from `first`.
    free: HashMap<u64, u64>,
}

impl Missing {
    /// The pages from `first` to `last`, which is not less; none is known to be free.
    pub(super) fn new(first: u64, last: u64) -> Missing {
        Missing { first, last, free: HashMap::new() }
    }

    /// Notes that a page is free; it may lie outside of the range.
    pub(super) fn note_free(&mut self, page: u64) {
        if (self.first..=self.last).contains(&page) {
            *self.free.entry((page - self.first) / 64).or_default() |= 1 << ((page - self.first) % 64);
        }
    }

    /// Which page of the range is the first that is not free, and how many are not.
    pub(super) fn in_use(&self) -> Option<(u64, u64)> {
        let free: u64 = self.free.values().map(|word| u64::from(word.count_ones())).sum();
        // One less than the pages of the range, which need not fit.
        let (pages, free) = (u128::from(self.last - self.first) + 1, u128::from(free));
        let count = u64::try_from(pages - free).unwrap_or(u64::MAX);
        let first = (self.first..=self.last).find(|page| !self.is_free(*page))?;
        Some((first, count))
    }

    fn is_free(&self, page: u64) -> bool {
        let word = self.free.get(&((page - self.first) / 64)).copied().unwrap_or_default();
        word >> ((page - self.first) % 64) & 1 == 1
    }
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "pages {} to {} are missing", self.first, self.last)
    }
}
