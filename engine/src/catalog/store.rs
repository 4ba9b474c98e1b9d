//! The open catalog, which hands out the transactions of its LMDB environment.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arc_swap::ArcSwap;
use heed::{EnvFlags, FlagSetMode};

use crate::base::error::{Error, Result};

use super::environment::{self, Claim};
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
    /// The environment; another one after [`Catalog::compact`], here or in the process that writes.
    opened: ArcSwap<Opened>,
    max_bytes: u64,
    flags: EnvFlags,
    /// What a scratch copy keeps in memory; empty for every other catalog.
    buffer: OnceLock<Arc<ScratchBuffer>>,
    failed: FailedCommits,
    /// Another process writes: nothing in memory outlives the transaction that it was read in.
    follows: AtomicBool,
    /// Held while another environment is taken in place of the one that is open.
    exchanging: Mutex<()>,
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
        Ok(Catalog::new(Opened::create(env)?, max_bytes, EnvFlags::empty(), false, claim))
    }

    /// Opens a catalog that another process may be writing. This one only reads it, unless [`Catalog::lead`] is called.
    ///
    /// # Errors
    /// [`Error::Storage`] for what LMDB rejects, [`Error::Damaged`] when a table is missing.
    pub(crate) fn open_beside(dir: &Path, max_bytes: u64) -> Result<Catalog> {
        Catalog::following(dir, max_bytes, EnvFlags::empty())
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
        Catalog::following(dir, max_bytes, flags)
    }

    fn following(dir: &Path, max_bytes: u64, flags: EnvFlags) -> Result<Catalog> {
        // Before the files are opened: if they are exchanged meanwhile, the first reader finds others.
        let files = environment::files(dir);
        let (env, claim) = environment::open(dir, max_bytes, flags)?;
        Ok(Catalog::new(Opened::beside(env, files, 0)?, max_bytes, flags, true, claim))
    }

    /// Whether this process can tell others that it reads.
    pub(crate) fn can_be_locked(dir: &Path) -> bool {
        environment::can_lock(dir)
    }

    fn new(opened: Opened, max_bytes: u64, flags: EnvFlags, follows: bool, claim: Claim) -> Catalog {
        Catalog {
            opened: ArcSwap::from_pointee(opened),
            max_bytes,
            flags,
            buffer: OnceLock::new(),
            failed: FailedCommits::default(),
            follows: AtomicBool::new(follows),
            exchanging: Mutex::default(),
            claim,
        }
    }

    /// From now on this process writes. IMPORTANT: it holds the lock of the directory, and has no writer yet.
    pub(crate) fn lead(&self) -> Result<()> {
        // What the process before committed is behind this transaction, in the file that it left.
        self.read()?;
        self.clear_stale_readers()?;
        self.follows.store(false, Ordering::SeqCst);
        Ok(())
    }

    /// Takes back what readers that have died held: pages that they pinned can be used again.
    pub(crate) fn clear_stale_readers(&self) -> Result<usize> {
        self.opened.load().env.clear_stale_readers().map_err(storage)
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
        let follows = self.follows.load(Ordering::SeqCst);
        if follows {
            self.follow_exchange()?;
        }
        let opened = self.opened.load();
        let txn = opened.env.clone().static_read_txn().map_err(storage)?;
        if follows {
            let number = txn.id() as u64;
            opened.states.advance(number);
            opened.vectors.advance(number);
        }
        CatalogRead::new(txn, &opened, self.buffer.get().cloned())
    }

    /// Opens the files that lie in the directory when they are not those that are open: the process that writes has compacted
    /// them. Transactions under way read on in the file before, which is never written again.
    fn follow_exchange(&self) -> Result<()> {
        let dir = self.claim.path();
        if environment::other_files(dir, self.opened.load().files).is_none() {
            return Ok(());
        }
        let _one_at_a_time = self.exchanging.lock().unwrap_or_else(PoisonError::into_inner);
        let mut before = self.opened.load_full();
        while let Some(files) = environment::other_files(dir, before.files) {
            let last = before.first_number + before.env.info().last_txn_id as u64;
            let env = environment::open_again(dir, self.max_bytes, self.flags)?;
            self.opened.store(Arc::new(Opened::beside(env, Some(files), last + 1)?));
            before = self.opened.load_full();
        }
        Ok(())
    }

    /// Starts the one write transaction. Only the writer thread calls this.
    pub(crate) fn write(&self) -> Result<CatalogWrite<'_>> {
        if self.follows.load(Ordering::SeqCst) {
            return Err(Error::internal("a write in a process that only reads the store"));
        }
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
        let Catalog { opened, claim, .. } = self;
        let opened = opened.into_inner();
        let env = opened.env.clone();
        drop(opened);
        env.prepare_for_closing().wait();
        drop(claim);
    }
}
