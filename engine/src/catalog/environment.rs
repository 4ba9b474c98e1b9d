//! Opening the LMDB environment of a directory: once in a process, in any number of processes.
//!
//! LMDB marks the processes that read with locks of the operating system on `lock.mdb`, and closing any descriptor of that
//! file gives them up. So a process opens it once; nothing here closes what a forked process has inherited.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use heed::{Env, EnvFlags, EnvOpenOptions, WithoutTls};

use crate::base::error::{Error, Result};
use crate::base::random::hex_id;

use super::rows::lmdb_error::storage;
use super::rows::tables;

/// Reader slots of LMDB: one for each concurrent request of all processes. They cost nothing until they are used.
const MAX_READERS: u32 = 1024;

/// The start of the names that a forked process opens the files by, and LMDB's ending of the name of its lock file.
const LINK: &str = "fork-";
const LOCK_ENDING: &str = "-lock";

/// How often the names are made that others have removed.
const ATTEMPTS: usize = 10;
/// How long a new lock file may lie beside old data: between two renamings of the process that compacts. After that, it died.
const RENAMING: Duration = Duration::from_secs(1);

/// The files of an environment: device and number of the data and of the lock.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Files {
    data: (u64, u64),
    lock: Option<(u64, u64)>,
}

/// The files that lie in a directory; `None` when the data is not there.
pub(super) fn files(dir: &Path) -> Option<Files> {
    Some(Files { data: place(&dir.join("data.mdb"))?, lock: place(&dir.join("lock.mdb")) })
}

/// Device and number of a file.
fn place(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()))
}

