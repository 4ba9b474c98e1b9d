//! The tail: items that the catalog has and tantivy does not hold yet.
//!
//! Batches are immutable and shared, so that publishing a commit costs a list of pointers. A search scans all documents
//! of the tail; the applier keeps it short. All versions of an item stay until their commit is in the index, because
//! readers that pinned an older catalog still need the older version.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tantivy::fieldnorm::FieldNormReader;
use xxhash_rust::xxh3::xxh3_128_with_seed;

use super::TextDoc;
use super::analyse::each_word;
use super::fields::{filled_slots, slotted};
use super::plan::Plan;
use super::query::{Leaf, TextQuery};
use crate::id::{Generation, ItemKey, Seq};
use crate::item::Fields;
use crate::limits::MAX_TEXT_FIELDS;
use crate::schema::Schema;

/// A word of a slot, as 128 bits: two words in one slot meet with a probability of 2^-128, and comparing numbers is
/// what makes the scan cheap.
pub(super) type WordHash = u128;

/// The hash of a word in a slot.
pub(super) fn word_hash(slot: u8, word: &str) -> WordHash {
    xxh3_128_with_seed(word.as_bytes(), u64::from(slot))
}

/// One version of an item, analysed.
#[derive(Debug)]
pub(super) struct TailDoc {
    pub key: ItemKey,
    pub generation: Generation,
    pub fields: Arc<Fields>,
    /// Ascending, so that a word is found by bisection.
    words: Box<[WordHash]>,
    /// How often each of `words` occurs.
    counts: Box<[u32]>,
    /// Tokens of each slot, quantised to a byte as tantivy does it: a score must not change when the item moves there.
    lengths: [u8; MAX_TEXT_FIELDS],
}

/// The documents of one commit of the catalog, ascending by key.
#[derive(Debug)]
struct Batch {
    seq: Seq,
    docs: Vec<TailDoc>,
    totals: Totals,
}

/// Counts that the statistics of BM25 are taken from.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Totals {
    /// Documents.
    pub docs: u64,
    /// Documents that have text in each slot.
    pub filled: [u64; MAX_TEXT_FIELDS],
    /// Tokens of each slot.
    pub tokens: [u64; MAX_TEXT_FIELDS],
}

/// The overlay at one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct Tail {
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

/// Documents that were analysed, before they are published.
#[derive(Debug)]
pub(super) struct Staged(Batch);

/// Analyses the documents of a commit. Done before any lock is taken.
pub(super) fn analyse(seq: Seq, docs: Vec<TextDoc>, schema: &Schema) -> Staged {
    let mut totals = Totals { docs: docs.len() as u64, ..Totals::default() };
    let mut docs: Vec<TailDoc> = docs.into_iter().map(|doc| TailDoc::new(doc, schema, &mut totals)).collect();
    docs.sort_by_key(|doc| (doc.key, doc.generation));
    Staged(Batch { seq, docs, totals })
}

impl Tail {
    /// The tail with a commit more. Staging a commit again replaces what was staged for it and for later ones: those
    /// never happened.
    pub(super) fn with(&self, Staged(batch): Staged) -> Tail {
        let mut batches: Vec<Arc<Batch>> = self.batches.iter().filter(|b| b.seq < batch.seq).cloned().collect();
        let mut totals = self.totals;
        if batches.len() < self.batches.len() {
            totals = sum(&batches);
        }
        totals.add(&batch.totals);
        if !batch.docs.is_empty() {
            batches.push(Arc::new(batch));
        }
        Tail { batches, totals }
    }

    /// The tail without what the index holds up to `seq`.
    pub(super) fn after(&self, seq: Seq) -> Tail {
        let batches: Vec<Arc<Batch>> = self.batches.iter().filter(|b| b.seq > seq).cloned().collect();
        let totals = sum(&batches);
        Tail { batches, totals }
    }

    /// Counts over all versions.
    pub(super) fn totals(&self) -> &Totals {
        &self.totals
    }

