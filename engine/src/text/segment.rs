//! One tantivy segment with what every search needs of it, opened once.

use std::sync::Arc;

use tantivy::columnar::Column;
use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::Postings;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet, SegmentReader, TERMINATED};

use super::documents::Documents;
use super::error::failed;
use super::leaf::Leaf;
use crate::base::error::Result;
use crate::base::id::{Generation, ItemKey, Seq};

/// A segment with its identity columns open: opening them for each hit costs twice the search.
pub(super) struct Segment {
    pub reader: SegmentReader,
    keys: Column<u64>,
    generations: Column<u64>,
    documents: Arc<Documents>,
    /// Its place among the segments of the commit: that of its entry in [`Leaf::infos`].
    place: usize,
}

impl std::fmt::Debug for Segment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Segment {{ docs: {} }}", self.reader.num_docs())
    }
}

impl Segment {
    /// Opens the identity columns. `before` are the segments of the commit before, which this one may be among.
    pub(super) fn open(reader: &SegmentReader, place: usize, before: &[Segment]) -> Result<Segment> {
        let columns = reader.fast_fields();
        let keys = columns.u64("key").map_err(failed)?;
        let generations = columns.u64("generation").map_err(failed)?;
        let known = before.iter().find(|segment| segment.reader.segment_id() == reader.segment_id());
        let documents = known.map(|segment| segment.documents.clone());
        let documents = documents.unwrap_or_else(|| Arc::new(Documents::read(&keys, reader.max_doc())));
        Ok(Segment { reader: reader.clone(), keys, generations, documents, place })
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

    /// The alive documents of the given items, as (position in `keys`, document). An item has at most one alive document
    /// in the whole index.
    pub(super) fn find(&self, keys: &[ItemKey]) -> Vec<(usize, u32)> {
        let documents = keys.iter().map(|key| self.documents.of(*key)).enumerate();
        let found = documents.filter_map(|(position, document)| Some((position, document?)));
        found.filter(|(_, document)| self.is_alive(*document)).collect()
    }

    /// BM25 of documents (ascending), 0 where no leaf matches. The leaves are added up in their order (see
    /// [`super::tail_doc::TailDoc::score`]).
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
        let Some(Some(info)) = leaf.infos.get(self.place) else { return Ok(()) };
        let index = self.reader.inverted_index(leaf.field).map_err(failed)?;
        let postings = index.read_postings_from_terminfo(info, IndexRecordOption::WithFreqs);
        let mut postings = postings.map_err(failed)?;
        let lengths = self.reader.fieldnorms_readers().get_field(leaf.field).map_err(failed)?;
        let lengths = lengths.unwrap_or_else(|| FieldNormReader::constant(self.reader.max_doc(), 1));
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
