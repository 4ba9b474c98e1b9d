//! The folder of an export: nothing else is replaced, and it has its name once it is whole and on disk.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::manifest::Manifest;
use crate::base::error::{Error, Result};
use crate::base::random::hex_id;

/// A folder that is being written beside its final place. Dropped before [`Unfinished::finish`] it leaves nothing behind.
pub(super) struct Unfinished {
    target: PathBuf,
    temporary: PathBuf,
}

impl Unfinished {
    /// Begins a folder.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a path inside a store, and for one that has something other than an export;
    /// [`Error::Io`].
    pub(super) fn create(target: &Path, store: &Path) -> Result<Unfinished> {
        let (folder, name) = parts(target)?;
        check_outside(target, &folder, store)?;
        check_replaceable(target)?;
        let mut temporary = name.to_owned();
        temporary.push(format!(".{}.tmp", hex_id()));
        let temporary = folder.join(temporary);
        fs::create_dir(&temporary).map_err(|e| Error::io("create", &temporary, e))?;
        Ok(Unfinished { target: folder.join(name), temporary })
    }

    /// Where to write.
    pub(super) fn path(&self) -> &Path {
        &self.temporary
    }

    /// Gives the folder its name, in place of an earlier export.
    ///
    /// # Errors
    /// [`Error::Io`]; an earlier export is still there then.
    pub(super) fn finish(self) -> Result<()> {
        sync(&self.temporary)?;
        check_replaceable(&self.target)?;
        let renamed = match fs::symlink_metadata(&self.target) {
            // Both names change at once. What was there is then under the temporary name, and removed when this is dropped.
            Ok(_) => renameat_with(CWD, &self.temporary, CWD, &self.target, RenameFlags::EXCHANGE).map_err(Into::into),
            Err(_) => fs::rename(&self.temporary, &self.target),
        };
        renamed.map_err(|e| Error::io("rename to", &self.target, e))?;
        sync(self.target.parent().unwrap_or(Path::new(".")))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.temporary);
    }
}

/// Waits until the names in a folder are on disk.
pub(super) fn sync(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|e| Error::io("sync", folder, e))
}

fn parts(target: &Path) -> Result<(PathBuf, &std::ffi::OsStr)> {
    let name = target.file_name();
    let name =
        name.ok_or_else(|| Error::argument("path", "a path that ends in a name", target.display().to_string()))?;
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok((fs::canonicalize(folder).map_err(|e| Error::io("look at", folder, e))?, name))
}

fn check_outside(target: &Path, folder: &Path, store: &Path) -> Result<()> {
    let own = fs::canonicalize(store).ok();
    let here = |folder: &Path, name: &str| fs::symlink_metadata(folder.join(name)).is_ok();
    let is_store = |above: &&Path| {
        own.as_deref() == Some(*above) || here(above, "data.mdb") && (here(above, "FORMAT") || here(above, "LOCK"))
    };
    match folder.ancestors().find(is_store) {
        Some(found) => Err(Error::argument(
            format!("path {}", target.display()),
            "a path outside of every store: choose another one",
            format!("one inside the Onelist store {}", found.display()),
        )),
        None => Ok(()),
    }
}

/// Only an earlier export is replaced.
fn check_replaceable(target: &Path) -> Result<()> {
    let found = match fs::symlink_metadata(target) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(Error::io("look at", target, e)),
        Ok(found) if found.is_dir() && Manifest::read(target).is_ok() => return Ok(()),
        Ok(found) if found.is_dir() => "a folder that is no export",
        Ok(found) if found.is_symlink() => "a symbolic link",
        Ok(_) => "a file",
    };
    let expected = "a path that is free, or an earlier export: name another one, or remove what is there first";
    Err(Error::argument(format!("path {}", target.display()), expected, found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_free_path_or_an_export_outside_of_stores_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path();
        for store in ["mine", "other"] {
            fs::create_dir_all(top.join(store).join("text")).unwrap();
            fs::write(top.join(store).join("data.mdb"), "x").unwrap();
            fs::write(top.join(store).join("FORMAT"), "x").unwrap();
        }
        fs::create_dir(top.join("folder")).unwrap();
        fs::write(top.join("file"), "x").unwrap();
        std::os::unix::fs::symlink(top.join("mine/text"), top.join("link")).unwrap();
        let refused = |path: &str| match Unfinished::create(&top.join(path), &top.join("mine")) {
            Ok(_) => panic!("{path} must be refused"),
            Err(error) => error.to_string(),
        };
        for path in ["mine/new", "mine/text/new", "other/new", "link/new", "folder/../mine/text/../new"] {
            assert!(refused(path).contains("inside the Onelist store"), "{path}");
        }
        assert!(refused("folder").contains("a folder that is no export"));
        assert!(refused("file").contains("a file") && refused("link").contains("a symbolic link"));
        assert!(refused("missing/new").contains("missing") && refused("..").contains("ends in a name"));
        let left = || fs::read_dir(top).unwrap().count();
        let before = left();
        drop(Unfinished::create(&top.join("new"), &top.join("mine")).unwrap());
        assert_eq!(left(), before, "an unfinished one leaves nothing");
    }
}
