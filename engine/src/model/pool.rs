//! The sessions of a model, lent out one run at a time, and work spread over them.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, bounded};

use crate::base::error::{Error, Result};
use crate::base::watch;
use crate::model::slot::Slot;

/// Sessions that wait for work. A caller that finds none waits for the next to come back.
pub(super) struct Pool {
    give: Sender<Slot>,
    take: Receiver<Slot>,
    size: usize,
}

/// Gives the session back even when the borrower panics; a pool that shrinks would hang its last user.
struct Lent<'a> {
    pool: &'a Pool,
    slot: Option<Slot>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            // The channel holds as many as there are sessions, so this never waits and never fails.
            let _ = self.pool.give.try_send(slot);
        }
    }
}

impl Pool {
    /// A pool of these sessions.
    pub(super) fn new(slots: Vec<Slot>) -> Pool {
        let size = slots.len();
        let (give, take) = bounded(size.max(1));
        for slot in slots {
            let _ = give.try_send(slot);
        }
        Pool { give, take, size }
    }

    /// Runs `work` with a session of its own.
    ///
    /// # Errors
    /// Those of `work`. It must not ask for a second session: with one session it would wait for itself.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Slot) -> Result<T>) -> Result<T> {
        let gone = || Error::internal("the pool of model sessions is gone");
        let slot = watch::wait(|each| match self.take.recv_timeout(each) {
            Err(RecvTimeoutError::Timeout) => None,
            other => Some(other.map_err(|_| gone())),
        })??;
        let mut lent = Lent { pool: self, slot: Some(slot) };
        match &mut lent.slot {
            Some(slot) => work(slot),
            None => Err(Error::internal("a model session was lent twice")),
        }
    }

    /// Does all `jobs`, on as many threads as there are sessions, and returns the results in their order. The first
    /// error ends the rest. Sessions go back between jobs, so that a request waits for one job at most.
    ///
    /// # Errors
    /// The first error of a job, or [`Error::Internal`] when one panicked.
    pub(super) fn spread<J: Sync, T: Send>(&self, jobs: &[J], work: impl Fn(&J) -> Result<T> + Sync) -> Result<Vec<T>> {
        let threads = self.size.min(jobs.len());
        let work = |job| watch::check().and_then(|()| work(job));
        if threads <= 1 {
            return jobs.iter().map(work).collect();
        }
        let watched = watch::current();
        let next = AtomicUsize::new(0);
        let done: Mutex<Vec<(usize, T)>> = Mutex::new(Vec::with_capacity(jobs.len()));
        let worker = || -> Result<()> {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(job) = jobs.get(index) else {
                    return Ok(());
                };
                // Overflow is far off: the counter is moved past the end once per thread.
                let result = work(job).inspect_err(|_| next.store(jobs.len(), Ordering::Relaxed))?;
                done.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
            }
        };
        std::thread::scope(|scope| {
            let other = || watch::within(watched.clone(), worker);
            // A thread that cannot start is no error: this one works through the jobs too.
            let others: Vec<_> =
                (1..threads).flat_map(|_| std::thread::Builder::new().spawn_scoped(scope, other)).collect();
            let own = worker();
            others.into_iter().fold(own, |all, thread| {
                let other = thread.join().unwrap_or_else(|_| Err(Error::internal("a model thread panicked")));
                all.and(other)
            })
        })?;
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_unstable_by_key(|(index, _)| *index);
        Ok(done.into_iter().map(|(_, result)| result).collect())
    }
}
