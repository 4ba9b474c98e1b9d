//! Numbers that commits had which failed: they are not given to others.
//!
//! What was shown to readers for a commit that failed stays in the overlays for a while. It has the number of that commit, and
//! keys of items that the commit had added; no row ever has them, so no reader takes it for current.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::base::id::Seq;
use crate::catalog::rows::counters::Counters;

/// The highest numbers that a failed commit had.
#[derive(Default)]
pub(in crate::catalog) struct FailedCommits {
    seq: AtomicU64,
    next_item: AtomicU64,
    next_user: AtomicU64,
}

impl FailedCommits {
    /// Keeps the numbers of a commit that failed.
    pub(in crate::catalog) fn note(&self, counters: &Counters) {
        self.seq.fetch_max(counters.seq.0, Ordering::SeqCst);
        self.next_item.fetch_max(counters.next_item, Ordering::SeqCst);
        self.next_user.fetch_max(counters.next_user, Ordering::SeqCst);
    }

    /// The counters that a transaction begins with.
    pub(in crate::catalog) fn skip(&self, stored: Counters) -> Counters {
        Counters {
            seq: stored.seq.max(Seq(self.seq.load(Ordering::SeqCst))),
            next_item: stored.next_item.max(self.next_item.load(Ordering::SeqCst)),
            next_user: stored.next_user.max(self.next_user.load(Ordering::SeqCst)),
            ..stored
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_a_failed_commit_are_passed_over() {
        let failed = FailedCommits::default();
        let stored = Counters { seq: Seq(7), next_item: 5, next_user: 3, items: 4, ..Counters::default() };
        assert_eq!(failed.skip(stored), stored);
        failed.note(&Counters { seq: Seq(8), next_item: 9, next_user: 3, items: 8, ..Counters::default() });
        failed.note(&Counters { seq: Seq(6), next_item: 1, next_user: 1, ..Counters::default() });
        let next = failed.skip(stored);
        assert_eq!((next.seq, next.next_item, next.next_user, next.items), (Seq(8), 9, 3, 4));
        let later = Counters { seq: Seq(9), next_item: 12, ..stored };
        assert_eq!(failed.skip(later), later);
    }
}
