//! The documents of one commit in the tail, or of several in a row, with their postings.

use std::sync::Arc;

use super::analyse::WordHash;
use super::leaf::Leaf;
use super::tail_doc::TailDoc;

/// The documents of one commit of the catalog, or of several in a row; ascending by key and generation.
#[derive(Debug)]
pub(super) struct Batch {
    /// The documents.
    pub docs: Vec<Arc<TailDoc>>,
    /// Every word of every document, ascending by word and then by document.
    postings: Vec<Posting>,
}

/// A document has a word.
#[derive(Debug, Clone, Copy)]
pub(super) struct Posting {
    word: WordHash,
    /// Index into the documents of the batch.
    doc: u32,
    /// How often it occurs.
    count: u32,
}

impl Batch {
    /// A batch of these documents.
    pub(super) fn new(mut docs: Vec<Arc<TailDoc>>) -> Batch {
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
    pub(super) fn merge(older: &Batch, newer: &Batch) -> Batch {
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
    pub(super) fn with_word(&self, word: WordHash) -> &[Posting] {
        let from = &self.postings[self.postings.partition_point(|posting| posting.word < word)..];
        &from[..from.partition_point(|posting| posting.word == word)]
    }

    /// BM25 of every document; added up as [`TailDoc::score`] does.
    pub(super) fn scores(&self, leaves: &[Leaf]) -> Vec<f32> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::item::Item;
    use crate::api::schema::Schema;
    use crate::base::id::{ItemKey, Seq};
    use crate::text::change::TextDoc;

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
