//! Finding and mending what insertion strands: vectors that are stored, and that no link leads to.
//!
//! Two insertions that meet can leave one of them without links (about two in a thousand with eight threads). And where
//! many vectors are nearly alike, a node drops the links to some in favour of others, with one thread too: of 100,000
//! titles, many of which differ in a few words, three in a hundred lost all links that led to them. A walk over the
//! links of the lowest level finds them for a hundredth of what inserting cost.
//!
//! Not mended here: after much churn (every vector replaced three times) some six in a thousand have links, yet only
//! from where their place used to be, and a search for them can miss. Sampled self-recall shows it; a rebuild helps.

use std::sync::{MutexGuard, PoisonError};

use half::f16;
use roaring::RoaringTreemap;

use super::dot::dot;
use super::encode::widen;
use super::error::index_error;
use super::gate::Side;
use super::graph::Graph;
use crate::base::error::Result;
use crate::base::id::ItemKey;

/// The graph is walked when one vector in this many became a suspect since the last walk, which then costs a few
/// microseconds for each of them.
const SUSPECTS_SHARE: usize = 2;
/// Without removed places the walk is right about what it does not come to, as long as that is at most one vector in
/// this many: beyond, the walk itself may have started on an island.
const STRANDED_SHARE: usize = 8;
/// Hits among which a vector must find itself: it may have a few exact duplicates.
const SELF_K: usize = 16;
/// Cosines this close count as equal when duplicates fill the whole list.
const TIE: f32 = 1e-3;

impl Graph {
    /// Remembers keys that were inserted, and may be stranded.
    pub(super) fn suspect(&self, keys: impl Iterator<Item = ItemKey>) {
        self.suspects().extend(keys);
    }

    /// Whether enough was inserted for a walk over the whole graph to be cheap in proportion.
    pub(super) fn check_is_due(&self) -> bool {
        let suspects = self.suspects().len();
        suspects > 0 && suspects * SUSPECTS_SHARE >= self.len()
    }

    /// Inserts what is stranded again, one by one, and returns how many there were. For the one builder.
    pub(super) fn repair_stranded(&self) -> Result<usize> {
        let suspects = std::mem::take(&mut *self.suspects());
        let unreached = self.unreached(&suspects)?;
        // The walk cannot pass through removed places, so it may suspect too much; a search decides then.
        let sure = self.removed() == 0 && unreached.len() * STRANDED_SHARE <= self.len();
        let mut repaired = 0;
        for key in unreached {
            let Some(vector) = self.vector(key)? else { continue };
            if sure || !self.finds(key, &vector)? {
                self.remove([key])?;
                self.insert_one((key, &vector))?;
                repaired += 1;
            }
        }
        Ok(repaired)
    }

    /// Whether a search for this vector, by the graph alone, finds its key.
    pub(super) fn finds(&self, key: ItemKey, vector: &[f16]) -> Result<bool> {
        let hits = self.traverse(vector, SELF_K)?;
        let own = dot(&widen(vector), vector);
        // A list full of exact duplicates does not show that the vector is lost.
        let tied = hits.len() == SELF_K && hits.last().is_some_and(|last| last.1 >= own - TIE);
        Ok(tied || hits.iter().any(|hit| hit.0 == key))
    }

    /// Which of `suspects` a walk along the links of the lowest level does not come to.
    fn unreached(&self, suspects: &[ItemKey]) -> Result<Vec<ItemKey>> {
        // The walk starts where a search ends; only a graph of removed places has no such node.
        let Some(first) = suspects.first() else { return Ok(Vec::new()) };
        let entry = match self.vector(*first)? {
            Some(vector) => self.traverse(&vector, 1)?,
            None => Vec::new(),
        };
        let mut open: Vec<u64> = entry.iter().map(|hit| hit.0.0).collect();
        let mut reached: RoaringTreemap = open.iter().copied().collect();
        // Builders wait until this is done, and the only builder is here; searches go on beside it.
        let _inside = self.gate.enter(Side::Search);
        while let Some(key) = open.pop() {
            open.extend(self.index.neighbors(key, 0).filter(|next| reached.insert(*next)));
        }
        Ok(suspects.iter().filter(|key| !reached.contains(key.0)).copied().collect())
    }

    /// The stored vector of a key, if it is (still) here.
    fn vector(&self, key: ItemKey) -> Result<Option<Vec<f16>>> {
        let mut bits = vec![0_i16; self.index.dimensions()];
        let _inside = self.gate.enter(Side::Search);
        let found = self.index.get(key.0, usearch::f16::from_mut_i16s(&mut bits)).map_err(index_error)?;
        Ok((found > 0).then(|| bits.into_iter().map(|pattern| f16::from_bits(pattern.cast_unsigned())).collect()))
    }

    fn suspects(&self) -> MutexGuard<'_, Vec<ItemKey>> {
        self.suspects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
