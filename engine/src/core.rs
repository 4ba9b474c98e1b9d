//! An open directory at work: its stores, the writer thread and the background threads.
//!
//! The facade opens one for an application; `offline` opens one for each scratch copy.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwapOption;

use crate::api::config::Config;
use crate::background::{Maintenance, clock, cooccurrence};
use crate::base::error::{Error, Result};
use crate::base::id::Seq;
use crate::ingest::{Writer, WriterThread};
use crate::open::{self, DirectoryLock};
use crate::store::{Stores, lock};

/// An open directory, until it is closed.
pub(crate) struct Core {
    access: ArcSwapOption<Access>,
    threads: Mutex<Option<Threads>>,
    opened_by: u32,
}

/// What every call uses.
pub(crate) struct Access {
    pub stores: Arc<Stores>,
    pub writer: Writer,
}

/// What closing ends, in this order.
struct Threads {
    maintenance: Maintenance,
    writer: WriterThread,
    lock: DirectoryLock,
}

impl Core {
    /// Opens a directory, creating it when it is missing, and starts its threads.
    ///
    /// # Errors
    /// Those of [`crate::Engine::open`].
    pub(crate) fn open(path: &Path, config: Config) -> Result<Core> {
        let opened = open::open(path, config)?;
        let stores = Arc::new(opened.stores);
        let (writer, writer_thread) = Writer::start(stores.clone())?;
        let maintenance = Maintenance::start(stores.clone(), opened.text_durable)?;
        let threads = Threads { maintenance, writer: writer_thread, lock: opened.lock };
        Ok(Core {
            access: ArcSwapOption::from(Some(Arc::new(Access { stores, writer }))),
            threads: Mutex::new(Some(threads)),
            opened_by: std::process::id(),
        })
    }

    /// The stores and the writer.
    ///
    /// # Errors
    /// [`Error::Closed`], or [`Error::Forked`] in the child of the process that opened it.
    pub(crate) fn access(&self) -> Result<Arc<Access>> {
        self.check_process()?;
        self.access.load_full().ok_or(Error::Closed)
    }

    /// [`Core::access`], after every event and impression that waits has been applied.
    pub(crate) fn drained(&self) -> Result<Arc<Access>> {
        let access = self.access()?;
        access.writer.drain()?;
        Ok(access)
    }

    /// The commit that the text index holds on disk; `None` while the engine closes.
    pub(crate) fn text_durable(&self) -> Option<Seq> {
        lock(&self.threads).as_ref().map(|threads| threads.maintenance.text_durable())
    }

    /// Rebuilds the co-occurrence lists from the whole log.
    pub(crate) fn rebuild_cooccurrence(&self) -> Result<()> {
        cooccurrence::rebuild(&self.drained()?.stores)
    }

    /// Waits until the journal is applied, and both indexes hold everything that is committed and are on disk.
    pub(crate) fn flush(&self) -> Result<()> {
        let access = self.access()?;
        access.writer.drain()?;
        clock::repair(&access.stores)?;
        let flusher = match lock(&self.threads).as_ref() {
            Some(threads) => threads.maintenance.flusher(),
            None => return Err(Error::Closed),
        };
        flusher.flush()
    }

    /// Flushes, ends the threads and releases the directory. `join` waits for the caller's own threads: it runs once the
    /// stores tell everything that works on them to stop. Closing again does nothing.
    pub(crate) fn close(&self, join: impl FnOnce() -> Result<()>) -> Result<()> {
        self.check_process()?;
        let flushed = self.flush();
        let Some(threads) = lock(&self.threads).take() else { return Ok(()) };
        let access = self.access.swap(None);
        threads.maintenance.stop()?;
        join()?;
        let stores = release(access)?;
        threads.writer.join()?;
        close_stores(stores);
        drop(threads.lock);
        match flushed {
            // A closed engine and one that refuses writes have nothing more to flush.
            Err(Error::Closed) => Ok(()),
            other => other,
        }
    }

    /// LMDB's locks and the threads of this process do not survive a fork.
    fn check_process(&self) -> Result<()> {
        if std::process::id() == self.opened_by {
            return Ok(());
        }
        Err(Error::Forked { opened_by: self.opened_by })
    }
}

impl Drop for Core {
    /// Closes, as [`Core::close`] does. In a forked child nothing is touched: the parent's handle owns the files.
    fn drop(&mut self) {
        if self.check_process().is_ok() {
            let _ = self.close(|| Ok(()));
        } else {
            std::mem::forget((self.access.swap(None), lock(&self.threads).take()));
        }
    }
}

/// Waits for the calls that are still running, and ends the writer's queue.
fn release(access: Option<Arc<Access>>) -> Result<Option<Arc<Stores>>> {
    let Some(mut access) = access else { return Ok(None) };
    loop {
        match Arc::try_unwrap(access) {
            Ok(access) => return Ok(Some(access.stores)),
            Err(shared) => access = shared,
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Closes the catalog, so that the path can be opened again at once.
fn close_stores(stores: Option<Arc<Stores>>) {
    if let Some(stores) = stores.and_then(Arc::into_inner) {
        stores.close();
    }
}
