//! One version of an item in the tail, analysed.

use std::collections::BTreeMap;
use std::sync::Arc;

use tantivy::fieldnorm::FieldNormReader;

use super::analyse::{WordHash, each_word, word_hash};
use super::change::TextDoc;
use super::fields::{filled_slots, slotted};
use super::leaf::Leaf;
use crate::api::item::Fields;
use crate::api::schema::Schema;
use crate::base::id::{Generation, ItemKey, Seq};
use crate::base::limits::MAX_TEXT_FIELDS;

/// One version of an item, analysed.
#[derive(Debug)]
pub(super) struct TailDoc {
    /// The commit of the catalog that wrote it: that of the generation, or a later one when it is applied again.
    pub seq: Seq,
    /// The item.
    pub key: ItemKey,
    /// The `put` that wrote this version.
    pub generation: Generation,
    /// All fields of this version.
    pub fields: Arc<Fields>,
    /// Ascending, so that a word is found by bisection.
    pub words: Box<[WordHash]>,
    /// How often each of `words` occurs.
    pub counts: Box<[u32]>,
    /// Tokens of each slot.
    tokens: [u32; MAX_TEXT_FIELDS],
    /// Which slots have text.
    filled: [bool; MAX_TEXT_FIELDS],
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

impl TailDoc {
    /// Analyses a version that commit `seq` wrote.
    pub(super) fn new(seq: Seq, doc: TextDoc, schema: &Schema) -> TailDoc {
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
    pub(super) fn length(&self, slot: u8) -> u8 {
        FieldNormReader::fieldnorm_to_id(self.tokens[usize::from(slot)])
    }
}

impl Totals {
    /// Counts a version.
    pub(super) fn add(&mut self, doc: &TailDoc) {
        self.docs += 1;
        for slot in 0..MAX_TEXT_FIELDS {
            self.filled[slot] += u64::from(doc.filled[slot]);
            self.tokens[slot] += u64::from(doc.tokens[slot]);
        }
    }

    /// Takes a version off.
    pub(super) fn remove(&mut self, doc: &TailDoc) {
        self.docs -= 1;
        for slot in 0..MAX_TEXT_FIELDS {
            self.filled[slot] -= u64::from(doc.filled[slot]);
            self.tokens[slot] -= u64::from(doc.tokens[slot]);
        }
    }
}
