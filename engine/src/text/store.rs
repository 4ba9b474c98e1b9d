//! The writing side: stage, apply, commit, and what readers see of them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;

use super::change::{TextChange, TextDoc};
use super::error::failed;
use super::fields::{Places, layout};
use super::open::{Opened, create, load, nothing, open_beside, open_or_create, remove_files, sync_dir};
use super::stamp::TextStamp;
use super::tail::{Tail, analyse};
use super::view::{Indexed, TextView};
use super::writing::Writing;
use crate::api::schema::Schema;
use crate::base::error::Result;
use crate::base::id::Seq;

/// The text index of one store. Any thread may take a view; one thread stages, one applies and commits.
///
/// The order is: `stage` before the commit of the catalog, so that a reader of the new catalog finds the items in the
/// tail; `apply` and `commit` after it, so that the index is never ahead of the catalog.
pub(crate) struct TextStore {
    dir: PathBuf,
    places: Places,
    writing: Mutex<Writing>,
    /// Taken to publish a view: stage and commit each replace a part of it.
    publishing: Mutex<()>,
    view: ArcSwap<TextView>,
}

impl TextStore {
    /// Opens the folder, whose parent exists. No stamp: the index is empty (new, or what was there was damaged or
    /// belonged to another store or format and is in `quarantine` now), and the caller applies everything again. With a
    /// stamp, the caller applies what comes after it.
    ///
    /// Reads every byte of the index once, for the checksums.
    ///
    /// # Errors
    /// [`crate::Error::Io`] when the folder cannot be created, moved or read; [`crate::Error::Index`] when a new index cannot be
    /// created.
    pub(crate) fn open(dir: &Path, quarantine: &Path, store: &str) -> Result<(TextStore, Option<TextStamp>)> {
        let (opened, stamp) = open_or_create(dir, quarantine, store)?;
        Ok((TextStore::around(dir, opened, stamp.as_ref())?, stamp))
    }

    /// Opens the index that another process writes; nothing in the folder is changed. No stamp: there is no commit that can
    /// be used, and everything has to be staged. See [`TextStore::reload`].
    ///
    /// # Errors
    /// [`crate::Error::Index`] when memory is short.
    pub(crate) fn open_beside(dir: &Path, store: &str) -> Result<(TextStore, Option<TextStamp>)> {
        match open_beside(dir, store) {
            Ok((opened, Some(stamp))) => Ok((TextStore::around(dir, opened, Some(&stamp))?, Some(stamp))),
            Ok((_, None)) | Err(_) => Ok((TextStore::nothing(dir)?, None)),
        }
    }

    /// An index with nothing in it, until [`TextStore::reload`] finds one in the folder.
    ///
    /// # Errors
    /// [`crate::Error::Index`] when memory is short.
    pub(crate) fn nothing(dir: &Path) -> Result<TextStore> {
        TextStore::around(dir, nothing()?, None)
    }

    fn around(dir: &Path, opened: Opened, stamp: Option<&TextStamp>) -> Result<TextStore> {
        let places = layout().1;
        let seq = stamp.map_or(Seq(0), |stamp| stamp.seq);
        let indexed = Indexed::open(opened.reader.searcher(), places.clone(), seq, &[])?;
        let highest = indexed.segments.iter().filter_map(|segment| segment.highest_key()).max();
        let view = TextView { indexed: Arc::new(indexed), tail: Tail::default(), staged: seq };
        Ok(TextStore {
            dir: dir.to_owned(),
            places,
            writing: Mutex::new(Writing { opened, writer: None, highest, gap: false }),
            publishing: Mutex::new(()),
            view: ArcSwap::from_pointee(view),
        })
    }

