//! Opening a folder: nothing in it is trusted before it was verified, and what fails is put aside, not deleted.

use std::ffi::OsStr;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use tantivy::index::SegmentMeta;
use tantivy::{Index, IndexReader, IndexSettings, ReloadPolicy};

use super::analyse::{ANALYSER, analyser};
use super::error::failed;
use super::fields::layout;
use super::folder::Folder;
use super::stamp::TextStamp;
use crate::base::error::{Error, Result};
use crate::base::output_path::describe;
use crate::base::time::Timestamp;

/// A tantivy index with its reader.
pub(super) struct Opened {
    pub index: Index,
    pub reader: IndexReader,
}

/// Opens the index of `dir` if it is whole and of this store; otherwise moves what is there into `quarantine` and
/// creates an empty one. The stamp is that of the last commit.
pub(super) fn open_or_create(dir: &Path, quarantine: &Path, store: &str) -> Result<(Opened, Option<TextStamp>)> {
    fs::create_dir_all(dir).map_err(|e| Error::io("create", dir, e))?;
    // Tantivy panics on some truncated files; at this point a panic is a finding like any other.
    let verified = catch_unwind(AssertUnwindSafe(|| verify(dir, store)));
    match verified {
        Ok(Ok(Some((opened, stamp)))) => return Ok((opened, Some(stamp))),
        Ok(Ok(None)) => {}
        Ok(Err(_)) | Err(_) => put_aside(dir, quarantine)?,
    }
    Ok((create(dir)?, None))
}

/// An empty index in an empty folder, or the empty one that is there.
pub(super) fn create(dir: &Path) -> Result<Opened> {
    fs::create_dir_all(dir).map_err(|e| Error::io("create", dir, e))?;
    let directory = Folder::open(dir).map_err(failed)?;
    // Nothing is stored, so a thread for compressing what is stored would only cost its start.
    let settings = IndexSettings { docstore_compress_dedicated_thread: false, ..IndexSettings::default() };
    let builder = Index::builder().schema(layout().0).settings(settings);
    with_reader(builder.open_or_create(directory).map_err(failed)?)
}

/// Opens the index that another process writes, without its checksums: that process has verified them. The stamp is that of
/// its last commit; `None` while it has none.
///
/// # Errors
/// [`Error::Index`] for a folder that cannot be read, is of another layout or store, or is being replaced at the moment.
pub(super) fn open_beside(dir: &Path, store: &str) -> Result<(Opened, Option<TextStamp>)> {
    let index = Index::open(Folder::open(dir).map_err(failed)?).map_err(failed)?;
    if index.schema() != layout().0 {
        return Err(failed("another layout"));
    }
    let opened = with_reader(index)?;
    let stamp = load(&opened, store)?;
    Ok((opened, stamp))
}

/// An index in memory, with nothing in it: in place of one that cannot be read.
pub(super) fn nothing() -> Result<Opened> {
    with_reader(Index::create_in_ram(layout().0))
}

/// How often a commit may come in between while one is loaded.
const ATTEMPTS: usize = 100;

/// Loads the last commit of the index, and its stamp.
pub(super) fn load(opened: &Opened, store: &str) -> Result<Option<TextStamp>> {
    let payload = || Ok::<_, Error>(opened.index.load_metas().map_err(failed)?.payload);
    for _ in 0..ATTEMPTS {
        let before = payload()?;
        opened.reader.reload().map_err(failed)?;
        // The reader read the list of segments anew: only a stamp that did not change meanwhile is theirs.
        if payload()? == before {
            return before.map(|payload| TextStamp::decode(&payload, store).map_err(failed)).transpose();
        }
    }
    Err(failed("the index changes too fast to be read"))
}

fn with_reader(index: Index) -> Result<Opened> {
    index.tokenizers().register(ANALYSER, analyser());
    // Views are published by the store, in step with the tail: a reader that reloads by itself would be ahead of it.
    let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into().map_err(failed)?;
    Ok(Opened { index, reader })
}

