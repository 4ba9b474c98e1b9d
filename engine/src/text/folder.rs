//! The folder of an index, with locks that fit several processes.
//!
//! Tantivy locks with flock(2), and its locks would be inherited by a forked child, which could then hold them for ever. The
//! lock of its writer is not needed: the directory's own lock says who writes. The other one keeps files from being removed
//! while a reader opens them; a child does not inherit it (`base/fork.rs`), and where it cannot be made, because the medium
//! is read-only, nobody removes files either.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tantivy::directory::error::{DeleteError, LockError, OpenDirectoryError, OpenReadError, OpenWriteError};
use tantivy::directory::{
    Directory, DirectoryLock, FileHandle, INDEX_WRITER_LOCK, Lock, MmapDirectory, WatchCallback, WatchHandle, WritePtr,
};

use crate::base::fork::NotInherited;

/// A folder of tantivy's.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    files: MmapDirectory,
    path: PathBuf,
}

impl Folder {
    /// # Errors
    /// When there is no such folder.
    pub(super) fn open(path: &Path) -> Result<Folder, OpenDirectoryError> {
        Ok(Folder { files: MmapDirectory::open(path)?, path: path.to_owned() })
    }

    /// The lock file, locked; `None` where it cannot be made.
    fn lock(&self, lock: &Lock) -> Result<Option<NotInherited<File>>, LockError> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let Ok(file) = options.open(self.path.join(&lock.filepath)) else { return Ok(None) };
        let file = NotInherited::new(file);
        let failed = |error: io::Error| LockError::IoError(Arc::new(error));
        if lock.is_blocking {
            file.get().lock().map_err(failed)?;
        } else {
            file.get().try_lock().map_err(|error| match error {
                TryLockError::WouldBlock => LockError::LockBusy,
                TryLockError::Error(error) => failed(error),
            })?;
        }
        Ok(Some(file))
    }
}

impl Directory for Folder {
    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        self.files.get_file_handle(path)
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        self.files.delete(path)
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        self.files.exists(path)
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        self.files.open_write(path)
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        self.files.atomic_read(path)
    }

    fn atomic_write(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        self.files.atomic_write(path, data)
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.files.sync_directory()
    }

    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        if lock.filepath == INDEX_WRITER_LOCK.filepath {
            return Ok(DirectoryLock::from(Box::new(())));
        }
        Ok(DirectoryLock::from(Box::new(self.lock(lock)?)))
    }

    fn watch(&self, callback: WatchCallback) -> tantivy::Result<WatchHandle> {
        self.files.watch(callback)
    }
}

#[cfg(test)]
mod tests {
    use tantivy::directory::META_LOCK;

    use super::*;

    #[test]
    fn files_are_not_removed_while_another_opens_them_and_the_writer_needs_no_lock() {
        let dir = tempfile::tempdir().expect("makes");
        let folders = [Folder::open(dir.path()).expect("opens"), Folder::open(dir.path()).expect("opens")];
        let _writers = folders.each_ref().map(|folder| folder.acquire_lock(&INDEX_WRITER_LOCK).expect("is free"));
        let impatient = Lock { filepath: META_LOCK.filepath.clone(), is_blocking: false };
        let held = folders[0].acquire_lock(&META_LOCK).expect("is free");
        assert!(matches!(folders[1].acquire_lock(&impatient), Err(LockError::LockBusy)));
        drop(held);
        assert!(folders[1].acquire_lock(&impatient).is_ok());
    }
}
