//! The sizes that a run on a GPU may have: the one table of them.
//!
//! A GPU provider prepares itself for every shape that it has not seen: it plans memory, picks kernels, and TensorRT may
//! rebuild its engine, which takes minutes. So each free dimension is padded to the next size of its list, with masks, and no
//! run is larger than the last size. On the CPU nothing is padded: there a new shape costs nothing, and every added row costs
//! time.

use crate::base::limits::MAX_HISTORY;
use crate::model::contract::Axis;

/// Requests of a run and texts of a run. One list for both: the text of a query stands beside its request.
const ROWS: [usize; 4] = [1, 4, 16, 64];
/// Tokens of a text, up to as many as a manifest may ask for.
const TOKENS: [usize; 6] = [1, 16, 64, 256, 1024, 8192];
/// Items that are placed in one run.
const ITEMS: [usize; 3] = [1, 16, 256];
/// Events of a history.
const EVENTS: [usize; 4] = [1, 16, 64, MAX_HISTORY];
/// Candidates of a request in one run.
const CANDIDATES: [usize; 4] = [1, 64, 256, 1024];
/// Most tokens of one run, padding included.
const RUN_TOKENS: usize = 16_384;
/// Rows that a run may always have, however long its texts are: a probe has two.
const MIN_ROWS: usize = 4;

/// The sizes for one model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Buckets {
    rows: usize,
    tokens: usize,
}

impl Buckets {
    /// For a model that cuts texts to `max_tokens` tokens.
    pub(super) fn new(max_tokens: usize) -> Buckets {
        let tokens = round_up(&TOKENS, max_tokens);
        let fit = (RUN_TOKENS / tokens.max(1)).max(MIN_ROWS);
        Buckets { rows: ROWS.into_iter().rfind(|size| *size <= fit).unwrap_or(MIN_ROWS), tokens }
    }

    /// The sizes along an axis, smallest first.
    pub(super) fn sizes(&self, axis: Axis) -> &'static [usize] {
        let (all, largest): (&'static [usize], usize) = match axis {
            Axis::Texts | Axis::Requests => (&ROWS, self.rows),
            Axis::Tokens => (&TOKENS, self.tokens),
            Axis::Items => (&ITEMS, usize::MAX),
            Axis::Events => (&EVENTS, usize::MAX),
            Axis::Candidates => (&CANDIDATES, usize::MAX),
        };
        all.get(..all.partition_point(|size| *size <= largest)).unwrap_or(all)
    }

    /// The size that `size` is filled up to; itself above the largest, which no run of the engine's is.
    pub(super) fn fill(&self, axis: Axis, size: usize) -> usize {
        round_up(self.sizes(axis), size)
    }

    /// One of the sizes along an axis.
    pub(super) fn pick(&self, axis: Axis, pick: Pick) -> usize {
        let sizes = self.sizes(axis);
        let size = match pick {
            Pick::Smallest => sizes.first(),
            Pick::Usual => sizes.iter().rfind(|size| **size <= usual(axis)),
            Pick::Largest => sizes.last(),
        };
        size.copied().unwrap_or(1)
    }

    /// What a run may hold at most.
    pub(super) fn bounds(&self) -> Bounds {
        let largest = |axis| self.pick(axis, Pick::Largest);
        Bounds { texts: largest(Axis::Texts), requests: largest(Axis::Requests), candidates: largest(Axis::Candidates) }
    }
}

/// Which size of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pick {
    /// The smallest.
    Smallest,
    /// That of most runs: one request, with the candidates and the history that are usual.
    Usual,
    /// The largest.
    Largest,
}

fn usual(axis: Axis) -> usize {
    match axis {
        Axis::Texts | Axis::Requests => 1,
        Axis::Tokens | Axis::Items => 16,
        Axis::Events => 64,
        Axis::Candidates => 256,
    }
}

/// How much one run may hold; what is more becomes several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    /// Texts that are embedded together.
    pub texts: usize,
    /// Requests that are scored together.
    pub requests: usize,
    /// Candidates of one request.
    pub candidates: usize,
}

impl Bounds {
    /// Those of the CPU, where a run has its own size.
    pub(super) const NONE: Bounds = Bounds { texts: usize::MAX, requests: usize::MAX, candidates: usize::MAX };
}

fn round_up(sizes: &[usize], size: usize) -> usize {
    sizes.iter().copied().find(|step| *step >= size).unwrap_or(size)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const AXES: [Axis; 6] = [Axis::Texts, Axis::Tokens, Axis::Items, Axis::Requests, Axis::Events, Axis::Candidates];

    #[test]
    fn every_size_has_one_of_few_and_is_never_cut() {
        let buckets = Buckets::new(256);
        for axis in AXES {
            let largest = buckets.pick(axis, Pick::Largest);
            let filled: BTreeSet<usize> = (1..=largest).map(|size| buckets.fill(axis, size)).collect();
            assert_eq!(filled.iter().copied().collect::<Vec<_>>(), buckets.sizes(axis));
            assert!((1..=largest).all(|size| buckets.fill(axis, size) >= size));
            assert!(buckets.sizes(axis).iter().all(|size| buckets.fill(axis, *size) == *size));
            assert!(buckets.sizes(axis).is_sorted() && filled.len() <= 4 && buckets.fill(axis, 1) == 1);
            assert_eq!(buckets.fill(axis, largest + 1), largest + 1, "what the engine does not make stays as it is");
            let [smallest, usual] = [Pick::Smallest, Pick::Usual].map(|pick| buckets.pick(axis, pick));
            assert!(smallest == 1 && smallest <= usual && usual <= largest);
        }
        // Requests, events and candidates are those of a run that scores.
        let count = |axis| buckets.sizes(axis).len();
        assert_eq!(count(Axis::Requests) * count(Axis::Events) * count(Axis::Candidates), 64);
        assert_eq!(buckets.pick(Axis::Events, Pick::Largest), MAX_HISTORY);
    }

    #[test]
    fn longer_texts_are_fewer_to_a_run() {
        let sizes = |max_tokens| {
            let buckets = Buckets::new(max_tokens);
            (buckets.bounds().texts, buckets.pick(Axis::Tokens, Pick::Largest))
        };
        assert_eq!([1, 40, 256].map(sizes), [(64, 1), (64, 64), (64, 256)]);
        assert_eq!([257, 1024, 8192].map(sizes), [(16, 1024), (16, 1024), (4, 8192)]);
    }
}
