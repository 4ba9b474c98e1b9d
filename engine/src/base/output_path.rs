//! Checks of a path that the engine is asked to write: nothing that it keeps itself, and nothing but a regular file, is
//! ever replaced.

use std::fs::{self, FileType, Metadata};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::error::{Error, Result};

/// Deepest folder of a store that has files of its own.
const DEPTH: usize = 4;

/// Refuses a path that no file may be written to: one inside a store, whether it is this `store` or another, however it is
/// spelt; one that has something other than a regular file; and a second name of a file of `store`.
///
/// # Errors
/// [`Error::InvalidArgument`] with what is there and what to do, [`Error::Io`] when the folder cannot be looked at.
pub(crate) fn check_file(path: &Path, store: &Path) -> Result<()> {
    check_place(path, store)?;
    match fs::symlink_metadata(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(Error::io("look at", path, e)),
        Ok(found) if !found.is_file() => Err(refused(path, describe(found.file_type()))),
        Ok(found) if found.nlink() > 1 && has_file(store, &found, DEPTH) => {
            Err(refused(path, "a second name (a hard link) of a file of the store"))
        }
        Ok(_) => Ok(()),
    }
}

/// The same for a folder that is to be made: the path must be free.
///
/// # Errors
/// Those of [`check_file`].
pub(crate) fn check_new_folder(path: &Path, store: &Path) -> Result<()> {
    check_place(path, store)?;
    match fs::symlink_metadata(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(Error::io("look at", path, e)),
        Ok(found) => Err(Error::argument(
            format!("path {}", path.display()),
            "a path that is free: name another one, or remove what is there first",
            describe(found.file_type()),
        )),
    }
}

/// What a file is, in words.
pub(crate) fn describe(kind: FileType) -> &'static str {
    match () {
        () if kind.is_symlink() => "a symbolic link",
        () if kind.is_dir() => "a directory",
        () if kind.is_file() => "a file",
        () if kind.is_fifo() => "a named pipe",
        () if kind.is_socket() => "a socket",
        () => "a device",
    }
}

/// The folder that holds a path, with every link resolved.
///
/// # Errors
/// [`Error::InvalidArgument`] for a path without a name, [`Error::Io`] when there is no such folder.
pub(crate) fn folder_of(path: &Path) -> Result<PathBuf> {
    if path.file_name().is_none() || path.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return Err(Error::argument("path", "a path that ends in a name", path.display().to_string()));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::canonicalize(folder).map_err(|e| Error::io("look at", folder, e))
}

fn check_place(path: &Path, store: &Path) -> Result<()> {
    let folder = folder_of(path)?;
    let own = fs::canonicalize(store).ok();
    let inside = |above: &&Path| own.as_deref() == Some(*above) || is_store(above);
    match folder.ancestors().find(inside) {
        Some(found) => Err(refused(path, &format!("a path inside the Onelist store {}", found.display()))),
        None => Ok(()),
    }
}

/// Whether a folder is a store. Two of its files are enough, so that one that has lost a file counts.
fn is_store(folder: &Path) -> bool {
    let here = |name: &str| fs::symlink_metadata(folder.join(name)).is_ok();
    here("data.mdb") && (here("FORMAT") || here("LOCK"))
}

/// Whether a file is one of those in a folder.
fn has_file(folder: &Path, file: &Metadata, depth: usize) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| Some((entry.path(), entry.metadata().ok()?))).any(|(path, found)| match found.is_dir() {
        true => depth > 0 && has_file(&path, file, depth - 1),
        false => (found.dev(), found.ino()) == (file.dev(), file.ino()),
    })
}

fn refused(path: &Path, found: &str) -> Error {
    let expected = "a new file, or a regular file that may be replaced, outside of every store: choose another path";
    Error::argument(format!("path {}", path.display()), expected, found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// A folder with a store, and another with one.
    fn stores() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        for store in ["mine", "other"] {
            let store = dir.path().join(store);
            fs::create_dir_all(store.join("text")).unwrap();
            for file in ["FORMAT", "LOCK", "data.mdb", "text/a.term"] {
                fs::write(store.join(file), "x").unwrap();
            }
        }
        let mine = dir.path().join("mine");
        (dir, mine)
    }

    fn found(path: &Path, store: &Path) -> String {
        check_file(path, store).expect_err(&path.display().to_string()).to_string()
    }

    #[test]
    fn every_way_into_a_store_is_refused() {
        let (dir, mine) = stores();
        let top = dir.path();
        symlink(&mine, top.join("link")).unwrap();
        symlink(mine.join("text"), top.join("deep")).unwrap();
        fs::create_dir(top.join("beside")).unwrap();
        let ways =
            ["mine/data.mdb", "mine/new", "mine/text/new", "other/new", "other/text/new", "link/new", "deep/new"];
        for way in ways.into_iter().chain(["beside/../mine/data.mdb", "beside/../link/text/../new", "./mine/./new"]) {
            assert!(found(&top.join(way), &mine).contains("inside the Onelist store"), "{way}");
            let error = check_new_folder(&top.join(way), &mine).unwrap_err();
            assert!(error.to_string().contains("inside the Onelist store"), "{way}");
        }
        // A store that has lost a file is still one.
        fs::remove_file(top.join("other/FORMAT")).unwrap();
        assert!(found(&top.join("other/new"), &mine).contains("inside"));
    }

    #[test]
    fn only_regular_files_are_replaced() {
        let (dir, mine) = stores();
        let top = dir.path();
        for (name, target) in [("to-data", mine.join("data.mdb")), ("to-nothing", top.join("nothing"))] {
            symlink(target, top.join(name)).unwrap();
            assert!(found(&top.join(name), &mine).contains("a symbolic link"), "{name}");
        }
        fs::hard_link(mine.join("text/a.term"), top.join("hard")).unwrap();
        assert!(found(&top.join("hard"), &mine).contains("a hard link"));
        fs::create_dir(top.join("folder")).unwrap();
        assert!(found(&top.join("folder"), &mine).contains("a directory"));
        assert!(found(Path::new("/dev/null"), &mine).contains("a device"));
        let pipe = top.join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        assert!(found(&pipe, &mine).contains("a named pipe"));
        for nameless in ["", "/", "..", "folder/"] {
            assert!(found(Path::new(nameless), &mine).contains("ends in a name"), "{nameless}");
        }
        assert_eq!(check_file(&top.join("missing/new"), &mine).unwrap_err().name(), "Io");
    }

    #[test]
    fn other_paths_are_free() {
        let (dir, mine) = stores();
        let top = dir.path();
        fs::write(top.join("old"), "x").unwrap();
        fs::hard_link(top.join("old"), top.join("old-too")).unwrap();
        for name in ["new", "old", "old-too", "mine.parquet"] {
            check_file(&top.join(name), &mine).unwrap();
        }
        check_new_folder(&top.join("backup"), &mine).unwrap();
        assert!(check_new_folder(&top.join("old"), &mine).unwrap_err().to_string().contains("a path that is free"));
        // A folder that has a file of the name is no store.
        fs::write(top.join("FORMAT"), "x").unwrap();
        check_file(&top.join("new"), &mine).unwrap();
    }
}