/// The files that lie in a directory, when they are not those that are open.
pub(super) fn other_files(dir: &Path, open: Option<Files>) -> Option<Files> {
    let until = Instant::now() + RENAMING;
    loop {
        let found = files(dir).filter(|found| Some(*found) != open)?;
        let same_data = open.filter(|open| open.data == found.data);
        if same_data.is_some_and(|open| open.lock.is_none() || found.lock.is_none()) {
            // Read without a lock, or somebody has removed it: the data is what counts.
            return None;
        }
        // Opened with the lock of other data, the old data would be read as of another commit.
        if same_data.is_none() || Instant::now() >= until {
            return Some(found);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Directories whose environment is open, and the process that opened it: after a fork, the parent.
static OPEN: Mutex<Option<HashMap<PathBuf, u32>>> = Mutex::new(None);

fn open_here() -> MutexGuard<'static, Option<HashMap<PathBuf, u32>>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// That this process has the environment of a directory open; dropped when it is closed.
pub(super) struct Claim {
    path: PathBuf,
    /// The path was open already when this process was forked: LMDB's wrapper knows it as open for ever.
    inherited: bool,
}

impl Claim {
    /// The directory.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// # Errors
    /// [`Error::AlreadyOpen`] when this process has it open.
    fn stake(dir: &Path) -> Result<Claim> {
        let path = dir.canonicalize().map_err(|e| Error::io("find", dir, e))?;
        let pid = std::process::id();
        let mut open = open_here();
        let before = open.get_or_insert_default().insert(path.clone(), pid);
        if before == Some(pid) {
            return Err(Error::AlreadyOpen { path: dir.to_owned(), pid });
        }
        Ok(Claim { path, inherited: before.is_some() })
    }
}

impl Drop for Claim {
    /// A path that was inherited as open stays so: it is noted under the process that is gone, which 0 stands for.
    fn drop(&mut self) {
        let mut open = open_here();
        let open = open.get_or_insert_default();
        match self.inherited {
            true => open.insert(self.path.clone(), 0),
            false => open.remove(&self.path),
        };
    }
}

/// Opens the environment. `max_bytes` and a reserve of address space are reserved at once, so that the map never has to grow under running
/// transactions; a machine that cannot reserve them gets less.
pub(super) fn open(dir: &Path, max_bytes: u64, flags: EnvFlags) -> Result<(Env<WithoutTls>, Claim)> {
    let claim = Claim::stake(dir)?;
    if !claim.inherited {
        return Ok((open_at(dir, max_bytes, flags)?, claim));
    }
    // The inherited environment is neither used nor closed, and its name is taken.
    Ok((open_again(dir, max_bytes, flags)?, claim))
}

/// Opens the files of a directory whose environment this process knows as open: other names lead to the same files.
pub(super) fn open_again(dir: &Path, max_bytes: u64, flags: EnvFlags) -> Result<Env<WithoutTls>> {
    for _ in 0..ATTEMPTS {
        if let Some(env) = open_links(dir, max_bytes, flags)? {
            return Ok(env);
        }
    }
    Err(Error::internal("the names of an environment are removed again and again"))
}

/// `None` when a process that begins to write has removed the names meanwhile: other files may have been opened then.
fn open_links(dir: &Path, max_bytes: u64, flags: EnvFlags) -> Result<Option<Env<WithoutTls>>> {
    let data = dir.join(format!("{LINK}{}", hex_id()));
    let lock_link = PathBuf::from(format!("{}{LOCK_ENDING}", data.display()));
    let link = |from: &str, to: &Path| fs::hard_link(dir.join(from), to).map_err(|e| Error::io("link", to, e));
    let places = || [&data, &lock_link].map(|path| place(path));
    let opened = link("data.mdb", &data).and_then(|()| link("lock.mdb", &lock_link)).and_then(|()| {
        let linked = places();
        let env = open_at(&data, max_bytes, flags | EnvFlags::NO_SUB_DIR)?;
        Ok((linked.iter().all(Option::is_some) && linked == places()).then_some(env))
    });
    // Best effort: the next writer removes what is left.
    let _ = (fs::remove_file(&data), fs::remove_file(&lock_link));
    opened
}

/// Room beyond `max_bytes` for what makes room: deleting needs pages before it frees any.
fn reserve(max_bytes: u64) -> u64 {
    const LEAST: u64 = 16 << 20;
    (max_bytes / 16).max(LEAST)
}

/// Opens the environment at a path that is known to be free.
pub(super) fn open_at(path: &Path, max_bytes: u64, flags: EnvFlags) -> Result<Env<WithoutTls>> {
    // LMDB wants a multiple of the page size; 64 KiB is one everywhere.
    let mut size = max_bytes.saturating_add(reserve(max_bytes)).next_multiple_of(1 << 16);
    loop {
        let mut options = EnvOpenOptions::new().read_txn_without_tls();
        options.map_size(size as usize).max_readers(MAX_READERS).max_dbs(tables::COUNT);
        // SAFETY: LMDB maps the file, so nobody may change or truncate it but through LMDB. The directory's LOCK file allows one
        // process to write, its permissions keep other users out, and `file_check` has made sure that every page in use is
        // in the file. The flags only take rights away, but for NO_LOCK, which is set where nobody can write.
        match unsafe { options.flags(flags).open(path) } {
            // A machine with a limit on address space: halve the size, down to 1 GiB.
            Err(heed::Error::Io(e)) if e.kind() == std::io::ErrorKind::OutOfMemory && size > 1 << 30 => size /= 2,
            Err(heed::Error::EnvAlreadyOpened) => {
                return Err(Error::AlreadyOpen { path: path.to_owned(), pid: std::process::id() });
            }
            other => return other.map_err(storage),
        }
    }
}

/// Whether LMDB's lock file can be written: not so on a medium that can only be read.
pub(super) fn can_lock(dir: &Path) -> bool {
    let lock = dir.join("lock.mdb");
    // Looked at, and not opened: closing it again would give up the locks of this process.
    let there = rustix::fs::access(&lock, rustix::fs::Access::WRITE_OK).is_ok();
    there || !lock.exists() && OpenOptions::new().write(true).create_new(true).open(&lock).is_ok()
}

/// Removes the names that forked processes left when they were killed.
pub(crate) fn remove_links(dir: &Path) -> Result<()> {
    let entries = fs::read_dir(dir).map_err(|e| Error::io("list", dir, e))?;
    for entry in entries.flatten() {
        let name = entry.file_name();
        if name.to_str().is_some_and(is_link) {
            fs::remove_file(entry.path()).map_err(|e| Error::io("remove", entry.path(), e))?;
        }
    }
    Ok(())
}

fn is_link(name: &str) -> bool {
    let id = name.strip_prefix(LINK).map(|rest| rest.strip_suffix(LOCK_ENDING).unwrap_or(rest));
    id.is_some_and(|id| id.len() >= 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replace(dir: &Path, name: &str) {
        fs::write(dir.join("new"), name).unwrap();
        fs::rename(dir.join("new"), dir.join(name)).unwrap();
    }

    #[test]
    fn exchanged_files_are_found_and_half_an_exchange_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        assert!(other_files(dir, None).is_none(), "there are none");
        replace(dir, "data.mdb");
        let without_lock = files(dir);
        replace(dir, "lock.mdb");
        assert!(other_files(dir, without_lock).is_none(), "read without a lock");
        let open = files(dir);
        assert!(other_files(dir, open).is_none());
        // The new lock, and a moment later the data.
        replace(dir, "lock.mdb");
        let found = std::thread::scope(|scope| {
            let waits = scope.spawn(|| other_files(dir, open));
            std::thread::sleep(Duration::from_millis(50));
            replace(dir, "data.mdb");
            waits.join().unwrap()
        });
        assert!(found == files(dir) && found != open);
        // The process that exchanges them died in between.
        replace(dir, "lock.mdb");
        let start = Instant::now();
        assert!(other_files(dir, found) == files(dir) && start.elapsed() >= RENAMING);
        fs::remove_file(dir.join("lock.mdb")).unwrap();
        assert!(other_files(dir, found).is_none(), "somebody has removed the lock");
        replace(dir, "data.mdb");
        assert!(other_files(dir, found) == files(dir));
    }
}
