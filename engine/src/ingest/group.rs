//! What callers want written, and which of them share a commit.

use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, Sender};

use crate::api::event::Event;
use crate::api::token::Token;
use crate::api::user::User;
use crate::base::error::Result;
use crate::base::time::Timestamp;
use crate::base::watch::Watch;

use super::field_step::Step;
use super::prepared::PreparedItem;

/// Rows that one commit takes before it stops collecting what waits.
const ROWS_PER_COMMIT: usize = 50_000;

/// A job of more rows is committed alone when it comes first, because its caller may stop it half-way.
const LONG: usize = 2_000;

/// What a caller wants written, all of it or none of it.
pub(super) enum Work {
    Put(Vec<PreparedItem>),
    Delete(Vec<String>),
    /// With the time of those that have none.
    Log(Vec<Event>, Option<Timestamp>),
    PutUsers(Vec<User>),
    DeleteUsers(Vec<String>),
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
            Work::Log(events, _) => events.len(),
            Work::PutUsers(users) => users.len(),
            Work::DeleteUsers(ids) => ids.len(),
            Work::SetScenario(..) | Work::DeleteScenario(_) | Work::ChangeField(_) => 1,
            Work::Drain => 0,
        }
    }
}

/// Work, and where its answer goes.
pub(super) struct Job {
    pub work: Work,
    pub reply: Sender<Result<Done>>,
    /// What watches the caller.
    pub watched: Option<Watch>,
}

/// What became of work: how many rows there were, and the commit that has them.
pub(super) struct Done {
    pub count: usize,
    pub token: Token,
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
        if rows > LONG {
            return group;
        }
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
