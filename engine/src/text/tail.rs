//! The tail: items that the catalog has and tantivy does not hold yet.
//!
//! Batches are immutable and shared, so that publishing a commit costs a list of pointers; neighbours of like size are
//! merged, so that the list stays short. All versions of an item stay until their commit is in the index, because
//! readers that pinned an older catalog still need the older version.

use std::sync::Arc;

use super::analyse::WordHash;
use super::change::TextDoc;
use super::leaf::Leaf;
use super::plan::Plan;
use super::tail_batch::Batch;
use super::tail_doc::{TailDoc, Totals};
use crate::api::schema::Schema;
use crate::base::id::{Generation, ItemKey, Seq};

/// The overlay at one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct Tail {
    /// Ascending by commit. Each has more than twice the documents of the next, so a thousand commits are a few batches.
    batches: Vec<Arc<Batch>>,
    totals: Totals,
}

/// A version of an item that matches, with its score.
#[derive(Debug, Clone, Copy)]
pub(super) struct TailHit {
    pub key: ItemKey,
    pub generation: Generation,
    pub score: f32,
}

/// The documents of one commit, analysed but not published.
#[derive(Debug)]
pub(super) struct Staged {
    seq: Seq,
    batch: Batch,
}

/// Analyses the documents of a commit. Done before any lock is taken. Of two with one key and generation the later one
/// counts: the commit put the item twice, and the catalog has the later row.
pub(super) fn analyse(seq: Seq, mut docs: Vec<TextDoc>, schema: &Schema) -> Staged {
    docs.reverse();
    docs.sort_by_key(|doc| (doc.key, doc.generation));
    docs.dedup_by_key(|doc| (doc.key, doc.generation));
    let docs = docs.into_iter().map(|doc| Arc::new(TailDoc::new(seq, doc, schema))).collect();
    Staged { seq, batch: Batch::new(docs) }
}

impl Tail {
    /// The tail with a commit more. Staging a commit again replaces what was staged for it and for later ones: those
    /// never happened.
    pub(super) fn with(&self, staged: Staged) -> Tail {
        let mut tail = self.keep(|doc| doc.seq < staged.seq);
        staged.batch.docs.iter().for_each(|doc| tail.totals.add(doc));
        if !staged.batch.docs.is_empty() {
            tail.batches.push(Arc::new(staged.batch));
        }
        while let [.., before, last] = tail.batches.as_slice()
            && before.docs.len() <= 2 * last.docs.len()
        {
            let merged = Batch::merge(before, last);
            tail.batches.truncate(tail.batches.len() - 2);
            tail.batches.push(Arc::new(merged));
        }
        tail
    }

    /// The tail without what the index holds up to `seq`.
    pub(super) fn after(&self, seq: Seq) -> Tail {
        self.keep(|doc| doc.seq > seq)
    }

    fn keep(&self, wanted: impl Fn(&TailDoc) -> bool) -> Tail {
        let mut tail = Tail { batches: Vec::with_capacity(self.batches.len()), totals: self.totals };
        for batch in &self.batches {
            let docs: Vec<Arc<TailDoc>> = batch.docs.iter().filter(|doc| wanted(doc)).cloned().collect();
            if docs.len() == batch.docs.len() {
                tail.batches.push(batch.clone());
                continue;
            }
            batch.docs.iter().filter(|doc| !wanted(doc)).for_each(|doc| tail.totals.remove(doc));
            if !docs.is_empty() {
                tail.batches.push(Arc::new(Batch::new(docs)));
            }
        }
        tail
    }

    /// Counts over all versions.
    pub(super) fn totals(&self) -> &Totals {
        &self.totals
    }

    /// All versions.
    pub(super) fn docs(&self) -> impl Iterator<Item = &TailDoc> {
        self.batches.iter().flat_map(|batch| batch.docs.iter().map(Arc::as_ref))
    }

    /// How many versions have each of the words.
    pub(super) fn frequencies(&self, words: &[WordHash]) -> Vec<u64> {
        let having = |word: &WordHash| self.batches.iter().map(|batch| batch.with_word(*word).len() as u64).sum();
        words.iter().map(having).collect()
    }

    /// The versions that match the leaves of a query and the filter, in no order.
    pub(super) fn hits(&self, leaves: &[Leaf], plan: Option<&Plan<'_>>) -> Vec<TailHit> {
        let mut hits = Vec::new();
        for batch in &self.batches {
            for (doc, score) in batch.docs.iter().zip(batch.scores(leaves)) {
                if score > 0.0 && plan.is_none_or(|plan| plan.holds(doc)) {
                    hits.push(TailHit { key: doc.key, generation: doc.generation, score });
                }
            }
        }
        hits
    }

    /// The version of an item that is current for the reader, when it is here.
    pub(super) fn version(&self, key: ItemKey, is_current: &dyn Fn(ItemKey, Generation) -> bool) -> Option<&TailDoc> {
        // The newest commits first: they are what most readers see.
        self.batches.iter().rev().find_map(|batch| {
            let start = batch.docs.partition_point(|doc| doc.key < key);
            let mut versions = batch.docs[start..].iter().take_while(|doc| doc.key == key);
            versions.find(|doc| is_current(doc.key, doc.generation)).map(Arc::as_ref)
        })
    }
}
