//! How far the writer is, and how the background threads are woken and ended.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use super::lock::lock;
use crate::base::id::Seq;

/// How far the writer is, and a condition that background threads wait on.
#[derive(Default)]
pub(crate) struct Progress {
    /// The last commit that changed items.
    committed: AtomicU64,
    /// Set when the engine closes: background threads end at their next step.
    closing: AtomicU64,
    bell: Condvar,
    lock: Mutex<()>,
}

impl Progress {
    /// Tells the background threads of a commit.
    pub(crate) fn commit(&self, seq: Seq) {
        self.committed.fetch_max(seq.0, Ordering::SeqCst);
        self.ring();
    }

    /// The last commit that changed items.
    pub(crate) fn committed(&self) -> Seq {
        Seq(self.committed.load(Ordering::SeqCst))
    }

    /// Tells the background threads to end.
    pub(crate) fn close(&self) {
        self.closing.store(1, Ordering::SeqCst);
        self.ring();
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst) == 1
    }

    /// Wakes every thread that waits.
    pub(crate) fn ring(&self) {
        let _held = lock(&self.lock);
        self.bell.notify_all();
    }

    /// Waits until `done` holds, the engine closes, or `limit` has passed. True when `done` holds.
    pub(crate) fn wait(&self, limit: Duration, done: impl Fn() -> bool) -> bool {
        let held = lock(&self.lock);
        let result = self.bell.wait_timeout_while(held, limit, |()| !done() && !self.is_closing());
        drop(result);
        done()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn a_wait_ends_when_its_commit_is_there_and_the_last_commit_never_goes_back() {
        let progress = Progress::default();
        progress.commit(Seq(3));
        progress.commit(Seq(2));
        assert_eq!(progress.committed(), Seq(3));
        std::thread::scope(|scope| {
            let start = Instant::now();
            let waiting = scope.spawn(|| progress.wait(LONG, || progress.committed() >= Seq(5)));
            progress.commit(Seq(4));
            progress.commit(Seq(5));
            assert!(waiting.join().unwrap() && start.elapsed() < LONG / 2);
        });
        assert!(!progress.wait(Duration::from_millis(5), || false), "the time is over");
    }

    #[test]
    fn closing_ends_every_wait() {
        let progress = Progress::default();
        std::thread::scope(|scope| {
            let start = Instant::now();
            let waiting: Vec<_> = (0..3).map(|_| scope.spawn(|| progress.wait(LONG, || false))).collect();
            progress.close();
            assert!(waiting.into_iter().all(|thread| !thread.join().unwrap()) && start.elapsed() < LONG / 2);
        });
        assert!(progress.is_closing() && progress.wait(LONG, || true), "what is done is done");
    }
}
