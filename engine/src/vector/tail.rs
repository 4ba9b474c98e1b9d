//! The overlay: vectors of commits that the graph does not hold yet, scanned exactly.
//!
//! A batch never changes once it is in the list, and the list is copied on write, so that a search works on one
//! consistent snapshot and never makes the writer wait for a scan. Small batches are merged as they come: a scan then
//! runs over few long stretches of memory, and a key is looked up in few batches.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use half::f16;

use super::dot::dot;
use crate::base::id::{Generation, ItemKey, Seq};

/// Batches above this many vectors are not merged any more, which bounds what one `stage` copies.
const MERGE_UP_TO: usize = 16_384;

/// Which version of an item an entry holds. The order is the order of the versions; `seq` tells apart two vectors of
/// one generation, as after a change of model.
pub(super) type Version = (Generation, Seq);

/// Vectors side by side in memory, sorted by key, newest version first. One row for each.
#[derive(Debug, Default)]
struct Batch {
    keys: Vec<ItemKey>,
    versions: Vec<Version>,
    /// `keys.len() * dimensions` components.
    data: Vec<f16>,
}

/// The overlay of one space.
#[derive(Debug)]
pub(super) struct Tail {
    dimensions: usize,
    batches: Mutex<Arc<Vec<Arc<Batch>>>>,
}

/// What one search sees of the overlay.
#[derive(Debug, Clone)]
pub(super) struct Overlay {
    dimensions: usize,
    batches: Arc<Vec<Arc<Batch>>>,
}

/// One scored row: score, key, batch, row.
type Scored = (f32, ItemKey, u32, u32);

impl Tail {
    /// An empty overlay for vectors of this width.
    pub(super) fn new(dimensions: usize) -> Tail {
        Tail { dimensions, batches: Mutex::new(Arc::new(Vec::new())) }
    }

    /// Adds the vectors of one commit; the caller has checked their width.
    pub(super) fn stage(&self, seq: Seq, mut vectors: Vec<(ItemKey, Generation, Arc<[f16]>)>) {
        if vectors.is_empty() {
            return;
        }
        // Of two vectors with the same key and generation in one commit the later one counts, as in `Batch::merge`.
        vectors.reverse();
        vectors.sort_by(|a, b| (a.0, b.1).cmp(&(b.0, a.1)));
        vectors.dedup_by(|next, kept| (next.0, next.1) == (kept.0, kept.1));
        let mut batch = Batch::with_capacity(vectors.len(), self.dimensions);
        for (key, generation, vector) in &vectors {
            batch.push(*key, (*generation, seq), vector);
        }
        let mut list = self.lock();
        // Only the writer changes the list, and it holds the lock, so the merge cannot miss a batch. Each merge at
        // least doubles the smaller side: a vector is copied a logarithmic number of times.
        while let Some(last) = list.last() {
            let together = last.len() + batch.len();
            if last.len() > 2 * batch.len() || together > MERGE_UP_TO {
                break;
            }
            batch = Batch::merge(last, &batch, self.dimensions);
            Arc::make_mut(&mut list).pop();
        }
        Arc::make_mut(&mut list).push(Arc::new(batch));
    }

    /// Drops what was staged up to `seq`.
    pub(super) fn drain(&self, seq: Seq) {
        let mut list = self.lock();
        let kept = list.iter().filter_map(|batch| batch.after(seq, self.dimensions)).collect();
        *list = Arc::new(kept);
    }

