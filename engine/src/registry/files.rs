//! Folders of the store that are whole once they have their name, and on disk.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use crate::base::error::{Error, Result};

/// The ending of a folder that is being written.
const UNFINISHED: &str = ".new";

/// Writes files into the folder `name` of `parent`. When it returns, the folder and its name are on disk.
///
/// What had the name before and is in no record is replaced: the caller has looked.
pub(super) fn keep(parent: &Path, name: &str, files: &[(&str, &[u8])]) -> Result<()> {
    let (folder, temporary) = (parent.join(name), parent.join(format!("{name}{UNFINISHED}")));
    remove(&temporary)?;
    remove(&folder)?;
    fs::create_dir_all(&temporary).map_err(|e| Error::io("create", &temporary, e))?;
    for (name, bytes) in files {
        let path = temporary.join(name);
        let write = || File::create(&path).and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
        write().map_err(|e| Error::io("write", &path, e))?;
    }
    sync(&temporary)?;
    fs::rename(&temporary, &folder).map_err(|e| Error::io("rename", &temporary, e))?;
    sync(parent)?;
    // The parent may be new as well.
    parent.parent().map_or(Ok(()), sync)
}

/// Removes a folder that no record names any more.
pub(super) fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", folder, e)),
        _ => Ok(()),
    }
}

/// Removes what is in a folder and not `named`: what a crash left half done. Only what has a name that [`keep`] is given, a
/// SHA-256: anything else was put there by somebody else.
pub(super) fn clear<'n>(parent: &Path, named: impl Iterator<Item = &'n str>) -> Result<()> {
    let named: Vec<&str> = named.collect();
    let entries = match fs::read_dir(parent) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|e| Error::io("list", parent, e))?,
    };
    for entry in entries {
        let entry = entry.map_err(|e| Error::io("list", parent, e))?;
        let (name, kind) = (entry.file_name(), entry.file_type().map_err(|e| Error::io("look at", entry.path(), e))?);
        let name = name.to_str().unwrap_or_default();
        if kind.is_dir() && is_hash(name.strip_suffix(UNFINISHED).unwrap_or(name)) && !named.contains(&name) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// Whether a name is a SHA-256 in hex.
fn is_hash(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn sync(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|e| Error::io("write", folder, e))
}
