//! What callers want written, and which of them share a commit.

use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, Sender};

use crate::api::event::Event;
use crate::base::error::Result;

use super::field_step::Step;
use super::prepared::PreparedItem;

/// Rows that one commit takes before it stops collecting what waits.
const ROWS_PER_COMMIT: usize = 50_000;

/// What a caller wants written, all of it or none of it.
pub(super) enum Work {
    Put(Vec<PreparedItem>),
    Delete(Vec<String>),
    Log(Vec<Event>),
    SetScenario(String, String),
    DeleteScenario(String),
    ChangeField(Step),
    /// Apply the whole journal.
    Drain,
}

impl Work {
    pub(super) fn rows(&self) -> usize {
        match self {
            Work::Put(items) => items.len(),
            Work::Delete(ids) => ids.len(),
            Work::Log(events) => events.len(),
            Work::SetScenario(..) | Work::DeleteScenario(_) | Work::ChangeField(_) => 1,
            Work::Drain => 0,
        }
    }
}

/// Work, and where its answer goes.
pub(super) struct Job {
    pub work: Work,
    pub reply: Sender<Result<usize>>,
}

/// How long a group waits for more.
///
/// Callers that log in a loop come back right after their answer, one after another. A commit that took only the first
/// of them would let the others wait for a whole commit, and half of all commits would be nearly empty. So a group
/// waits for as many as there were lately, but no longer than half a commit takes: with one caller there is no wait.
pub(super) struct Gather {
    pub expected: usize,
    pub patience: Duration,
}

impl Gather {
    /// The job and those that come in time to share its commit.
    pub(super) fn group(&self, first: Job, jobs: &Receiver<Job>) -> Vec<Job> {
        let until = Instant::now() + self.patience;
        let mut rows = first.work.rows();
        let mut group = vec![first];
        // Polling instead of sleeping in the channel: each job would wake the writer separately, and sixteen such switches
        // cost as much as the commit. The wait is short, and other threads run meanwhile.
        while group.len() + jobs.len() < self.expected && Instant::now() < until {
            std::thread::yield_now();
        }
        while rows < ROWS_PER_COMMIT {
            let Ok(job) = jobs.try_recv() else { break };
            rows += job.work.rows();
            group.push(job);
        }
        group
    }
}
