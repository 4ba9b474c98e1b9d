//! Copies of the catalog: into a backup, and in place of the file that is open.
//!
//! LMDB copies a commit while others follow, and leaves out what is free. It writes into a pipe, which this end reads, so that
//! a copy can be stopped, tells how far it is, and is written with our own checks.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::thread::Scope;

use heed::{CompactionOption, EnvFlags};

use crate::base::error::{Error, Result};
use crate::base::watch;

use super::environment;
use super::opened::Opened;
use super::rows::lmdb_error::storage;
use super::store::Catalog;

/// Bytes that are read at a time.
const CHUNK: usize = 1 << 20;

impl Catalog {
    /// Copies the last commit into a new file, and waits until it is on disk. Returns its length. `begun` is called once the
    /// commit is pinned: what it holds cannot change any more.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::DiskFull`]; those of a call that is stopped. The file may be there by half.
    pub(crate) fn copy_to(&self, path: &Path, begun: impl FnOnce()) -> Result<u64> {
        let opened = self.opened();
        let total = opened.env.non_free_pages_size().map_err(storage)?;
        std::thread::scope(|scope| {
            let (mut reader, copier) = copier(scope, &opened, path)?;
            let copied = receive(&mut reader, path, total as usize, begun);
            // A copy that is given up ends with an error of its own when nobody reads it any more.
            drop(reader);
            let ended = copier.join().map_err(|_| Error::internal("the thread that copies panicked"))?;
            copied.and_then(|bytes| ended.map(|()| bytes))
        })
    }

    /// Replaces the file by a copy without free pages, which gives their space back. Requests go on; writers wait. `folder` lies
    /// on the same file system and is empty.
    ///
    /// # Errors
    /// Those of [`Catalog::copy_to`]; then the old file stays.
    pub(crate) fn compact(&self, dir: &Path, folder: &Path) -> Result<()> {
        let alone = self.write()?;
        self.copy_to(&folder.join("data.mdb"), || ())?;
        let copy = Opened::create(environment::open_at(folder, self.max_bytes(), EnvFlags::empty())?)?;
        let rename = |name: &str| {
            let (from, to) = (folder.join(name), dir.join(name));
            fs::rename(&from, &to).map_err(|e| Error::io("rename to", to, e))
        };
        // The lock first: who opens the directory in between reads the old file, which is never written again. Processes that
        // follow find the other files at their next transaction.
        rename("lock.mdb")?;
        rename("data.mdb")?;
        self.exchange(copy);
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(|e| Error::io("sync", dir, e))?;
        drop(alone);
        Ok(())
    }

    /// Bytes of the file, and bytes of its pages that are in use.
    pub(crate) fn sizes(&self) -> Result<(u64, u64)> {
        let opened = self.opened();
        let file = opened.env.real_disk_size().map_err(storage)?;
        Ok((file, opened.env.non_free_pages_size().map_err(storage)?))
    }

    /// Transactions that read at this moment, in every process.
    pub(crate) fn readers(&self) -> u64 {
        u64::from(self.opened().env.info().number_of_readers)
    }
}

type Copier<'s> = std::thread::ScopedJoinHandle<'s, Result<()>>;

/// Starts the thread in which LMDB writes its copy into a pipe.
fn copier<'s>(scope: &'s Scope<'s, '_>, opened: &'s Opened, path: &Path) -> Result<(File, Copier<'s>)> {
    let pipe = std::io::pipe().map_err(|e| Error::io("make a pipe for", path, e))?;
    let (reader, mut writer) =
        (File::from(std::os::fd::OwnedFd::from(pipe.0)), File::from(std::os::fd::OwnedFd::from(pipe.1)));
    let copy = move || opened.env.copy_to_file(&mut writer, CompactionOption::Enabled).map_err(storage);
    let copier = std::thread::Builder::new().name("onelist-copy".to_owned()).spawn_scoped(scope, copy);
    Ok((reader, copier.map_err(|e| Error::io("start a thread for", path, e))?))
}

/// Writes what comes out of the pipe into a file.
fn receive(reader: &mut File, path: &Path, total: usize, begun: impl FnOnce()) -> Result<u64> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let file = file.as_mut().map_err(|e| Error::io("create", path, std::io::Error::new(e.kind(), e.to_string())))?;
    let (mut chunk, mut done, mut begun) = (vec![0; CHUNK], 0, Some(begun));
    loop {
        watch::check()?;
        let read = reader.read(&mut chunk).map_err(|e| Error::io("copy to", path, e))?;
        if let Some(begun) = begun.take() {
            begun();
        }
        if read == 0 {
            break;
        }
        let bytes = chunk.get(..read).unwrap_or_default();
        file.write_all(bytes).map_err(|e| Error::io("write", path, e))?;
        done += read;
        watch::report("copy", done.min(total), total);
    }
    file.sync_all().map_err(|e| Error::io("sync", path, e))?;
    Ok(done as u64)
}
