//! One writer for a directory: an advisory lock, held for the life of the handle.
//!
//! The standard library locks with flock(2). Such a lock belongs to the open file, so a second handle in the same process is
//! refused too, even from another copy of the library; and the kernel releases it when a process dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::base::error::{Error, Result};

/// The lock; dropping it releases the directory.
pub(crate) struct DirectoryLock {
    file: File,
}

impl Drop for DirectoryLock {
    /// Unlocks explicitly. Closing the file is not enough: a child process that another thread has just forked holds the same
    /// open file until it calls exec, and the lock with it.
    fn drop(&mut self) {
        // The file is closed next, which unlocks it in every other case.
        let _ = self.file.unlock();
    }
}

impl DirectoryLock {
    /// Takes the lock and writes our process id into it.
    ///
    /// # Errors
    /// [`Error::AlreadyOpen`] with the holder's process id.
    pub(crate) fn take(dir: &Path) -> Result<DirectoryLock> {
        let path = dir.join("LOCK");
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(&path).map_err(|e| Error::io("open", &path, e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::AlreadyOpen { path: dir.to_owned(), pid: holder(&mut file) });
            }
            Err(TryLockError::Error(e)) => return Err(Error::io("lock", &path, e)),
        }
        let written =
            file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", std::process::id()));
        written.map_err(|e| Error::io("write", &path, e))?;
        Ok(DirectoryLock { file })
    }
}

/// The process id in the file; 0 when it cannot be read.
fn holder(file: &mut File) -> u32 {
    let mut text = String::new();
    let _ = file.take(32).read_to_string(&mut text);
    text.trim().parse().unwrap_or(0)
}