    /// Publishes the last commit of the process that writes the index, and drops the tail up to there. An index that is being
    /// replaced, or that is behind what is published, is left for the next time.
    ///
    /// # Errors
    /// [`crate::Error::Index`] when it cannot be read; what was published stays.
    pub(crate) fn reload(&self, store: &str) -> Result<()> {
        let mut writing = lock(&self.writing);
        let stamp = match load(&writing.opened, store) {
            Ok(Some(stamp)) => Some(stamp),
            // Nothing was there before, or it was replaced.
            _ => {
                let (opened, stamp) = open_beside(&self.dir, store)?;
                writing.opened = opened;
                stamp
            }
        };
        let Some(stamp) = stamp.filter(|stamp| stamp.seq > self.view.load().applied()) else { return Ok(()) };
        let indexed = self.indexed(&writing, stamp.seq)?;
        self.publish(indexed, |tail| tail.after(stamp.seq));
        Ok(())
    }

    /// From now on this process writes the index. Returns the last commit that is in it; `None` when it has to be rebuilt.
    ///
    /// # Errors
    /// [`crate::Error::Io`].
    pub(crate) fn lead(&self, quarantine: &Path, store: &str) -> Result<Option<Seq>> {
        let mut writing = lock(&self.writing);
        // Opened anew, because tantivy keeps a list of its files in memory.
        let (opened, stamp) = open_or_create(&self.dir, quarantine, store)?;
        writing.opened = opened;
        let Some(stamp) = stamp.filter(|stamp| stamp.seq >= self.view.load().applied()) else { return Ok(None) };
        let indexed = self.indexed(&writing, stamp.seq)?;
        writing.highest = indexed.segments.iter().filter_map(|segment| segment.highest_key()).max();
        self.publish(indexed, |tail| tail.after(stamp.seq));
        Ok(Some(stamp.seq))
    }

    /// Shows the versions that commit `seq` of the catalog writes, before the index holds them. Call it before that
    /// commit, with ascending `seq`, and also with no documents: the tail is then complete up to `seq`. Readers that
    /// have an older catalog pass over what they do not know. Calling again with the same or an earlier `seq` replaces
    /// what was staged since, for a commit that failed.
    pub(crate) fn stage(&self, seq: Seq, docs: Vec<TextDoc>, schema: &Schema) {
        let staged = analyse(seq, docs, schema);
        let _publishing = lock(&self.publishing);
        let old = self.view.load();
        let tail = old.tail.with(staged);
        self.view.store(Arc::new(TextView { indexed: old.indexed.clone(), tail, staged: seq }));
    }

    /// Puts changes into the index: not visible, and not durable, until [`TextStore::commit`]. A `Put` replaces every
    /// older version. In the order of their commits.
    ///
    /// # Errors
    /// [`crate::Error::Index`]: the changes since the last commit are lost; see [`TextStore::restart`].
    pub(crate) fn apply(&self, changes: Vec<TextChange>, schema: &Schema) -> Result<()> {
        let mut writing = lock(&self.writing);
        let applied = writing.apply(changes, schema, &self.places);
        writing.note(applied)
    }

    /// Commits what was applied, durably, and publishes it: readers find it in the index, and the tail up to
    /// `stamp.seq` is dropped. Everything up to `stamp.seq` must have been applied, and nothing after it.
    ///
    /// # Errors
    /// [`crate::Error::Index`] or [`crate::Error::Io`]: what is durable is unknown; see [`TextStore::restart`].
    pub(crate) fn commit(&self, stamp: &TextStamp) -> Result<()> {
        let mut writing = lock(&self.writing);
        let committed = writing.commit(stamp, &self.dir);
        writing.note(committed)?;
        let indexed = self.indexed(&writing, stamp.seq)?;
        self.publish(indexed, |tail| tail.after(stamp.seq));
        Ok(())
    }

