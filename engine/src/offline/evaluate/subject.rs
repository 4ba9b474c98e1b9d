//! What is measured, and what it is asked.

use crate::api::evaluation::SystemKind;
use crate::base::error::Result;
use crate::base::time::Timestamp;

use super::log::Log;

/// The cells that are measured apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Task {
    /// A history (or none), no query.
    NextItem,
    /// A query alone.
    Query,
    /// A query of a user with a history.
    QueryAndHistory,
}

impl Task {
    /// The name in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Task::NextItem => "next item",
            Task::Query => "query",
            Task::QueryAndHistory => "query and history",
        }
    }
}

/// One question, with what was known when it was asked.
pub(crate) struct Question<'r> {
    /// Its number in the replay.
    pub number: usize,
    pub task: Task,
    pub user: Option<u32>,
    /// The user's events so far, oldest first, as places in the log. They all have an item.
    pub history: &'r [u32],
    /// The user's events were not logged: a subject must go by `history` alone.
    pub hidden_user: bool,
    pub query: Option<&'r str>,
    pub now: Timestamp,
    pub exclude_seen: bool,
    /// How many places of the list will be looked at.
    pub depth: usize,
}

/// A ranking of items.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ranked {
    /// A score for every item of the log; minus infinity leaves an item out.
    Scores(Vec<f32>),
    /// Items with scores, best first. Neighbours with the same score are tied.
    List(Vec<(u32, f32)>),
}

/// One system's answer to one question.
pub(crate) struct Answer {
    pub ranked: Ranked,
    /// Items that were considered at all, when that is not the head of the ranking.
    pub retrieved: Option<Vec<u32>>,
    /// How long it took.
    pub micros: u64,
    /// The scores are places in approximate lists, which may differ from one build of an index to the next: they are not
    /// compared by the point-in-time check.
    pub by_place: bool,
}

/// Something that is logged to and asked: one system, or several that share their work.
pub(crate) trait Subject {
    /// Names and kinds of its systems, in the order of its answers.
    fn systems(&self) -> Vec<(String, SystemKind)>;

    /// An event happened. `history` has the user's earlier ones, as [`Question::history`] does.
    fn log(&mut self, log: &Log, event: usize, history: &[u32]) -> Result<()>;

    /// Answers, one for each system; `None` from a system that does not do the task.
    fn rank(&mut self, log: &Log, question: &Question) -> Result<Vec<Option<Answer>>>;

    /// Why the answers of this subject are meaningless: then its systems are not reported.
    fn not_run(&self) -> Option<String> {
        None
    }
}
