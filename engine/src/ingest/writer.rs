//! The one writer thread, with group commit.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, SendTimeoutError, Sender, bounded};

use crate::api::event::Event;
use crate::api::field_change::{FieldChange, FieldChanged};
use crate::api::token::Token;
use crate::api::user::User;
use crate::base::error::{Error, Result};
use crate::base::time::Timestamp;
use crate::base::watch;
use crate::store::Stores;

use super::commit::commit_impressions;
use super::field_step;
use super::group::{Done, Gather, Job, Work};
use super::group_commit::commit_group;
use super::keeper::JournalKeeper;
use super::prepared::PreparedItem;

/// Batches that may wait; further callers block, which is the back-pressure they need.
const QUEUE: usize = 256;
/// Items that readers may see through the overlays before writers wait for the indexes: the overlays are scanned by
/// every request.
const LONGEST_TAIL: u64 = 20_000;

/// Longest that a group waits for callers that are expected back.
const LONGEST_PATIENCE: Duration = Duration::from_millis(2);

/// The way to the writer thread. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: Sender<Job>,
    stores: Arc<Stores>,
}

/// The thread; it ends when the last [`Writer`] is dropped.
pub(crate) struct WriterThread(JoinHandle<()>);

impl WriterThread {
    /// Waits for the end of the thread.
    pub(crate) fn join(self) -> Result<()> {
        self.0.join().map_err(|_| Error::internal("the writer thread panicked"))
    }
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(stores: Arc<Stores>) -> Result<(Writer, WriterThread)> {
        let (queue, jobs) = bounded(QUEUE);
        let shared = stores.clone();
        let thread = std::thread::Builder::new()
            .name("onelist-writer".to_owned())
            .spawn(move || run(&shared, &jobs))
            .map_err(|e| Error::io("start a thread for", &stores.path, e))?;
        Ok((Writer { queue, stores }, WriterThread(thread)))
    }

    /// Writes items; durable and visible on return. A batch that was stored as it is when it was prepared is not written.
    pub(crate) fn put(&self, items: Vec<PreparedItem>) -> Result<Token> {
        if items.iter().all(PreparedItem::is_unchanged) {
            return Ok(Token(self.stores.catalog.read()?.counters().seq.0));
        }
        self.wait_for_indexes()?;
        self.submit(Work::Put(items)).map(|done| done.token)
    }

    /// Deletes items; durable on return. Returns how many there were.
    pub(crate) fn delete(&self, ids: Vec<String>) -> Result<usize> {
        self.submit(Work::Delete(ids)).map(|done| done.count)
    }

    /// Logs events; durable and visible to requests on return. Those without a time have that at which they were `sent`, or
    /// that of now.
    pub(crate) fn log(&self, events: Vec<Event>, sent: Option<Timestamp>) -> Result<Token> {
        self.submit(Work::Log(events, sent)).map(|done| done.token)
    }

    /// Writes the records of users; durable and visible on return.
    pub(crate) fn put_users(&self, users: Vec<User>) -> Result<()> {
        self.submit(Work::PutUsers(users)).map(|_| ())
    }

    /// Removes the records of users; durable on return. Returns how many there were.
    pub(crate) fn delete_users(&self, ids: Vec<String>) -> Result<usize> {
        self.submit(Work::DeleteUsers(ids)).map(|done| done.count)
    }

    /// Stores a scenario (its rules as JSON text); durable and visible on return.
    pub(crate) fn set_scenario(&self, name: String, rules: String) -> Result<()> {
        self.submit(Work::SetScenario(name, rules)).map(|_| ())
    }

    /// Removes a scenario; durable on return. Returns whether there was one.
    pub(crate) fn delete_scenario(&self, name: String) -> Result<bool> {
        Ok(self.submit(Work::DeleteScenario(name))?.count > 0)
    }

    /// Changes a field of every item, a chunk at a time; durable on return.
    pub(crate) fn change_field(&self, change: FieldChange) -> Result<FieldChanged> {
        field_step::run(change, |step| {
            self.wait_for_indexes()?;
            self.send(Work::ChangeField(step)).map(|done| done.count)
        })
    }

    /// Waits until everything that was logged is in the tables that background work and signals read.
    pub(crate) fn drain(&self) -> Result<()> {
        self.send(Work::Drain).map(|_| ())
    }

    /// Jobs that wait for the writer.
    pub(crate) fn queued(&self) -> usize {
        self.queue.len()
    }

    fn submit(&self, work: Work) -> Result<Done> {
        if work.rows() == 0 {
            return Ok(Done { count: 0, token: Token(self.stores.catalog.read()?.counters().seq.0) });
        }
        self.send(work)
    }

    fn send(&self, work: Work) -> Result<Done> {
        let ((reply, answer), watched) = (bounded(1), watch::current());
        let mut job = Some(Job { work, reply, watched });
        watch::wait(|each| match self.queue.send_timeout(job.take()?, each) {
            Ok(()) => Some(Ok(())),
            Err(SendTimeoutError::Timeout(back)) => {
                job = Some(back);
                None
            }
            Err(SendTimeoutError::Disconnected(_)) => Some(Err(Error::Closed)),
        })??;
        // The writer looks at the watch, and answers: a caller that went away would not know what was written.
        answer.recv().map_err(|_| Error::Closed)?
    }

    /// Holds a writer back while the overlays are long. The wait is bounded: a build that fails must not stop writes.
    fn wait_for_indexes(&self) -> Result<()> {
        let short = || longest_tail(&self.stores) < LONGEST_TAIL;
        let until = Instant::now() + Duration::from_secs(30);
        watch::wait(|each| {
            let done = short() || self.stores.progress.wait(each, short);
            (done || self.stores.progress.is_closing() || Instant::now() >= until).then_some(())
        })
    }
}

fn longest_tail(stores: &Stores) -> u64 {
    let spaces = stores.open_spaces().unwrap_or_default();
    let vectors = spaces.iter().map(|(_, _, space)| space.tail_len());
    vectors.chain([stores.text.view().tail_len()]).max().unwrap_or(0) as u64
}

fn run(stores: &Stores, jobs: &Receiver<Job>) {
    let mut gather = Gather { expected: 1, patience: Duration::ZERO };
    let mut journal = JournalKeeper::new(stores);
    while let Some(first) = journal.next_job(jobs) {
        let group = gather.group(first, jobs);
        let (callers, start) = (group.len(), Instant::now());
        stores.notices.timed("commit", callers, || commit_group(stores, group));
        // The callers just answered are likely to come back now, beside those that wait already.
        gather.expected = callers + jobs.len();
        gather.patience = (start.elapsed() / 2).min(LONGEST_PATIENCE);
        journal.shorten();
    }
    // What came while the engine was closing.
    while !stores.impressions.is_empty() && commit_impressions(stores) {}
}
