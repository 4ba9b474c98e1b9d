//! The k best documents of the index, with tantivy's block-max pruning.
//!
//! The filter, the deletions and the tie-break are applied inside the pruned loop, so the threshold rises with documents
//! that can be answered only. Scores that the loop sees are rounded in the order in which it meets the terms; the k
//! best are therefore scored again in the one order that the whole folder uses.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use roaring::RoaringBitmap;
use tantivy::query::{EnableScoring, Query, Weight};
use tantivy::{DocId, Score, Searcher};

use super::error::failed;
use super::query::TextQuery;
use super::segment::Segment;
use crate::base::error::Result;
use crate::base::id::{Generation, ItemKey};

/// A filter that leaves fewer documents than one in so many postings is scored document by document: pruning gains
/// nothing from documents that the filter drops.
const SPARSE: u64 = 4;

/// A document of the index that matches.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit {
    pub key: ItemKey,
    pub generation: Generation,
    pub score: f32,
}

/// The `wanted` best alive documents, best first; fewer when no more match. `allowed`: the documents of each segment
/// that pass the filter, None without one.
pub(super) fn best(
    query: &TextQuery,
    searcher: &Searcher,
    segments: &[Segment],
    allowed: Option<&[RoaringBitmap]>,
    wanted: usize,
) -> Result<Vec<Hit>> {
    if wanted == 0 || query.leaves.is_empty() {
        return Ok(Vec::new());
    }
    let mut top = Top { wanted, heap: BinaryHeap::new() };
    let scoring = EnableScoring::enabled_from_statistics_provider(query, searcher);
    let weight = query.disjunction().weight(scoring).map_err(failed)?;
    let all: u64 = segments.iter().map(|segment| u64::from(segment.reader.max_doc())).sum();
    for (at, segment) in segments.iter().enumerate() {
        let passes = allowed.map(|allowed| &allowed[at]);
        match passes {
            Some(docs) if docs.is_empty() => {}
            Some(docs) if is_sparse(docs, segment, query.postings(), all) => {
                score_each(query, segment, at, docs, &mut top)?;
            }
            _ => prune(query, weight.as_ref(), segment, at, passes, &mut top)?,
        }
    }
    score_again(query, segments, top)
}

/// Estimates the postings of a segment by its share of the documents.
fn is_sparse(docs: &RoaringBitmap, segment: &Segment, postings: u64, all: u64) -> bool {
    let here = u128::from(postings) * u128::from(segment.reader.max_doc()) / u128::from(all.max(1));
    u128::from(docs.len()) * u128::from(SPARSE) < here
}

fn prune(
    query: &TextQuery,
    weight: &dyn Weight,
    segment: &Segment,
    at: usize,
    passes: Option<&RoaringBitmap>,
    top: &mut Top,
) -> Result<()> {
    let mut take = |doc: DocId, score: Score| {
        if segment.is_alive(doc) && passes.is_none_or(|docs| docs.contains(doc)) {
            top.offer(segment, at, doc, score);
        }
        top.threshold()
    };
    if query.can_be_pruned() {
        return weight.for_each_pruning(f32::MIN, &segment.reader, &mut take).map_err(failed);
    }
    weight
        .for_each(&segment.reader, &mut |doc, score| {
            take(doc, score);
        })
        .map_err(failed)
}

fn score_each(query: &TextQuery, segment: &Segment, at: usize, docs: &RoaringBitmap, top: &mut Top) -> Result<()> {
    let docs: Vec<DocId> = docs.iter().filter(|doc| segment.is_alive(*doc)).collect();
    let scores = segment.score(&query.leaves, &docs)?;
    for (doc, score) in docs.into_iter().zip(scores).filter(|(_, score)| *score > 0.0) {
        top.offer(segment, at, doc, score);
    }
    Ok(())
}

fn score_again(query: &TextQuery, segments: &[Segment], top: Top) -> Result<Vec<Hit>> {
    let mut found: Vec<Found> = top.heap.into_iter().map(|Reverse(found)| found).collect();
    found.sort_unstable_by_key(|found| (found.segment, found.doc));
    let mut hits = Vec::with_capacity(found.len());
    for group in found.chunk_by(|a, b| a.segment == b.segment) {
        let segment = &segments[group[0].segment];
        let docs: Vec<DocId> = group.iter().map(|found| found.doc).collect();
        let scores = segment.score(&query.leaves, &docs)?;
        for (found, score) in group.iter().zip(scores) {
            let Some(generation) = segment.generation(found.doc) else { continue };
            hits.push(Hit { key: found.key, generation, score });
        }
    }
    hits.sort_unstable_by(|a, b| crate::base::score::best_first((a.key, a.score), (b.key, b.score)));
    Ok(hits)
}

/// A document in the heap. Greater is better.
#[derive(Debug, Clone, Copy)]
struct Found {
    score: f32,
    key: ItemKey,
    segment: usize,
    doc: DocId,
}

impl Ord for Found {
    fn cmp(&self, other: &Self) -> Ordering {
        // Equal scores go by key: document numbers depend on how segments happened to be merged.
        self.score.total_cmp(&other.score).then(other.key.cmp(&self.key))
    }
}

impl PartialOrd for Found {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Found {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Found {}

/// The best documents so far, the worst of them on top.
struct Top {
    wanted: usize,
    heap: BinaryHeap<Reverse<Found>>,
}

impl Top {
    fn offer(&mut self, segment: &Segment, at: usize, doc: DocId, score: Score) {
        let worst = self.heap.peek().map(|Reverse(worst)| *worst);
        let full = self.heap.len() >= self.wanted;
        if full && worst.is_some_and(|worst| score < worst.score) {
            return;
        }
        let Some(key) = segment.key(doc) else { return };
        let found = Found { score, key, segment: at, doc };
        if !full {
            self.heap.push(Reverse(found));
        } else if worst.is_some_and(|worst| found > worst) {
            self.heap.pop();
            self.heap.push(Reverse(found));
        }
    }

    /// Documents at or below this cannot get in. Tantivy passes over scores that equal the threshold, but a document
    /// with the score of the worst one gets in when its key is lower: hence just below.
    fn threshold(&self) -> Score {
        match self.heap.peek() {
            Some(Reverse(worst)) if self.heap.len() >= self.wanted => worst.score.next_down(),
            _ => f32::MIN,
        }
    }
}
