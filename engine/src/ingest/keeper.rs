//! The writer's work between two commits: writing queued impressions, and applying the journal while it is idle, or some of
//! it when it has grown long.

use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, RecvTimeoutError, Select, TryRecvError};

use crate::store::Stores;

use super::commit::{IMPRESSIONS_PER_COMMIT, apply_journal, commit_impressions};
use super::group::Job;

/// How long an impression waits for a commit of other work, and how often the queue's length is checked.
const PATIENCE: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(100);
/// Events that may wait in the journal before the writer applies some between two commits, and how many it then does.
const LONGEST_JOURNAL: usize = 32_768;
const APPLIED_BETWEEN: usize = 8_192;
/// How long the writer is idle before it applies the journal, and how many events it takes at a time: a caller that
/// comes meanwhile waits for one portion.
const IDLE: Duration = Duration::from_millis(50);
const APPLIED_IDLE: usize = 2_048;
/// Pause after the journal could not be applied.
const RETRY: Duration = Duration::from_secs(2);

/// Keeps the journal short.
pub(super) struct JournalKeeper<'s> {
    stores: &'s Stores,
    retry_after: Option<Instant>,
    /// The latest time to write the queued impressions.
    due: Option<Instant>,
}

impl<'s> JournalKeeper<'s> {
    pub(super) fn new(stores: &'s Stores) -> JournalKeeper<'s> {
        JournalKeeper { stores, retry_after: None, due: None }
    }

    /// The next job, `None` when all callers are gone.
    pub(super) fn next_job(&mut self, jobs: &Receiver<Job>) -> Option<Job> {
        loop {
            if self.stores.poisoned.load().is_some() {
                return jobs.recv().ok();
            }
            self.write_impressions_if_due();
            let wait = match (self.due, self.stores.events.waiting()) {
                (None, 0) => None,
                (Some(_), 0) => Some(LOOK),
                (_, _) => Some(if self.is_failing() { RETRY.min(LOOK) } else { IDLE }),
            };
            let Some(wait) = wait else {
                if let Some(answer) = self.first_of_any(jobs) {
                    return answer;
                }
                continue;
            };
            match jobs.recv_timeout(wait) {
                Ok(job) => return Some(job),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) if !self.is_failing() => self.apply(APPLIED_IDLE),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Writes the queued impressions when they have waited long enough or are many.
    fn write_impressions_if_due(&mut self) {
        let waiting = self.stores.impressions.arrivals().len();
        if waiting == 0 {
            self.due = None;
            return;
        }
        let due = *self.due.get_or_insert_with(|| Instant::now() + PATIENCE);
        if waiting >= IMPRESSIONS_PER_COMMIT || Instant::now() >= due {
            self.due = None;
            commit_impressions(self.stores);
        }
    }

    /// Waits for a job or an impression. Returns the job, `Some(None)` when there will be no more, `None` for an impression.
    fn first_of_any(&self, jobs: &Receiver<Job>) -> Option<Option<Job>> {
        let mut either = Select::new();
        either.recv(jobs);
        either.recv(self.stores.impressions.arrivals());
        either.ready();
        match jobs.try_recv() {
            Ok(job) => Some(Some(job)),
            Err(TryRecvError::Disconnected) => Some(None),
            Err(TryRecvError::Empty) => None,
        }
    }

    fn is_failing(&self) -> bool {
        self.retry_after.is_some_and(|at| Instant::now() < at)
    }

    /// Applies some of a journal that has grown long.
    pub(super) fn shorten(&mut self) {
        if self.stores.events.waiting() > LONGEST_JOURNAL && !self.is_failing() && self.stores.poisoned.load().is_none()
        {
            self.apply(APPLIED_BETWEEN);
        }
    }

    /// Nothing is lost when this fails: the journal stays, and readers see it through the overlay.
    fn apply(&mut self, max: usize) {
        if self.stores.events.waiting() == 0 || self.stores.events.is_held() {
            return;
        }
        self.retry_after = None;
        if let Err(error) = apply_journal(self.stores, max) {
            self.stores.note_failure(error);
            self.retry_after = Some(Instant::now() + RETRY);
        }
    }
}
