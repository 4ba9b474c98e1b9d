//! The tantivy writer: opened on first use, given up after an error.

use std::path::Path;

use tantivy::index::SegmentMeta;
use tantivy::indexer::{IndexWriter, IndexWriterOptions};
use tantivy::{Index, IndexMeta};

use super::change::TextChange;
use super::error::failed;
use super::fields::Places;
use super::open::{Opened, file_names, sync_dir};
use super::stamp::TextStamp;
use crate::api::schema::Schema;
use crate::base::error::{Error, Result};
use crate::base::id::ItemKey;

/// The list of segments of a commit.
const LIST: &str = "meta.json";
/// Memory for documents that are not in a segment yet, in bytes.
const WRITER_BYTES: usize = 64 << 20;

/// What the applier owns.
pub(super) struct Writing {
    pub opened: Opened,
    /// Opened on first use, and dropped when it fails: after an error a tantivy writer refuses everything.
    pub writer: Option<IndexWriter>,
    /// The highest key that was ever put into this index. Keys are never reused, so a higher one needs no deletion of
    /// an older version, which spares a bulk load one look-up in every segment for each item.
    pub highest: Option<u64>,
    /// A writer was lost with changes that were not committed.
    pub gap: bool,
}

impl Writing {
    /// Adds changes to the writer.
    pub(super) fn apply(&mut self, changes: Vec<TextChange>, schema: &Schema, places: &Places) -> Result<()> {
        let mut highest = self.highest;
        let writer = self.writer()?;
        for change in changes {
            match change {
                TextChange::Put(doc) => {
                    if highest.is_some_and(|highest| doc.key <= ItemKey(highest)) {
                        writer.delete_term(places.key_term(doc.key));
                    }
                    writer.add_document(places.document(&doc, schema)).map_err(failed)?;
                    highest = highest.max(Some(doc.key.0));
                }
                TextChange::Delete(key) => {
                    writer.delete_term(places.key_term(key));
                }
            }
        }
        self.highest = highest;
        Ok(())
    }

    /// Commits with a stamp, durably, and reloads the reader.
    pub(super) fn commit(&mut self, stamp: &TextStamp, dir: &Path) -> Result<()> {
        let payload = stamp.encode().map_err(failed)?;
        let writer = self.writer()?;
        let mut prepared = writer.prepare_commit().map_err(failed)?;
        prepared.set_payload(&payload);
        prepared.commit().map_err(failed)?;
        // Before this returns: the catalog cuts its log once it knows of this commit.
        sync_dir(dir)?;
        self.opened.reader.reload().map_err(failed)
    }

    /// The names of the files of the last commit, its list of segments last, and what keeps them from being removed.
    pub(super) fn committed_files(&self, dir: &Path) -> Result<(Vec<String>, IndexMeta)> {
        let read = || std::fs::read(dir.join(LIST)).map_err(|e| Error::io("read", dir.join(LIST), e));
        loop {
            let before = read()?;
            let metas = self.opened.index.load_metas().map_err(failed)?;
            // A merge may end in between.
            if before == read()? {
                let names = file_names(dir)?.into_iter().filter(|name| metas.segments.iter().any(|one| has(one, name)));
                return Ok((names.chain([LIST.to_owned()]).collect(), metas));
            }
        }
    }

    /// Merges the segments of the last commit into one.
    pub(super) fn merge(&mut self, dir: &Path) -> Result<()> {
        let segments = self.opened.index.searchable_segment_ids().map_err(failed)?;
        let deleted =
            self.opened.reader.searcher().segment_readers().iter().any(|segment| segment.num_deleted_docs() > 0);
        let writer = self.writer()?;
        if segments.len() > 1 || deleted {
            writer.merge(&segments).wait().map_err(failed)?;
        }
        writer.garbage_collect_files().wait().map_err(failed)?;
        sync_dir(dir)?;
        self.opened.reader.reload().map_err(failed)
    }

    /// The writer, opened when there is none.
    fn writer(&mut self) -> Result<&mut IndexWriter> {
        if self.gap {
            return Err(failed("changes were lost when the writer failed; restart, and apply them again"));
        }
        let writer = match self.writer.take() {
            Some(writer) => writer,
            None => open_writer(&self.opened.index)?,
        };
        Ok(self.writer.insert(writer))
    }

    /// Passes a result on; an error costs the writer and leaves a gap.
    pub(super) fn note(&mut self, result: Result<()>) -> Result<()> {
        if result.is_err() {
            self.writer = None;
            self.gap = true;
        }
        result
    }

    /// Lets go of the writer after its merges: one that goes on beside a new writer would rewrite the list of files
    /// under it.
    pub(super) fn close(&mut self) {
        if let Some(writer) = self.writer.take() {
            // An error means that a merge failed: nothing that was committed is lost, its segments stay as they are.
            let _ = writer.wait_merging_threads();
        }
    }
}

/// Whether a name is that of a file which a segment has in a commit.
fn has(segment: &SegmentMeta, name: &str) -> bool {
    let id = segment.id().uuid_string();
    let deletes = segment.delete_opstamp().map(|opstamp| format!("{id}.{opstamp}.del"));
    name.starts_with(&id) && (!name.ends_with(".del") || Some(name) == deletes.as_deref())
}

fn open_writer(index: &Index) -> Result<IndexWriter> {
    // One thread gives documents the same order, and so scores the same rounding, every time.
    let options = IndexWriterOptions::builder()
        .num_worker_threads(1)
        .memory_budget_per_thread(WRITER_BYTES)
        .num_merge_threads(1)
        .build();
    index.writer_with_options(options).map_err(failed)
}