/// `None`: there is no index, or one without a commit.
///
/// # Errors
/// What is wrong with the index.
fn verify(dir: &Path, store: &str) -> Result<Option<(Opened, TextStamp)>> {
    refuse_foreign(dir)?;
    let names = file_names(dir)?;
    if names.iter().all(|name| is_lock(name)) {
        return Ok(None);
    }
    let index = Index::open(Folder::open(dir).map_err(failed)?).map_err(failed)?;
    if index.schema() != layout().0 {
        return Err(failed("another layout"));
    }
    let metas = index.load_metas().map_err(failed)?;
    let Some(payload) = &metas.payload else {
        return if metas.segments.is_empty() { Ok(None) } else { Err(failed("a commit without a stamp")) };
    };
    let stamp = TextStamp::decode(payload, store).map_err(failed)?;
    for segment in &metas.segments {
        check_files(&index, segment, &names)?;
    }
    let opened = with_reader(index)?;
    let items = opened.reader.searcher().num_docs();
    if items != stamp.items {
        return Err(failed(format!("{items} documents, expected {}", stamp.items)));
    }
    Ok(Some((opened, stamp)))
}

/// The files that every segment has. Tantivy opens some of them only when a query needs them.
const PARTS: [&str; 6] = ["fast", "fieldnorm", "idx", "pos", "store", "term"];

/// Checks that every file of a segment is there, and its checksum. Tantivy's own `validate_checksum` passes over files
/// that are missing, or that its list of managed files has lost, so the files are taken from the folder.
fn check_files(index: &Index, segment: &SegmentMeta, names: &[String]) -> Result<()> {
    let id = segment.id().uuid_string();
    if let Some(missing) = PARTS.iter().map(|part| format!("{id}.{part}")).find(|name| !names.contains(name)) {
        return Err(failed(format!("`{missing}` is missing")));
    }
    let deletes = segment.delete_opstamp().map(|opstamp| format!("{id}.{opstamp}.del"));
    for name in names.iter().filter(|name| name.starts_with(&id)) {
        // Deletions of another commit: an older one, or one that a crash left unfinished.
        if name.ends_with(".del") && Some(name) != deletes.as_ref() {
            continue;
        }
        if !index.directory().validate_checksum(Path::new(name)).map_err(failed)? {
            return Err(failed(format!("`{name}` fails its checksum")));
        }
    }
    Ok(())
}

/// Refuses a folder with anything but regular files in it: a link leads elsewhere, and opening a pipe waits for ever.
fn refuse_foreign(dir: &Path) -> Result<()> {
    let entries = fs::read_dir(dir).map_err(|e| Error::io("list", dir, e))?;
    for entry in entries {
        let entry = entry.map_err(|e| Error::io("list", dir, e))?;
        let kind = entry.file_type().map_err(|e| Error::io("look at", entry.path(), e))?;
        if !kind.is_file() {
            return Err(failed(format!("`{}` is {}", entry.file_name().display(), describe(kind))));
        }
    }
    Ok(())
}

/// The names in a folder.
pub(super) fn file_names(dir: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(dir).map_err(|e| Error::io("list", dir, e))?;
    let names: std::io::Result<Vec<String>> =
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect();
    names.map_err(|e| Error::io("list", dir, e))
}

fn is_lock(name: &str) -> bool {
    name.ends_with(".lock")
}

/// Moves the folder into the quarantine, under a name that no earlier one has.
fn put_aside(dir: &Path, quarantine: &Path) -> Result<()> {
    fs::create_dir_all(quarantine).map_err(|e| Error::io("create", quarantine, e))?;
    let now = Timestamp::now().millis();
    let name = dir.file_name().and_then(OsStr::to_str).unwrap_or("text");
    let mut target: PathBuf = quarantine.join(format!("{name}-{now}"));
    let mut attempt = 0;
    while target.exists() {
        attempt += 1;
        target = quarantine.join(format!("{name}-{now}-{attempt}"));
    }
    fs::rename(dir, &target).map_err(|e| Error::io("move to the quarantine", dir, e))
}

/// Empties the folder. The list of segments goes first: a crash half-way leaves a folder that does not look whole.
pub(super) fn remove_files(dir: &Path) -> Result<()> {
    let meta = dir.join("meta.json");
    match fs::remove_file(&meta) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(Error::io("remove", meta, e)),
        _ => sync_dir(dir)?,
    }
    for name in file_names(dir)?.iter().filter(|name| !is_lock(name)) {
        let path = dir.join(name);
        fs::remove_file(&path).map_err(|e| Error::io("remove", path, e))?;
    }
    Ok(())
}

/// Makes the names in a folder durable. Tantivy renames its list of segments and leaves it at that, so an acknowledged
/// commit could be lost with the power.
pub(super) fn sync_dir(dir: &Path) -> Result<()> {
    fs::File::open(dir).and_then(|dir| dir.sync_all()).map_err(|e| Error::io("sync", dir, e))
}
