//! The LMDB environment.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use heed::{Env, EnvFlags, EnvOpenOptions, FlagSetMode, WithoutTls};

use crate::base::error::{Error, Result};

use super::file_check;
use super::read::CatalogRead;
use super::scratch_buffer::Held;
use super::standing::Standings;
use super::tables::{self, Tables};
use super::vector_slots::VectorSlots;
use super::write::CatalogWrite;

/// Reader slots: one for each request that runs at the same time; they cost nothing until used.
const MAX_READERS: u32 = 1024;

/// The open catalog.
pub(crate) struct Catalog {
    env: Env<WithoutTls>,
    tables: Tables,
    /// What a scratch copy holds in memory; empty for every other catalog.
    held: OnceLock<Arc<Held>>,
    standings: Arc<Standings>,
    vectors: Arc<VectorSlots>,
}

impl Catalog {
    /// Opens `dir`/data.mdb, creating it when it is missing. `max_bytes` of address space are reserved at once, so the
    /// map never has to be resized under running transactions; a machine that cannot reserve them gets less.
    ///
    /// # Errors
    /// [`Error::Damaged`] for a truncated or foreign file, [`Error::Storage`] for what LMDB refuses.
    pub(crate) fn open(dir: &Path, max_bytes: u64) -> Result<Catalog> {
        file_check::check(&dir.join("data.mdb"))?;
        let env = open_env(dir, max_bytes)?;
        env.clear_stale_readers().map_err(storage)?;
        let mut txn = env.write_txn().map_err(storage)?;
        let tables = Tables::create(&env, &mut txn)?;
        txn.commit().map_err(storage)?;
        Ok(Catalog { env, tables, held: OnceLock::new(), standings: Arc::default(), vectors: Arc::default() })
    }

    /// Makes it one that need not survive: commits do not wait for the disk, and lists stay in memory between them.
    pub(crate) fn make_scratch(&self) -> Result<()> {
        // While this transaction is ours, nobody begins or commits one that would read the flag.
        let alone = self.env.write_txn().map_err(storage)?;
        self.held.get_or_init(Arc::default);
        // SAFETY: without a sync, only a crash of the machine can damage the file, and a scratch copy is never opened
        // again: the folder that it is in is removed when its store is opened.
        unsafe { self.env.set_flags(EnvFlags::NO_SYNC, FlagSetMode::Enable) }.map_err(storage)?;
        alone.abort();
        Ok(())
    }

    /// Whether it is one that need not survive.
    pub(crate) fn is_scratch(&self) -> bool {
        self.held.get().is_some()
    }

    /// Pins the state of the last commit. Keep it for one request only: pages freed meanwhile cannot be reused.
    pub(crate) fn read(&self) -> Result<CatalogRead> {
        let txn = self.env.clone().static_read_txn().map_err(storage)?;
        let known = (self.standings.clone(), self.vectors.clone());
        CatalogRead::new(txn, self.tables, self.held.get().cloned(), known)
    }

    /// Starts the one write transaction. Only the writer thread calls this.
    pub(crate) fn write(&self) -> Result<CatalogWrite<'_>> {
        let txn = self.env.write_txn().map_err(storage)?;
        CatalogWrite::new(txn, self.tables, self.held.get().map(Arc::as_ref), (&self.standings, &self.vectors))
    }

    /// Waits until nobody uses the environment, and closes it; afterwards the path can be opened again.
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
        // SAFETY: LMDB maps the file, so it must not be changed or truncated by anybody else while it is open. The
        // directory's LOCK file keeps other engines out, its permissions other users, and `file_check` has compared
        // the file's length with what its meta pages claim. No unsafe flag is set.
        match unsafe { options.open(dir) } {
            // A machine with a limit on address space: halve down to 64 GiB, then to 1 GiB.
            Err(heed::Error::Io(e)) if e.kind() == std::io::ErrorKind::OutOfMemory && size > 1 << 30 => size /= 2,
            Err(heed::Error::EnvAlreadyOpened) => {
                return Err(Error::AlreadyOpen { path: dir.to_owned(), pid: std::process::id() });
            }
            other => return other.map_err(storage),
        }
    }
}

/// What LMDB says, as our error.
pub(super) fn storage(error: heed::Error) -> Error {
    match error {
        heed::Error::Mdb(heed::MdbError::MapFull) => Error::Storage {
            reason: "the catalog has reached Config::max_bytes; open it with a larger value".to_owned(),
        },
        other => Error::Storage { reason: other.to_string() },
    }
}
