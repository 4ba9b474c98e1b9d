//! One version of an item in the tail, analysed.

use std::collections::BTreeMap;
use std::sync::Arc;

use tantivy::fieldnorm::FieldNormReader;

use super::analyse::{WordHash, each_word, word_hash};
use super::change::TextDoc;
use super::fields::{LENGTHS, filled_slots, slotted};
use super::leaf::Leaf;
use crate::api::item::Fields;
use crate::api::schema::Schema;
use crate::base::id::{Generation, ItemKey, Seq};

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
    /// Tokens of each slot whose texts have a length.
    tokens: [u32; LENGTHS],
    /// Which of these slots have text.
    filled: [bool; LENGTHS],
}

/// Counts that the statistics of BM25 are taken from.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Totals {
    /// Documents.
    pub docs: u64,
    /// Documents that have text in each slot.
    pub filled: [u64; LENGTHS],
    /// Tokens of each slot.
    pub tokens: [u64; LENGTHS],
}

impl TailDoc {
    /// Analyses a version that commit `seq` wrote.
    pub(super) fn new(seq: Seq, doc: TextDoc, schema: &Schema) -> TailDoc {
        let mut counts: BTreeMap<WordHash, u32> = BTreeMap::new();
        let mut tokens = [0u32; LENGTHS];
        for (slot, text) in slotted(&doc.fields, schema) {
            let mut found = 0;
            each_word(text, |token| {
                *counts.entry(word_hash(slot, &token.text)).or_default() += 1;
                found += 1;
                true
            });
            if let Some(tokens) = tokens.get_mut(usize::from(slot)) {
                *tokens += found;
            }
        }
        let mut filled = [false; LENGTHS];
        for slot in filled_slots(&doc.fields, schema) {
            if let Some(filled) = filled.get_mut(usize::from(slot)) {
                *filled = true;
            }
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
        // One token is what tantivy takes where it keeps no lengths.
        FieldNormReader::fieldnorm_to_id(self.tokens.get(usize::from(slot)).copied().unwrap_or(1))
    }
}

impl Totals {
    /// Counts a version.
    pub(super) fn add(&mut self, doc: &TailDoc) {
        self.docs += 1;
        for slot in 0..LENGTHS {
            self.filled[slot] += u64::from(doc.filled[slot]);
            self.tokens[slot] += u64::from(doc.tokens[slot]);
        }
    }

    /// Takes a version off.
    pub(super) fn remove(&mut self, doc: &TailDoc) {
        self.docs -= 1;
        for slot in 0..LENGTHS {
            self.filled[slot] -= u64::from(doc.filled[slot]);
            self.tokens[slot] -= u64::from(doc.tokens[slot]);
        }
    }
}
