//! What a reader pins: the committed index and the tail of one moment.

use std::collections::HashSet;
use std::sync::Arc;

use roaring::{RoaringBitmap, RoaringTreemap};
use tantivy::Searcher;

use super::error::failed;
use super::fields::Places;
use super::plan::Plan;
use super::query::TextQuery;
use super::segment::Segment;
use super::tail::{Tail, TailHit};
use super::top::{self, Hit};
use crate::api::filter::Filter;
use crate::api::schema::Schema;
use crate::base::error::Result;
use crate::base::id::{Generation, ItemKey, Seq};
use crate::base::score::{best_first, top_k};

/// Whether a version of an item is the one that the reader's catalog has.
pub(crate) type IsCurrent<'a> = &'a dyn Fn(ItemKey, Generation) -> bool;

/// The index and its overlay at one moment; cheap to hold, and never changed.
#[derive(Debug)]
pub(crate) struct TextView {
    pub(super) indexed: Arc<Indexed>,
    pub(super) tail: Tail,
    pub(super) staged: Seq,
}

/// The committed half. Shared by all views until the next commit of the index.
pub(super) struct Indexed {
    pub searcher: Searcher,
    pub segments: Vec<Segment>,
    pub places: Places,
    pub applied: Seq,
}

impl std::fmt::Debug for Indexed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Indexed {{ applied: {:?}, segments: {:?} }}", self.applied, self.segments)
    }
}

impl Indexed {
    /// Opens the columns of every segment of the searcher, with what is known of the segments of the commit before.
    pub(super) fn open(searcher: Searcher, places: Places, applied: Seq, before: &[Segment]) -> Result<Indexed> {
        let readers = searcher.segment_readers().iter().enumerate();
        let segments = readers.map(|(place, reader)| Segment::open(reader, place, before)).collect::<Result<_>>()?;
        Ok(Indexed { searcher, segments, places, applied })
    }
}

impl TextView {
    /// The commit of the catalog that the index has, and none after it.
    pub(crate) fn applied(&self) -> Seq {
        self.indexed.applied
    }

    /// The commit of the catalog up to which index and tail together are complete.
    #[cfg(test)]
    pub(crate) fn staged(&self) -> Seq {
        self.staged
    }

    /// Versions in the tail: what a search scans, so the applier keeps it to some thousands.
    pub(crate) fn tail_len(&self) -> usize {
        self.tail.totals().docs as usize
    }

    /// Items in the committed index.
    #[cfg(test)]
    pub(crate) fn docs(&self) -> u64 {
        self.indexed.searcher.num_docs()
    }

    /// Analyses a query over the (slot, boost) pairs; boosts of 0 or less are left out. The text is cut at
    /// [`crate::base::limits::MAX_QUERY_BYTES`] and the words at [`crate::base::limits::MAX_QUERY_TERMS`]. None when no word is
    /// left.
    ///
    /// # Errors
    /// [`crate::Error::Index`] when the index cannot be read.
    pub(crate) fn query(&self, text: &str, fields: &[(u8, f32)]) -> Result<Option<TextQuery>> {
        TextQuery::new(text, fields, &self.indexed.searcher, &self.indexed.places, &self.tail)
    }

    /// The `k` best items by BM25 (the sum over words and fields of boost times BM25; k1 1.2, b 0.75), best first, ties
    /// by key. Only versions that `is_current` accepts, and that pass the filter (which went through [`Filter::resolve`]).
    ///
    /// # Errors
    /// [`crate::Error::Index`] when the index cannot be read.
    pub(crate) fn search(
        &self,
        query: &TextQuery,
        filter: Option<&Filter>,
        schema: &Schema,
        k: usize,
        is_current: IsCurrent<'_>,
    ) -> Result<Vec<(ItemKey, f32)>> {
        if k == 0 {
            return Ok(Vec::new());
        }
        let plan = filter.map(|filter| Plan::new(filter, schema));
        let allowed = plan.as_ref().map(|plan| self.allowed(plan)).transpose()?;
        let in_tail = best_current(self.tail.hits(&query.leaves, plan.as_ref()), k, is_current);
        // Some of what the index returns is stale; a few more at once are cheaper than a second search.
        let mut wanted = k.saturating_add(k / 8).saturating_add(16);
        loop {
            let indexed = &self.indexed;
            let found = top::best(query, &indexed.searcher, &indexed.segments, allowed.as_deref(), wanted)?;
            let exhausted = found.len() < wanted;
            let floor = found.last().map_or(f32::NEG_INFINITY, |hit| hit.score);
            let best = top_k(merge(found, &in_tail, is_current), k);
            // What was not returned scores at most `floor`, so a k-th hit above it is final.
            if exhausted || (best.len() == k && best.last().is_some_and(|last| last.1 >= floor)) {
                return Ok(best);
            }
            wanted = wanted.saturating_mul(4);
        }
    }

