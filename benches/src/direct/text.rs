//! tantivy, called directly: one writer thread, one commit, and the analyser of the engine.

use std::path::Path;

use tantivy::collector::TopDocs;
use tantivy::columnar::Column;
use tantivy::indexer::{IndexWriter, IndexWriterOptions};
use tantivy::query::{BooleanQuery, ConstScoreQuery, EnableScoring, Occur, Query, TermQuery, Weight};
use tantivy::schema::{FAST, Field, INDEXED, IndexRecordOption, STRING, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::{AsciiFoldingFilter, LowerCaser, RemoveLongFilter, SimpleTokenizer, Stemmer, TextAnalyzer};
use tantivy::{DocSet, Index, IndexReader, ReloadPolicy, Searcher, TERMINATED, TantivyDocument, Term};

use crate::Result;
use crate::bar::bar;
use crate::data::Dataset;

/// Memory of the writer in bytes: the engine's.
const WRITER_BYTES: usize = 64 << 20;
const ANALYSER: &str = "bench_words";

/// The fields of the index.
#[derive(Clone, Copy)]
struct Fields {
    key: Field,
    title: Field,
    tags: Field,
    whole_tag: Field,
    price: Field,
}

/// An index with a reader.
pub struct Text {
    index: Index,
    fields: Fields,
    reader: IndexReader,
    searcher: Searcher,
    keys: Vec<Column<u64>>,
    /// Where the document of a key is: segment and number.
    places: Vec<(usize, u32)>,
    /// For adding single documents later.
    writer: Option<IndexWriter>,
}

fn layout() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let words = TextFieldIndexing::default()
        .set_tokenizer(ANALYSER)
        .set_fieldnorms(true)
        .set_index_option(IndexRecordOption::WithFreqs);
    let words = TextOptions::default().set_indexing_options(words);
    let fields = Fields {
        key: builder.add_u64_field("key", INDEXED | FAST),
        title: builder.add_text_field("title", words.clone()),
        tags: builder.add_text_field("tags", words),
        whole_tag: builder.add_text_field("whole_tag", STRING),
        price: builder.add_f64_field("price", FAST),
    };
    (builder.build(), fields)
}

fn analyser() -> TextAnalyzer {
    TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(RemoveLongFilter::limit(255))
        .filter(LowerCaser)
        .filter(AsciiFoldingFilter)
        .filter(Stemmer::default())
        .build()
}

fn writer(index: &Index) -> Result<IndexWriter> {
    let options = IndexWriterOptions::builder()
        .num_worker_threads(1)
        .memory_budget_per_thread(WRITER_BYTES)
        .num_merge_threads(1)
        .build();
    Ok(index.writer_with_options(options)?)
}

impl Text {
    /// Indexes all items in a new folder, with one commit at the end.
    pub fn build(folder: &Path, data: &Dataset) -> Result<()> {
        std::fs::create_dir_all(folder)?;
        let (schema, fields) = layout();
        let index = Index::create_in_dir(folder, schema)?;
        index.tokenizers().register(ANALYSER, analyser());
        let mut writer = writer(&index)?;
        let bar = bar("direct: tantivy indexes", data.items.len());
        for item in 0..data.items.len() {
            writer.add_document(document(fields, data, item, item as u64))?;
            if item % 1000 == 0 {
                bar.set_position(item as u64);
            }
        }
        writer.commit()?;
        writer.wait_merging_threads()?;
        bar.finish_and_clear();
        Ok(())
    }

    /// Opens the index of a folder.
    pub fn open(folder: &Path) -> Result<Text> {
        let index = Index::open_in_dir(folder)?;
        index.tokenizers().register(ANALYSER, analyser());
        let reader: IndexReader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let searcher = reader.searcher();
        let mut keys = Vec::new();
        let mut places = Vec::new();
        for (at, segment) in searcher.segment_readers().iter().enumerate() {
            let column = segment.fast_fields().u64("key")?;
            for doc in 0..segment.max_doc() {
                let key = column.first(doc).ok_or("a document without a key")? as usize;
                if places.len() <= key {
                    places.resize(key + 1, (usize::MAX, 0));
                }
                places[key] = (at, doc);
            }
            keys.push(column);
        }
        Ok(Text { index, fields: layout().1, reader, searcher, keys, places, writer: None })
    }

