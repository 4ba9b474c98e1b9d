//! Closing: no more orders, background work, calls that are running, the writer, the lock; in this order.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Access, Core, Part, Threads};
use crate::base::error::{Error, Result};
use crate::ingest::WriterThread;
use crate::share::{Server, hand_on_impressions};
use crate::store::{Stores, lock};

impl Core {
    /// Flushes, ends the threads and releases the directory. Closing again does nothing.
    pub(crate) fn close(&self) -> Result<()> {
        let state = self.state.load_full();
        if state.opened_by != std::process::id() {
            return self.forget();
        }
        let writes = state.access.load().as_ref().is_some_and(|access| matches!(access.part, Part::Writes(_)));
        let flushed = if writes { self.flush() } else { Ok(()) };
        if let Some(access) = state.access.load_full()
            && let Part::Follows(link) = &access.part
        {
            hand_on_impressions(&access.stores, link);
        }
        let changing = lock(&state.changing);
        state.closing.store(true, Ordering::SeqCst);
        let access = state.access.swap(None);
        let threads = std::mem::take(&mut *lock(&state.threads));
        drop(changing);
        if let Some(access) = &access {
            access.stores.end();
        }
        end(threads, access, || self.facade.as_ref().map_or(Ok(()), |facade| facade.ends()))?;
        match flushed {
            // A closed engine and one that refuses writes have nothing more to flush.
            Err(Error::Closed) => Ok(()),
            other => other,
        }
    }
}

/// Ends the threads in order: no more orders, background work, calls that are running, the writer.
fn end(threads: Vec<Threads>, access: Option<Arc<Access>>, join: impl FnOnce() -> Result<()>) -> Result<()> {
    let (mut writers, mut servers, mut locks) = (Vec::new(), Vec::new(), Vec::new());
    for part in threads {
        match part {
            Threads::Following(thread) => thread.join()?,
            Threads::Writing { maintenance, writer, lock, server } => {
                server.iter().for_each(Server::finish);
                maintenance.stop()?;
                writers.push(writer);
                servers.extend(server);
                locks.push(lock);
            }
        }
    }
    join()?;
    let stores = release(access)?;
    writers.into_iter().try_for_each(WriterThread::join)?;
    servers.into_iter().try_for_each(Server::join)?;
    close_stores(stores);
    drop(locks);
    Ok(())
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
