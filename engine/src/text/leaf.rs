//! One word of a query in one slot, with its weight: what documents are scored by.

use tantivy::Term;
use tantivy::postings::TermInfo;
use tantivy::query::Bm25Weight;
use tantivy::schema::Field;

use super::analyse::WordHash;

/// One word in one slot.
pub(super) struct Leaf {
    /// Index of the word.
    pub word: usize,
    /// The slot.
    pub slot: u8,
    /// The slot's field in tantivy.
    pub field: Field,
    /// The word as tantivy's term.
    pub term: Term,
    /// Where the postings are, by segment; looked up once for all that a request asks.
    pub infos: Vec<Option<TermInfo>>,
    /// The word as the tail knows it.
    pub hash: WordHash,
    /// Versions that have it, in the index and in the tail.
    pub frequency: u64,
    /// idf, boost and the average length, ready to score.
    pub weight: Bm25Weight,
    /// The boost of the slot.
    pub boost: f32,
}

impl std::fmt::Debug for Leaf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Leaf {{ word: {}, slot: {}, frequency: {} }}", self.word, self.slot, self.frequency)
    }
}
