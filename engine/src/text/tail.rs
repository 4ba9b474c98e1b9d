//! The tail: items that the catalog has and tantivy does not hold yet.
//!
//! Batches are immutable and shared, so that publishing a commit costs a list of pointers; neighbours of like size are
//! merged, so that the list stays short. All versions of an item stay until their commit is in the index, because
//! readers that pinned an older catalog still need the older version.

use std::collections::BTreeMap;
use std::sync::Arc;

use tantivy::fieldnorm::FieldNormReader;
use xxhash_rust::xxh3::xxh3_128_with_seed;

use super::TextDoc;
use super::analyse::each_word;
use super::fields::{filled_slots, slotted};
use super::plan::Plan;
use super::query::{Leaf, TextQuery};
use crate::api::item::Fields;
use crate::api::schema::Schema;
use crate::base::id::{Generation, ItemKey, Seq};
use crate::base::limits::MAX_TEXT_FIELDS;

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
    /// The commit of the catalog that wrote it: that of the generation, or a later one when it is applied again.
    seq: Seq,
    pub key: ItemKey,
    pub generation: Generation,
    pub fields: Arc<Fields>,
    /// Ascending, so that a word is found by bisection.
    words: Box<[WordHash]>,
    /// How often each of `words` occurs.
    counts: Box<[u32]>,
    /// Tokens of each slot.
    tokens: [u32; MAX_TEXT_FIELDS],
    /// Which slots have text.
    filled: [bool; MAX_TEXT_FIELDS],
}

/// The documents of one commit of the catalog, or of several in a row; ascending by key and generation.
#[derive(Debug)]
struct Batch {
    docs: Vec<Arc<TailDoc>>,
    /// Every word of every document, ascending by word and then by document.
    postings: Vec<Posting>,
}

/// A document has a word.
#[derive(Debug, Clone, Copy)]
struct Posting {
    word: WordHash,
    /// Index into the documents of the batch.
    doc: u32,
    /// How often it occurs.
    count: u32,
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

impl Batch {
    fn new(mut docs: Vec<Arc<TailDoc>>) -> Batch {
        docs.sort_by_key(|doc| (doc.key, doc.generation));
        let mut postings = Vec::with_capacity(docs.iter().map(|doc| doc.words.len()).sum());
        for (at, doc) in (0u32..).zip(&docs) {
            let words = doc.words.iter().zip(&doc.counts);
            postings.extend(words.map(|(word, count)| Posting { word: *word, doc: at, count: *count }));
        }
        postings.sort_unstable_by_key(|posting| (posting.word, posting.doc));
        Batch { docs, postings }
    }

    /// Both in one. What each has is in order already, and a stable sort takes two such stretches as they are.
    fn merge(older: &Batch, newer: &Batch) -> Batch {
        let all = older.docs.iter().chain(&newer.docs);
        let mut docs: Vec<(usize, &Arc<TailDoc>)> = all.enumerate().collect();
        docs.sort_by_key(|(_, doc)| (doc.key, doc.generation));
        let mut places = vec![0; docs.len()];
        for (place, (from, _)) in (0u32..).zip(&docs) {
            places[*from] = place;
        }
        let moved = |batch: &Batch, before: usize| -> Vec<Posting> {
            let place = |doc: u32| places[before + doc as usize];
            batch.postings.iter().map(|posting| Posting { doc: place(posting.doc), ..*posting }).collect()
        };
        let mut postings = moved(older, 0);
        postings.extend(moved(newer, older.docs.len()));
        postings.sort_by_key(|posting| (posting.word, posting.doc));
        Batch { docs: docs.into_iter().map(|(_, doc)| doc.clone()).collect(), postings }
    }

    /// The documents that have a word.
    fn with_word(&self, word: WordHash) -> &[Posting] {
        let from = &self.postings[self.postings.partition_point(|posting| posting.word < word)..];
        &from[..from.partition_point(|posting| posting.word == word)]
    }

    /// BM25 of every document; added up as [`TailDoc::score`] does.
    fn scores(&self, leaves: &[Leaf]) -> Vec<f32> {
        let mut scores = vec![0.0; self.docs.len()];
        for leaf in leaves {
            for posting in self.with_word(leaf.hash) {
                let doc = posting.doc as usize;
                scores[doc] += leaf.weight.score(self.docs[doc].length(leaf.slot), posting.count);
            }
        }
        scores
    }
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

