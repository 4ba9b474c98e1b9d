//! Giving space back to the file system: what was deleted, replaced or put aside leaves the disk.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::fit_space;
use crate::api::upkeep::Compacted;
use crate::base::error::{Error, Result};
use crate::base::random::hex_id;
use crate::base::time::Timestamp;
use crate::base::watch;
use crate::store::{Stores, follow_log};

/// The record of the last compaction.
pub(crate) const LAST: &str = "last_compact";
/// Share of a graph that removed vectors take from which it is built again.
const DELETED: f32 = 0.01;
/// Deepest folder whose files are counted.
const DEPTH: usize = 4;

/// Compacts the store, whose journal is applied and whose indexes hold every commit and are on disk. `flush` waits for that
/// once more, after the graphs were built again.
pub(crate) fn compact(stores: &Stores, flush: impl Fn() -> Result<()>) -> Result<Compacted> {
    let before = bytes_on_disk(&stores.path);
    fit_space::remove_old(stores)?;
    watch::report("text", 0, 0);
    stores.text.merge()?;
    rebuild_graphs(stores)?;
    flush()?;
    follow_log::drop_older_checkpoints(stores)?;
    clear_quarantine(&stores.path.join("quarantine"))?;
    copy_catalog(stores)?;
    let mut write = stores.catalog.write()?;
    write.set_meta(LAST, &Timestamp::now())?;
    write.commit_bookkeeping()?;
    Ok(Compacted { before, after: bytes_on_disk(&stores.path) })
}

/// Has the graphs with removed vectors built again by the thread that follows the writer, and waits for it.
fn rebuild_graphs(stores: &Stores) -> Result<()> {
    let spaces = stores.open_spaces()?;
    let worn = || spaces.iter().map(|(_, _, space)| space).filter(|space| space.rebuild_is_asked());
    spaces.iter().filter(|(_, _, space)| space.deleted_share() > DELETED).for_each(|(_, _, space)| {
        space.ask_for_rebuild(true);
    });
    stores.progress.ring();
    watch::wait(|each| {
        watch::report("vectors", 0, 0);
        let done = || worn().next().is_none() || stores.background_error.load().is_some();
        (stores.progress.wait(each, done) || stores.progress.is_closing()).then_some(())
    })
    // A call that is stopped does not leave the wish behind.
    .inspect_err(|_| worn().for_each(|space| space.ask_for_rebuild(false)))
}

fn copy_catalog(stores: &Stores) -> Result<()> {
    let folder = stores.path.join("scratch").join(hex_id());
    fs::create_dir_all(&folder).map_err(|e| Error::io("create", &folder, e))?;
    let compacted = stores.catalog.compact(&stores.path, &folder);
    // What cannot be removed now is removed at the next opening.
    let _ = fs::remove_dir_all(&folder);
    compacted
}

/// Removes what was put aside as damaged, and nothing else: a folder of the text index, and files of graphs.
fn clear_quarantine(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(|e| Error::io("list", folder, e))?.flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        let removed = match entry.file_type() {
            Ok(kind) if kind.is_dir() && is_text(&name) => fs::remove_dir_all(&path),
            Ok(kind) if kind.is_file() && name.contains(".usearch") => fs::remove_file(&path),
            _ => Ok(()),
        };
        removed.map_err(|e| Error::io("remove", path, e))?;
    }
    Ok(())
}

fn is_text(name: &str) -> bool {
    let number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    name.strip_prefix("text-").is_some_and(number)
}

/// Bytes that the files of a folder take on disk, holes left out.
pub(crate) fn bytes_on_disk(folder: &Path) -> u64 {
    below(folder, DEPTH)
}

fn below(folder: &Path, depth: usize) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.filter_map(|entry| match entry.metadata() {
        Ok(meta) if meta.is_dir() && depth > 0 => Some(below(&entry.path(), depth - 1)),
        Ok(meta) => Some(meta.blocks() * 512),
        Err(_) => None,
    });
    sizes.sum()
}
