//! What `export_training` takes and answers: plain data.

use serde::{Deserialize, Serialize};

use crate::base::error::{Error, Result};
use crate::base::limits;
use crate::base::time::Timestamp;

/// Which past requests become rows of a training file, and which of their candidates.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TrainingPlan {
    /// Most requests: the newest (default 100,000; at most [`limits::MAX_TRAINING_REQUESTS`]).
    pub requests: usize,
    /// In place of the newest, requests of each kind from the whole log, as [`crate::Engine::tune`] draws them: what
    /// begins a visit, what goes on in one, with what was had and without it. Where baskets are large, most of the newest
    /// events are late in one, and a model learns little else from them.
    pub stratified: bool,
    /// Candidates of each request that were not taken: so many, drawn evenly, or all of them (the default).
    pub negatives: Option<usize>,
    /// Only what happened before this time, both as a request and as what features know.
    pub until: Option<Timestamp>,
}

impl Default for TrainingPlan {
    fn default() -> Self {
        TrainingPlan { requests: 100_000, stratified: false, negatives: None, until: None }
    }
}

impl TrainingPlan {
    /// Checks the numbers.
    pub(crate) fn check(&self) -> Result<()> {
        if (1..=limits::MAX_TRAINING_REQUESTS).contains(&self.requests) {
            return Ok(());
        }
        let expected = format!("1 to {}", limits::MAX_TRAINING_REQUESTS);
        Err(Error::argument("requests of a training file", expected, self.requests.to_string()))
    }
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct TrainingSummary {
    /// Past requests.
    pub requests: u64,
    /// Rows: candidates of all of them.
    pub rows: u64,
    /// Requests whose taken item no source proposed: it has a row all the same.
    pub not_retrieved: u64,
    /// Length of the file.
    pub bytes: u64,
}
