//! The one process that writes a directory: it holds an advisory lock for the life of its handle.
//!
//! The standard library locks with flock(2). Such a lock belongs to the open file, so a second handle in the same process is
//! refused too, even from another copy of the library; and the kernel releases it when a process dies. A forked child does
//! not keep it (`base/fork.rs`).

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::base::error::{Error, Result};
use crate::base::fork::NotInherited;

/// The lock; dropping it releases the directory.
pub(crate) struct DirectoryLock {
    path: PathBuf,
    file: NotInherited<File>,
}

/// What trying to take the lock comes to.
pub(crate) enum Taken {
    Ours(DirectoryLock),
    /// The process that holds it; 0 when that cannot be told.
    By(u32),
}

impl Drop for DirectoryLock {
    /// Unlocks explicitly: a child process that another thread has just forked may not have closed its descriptor yet.
    fn drop(&mut self) {
        // The file is closed next, which unlocks it in every other case.
        let _ = self.file.get().unlock();
    }
}

impl DirectoryLock {
    /// Takes the lock and writes our process id into it.
    ///
    /// # Errors
    /// [`Error::AlreadyOpen`] with the holder's process id.
    pub(crate) fn take(dir: &Path) -> Result<DirectoryLock> {
        match DirectoryLock::try_take(dir)? {
            Taken::Ours(lock) => Ok(lock),
            Taken::By(pid) => Err(Error::AlreadyOpen { path: dir.to_owned(), pid }),
        }
    }

    /// Takes the lock when nobody holds it, and writes our process id into it.
    pub(crate) fn try_take(dir: &Path) -> Result<Taken> {
        let path = dir.join("LOCK");
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = NotInherited::new(options.open(&path).map_err(|e| Error::io("open", &path, e))?);
        match file.get().try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Taken::By(holder(file.get_mut()))),
            Err(TryLockError::Error(e)) => return Err(Error::io("lock", &path, e)),
        }
        let lock = DirectoryLock { path, file };
        if !lock.is_in_place() {
            // It was removed, and another is in its place.
            return Ok(Taken::By(0));
        }
        let mut file = lock.file.get();
        let written =
            file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", std::process::id()));
        written.map_err(|e| Error::io("write", &lock.path, e))?;
        Ok(Taken::Ours(lock))
    }

    /// Whether the file that is locked is the one in the directory: not so after somebody has removed it.
    pub(crate) fn is_in_place(&self) -> bool {
        let place = |meta: fs::Metadata| (meta.dev(), meta.ino());
        let (locked, found) = (self.file.get().metadata().map(place), fs::metadata(&self.path).map(place));
        matches!((locked, found), (Ok(locked), Ok(found)) if locked == found)
    }
}

/// The process that holds the lock, in a directory where this one cannot write; `None` when nobody does.
pub(super) fn held_by(dir: &Path) -> Option<u32> {
    let mut file = File::open(dir.join("LOCK")).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(holder(&mut file)),
        // Given back as the file is closed.
        _ => None,
    }
}

/// The process id in the file; 0 when it cannot be read.
fn holder(file: &mut File) -> u32 {
    let mut text = String::new();
    let _ = file.take(32).read_to_string(&mut text);
    text.trim().parse().unwrap_or(0)
}
