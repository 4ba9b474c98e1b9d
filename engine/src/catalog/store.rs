//! The LMDB environment: opens the catalog, and hands out its transactions.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use heed::{Env, EnvFlags, EnvOpenOptions, FlagSetMode, WithoutTls};

use crate::base::error::{Error, Result};

use super::file_check;
use super::memory::failed_commits::FailedCommits;
use super::memory::scratch_buffer::ScratchBuffer;
use super::memory::slot_values::ItemState;
use super::memory::versioned_slots::VersionedSlots;
use super::read::pinned::CatalogRead;
use super::rows::lmdb_error::storage;
use super::rows::tables::{self, Tables};
use super::write::transaction::CatalogWrite;

/// Reader slots of LMDB: one for each concurrent request. They cost nothing until they are used.
const MAX_READERS: u32 = 1024;

/// The open catalog.
pub(crate) struct Catalog {
    env: Env<WithoutTls>,
    tables: Tables,
    /// What a scratch copy keeps in memory; empty for every other catalog.
    buffer: OnceLock<Arc<ScratchBuffer>>,
    states: Arc<VersionedSlots<ItemState>>,
    vectors: Arc<VersionedSlots<[u8]>>,
    failed: FailedCommits,
}

impl Catalog {
    /// Opens `dir`/data.mdb, creating it when it is missing. `max_bytes` of address space are reserved at once, so that
    /// the map never has to grow under running transactions; a machine that cannot reserve them gets less.
    ///
    /// # Errors
    /// [`Error::Damaged`] for a truncated file or one that is not LMDB's, [`Error::Storage`] for what LMDB rejects.
    pub(crate) fn open(dir: &Path, max_bytes: u64) -> Result<Catalog> {
        file_check::check(&dir.join("data.mdb"))?;
        let env = open_env(dir, max_bytes)?;
        env.clear_stale_readers().map_err(storage)?;
        let mut txn = env.write_txn().map_err(storage)?;
        let tables = Tables::create(&env, &mut txn)?;
        txn.commit().map_err(storage)?;
        let states = Arc::new(ItemState::slots());
        Ok(Catalog {
            env,
            tables,
            buffer: OnceLock::new(),
            states,
            vectors: Arc::default(),
            failed: FailedCommits::default(),
        })
    }

    /// Makes this a scratch copy, which need not survive: commits do not wait for the disk, and lists of neighbours
    /// stay in memory between them.
    pub(crate) fn make_scratch(&self) -> Result<()> {
        // While this transaction is open, no other begins or commits and reads the flag.
        let alone = self.env.write_txn().map_err(storage)?;
        self.buffer.get_or_init(Arc::default);
        // SAFETY: without a sync, only a crash of the machine can damage the file, and a scratch copy is never opened
        // again: its folder is removed when its store is opened.
        unsafe { self.env.set_flags(EnvFlags::NO_SYNC, FlagSetMode::Enable) }.map_err(storage)?;
        alone.abort();
        Ok(())
    }

    /// Whether this is a scratch copy.
    pub(crate) fn is_scratch(&self) -> bool {
        self.buffer.get().is_some()
    }

    /// Pins the state of the last commit. Keep it for one request only: pages that are freed meanwhile cannot be
    /// reused.
    pub(crate) fn read(&self) -> Result<CatalogRead> {
        let txn = self.env.clone().static_read_txn().map_err(storage)?;
        CatalogRead::new(txn, self.tables, self.buffer.get().cloned(), (&self.states, &self.vectors))
    }

    /// Starts the one write transaction. Only the writer thread calls this.
    pub(crate) fn write(&self) -> Result<CatalogWrite<'_>> {
        let txn = self.env.write_txn().map_err(storage)?;
        let slots = (self.states.as_ref(), self.vectors.as_ref());
        CatalogWrite::new(txn, self.tables, self.buffer.get().map(Arc::as_ref), slots, &self.failed)
    }

    /// Waits until the environment is unused, and closes it; the path can then be opened again.
    pub(crate) fn close(self) {
        self.env.prepare_for_closing().wait();
    }
}

fn open_env(dir: &Path, max_bytes: u64) -> Result<Env<WithoutTls>> {
    // LMDB wants a multiple of the page size; 64 KiB is one everywhere.
    let mut size = max_bytes.next_multiple_of(1 << 16);
    loop {
        let mut options = EnvOpenOptions::new().read_txn_without_tls();
        options.map_size(size as usize).max_readers(MAX_READERS).max_dbs(tables::COUNT);
        // SAFETY: LMDB maps the file, so no other process may change or truncate it while it is open. The directory's
        // LOCK file keeps other engines out, its permissions other users, and `file_check` has made sure that every page
        // in use is in the file. No unsafe flag is set.
        match unsafe { options.open(dir) } {
            // A machine with a limit on address space: halve the size, down to 1 GiB.
            Err(heed::Error::Io(e)) if e.kind() == std::io::ErrorKind::OutOfMemory && size > 1 << 30 => size /= 2,
            Err(heed::Error::EnvAlreadyOpened) => {
                return Err(Error::AlreadyOpen { path: dir.to_owned(), pid: std::process::id() });
            }
            other => return other.map_err(storage),
        }
    }
}