    /// The versions that match the query and the filter, in no order.
    pub(super) fn hits(&self, query: &TextQuery, plan: Option<&Plan<'_>>) -> Vec<TailHit> {
        let mut hits = Vec::new();
        for batch in &self.batches {
            for (doc, score) in batch.docs.iter().zip(batch.scores(&query.leaves)) {
                if score > 0.0 && plan.is_none_or(|plan| plan.holds(doc)) {
                    hits.push(TailHit { key: doc.key, generation: doc.generation, score });
                }
            }
        }
        hits
    }

    /// The version of an item that the reader sees, when it is here.
    pub(super) fn version(&self, key: ItemKey, live: &dyn Fn(ItemKey, Generation) -> bool) -> Option<&TailDoc> {
        // The newest commits first: they are what most readers see.
        self.batches.iter().rev().find_map(|batch| {
            let start = batch.docs.partition_point(|doc| doc.key < key);
            let mut versions = batch.docs[start..].iter().take_while(|doc| doc.key == key);
            versions.find(|doc| live(doc.key, doc.generation)).map(Arc::as_ref)
        })
    }
}

impl TailDoc {
    fn new(seq: Seq, doc: TextDoc, schema: &Schema) -> TailDoc {
        let mut counts: BTreeMap<WordHash, u32> = BTreeMap::new();
        let mut tokens = [0u32; MAX_TEXT_FIELDS];
        for (slot, text) in slotted(&doc.fields, schema) {
            let Some(tokens) = tokens.get_mut(usize::from(slot)) else { continue };
            each_word(text, |token| {
                *counts.entry(word_hash(slot, &token.text)).or_default() += 1;
                *tokens += 1;
                true
            });
        }
        let mut filled = [false; MAX_TEXT_FIELDS];
        for slot in filled_slots(&doc.fields, schema) {
            filled[usize::from(slot) % MAX_TEXT_FIELDS] = true;
        }
        TailDoc {
            seq,
            key: doc.key,
            generation: doc.generation,
            fields: doc.fields,
            words: counts.keys().copied().collect(),
            counts: counts.values().copied().collect(),
            tokens,
            filled,
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
                score += leaf.weight.score(self.length(leaf.slot), count);
            }
        }
        score
    }

    /// Tokens of a slot, quantised to a byte as tantivy does it: a score must not change when the item moves there.
    fn length(&self, slot: u8) -> u8 {
        FieldNormReader::fieldnorm_to_id(self.tokens[usize::from(slot)])
    }
}

impl Totals {
    fn add(&mut self, doc: &TailDoc) {
        self.docs += 1;
        for slot in 0..MAX_TEXT_FIELDS {
            self.filled[slot] += u64::from(doc.filled[slot]);
            self.tokens[slot] += u64::from(doc.tokens[slot]);
        }
    }

    fn remove(&mut self, doc: &TailDoc) {
        self.docs -= 1;
        for slot in 0..MAX_TEXT_FIELDS {
            self.filled[slot] -= u64::from(doc.filled[slot]);
            self.tokens[slot] -= u64::from(doc.tokens[slot]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::item::Item;

    #[test]
    fn merged_batches_are_those_of_all_their_documents() {
        let mut schema = Schema::default();
        let mut docs = |seq: u64, keys: &[u64]| -> Vec<Arc<TailDoc>> {
            let doc = |key: &u64| {
                let item = Item::new("x").text("title", format!("w{} w{} w{seq} all", key % 3, key % 5));
                schema.admit(&item, false).expect("fits");
                let doc = TextDoc { key: ItemKey(*key), generation: Seq(seq), fields: Arc::new(item.fields) };
                Arc::new(TailDoc::new(Seq(seq), doc, &schema))
            };
            keys.iter().map(doc).collect()
        };
        // Versions of one item in both, keys that lie between each other, and keys that do not.
        for (older, newer) in [(vec![1, 4, 7, 9], vec![2, 4, 8]), (vec![5, 6], vec![1, 2]), (vec![], vec![3])] {
            let (older, newer) = (docs(1, &older), docs(2, &newer));
            let merged = Batch::merge(&Batch::new(older.clone()), &Batch::new(newer.clone()));
            let whole = Batch::new([older, newer].concat());
            let keys = |batch: &Batch| -> Vec<_> { batch.docs.iter().map(|doc| (doc.key, doc.generation)).collect() };
            let words = |batch: &Batch| -> Vec<_> {
                batch.postings.iter().map(|posting| (posting.word, posting.doc, posting.count)).collect()
            };
            assert_eq!((keys(&merged), words(&merged)), (keys(&whole), words(&whole)));
        }
    }
}