    /// The overlay of this moment.
    pub(super) fn snapshot(&self) -> Overlay {
        Overlay { dimensions: self.dimensions, batches: Arc::clone(&self.lock()) }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Arc<Vec<Arc<Batch>>>> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Overlay {
    /// Rows, counting each version of a key.
    pub(super) fn len(&self) -> usize {
        self.batches.iter().map(|batch| batch.len()).sum()
    }

    /// The version of `key` that a reader sees: the newest one that `is_current` confirms. `None` leaves the key to the
    /// graph. A reader of an older snapshot gets the older version here, or the graph's.
    pub(super) fn visible(
        &self,
        key: ItemKey,
        is_current: &dyn Fn(ItemKey, Option<Generation>) -> bool,
    ) -> Option<Version> {
        let mut versions: Vec<Version> =
            self.batches.iter().flat_map(|batch| batch.versions_of(key)).copied().collect();
        versions.sort_unstable_by(|a, b| b.cmp(a));
        versions.into_iter().find(|version| is_current(key, Some(version.0)))
    }

    /// The `k` best rows that `accept` takes, best first, equal scores by ascending key; each key at most once.
    ///
    /// Every row is scored; `accept` is asked in order of score and only until `k` rows are found.
    pub(super) fn best(
        &self,
        query: &[f32],
        k: usize,
        mut accept: impl FnMut(ItemKey, Version) -> bool,
    ) -> Vec<(ItemKey, f32)> {
        let mut scored = self.score(query);
        let mut found = Vec::new();
        let mut seen = HashSet::new();
        let (mut start, mut step) = (0, k.saturating_mul(2).saturating_add(64));
        while start < scored.len() && found.len() < k {
            let end = start.saturating_add(step).min(scored.len());
            if end < scored.len() {
                scored[start..].select_nth_unstable_by(end - start - 1, best_first);
            }
            scored[start..end].sort_unstable_by(best_first);
            for &(score, key, batch, row) in &scored[start..end] {
                let version = self.batches[batch as usize].versions[row as usize];
                // `accept` takes one version of a key; that one is here twice when a commit was staged twice.
                if found.len() < k && accept(key, version) && seen.insert(key) {
                    found.push((key, score));
                }
            }
            (start, step) = (end, step.saturating_mul(4));
        }
        found
    }

    fn score(&self, query: &[f32]) -> Vec<Scored> {
        let mut scored = Vec::with_capacity(self.len());
        for (at, batch) in self.batches.iter().enumerate() {
            let rows = batch.data.chunks_exact(self.dimensions.max(1));
            for (row, (vector, key)) in rows.zip(&batch.keys).enumerate() {
                scored.push((dot(query, vector).clamp(-1.0, 1.0), *key, at as u32, row as u32));
            }
        }
        scored
    }
}

fn best_first(a: &Scored, b: &Scored) -> std::cmp::Ordering {
    crate::base::score::best_first((a.1, a.0), (b.1, b.0))
}

impl Batch {
    fn with_capacity(rows: usize, dimensions: usize) -> Batch {
        Batch {
            keys: Vec::with_capacity(rows),
            versions: Vec::with_capacity(rows),
            data: Vec::with_capacity(rows * dimensions),
        }
    }

    fn len(&self) -> usize {
        self.keys.len()
    }

    fn push(&mut self, key: ItemKey, version: Version, vector: &[f16]) {
        self.keys.push(key);
        self.versions.push(version);
        self.data.extend_from_slice(vector);
    }

    fn copy_row(&mut self, from: &Batch, row: usize, dimensions: usize) {
        self.push(from.keys[row], from.versions[row], &from.data[row * dimensions..(row + 1) * dimensions]);
    }

    /// All versions of a key, newest first.
    fn versions_of(&self, key: ItemKey) -> &[Version] {
        let start = self.keys.partition_point(|found| *found < key);
        let length = self.keys[start..].iter().take_while(|found| **found == key).count();
        &self.versions[start..start + length]
    }

    /// Both batches in one. Of two rows with the same key and generation the later commit's stays.
    fn merge(older: &Batch, newer: &Batch, dimensions: usize) -> Batch {
        let mut merged = Batch::with_capacity(older.len() + newer.len(), dimensions);
        let (mut a, mut b) = (0, 0);
        while a < older.len() || b < newer.len() {
            let from_newer = match (older.keys.get(a), newer.keys.get(b)) {
                (Some(old), Some(new)) => (*new, older.versions[a]) <= (*old, newer.versions[b]),
                (old, _) => old.is_none(),
            };
            let (from, row) = if from_newer { (newer, b) } else { (older, a) };
            let same = merged.keys.last() == Some(&from.keys[row])
                && merged.versions.last().map(|v| v.0) == Some(from.versions[row].0);
            if !same {
                merged.copy_row(from, row, dimensions);
            }
            if from_newer { b += 1 } else { a += 1 }
        }
        merged
    }

    /// The rows of later commits than `seq`; `None` when there are none.
    fn after(self: &Arc<Batch>, seq: Seq, dimensions: usize) -> Option<Arc<Batch>> {
        let kept = self.versions.iter().filter(|version| version.1 > seq).count();
        if kept == self.len() {
            return Some(Arc::clone(self));
        }
        let mut rest = Batch::with_capacity(kept, dimensions);
        for row in (0..self.len()).filter(|row| self.versions[*row].1 > seq) {
            rest.copy_row(self, row, dimensions);
        }
        (kept > 0).then(|| Arc::new(rest))
    }
}
