//! One tantivy segment with what every search needs of it, opened once.

use tantivy::columnar::Column;
use tantivy::postings::Postings;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet, SegmentReader, TERMINATED};

use super::failed;
use super::fields::Places;
use super::query::Leaf;
use crate::error::Result;
use crate::id::{Generation, ItemKey, Seq};

/// A segment with its identity columns open: opening them for each hit costs twice the search.
pub(super) struct Segment {
    pub reader: SegmentReader,
    keys: Column<u64>,
    generations: Column<u64>,
}

impl std::fmt::Debug for Segment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Segment {{ docs: {} }}", self.reader.num_docs())
    }
}

impl Segment {
    /// Opens the identity columns.
    pub(super) fn open(reader: &SegmentReader) -> Result<Segment> {
        let columns = reader.fast_fields();
        let keys = columns.u64("key").map_err(failed)?;
        let generations = columns.u64("generation").map_err(failed)?;
        Ok(Segment { reader: reader.clone(), keys, generations })
    }

    /// The item of a document.
    pub(super) fn key(&self, doc: u32) -> Option<ItemKey> {
        self.keys.first(doc).map(ItemKey)
    }

    /// The version of a document.
    pub(super) fn generation(&self, doc: u32) -> Option<Generation> {
        self.generations.first(doc).map(Seq)
    }

    /// Whether the document was neither deleted nor replaced in the index.
    pub(super) fn is_alive(&self, doc: u32) -> bool {
        self.reader.alive_bitset().is_none_or(|alive| alive.is_alive(doc))
    }

    /// The highest key that the segment may hold, deleted documents included.
    pub(super) fn highest_key(&self) -> Option<u64> {
        (self.reader.max_doc() > 0).then(|| self.keys.max_value())
    }

    /// The alive documents of the given items (ascending), as (position in `keys`, document). An item has at most one
    /// alive document in the whole index.
    pub(super) fn find(&self, keys: &[ItemKey], places: &Places) -> Result<Vec<(usize, u32)>> {
        let (low, high) = (self.keys.min_value(), self.keys.max_value());
        let index = self.reader.inverted_index(places.key).map_err(failed)?;
        let mut found = Vec::new();
        for (position, key) in keys.iter().enumerate() {
            if self.reader.max_doc() == 0 || key.0 < low || key.0 > high {
                continue;
            }
            let postings = index.read_postings(&places.key_term(*key), IndexRecordOption::Basic).map_err(failed)?;
            let Some(mut postings) = postings else { continue };
            while postings.doc() != TERMINATED {
                if self.is_alive(postings.doc()) {
                    found.push((position, postings.doc()));
                    break;
                }
                postings.advance();
            }
        }
        Ok(found)
    }

    /// BM25 of documents (ascending), 0 where no leaf matches. The leaves are added up in their order (see
    /// [`super::tail::TailDoc::score`]).
    pub(super) fn score(&self, leaves: &[Leaf], docs: &[u32]) -> Result<Vec<f32>> {
        let mut scores = vec![0.0; docs.len()];
        for leaf in leaves {
            self.each_match(leaf, docs, |at, length, count| scores[at] += leaf.weight.score(length, count))?;
        }
        Ok(scores)
    }

    /// Calls `each` with (position in `docs`, quantised length of the slot, term frequency) for each of the documents
    /// (ascending) that has the leaf's word.
    pub(super) fn each_match(&self, leaf: &Leaf, docs: &[u32], mut each: impl FnMut(usize, u8, u32)) -> Result<()> {
        let index = self.reader.inverted_index(leaf.field).map_err(failed)?;
        let postings = index.read_postings(&leaf.term, IndexRecordOption::WithFreqs).map_err(failed)?;
        let Some(mut postings) = postings else { return Ok(()) };
        let lengths = self.reader.get_fieldnorms_reader(leaf.field).map_err(failed)?;
        for (at, doc) in docs.iter().enumerate() {
            if postings.doc() < *doc {
                postings.seek(*doc);
            }
            match postings.doc() {
                TERMINATED => break,
                found if found == *doc => each(at, lengths.fieldnorm_id(*doc), postings.term_freq()),
                _ => {}
            }
        }
        Ok(())
    }
}
