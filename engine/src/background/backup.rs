//! A copy of a store while it is written: one commit of the catalog, and the indexes that belong to it or to earlier ones.
//!
//! The catalog is copied as of one commit. The files of the indexes are copied before that, so they are never ahead of it, and
//! the copy brings them up to date when it is opened, as any store does. The copy has its name once all of it is on disk.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::api::upkeep::Backup;
use crate::base::error::{Error, Result};
use crate::base::output_path;
use crate::base::random::hex_id;
use crate::base::time::Timestamp;
use crate::base::watch;
use crate::store::Stores;

/// The record of the last backup.
pub(crate) const LAST: &str = "last_backup";
/// Bytes that are copied at a time.
const CHUNK: usize = 1 << 20;
/// Folders of models and adapters: each folder in them has files that never change.
const KEPT: [&str; 2] = ["models", "adapters"];

/// Copies the store to `path`, which must be free.
pub(crate) fn backup(stores: &Stores, path: &Path) -> Result<Backup> {
    output_path::check_new_folder(path, &stores.path)?;
    let unfinished = Unfinished::create(path)?;
    let to = unfinished.0.as_path();
    // No model comes or goes meanwhile.
    let no_change = stores.change()?;
    let mut bytes = copy_folder(&stores.path.join("vector"), &to.join("vector"), is_checkpoint)?;
    make_folder(&to.join("text"))?;
    let mut text_bytes = 0;
    let copy = |file: &Path| {
        text_bytes += copy_into(file, &to.join("text"))?;
        Ok(())
    };
    std::thread::scope(|scope| {
        let (begun, has_begun) = crossbeam::channel::bounded::<()>(1);
        let (watched, target) = (watch::current(), to.join("data.mdb"));
        let copy_catalog = move || watch::within(watched, || stores.catalog.copy_to(&target, || drop(begun)));
        let catalog = stores.text.copy_files(copy, || {
            let thread =
                std::thread::Builder::new().name("onelist-backup".to_owned()).spawn_scoped(scope, copy_catalog);
            let thread = thread.map_err(|e| Error::io("start a thread for", path, e))?;
            // Ends when the commit is pinned, or when it cannot be.
            let _ = has_begun.recv();
            Ok(thread)
        })?;
        bytes += catalog.join().map_err(|_| Error::internal("the thread that copies panicked"))??;
        Ok(())
    })?;
    for kept in KEPT {
        bytes += copy_folders(&stores.path.join(kept), &to.join(kept))?;
    }
    drop(no_change);
    bytes += text_bytes + copy_into(&stores.path.join("FORMAT"), to)?;
    unfinished.finish(path)?;
    let mut write = stores.catalog.write()?;
    write.set_meta(LAST, &Timestamp::now())?;
    write.commit_bookkeeping()?;
    Ok(Backup { bytes })
}

/// The copy under its temporary name, removed when dropped.
struct Unfinished(PathBuf);

impl Unfinished {
    fn create(path: &Path) -> Result<Unfinished> {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{}.tmp", hex_id()));
        let folder = PathBuf::from(name);
        make_folder(&folder)?;
        Ok(Unfinished(folder))
    }

    /// Gives the copy its name, which must still be free.
    fn finish(&self, path: &Path) -> Result<()> {
        for folder in ["vector", "text"].iter().map(|name| self.0.join(name)).chain([self.0.clone()]) {
            sync(&folder)?;
        }
        // A folder that came meanwhile is replaced only if it is empty.
        fs::rename(&self.0, path).map_err(|e| Error::io("rename to", path, e))?;
        sync(&output_path::folder_of(path)?)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // After the renaming there is none.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn make_folder(path: &Path) -> Result<()> {
    DirBuilder::new().mode(0o700).create(path).map_err(|e| Error::io("create", path, e))
}

fn sync(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|e| Error::io("sync", folder, e))
}

fn is_checkpoint(name: &str) -> bool {
    name.ends_with(".usearch")
}

/// Copies the files of a folder whose names are wanted; one that goes meanwhile is left out. Returns their bytes.
fn copy_folder(from: &Path, to: &Path, wanted: fn(&str) -> bool) -> Result<u64> {
    make_folder(to)?;
    let mut bytes = 0;
    for entry in entries(from)? {
        let is_wanted =
            entry.file_type().is_ok_and(|kind| kind.is_file()) && wanted(&entry.file_name().to_string_lossy());
        match if is_wanted { copy_into(&entry.path(), to) } else { Ok(0) } {
            Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {}
            copied => bytes += copied?,
        }
    }
    sync(to)?;
    Ok(bytes)
}

/// Copies every folder of a folder, when there is one.
fn copy_folders(from: &Path, to: &Path) -> Result<u64> {
    if !from.is_dir() {
        return Ok(0);
    }
    make_folder(to)?;
    let mut bytes = 0;
    for entry in entries(from)?.into_iter().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        bytes += copy_folder(&entry.path(), &to.join(entry.file_name()), |_| true)?;
    }
    sync(to)?;
    Ok(bytes)
}

fn entries(folder: &Path) -> Result<Vec<fs::DirEntry>> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect);
    entries.map_err(|e| Error::io("list", folder, e))
}

/// Copies a file into a folder, and waits until it is on disk.
fn copy_into(file: &Path, folder: &Path) -> Result<u64> {
    let to = folder.join(file.file_name().unwrap_or_default());
    let mut from = File::open(file).map_err(|e| Error::io("open", file, e))?;
    let options = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&to);
    let mut copy = options.map_err(|e| Error::io("create", &to, e))?;
    let (mut chunk, mut bytes) = (vec![0; CHUNK], 0);
    loop {
        watch::check()?;
        let read = from.read(&mut chunk).map_err(|e| Error::io("read", file, e))?;
        if read == 0 {
            break;
        }
        copy.write_all(chunk.get(..read).unwrap_or_default()).map_err(|e| Error::io("write", &to, e))?;
        bytes += read as u64;
    }
    copy.sync_all().map_err(|e| Error::io("sync", &to, e))?;
    Ok(bytes)
}
