//! A query: its words, the postings they stand for, and the weight of each.

use tantivy::postings::TermInfo;
use tantivy::query::{Bm25StatisticsProvider, Bm25Weight, BooleanQuery, BoostQuery, Occur, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{Searcher, SegmentReader, Term};

use super::analyse::{WordHash, each_word, word_hash};
use super::error::failed;
use super::fields::{Mark, Places};
use super::leaf::Leaf;
use super::tail::Tail;
use crate::base::error::Result;
use crate::base::limits::{MAX_QUERY_BYTES, MAX_QUERY_TERMS, MAX_TEXT_FIELDS};

/// BM25's saturation of term frequency; tantivy's constant.
const K1: f32 = 1.2;

/// An analysed query with the statistics of the view that made it. Use it with that view.
#[derive(Debug)]
pub(crate) struct TextQuery {
    /// Distinct words, in the order they were typed.
    pub(super) words: Vec<Word>,
    /// The (word, slot) pairs that occur anywhere, in a fixed order: scores are added up in it.
    pub(super) leaves: Vec<Leaf>,
    totals: Statistics,
    bound: f32,
    /// The text has more words than a query takes.
    cut: bool,
}

/// A word of the query.
#[derive(Debug)]
pub(super) struct Word {
    /// As the user typed it.
    pub typed: String,
    /// After the analyser.
    analysed: String,
}

/// The collection as BM25 sees it: index and tail together. A version that was replaced counts until it is merged away,
/// as in tantivy itself.
#[derive(Debug)]
struct Statistics {
    docs: u64,
    /// Average number of tokens of each slot, over the documents that have text in it: a field that few items have must
    /// not make every one of them look long.
    average: [f32; MAX_TEXT_FIELDS],
}

impl TextQuery {
    /// The divisor that brings a score into about 0 to 1: the score of a document that has every word at its best.
    /// Positive.
    pub(crate) fn bound(&self) -> f32 {
        self.bound
    }

    /// Whether words of the text were left out because there were more than [`MAX_QUERY_TERMS`].
    pub(crate) fn is_cut(&self) -> bool {
        self.cut
    }

    /// Analyses `text` over the (slot, boost) pairs. None when no word is left.
    pub(super) fn new(
        text: &str,
        fields: &[(u8, f32)],
        searcher: &Searcher,
        places: &Places,
        tail: &Tail,
    ) -> Result<Option<TextQuery>> {
        let (words, cut) = distinct_words(text);
        let fields: Vec<(u8, f32)> = fields
            .iter()
            .copied()
            .filter(|(slot, boost)| usize::from(*slot) < MAX_TEXT_FIELDS && boost.is_finite() && *boost > 0.0)
            .collect();
        if words.is_empty() || fields.is_empty() {
            return Ok(None);
        }
        let totals = Statistics::collect(searcher, places, tail, &fields)?;
        let mut pairs = Vec::with_capacity(words.len() * fields.len());
        for (word, w) in words.iter().enumerate() {
            for (slot, boost) in &fields {
                pairs.push((word, *slot, *boost, word_hash(*slot, &w.analysed)));
            }
        }
        let hashes: Vec<WordHash> = pairs.iter().map(|pair| pair.3).collect();
        let in_tail = tail.frequencies(&hashes);
        let mut leaves = Vec::with_capacity(pairs.len());
        let mut best = vec![0.0f32; words.len()];
        for ((word, slot, boost, hash), in_tail) in pairs.into_iter().zip(in_tail) {
            let field = places.slots[usize::from(slot)];
            let term = Term::from_field_text(field, &words[word].analysed);
            let infos = infos(searcher, &term)?;
            let indexed: u64 = infos.iter().flatten().map(|info| u64::from(info.doc_freq)).sum();
            let frequency = (indexed + in_tail).min(totals.docs);
            let average = totals.average[usize::from(slot)];
            let weight = Bm25Weight::for_one_term_without_explain(frequency, totals.docs, average).boost_by(boost);
            best[word] = best[word].max(boost * idf(frequency, totals.docs) * (K1 + 1.0));
            if frequency > 0 {
                leaves.push(Leaf { word, slot, field, term, infos, hash, frequency, weight, boost });
            }
        }
        let bound = best.iter().sum::<f32>().max(f32::MIN_POSITIVE);
        Ok(Some(TextQuery { words, leaves, totals, bound, cut }))
    }

    /// The disjunction of all leaves, for tantivy's pruning search.
    pub(super) fn disjunction(&self) -> BooleanQuery {
        let clauses = self.leaves.iter().map(|leaf| {
            let term: Box<dyn Query> = Box::new(TermQuery::new(leaf.term.clone(), IndexRecordOption::WithFreqs));
            let boosted: Box<dyn Query> = Box::new(BoostQuery::new(term, leaf.boost));
            (Occur::Should, boosted)
        });
        BooleanQuery::new(clauses.collect())
    }

    /// Postings that a search over everything would read, at most.
    pub(super) fn postings(&self) -> u64 {
        self.leaves.iter().map(|leaf| leaf.frequency).sum()
    }
}

/// The statistics go into tantivy's search through this trait, so that its pruning works with our numbers.
impl Bm25StatisticsProvider for TextQuery {
    fn total_num_tokens(&self, field: Field) -> tantivy::Result<u64> {
        let slot = self.leaves.iter().find(|leaf| leaf.field == field).map_or(0, |leaf| usize::from(leaf.slot));
        // Tantivy divides by the number of documents to get the average back.
        Ok((f64::from(self.totals.average[slot]) * self.totals.docs as f64).round() as u64)
    }

    fn total_num_docs(&self) -> tantivy::Result<u64> {
        Ok(self.totals.docs)
    }

    fn doc_freq(&self, term: &Term) -> tantivy::Result<u64> {
        Ok(self.leaves.iter().find(|leaf| leaf.term == *term).map_or(0, |leaf| leaf.frequency))
    }
}

impl Statistics {
    fn collect(searcher: &Searcher, places: &Places, tail: &Tail, fields: &[(u8, f32)]) -> Result<Statistics> {
        let in_tail = tail.totals();
        let mut docs = in_tail.docs;
        for segment in searcher.segment_readers() {
            docs += u64::from(segment.max_doc());
        }
        let mut average = [1.0; MAX_TEXT_FIELDS];
        for (slot, _) in fields {
            let slot = usize::from(*slot);
            let mut tokens = in_tail.tokens[slot];
            for segment in searcher.segment_readers() {
                tokens += segment.inverted_index(places.slots[slot]).map_err(failed)?.total_num_tokens();
            }
            let mark = places.mark_term(Mark::Filled(slot as u8));
            let filled = in_tail.filled[slot] + searcher.doc_freq(&mark).map_err(failed)?;
            // Both at least one: an empty field must not divide by zero.
            average[slot] = tokens.max(1) as f32 / filled.max(1) as f32;
        }
        Ok(Statistics { docs: docs.max(1), average })
    }
}

/// Where each segment has the postings of a word.
fn infos(searcher: &Searcher, term: &Term) -> Result<Vec<Option<TermInfo>>> {
    let info = |segment: &SegmentReader| {
        let index = segment.inverted_index(term.field()).map_err(failed)?;
        index.get_term_info(term).map_err(failed)
    };
    searcher.segment_readers().iter().map(info).collect()
}

/// Inverse document frequency as tantivy (and Lucene) has it. `frequency` at most `docs`.
fn idf(frequency: u64, docs: u64) -> f32 {
    let x = ((docs - frequency) as f32 + 0.5) / (frequency as f32 + 0.5);
    (1.0 + x).ln()
}

/// The first [`MAX_QUERY_TERMS`] distinct words of the first [`MAX_QUERY_BYTES`] of a text, and whether there are more.
fn distinct_words(text: &str) -> (Vec<Word>, bool) {
    let text = &text[..text.floor_char_boundary(MAX_QUERY_BYTES)];
    let (mut words, mut more): (Vec<Word>, bool) = (Vec::new(), false);
    each_word(text, |token| {
        if words.iter().all(|word| word.analysed != token.text) {
            more = words.len() == MAX_QUERY_TERMS;
            if !more {
                let typed = text.get(token.offset_from..token.offset_to).unwrap_or(&token.text).to_owned();
                words.push(Word { typed, analysed: token.text.clone() });
            }
        }
        !more
    });
    (words, more)
}
