//! What lies in a directory: nothing is followed, read or removed before it is known to be what the engine makes.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::Path;

use crate::base::error::{Error, Result};
use crate::base::output_path::describe;

/// The folders of a store.
const FOLDERS: [&str; 7] = ["text", "vector", "models", "adapters", "scratch", "quarantine", "engines"];
/// The files of a store.
const FILES: [&str; 5] = ["LOCK", "FORMAT", "FORMAT.tmp", "data.mdb", "lock.mdb"];
/// The folders that are made once FORMAT is on disk.
const LATER: [&str; 4] = ["text", "vector", "models", "adapters"];

/// Whether the engine makes something of this name in a store.
pub(super) fn is_ours(name: &std::ffi::OsStr) -> bool {
    FOLDERS.iter().chain(&FILES).any(|ours| name == *ours)
}

/// Refuses links, and what is not the folder or the regular file that the engine makes of that name: a link leads to files of
/// others, and opening a pipe waits for ever.
pub(super) fn check(dir: &Path) -> Result<()> {
    let kinds = FOLDERS.iter().map(|name| (name, true)).chain(FILES.iter().map(|name| (name, false)));
    for (name, folder) in kinds {
        let path = dir.join(name);
        let kind = match fs::symlink_metadata(&path) {
            Err(e) if e.kind() == ErrorKind::NotFound => continue,
            Err(e) => return Err(Error::io("look at", path, e)),
            Ok(found) => found.file_type(),
        };
        if if folder { !kind.is_dir() } else { !kind.is_file() } {
            let expected = if folder { "a directory" } else { "a file" };
            let found = format!("`{name}` in it is {}, expected {expected}; put that in its place", describe(kind));
            return Err(Error::NotADatabase { path: dir.to_owned(), found });
        }
    }
    Ok(())
}

/// Refuses a directory without FORMAT that had one: the folders that only come after it are there.
pub(super) fn check_lost_format(dir: &Path) -> Result<()> {
    match LATER.iter().find(|name| dir.join(name).is_dir()) {
        Some(later) => Err(lost_format(dir, &format!("beside `{later}`"))),
        None => Ok(()),
    }
}

/// The error of a store whose FORMAT file is gone.
pub(super) fn lost_format(dir: &Path, why: &str) -> Error {
    let found = format!(
        "the file is missing {why}, and without it the version of the data is unknown (every backup of this store has the same file: copy it back)"
    );
    Error::damaged(dir.join("FORMAT").display().to_string(), found)
}

/// Removes a data file that LMDB was creating when the process ended: it has no meta pages yet, so nothing was ever written.
/// Only where there is no FORMAT file: that comes after the first commit.
pub(super) fn remove_unfinished_data(dir: &Path) -> Result<()> {
    let (path, pages) = (dir.join("data.mdb"), 2 * rustix::param::page_size());
    let mut head = Vec::new();
    match File::open(&path).and_then(|file| file.take(pages as u64).read_to_end(&mut head)) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(Error::io("read", path, e)),
        Ok(_) => {}
    }
    if head.len() < pages || head.iter().all(|byte| *byte == 0) {
        fs::remove_file(&path).map_err(|e| Error::io("remove", path, e))?;
    }
    Ok(())
}
