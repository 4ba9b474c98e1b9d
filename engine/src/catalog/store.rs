//! The LMDB environment: opens the catalog, and hands out its transactions.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use heed::{Env, EnvFlags, FlagSetMode, WithoutTls};

use crate::base::error::{Error, Result};

use super::environment::{self, Claim};

use super::file_check;
use super::memory::scratch_buffer::ScratchBuffer;
use super::memory::slot_values::ItemState;
use super::memory::versioned_slots::VersionedSlots;
use super::read::pinned::CatalogRead;
use super::rows::lmdb_error::storage;
use super::rows::tables::Tables;
use super::write::transaction::CatalogWrite;

/// The open catalog.
pub(crate) struct Catalog {
    env: Env<WithoutTls>,
    tables: Tables,
    /// What a scratch copy keeps in memory; empty for every other catalog.
    buffer: OnceLock<Arc<ScratchBuffer>>,
    states: Arc<VersionedSlots<ItemState>>,
    vectors: Arc<VersionedSlots<[u8]>>,
    /// Another process writes: nothing in memory outlives the transaction that it was read in.
    follows: AtomicBool,
    /// That this process has it open.
    claim: Claim,
}

impl Catalog {
    /// Opens `dir`/data.mdb, creating it when it is missing. `max_bytes` of address space are reserved at once, so that
    /// the map never has to grow under running transactions; a machine that cannot reserve them gets less.
    ///
    /// # Errors
    /// [`Error::Damaged`] for a truncated file or one that is not LMDB's, [`Error::Storage`] for what LMDB rejects.
    pub(crate) fn open(dir: &Path, max_bytes: u64) -> Result<Catalog> {
        file_check::check(&dir.join("data.mdb"))?;
        let (env, claim) = environment::open(dir, max_bytes, EnvFlags::empty())?;
        env.clear_stale_readers().map_err(storage)?;
        let mut txn = env.write_txn().map_err(storage)?;
        let tables = Tables::create(&env, &mut txn)?;
        txn.commit().map_err(storage)?;
        Ok(Catalog::new(env, tables, false, claim))
    }

    /// Opens a catalog that another process may be writing. This one only reads it, unless [`Catalog::lead`] is called.
    ///
    /// # Errors
    /// [`Error::Storage`] for what LMDB rejects, [`Error::Damaged`] when a table is missing.
    pub(crate) fn open_beside(dir: &Path, max_bytes: u64) -> Result<Catalog> {
        let (env, claim) = environment::open(dir, max_bytes, EnvFlags::empty())?;
        Catalog::following(env, claim)
    }

    /// Opens a catalog to read it only. A medium that cannot be written is read without LMDB's lock file: nobody else
    /// can write it either.
    ///
    /// # Errors
    /// Those of [`Catalog::open_beside`].
    pub(crate) fn open_read_only(dir: &Path, max_bytes: u64) -> Result<Catalog> {
        let mut flags = EnvFlags::READ_ONLY;
        if !environment::can_lock(dir) {
            file_check::check_only(&dir.join("data.mdb"))?;
            flags |= EnvFlags::NO_LOCK;
        }
        let (env, claim) = environment::open(dir, max_bytes, flags)?;
        Catalog::following(env, claim)
    }

    /// Whether this process can tell others that it reads.
    pub(crate) fn can_be_locked(dir: &Path) -> bool {
        environment::can_lock(dir)
    }

    fn following(env: Env<WithoutTls>, claim: Claim) -> Result<Catalog> {
        let txn = env.read_txn().map_err(storage)?;
        let tables = Tables::open(&env, &txn)?;
        // The tables can be used by other transactions once this one is committed.
        txn.commit().map_err(storage)?;
        Ok(Catalog::new(env, tables, true, claim))
    }

    fn new(env: Env<WithoutTls>, tables: Tables, follows: bool, claim: Claim) -> Catalog {
        let (states, vectors) = (Arc::new(ItemState::slots()), Arc::default());
        Catalog { env, tables, buffer: OnceLock::new(), states, vectors, follows: AtomicBool::new(follows), claim }
    }

    /// From now on this process writes. IMPORTANT: it holds the lock of the directory, and has no writer yet.
    pub(crate) fn lead(&self) -> Result<()> {
        self.env.clear_stale_readers().map_err(storage)?;
        // What the process before committed is behind this transaction.
        self.read()?;
        self.follows.store(false, Ordering::SeqCst);
        Ok(())
    }

    /// Takes back what readers that have died held: pages that they pinned can be used again.
    pub(crate) fn clear_stale_readers(&self) -> Result<usize> {
        self.env.clear_stale_readers().map_err(storage)
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
        if self.follows.load(Ordering::SeqCst) {
            let number = txn.id() as u64;
            self.states.advance(number);
            self.vectors.advance(number);
        }
        CatalogRead::new(txn, self.tables, self.buffer.get().cloned(), (&self.states, &self.vectors))
    }

    /// Starts the one write transaction. Only the writer thread calls this.
    pub(crate) fn write(&self) -> Result<CatalogWrite<'_>> {
        if self.follows.load(Ordering::SeqCst) {
            return Err(Error::internal("a write in a process that only reads the store"));
        }
        let txn = self.env.write_txn().map_err(storage)?;
        CatalogWrite::new(txn, self.tables, self.buffer.get().map(Arc::as_ref), (&self.states, &self.vectors))
    }

    /// Waits until the environment is unused, and closes it; the path can then be opened again.
    pub(crate) fn close(self) {
        let Catalog { env, claim, .. } = self;
        env.prepare_for_closing().wait();
        drop(claim);
    }
}