    /// BM25 of the given items, 0 where no word matches or no version is current: the numbers that [`TextView::search`]
    /// gives.
    ///
    /// # Errors
    /// [`crate::Error::Index`] when the index cannot be read.
    pub(crate) fn score(&self, query: &TextQuery, keys: &[ItemKey], is_current: IsCurrent<'_>) -> Result<Vec<f32>> {
        let mut scores = vec![0.0; keys.len()];
        let mut order: Vec<usize> = Vec::with_capacity(keys.len());
        for (at, key) in keys.iter().enumerate() {
            match self.tail.version(*key, is_current) {
                Some(doc) => scores[at] = doc.score(&query.leaves),
                None => order.push(at),
            }
        }
        if query.leaves.is_empty() {
            return Ok(scores);
        }
        order.sort_unstable_by_key(|at| keys[*at]);
        let sorted: Vec<ItemKey> = order.iter().map(|at| keys[*at]).collect();
        for segment in &self.indexed.segments {
            let mut found = segment.find(&sorted);
            found.retain(|(position, doc)| {
                segment.generation(*doc).is_some_and(|generation| is_current(sorted[*position], generation))
            });
            found.sort_unstable_by_key(|(_, doc)| *doc);
            let docs: Vec<u32> = found.iter().map(|(_, doc)| *doc).collect();
            for ((position, _), score) in found.iter().zip(segment.score(&query.leaves, &docs)?) {
                scores[order[*position]] = score;
            }
        }
        Ok(scores)
    }

    /// The words of the query, as they were typed, that occur in the item, in the order of the query, each with its part
    /// of the item's BM25. Empty when no version is current.
    ///
    /// # Errors
    /// [`crate::Error::Index`] when the index cannot be read.
    pub(crate) fn matched_terms(
        &self,
        query: &TextQuery,
        key: ItemKey,
        is_current: IsCurrent<'_>,
    ) -> Result<Vec<(String, f32)>> {
        let mut parts: Vec<Option<f32>> = vec![None; query.words.len()];
        if let Some(doc) = self.tail.version(key, is_current) {
            for leaf in query.leaves.iter().filter(|leaf| doc.count(leaf.hash) > 0) {
                *parts[leaf.word].get_or_insert_default() += doc.score(std::slice::from_ref(leaf));
            }
        } else {
            for segment in &self.indexed.segments {
                for (_, doc) in segment.find(&[key]) {
                    if !segment.generation(doc).is_some_and(|generation| is_current(key, generation)) {
                        continue;
                    }
                    for leaf in &query.leaves {
                        segment.each_match(leaf, &[doc], |_, length, count| {
                            *parts[leaf.word].get_or_insert_default() += leaf.weight.score(length, count);
                        })?;
                    }
                }
            }
        }
        let words = query.words.iter().zip(parts);
        Ok(words.filter_map(|(word, part)| part.map(|part| (word.typed.clone(), part))).collect())
    }

    /// The keys of all current items that pass the filter (which went through [`Filter::resolve`]). `is_current` is asked for
    /// each of them.
    ///
    /// # Errors
    /// [`crate::Error::Index`] when the index cannot be read.
    pub(crate) fn matching(
        &self,
        filter: &Filter,
        schema: &Schema,
        is_current: IsCurrent<'_>,
    ) -> Result<RoaringTreemap> {
        let plan = Plan::new(filter, schema);
        let mut keys: Vec<u64> = Vec::new();
        for (segment, docs) in self.indexed.segments.iter().zip(self.allowed(&plan)?) {
            for doc in docs.into_iter().filter(|doc| segment.is_alive(*doc)) {
                if let (Some(key), Some(generation)) = (segment.key(doc), segment.generation(doc))
                    && is_current(key, generation)
                {
                    keys.push(key.0);
                }
            }
        }
        let in_tail = self.tail.docs().filter(|doc| plan.holds(doc) && is_current(doc.key, doc.generation));
        keys.extend(in_tail.map(|doc| doc.key.0));
        keys.sort_unstable();
        keys.dedup();
        RoaringTreemap::from_sorted_iter(keys).map_err(failed)
    }

    /// The documents of each segment that pass the filter.
    fn allowed(&self, plan: &Plan<'_>) -> Result<Vec<RoaringBitmap>> {
        self.indexed.segments.iter().map(|segment| segment.matching(plan, &self.indexed.places)).collect()
    }
}

/// The `k` best current hits of the tail, each item once. Best first, so that `is_current`, which may cost a look-up, is asked no
/// more often than it takes to find them.
fn best_current(mut hits: Vec<TailHit>, k: usize, is_current: IsCurrent<'_>) -> Vec<(ItemKey, f32)> {
    hits.sort_unstable_by(|a, b| best_first((a.key, a.score), (b.key, b.score)));
    let mut seen = HashSet::new();
    let current = hits.into_iter().filter(|hit| is_current(hit.key, hit.generation) && seen.insert(hit.key));
    current.take(k).map(|hit| (hit.key, hit.score)).collect()
}

/// The current hits of both halves. A version that is there twice (applied but not stamped yet, or replayed) counts once.
fn merge(found: Vec<Hit>, in_tail: &[(ItemKey, f32)], is_current: IsCurrent<'_>) -> Vec<(ItemKey, f32)> {
    let mut seen: HashSet<ItemKey> = in_tail.iter().map(|(key, _)| *key).collect();
    let mut merged = in_tail.to_vec();
    for hit in found {
        if is_current(hit.key, hit.generation) && seen.insert(hit.key) {
            merged.push((hit.key, hit.score));
        }
    }
    merged
}
