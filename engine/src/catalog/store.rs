//! The LMDB environment: opens the catalog, and hands out its transactions.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use heed::{EnvFlags, FlagSetMode};

use crate::base::error::{Error, Result};

use super::file_check;
use super::memory::failed_commits::FailedCommits;
use super::memory::scratch_buffer::ScratchBuffer;
use super::opened::Opened;
use super::read::pinned::CatalogRead;
use super::rows::lmdb_error::storage;
use super::write::owned::OwnedWrite;
use super::write::transaction::CatalogWrite;

/// The open catalog.
pub(crate) struct Catalog {
    /// The environment; another one after [`Catalog::compact`].
    opened: ArcSwap<Opened>,
    max_bytes: u64,
    /// What a scratch copy keeps in memory; empty for every other catalog.
    buffer: OnceLock<Arc<ScratchBuffer>>,
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
        let opened = ArcSwap::from_pointee(Opened::open(dir, max_bytes)?);
        Ok(Catalog { opened, max_bytes, buffer: OnceLock::new(), failed: FailedCommits::default() })
    }

    /// Makes this a scratch copy, which need not survive: commits do not wait for the disk, and lists of neighbours
    /// stay in memory between them.
    pub(crate) fn make_scratch(&self) -> Result<()> {
        // While this transaction is open, no other begins or commits and reads the flag.
        let opened = self.opened.load();
        let alone = opened.env.write_txn().map_err(storage)?;
        self.buffer.get_or_init(Arc::default);
        // SAFETY: without a sync, only a crash of the machine can damage the file, and a scratch copy is never opened
        // again: its folder is removed when its store is opened.
        unsafe { opened.env.set_flags(EnvFlags::NO_SYNC, FlagSetMode::Enable) }.map_err(storage)?;
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
        let opened = self.opened.load();
        let txn = opened.env.clone().static_read_txn().map_err(storage)?;
        CatalogRead::new(txn, opened.tables, self.buffer.get().cloned(), (&opened.states, &opened.vectors))
    }

    /// Starts the one write transaction. Only the writer thread calls this.
    pub(crate) fn write(&self) -> Result<CatalogWrite<'_>> {
        loop {
            let opened = self.opened.load_full();
            let txn = OwnedWrite::begin(opened)?;
            // While this waited for its turn, the environment may have been exchanged.
            if Arc::ptr_eq(&txn.opened, &self.opened.load()) {
                return CatalogWrite::new(txn, self.buffer.get().map(Arc::as_ref), &self.failed);
            }
        }
    }

    /// Whether more may be put or logged.
    ///
    /// # Errors
    /// [`Error::CatalogFull`] when the pages in use have reached `max_bytes`.
    pub(crate) fn check_room(&self) -> Result<()> {
        let opened = self.opened.load();
        let end = (opened.env.info().last_page_number as u64 + 1).saturating_mul(rustix::param::page_size() as u64);
        // Free pages are counted only where it matters: that reads the whole list of them.
        match end >= self.max_bytes && opened.env.non_free_pages_size().map_err(storage)? >= self.max_bytes {
            true => Err(Error::CatalogFull),
            false => Ok(()),
        }
    }

    /// The environment of this moment.
    pub(super) fn opened(&self) -> Arc<Opened> {
        self.opened.load_full()
    }

    /// Takes a copy of the catalog in place of what is open: same rows, other file. The caller holds the write transaction.
    pub(super) fn exchange(&self, copy: Opened) {
        self.opened.store(Arc::new(copy));
    }

    /// The bytes of address space to reserve.
    pub(super) fn max_bytes(&self) -> u64 {
        self.max_bytes
    }

    /// Waits until the environment is unused, and closes it; the path can then be opened again.
    pub(crate) fn close(self) {
        let opened = self.opened.into_inner();
        let env = opened.env.clone();
        drop(opened);
        env.prepare_for_closing().wait();
    }
}