    /// All versions.
    pub(super) fn docs(&self) -> impl Iterator<Item = &TailDoc> {
        self.batches.iter().flat_map(|batch| batch.docs.iter())
    }

    /// How many versions have each of the words.
    pub(super) fn frequencies(&self, words: &[WordHash]) -> Vec<u64> {
        let mut found = vec![0; words.len()];
        for doc in self.docs() {
            for (count, word) in found.iter_mut().zip(words) {
                *count += u64::from(doc.count(*word) > 0);
            }
        }
        found
    }

    /// The versions that match the query and the filter, in no order.
    pub(super) fn hits(&self, query: &TextQuery, plan: Option<&Plan<'_>>) -> Vec<TailHit> {
        self.docs()
            .filter_map(|doc| {
                let score = doc.score(&query.leaves);
                let wanted = score > 0.0 && plan.is_none_or(|plan| plan.holds(doc));
                wanted.then_some(TailHit { key: doc.key, generation: doc.generation, score })
            })
            .collect()
    }

    /// The version of an item that the reader sees, when it is here.
    pub(super) fn version(&self, key: ItemKey, live: &dyn Fn(ItemKey, Generation) -> bool) -> Option<&TailDoc> {
        // The newest commit first: it is the one that most readers see.
        self.batches.iter().rev().find_map(|batch| {
            let start = batch.docs.partition_point(|doc| doc.key < key);
            let versions = batch.docs.iter().skip(start).take_while(|doc| doc.key == key);
            versions.into_iter().find(|doc| live(doc.key, doc.generation))
        })
    }
}

impl TailDoc {
    fn new(doc: TextDoc, schema: &Schema, totals: &mut Totals) -> TailDoc {
        let mut counts: HashMap<WordHash, u32> = HashMap::new();
        let mut tokens = [0u32; MAX_TEXT_FIELDS];
        for (slot, text) in slotted(&doc.fields, schema) {
            each_word(text, |token| {
                *counts.entry(word_hash(slot, &token.text)).or_default() += 1;
                if let Some(tokens) = tokens.get_mut(usize::from(slot)) {
                    *tokens += 1;
                }
                true
            });
        }
        for slot in filled_slots(&doc.fields, schema) {
            if let Some(filled) = totals.filled.get_mut(usize::from(slot)) {
                *filled += 1;
            }
        }
        for (total, tokens) in totals.tokens.iter_mut().zip(tokens) {
            *total += u64::from(tokens);
        }
        let counts: BTreeMap<WordHash, u32> = counts.into_iter().collect();
        TailDoc {
            key: doc.key,
            generation: doc.generation,
            fields: doc.fields,
            words: counts.keys().copied().collect(),
            counts: counts.values().copied().collect(),
            lengths: tokens.map(FieldNormReader::fieldnorm_to_id),
        }
    }

    /// How often the word occurs.
    pub(super) fn count(&self, word: WordHash) -> u32 {
        self.words.binary_search(&word).map_or(0, |at| self.counts[at])
    }

    /// BM25 over the leaves of a query, added up in their order: the index adds in the same order, so that the two
    /// round alike.
    pub(super) fn score(&self, leaves: &[Leaf]) -> f32 {
        let mut score = 0.0;
        for leaf in leaves {
            let count = self.count(leaf.hash);
            if count > 0 {
                score += leaf.weight.score(self.lengths[usize::from(leaf.slot)], count);
            }
        }
        score
    }
}

impl Totals {
    fn add(&mut self, other: &Totals) {
        self.docs += other.docs;
        for slot in 0..MAX_TEXT_FIELDS {
            self.filled[slot] += other.filled[slot];
            self.tokens[slot] += other.tokens[slot];
        }
    }
}

fn sum(batches: &[Arc<Batch>]) -> Totals {
    let mut totals = Totals::default();
    for batch in batches {
        totals.add(&batch.totals);
    }
    totals
}