    /// The distinct words of a text, as the index has them.
    pub fn words(&self, text: &str) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        analyser().token_stream(text).process(&mut |token| {
            if !words.contains(&token.text) {
                words.push(token.text.clone());
            }
        });
        words
    }

    fn disjunction(&self, words: &[String]) -> BooleanQuery {
        let clauses = words.iter().flat_map(|word| {
            [self.fields.title, self.fields.tags].map(|field| {
                let term = TermQuery::new(Term::from_field_text(field, word), IndexRecordOption::WithFreqs);
                (Occur::Should, Box::new(term) as Box<dyn Query>)
            })
        });
        BooleanQuery::new(clauses.collect())
    }

    fn tag(&self, tag: &str) -> Term {
        Term::from_field_text(self.fields.whole_tag, tag)
    }

    /// The `k` best keys by BM25, best first, of all items or of those with a tag.
    pub fn search(&self, words: &[String], tag: Option<&str>, k: usize) -> Result<Vec<(u64, f32)>> {
        let mut query: Box<dyn Query> = Box::new(self.disjunction(words));
        if let Some(tag) = tag {
            let only = TermQuery::new(self.tag(tag), IndexRecordOption::Basic);
            let only: Box<dyn Query> = Box::new(ConstScoreQuery::new(Box::new(only), 0.0));
            query = Box::new(BooleanQuery::new(vec![(Occur::Must, only), (Occur::Must, query)]));
        }
        let found = self.searcher.search(&query, &TopDocs::with_limit(k).order_by_score())?;
        let key = |(score, at): (f32, tantivy::DocAddress)| {
            let column = self.keys.get(at.segment_ord as usize)?;
            Some((column.first(at.doc_id)?, score))
        };
        Ok(found.into_iter().filter_map(key).collect())
    }

    /// The keys of all items with a tag, ascending.
    pub fn tagged(&self, tag: &str) -> Result<Vec<u64>> {
        let mut keys = Vec::new();
        for (segment, column) in self.searcher.segment_readers().iter().zip(&self.keys) {
            let index = segment.inverted_index(self.fields.whole_tag)?;
            let Some(mut postings) = index.read_postings(&self.tag(tag), IndexRecordOption::Basic)? else { continue };
            while postings.doc() != TERMINATED {
                keys.extend(column.first(postings.doc()));
                postings.advance();
            }
        }
        keys.sort_unstable();
        Ok(keys)
    }

    /// BM25 of the given keys, 0 where no word matches.
    pub fn score(&self, words: &[String], keys: &[u64]) -> Result<Vec<f32>> {
        let weight = self.disjunction(words).weight(EnableScoring::enabled_from_searcher(&self.searcher))?;
        let mut wanted: Vec<(usize, u32, usize)> = keys
            .iter()
            .enumerate()
            .filter_map(|(at, key)| self.places.get(*key as usize).map(|(segment, doc)| (*segment, *doc, at)))
            .collect();
        wanted.sort_unstable();
        let mut scores = vec![0.0; keys.len()];
        for group in wanted.chunk_by(|a, b| a.0 == b.0) {
            self.score_segment(weight.as_ref(), group, &mut scores)?;
        }
        Ok(scores)
    }

    fn score_segment(&self, weight: &dyn Weight, group: &[(usize, u32, usize)], scores: &mut [f32]) -> Result<()> {
        let Some(segment) = group.first().and_then(|first| self.searcher.segment_readers().get(first.0)) else {
            return Ok(());
        };
        let mut scorer = weight.scorer(segment, 1.0)?;
        for (_, doc, at) in group {
            if scorer.doc() < *doc {
                scorer.seek(*doc);
            }
            if scorer.doc() == *doc {
                scores[*at] = scorer.score();
            }
        }
        Ok(())
    }

    /// Adds one item so that a new search finds it: a document, a durable commit, a reload.
    pub fn add(&mut self, data: &Dataset, item: usize, key: u64) -> Result<()> {
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => writer(&self.index)?,
        };
        writer.add_document(document(self.fields, data, item, key))?;
        writer.commit()?;
        self.writer = Some(writer);
        Ok(self.reader.reload()?)
    }
}

fn document(fields: Fields, data: &Dataset, item: usize, key: u64) -> TantivyDocument {
    let row = &data.items[item];
    let tag = &data.categories[row.category];
    let mut document = TantivyDocument::new();
    document.add_u64(fields.key, key);
    document.add_text(fields.title, &row.title);
    document.add_text(fields.tags, tag);
    document.add_text(fields.whole_tag, tag);
    document.add_f64(fields.price, row.price);
    document
}