    /// Starts again after [`TextStore::apply`] or [`TextStore::commit`] failed. Until then both refuse: the changes
    /// between the last commit and the failure are not in the index, and going on would leave a gap. Returns the last
    /// commit that is in the index; the caller applies everything after it. The tail still has all of it.
    ///
    /// # Errors
    /// [`crate::Error::Index`] when the folder cannot be read or is not ours any more: call [`TextStore::clear`].
    pub(crate) fn restart(&self, store: &str) -> Result<Seq> {
        let mut writing = lock(&self.writing);
        writing.close();
        let metas = writing.opened.index.load_metas().map_err(failed)?;
        let seq = match &metas.payload {
            Some(payload) => TextStamp::decode(payload, store).map_err(failed)?.seq,
            None => Seq(0),
        };
        sync_dir(&self.dir)?;
        writing.opened.reader.reload().map_err(failed)?;
        let indexed = self.indexed(&writing, seq)?;
        self.publish(indexed, |tail| tail.after(seq));
        writing.gap = false;
        Ok(seq)
    }

    /// Empties the index and the tail, for a rebuild. Views that are held stay valid. The caller then stages or applies
    /// everything again.
    ///
    /// # Errors
    /// [`crate::Error::Io`] or [`crate::Error::Index`] when the folder cannot be emptied.
    pub(crate) fn clear(&self) -> Result<()> {
        let mut writing = lock(&self.writing);
        writing.close();
        // Not tantivy's own `delete_all_documents`: it hands out the same operation numbers a second time.
        remove_files(&self.dir)?;
        writing.opened = create(&self.dir)?;
        writing.highest = None;
        writing.gap = false;
        let indexed = Arc::new(self.indexed(&writing, Seq(0))?);
        let _publishing = lock(&self.publishing);
        self.view.store(Arc::new(TextView { indexed, tail: Tail::default(), staged: Seq(0) }));
        Ok(())
    }

    /// Copies the files of the last commit with `copy`, and does `then` before anything else is committed.
    ///
    /// # Errors
    /// Those of both.
    pub(crate) fn copy_files<T>(
        &self,
        mut copy: impl FnMut(&Path) -> Result<()>,
        then: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let writing = lock(&self.writing);
        // While these are held, what merges meanwhile does not remove their files.
        let (names, metas) = writing.committed_files(&self.dir)?;
        for name in names {
            copy(&self.dir.join(name))?;
        }
        drop(metas);
        then()
    }

    /// Merges everything into one segment without deleted documents, and removes the files that nothing needs.
    ///
    /// # Errors
    /// Those of [`TextStore::commit`].
    pub(crate) fn merge(&self) -> Result<()> {
        let mut writing = lock(&self.writing);
        let merged = writing.merge(&self.dir);
        writing.note(merged)?;
        let indexed = self.indexed(&writing, self.view.load().indexed.applied)?;
        self.publish(indexed, Tail::clone);
        Ok(())
    }

    /// Lets go of the threads and the memory of the writer, which is opened again when there is something to write. Called
    /// by whoever applies, with nothing applied that is not committed.
    pub(crate) fn rest(&self) {
        lock(&self.writing).close();
    }

    /// What readers see now. Never waits.
    pub(crate) fn view(&self) -> Arc<TextView> {
        self.view.load_full()
    }

    /// The index as of its last commit.
    fn indexed(&self, writing: &Writing, applied: Seq) -> Result<Indexed> {
        let before = self.view.load();
        Indexed::open(writing.opened.reader.searcher(), self.places.clone(), applied, &before.indexed.segments)
    }

    fn publish(&self, indexed: Indexed, trim: impl Fn(&Tail) -> Tail) {
        let _publishing = lock(&self.publishing);
        let old = self.view.load();
        let staged = old.staged.max(indexed.applied);
        let tail = trim(&old.tail);
        self.view.store(Arc::new(TextView { indexed: Arc::new(indexed), tail, staged }));
    }
}

impl Drop for TextStore {
    fn drop(&mut self) {
        lock(&self.writing).close();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic while the lock was held leaves values that are replaced as a whole, never half-written ones.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for TextStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TextStore {{ dir: {:?}, view: {:?} }}", self.dir, self.view.load())
    }
}
