//! Measuring a store, and learning from its log.

use std::path::Path;

use serde_json::json;

use super::Engine;
use super::orders::Tune;
use crate::api::evaluation::{Plan, Questions, Report};
use crate::api::models::Shadow;
use crate::api::request::Request;
use crate::api::training::{TrainingPlan, TrainingSummary};
use crate::api::tuning::Tuning;
use crate::base::error::Result;
use crate::base::limits::{self, at_most};
use crate::base::time::Timestamp;
use crate::offline::{evaluation, shadow, training_rows};
use crate::store::tunings;

impl Engine {
    /// Measures how good the lists are: replays this store's log into a scratch copy of the engine, asks it just before
    /// each target happens, and scores the answers beside those of the baselines. The store itself is only read.
    ///
    /// The copy lies in `scratch/` inside the store's directory and is removed at the end (after a crash: at the next
    /// opening). Stored vectors are used again; nothing is embedded. docs/EVALUATE.md explains the figures.
    ///
    /// # Errors
    /// [`crate::Error::InvalidArgument`] for a plan out of range or one that leaves nothing to ask; otherwise what `open`, `log`
    /// and `rank` answer.
    pub fn evaluate(&self, plan: &Plan) -> Result<Report> {
        plan.check()?;
        evaluation::evaluate(&self.core.drained()?.stores, plan)
    }

    /// Lists the questions that [`Engine::evaluate`] asks by this plan, without their answers: what to ask a system from
    /// elsewhere, whose answers then go into [`Plan::external`]. The histories come with them: memory for each question's
    /// past.
    ///
    /// # Errors
    /// [`crate::Error::InvalidArgument`] for a plan out of range or one that leaves nothing to ask; what reading the log answers.
    pub fn questions(&self, plan: &Plan) -> Result<Questions> {
        plan.check()?;
        evaluation::questions(&self.core.drained()?.stores, plan)
    }

    /// Fits the weights of the model's linear part to this store's log, checks them on later events than those they were
    /// fitted to, and uses those that are better from the next `rank` on. The store is only read while this runs; the
    /// work takes about 25 s for each million events on two threads (measured on a shop's log of 408,000).
    ///
    /// Past events are taken as answers to requests: the log is replayed into a scratch copy, as
    /// [`Engine::evaluate`] does, and at some thousand of them its candidates and their features are noted, as they were
    /// then. A listwise softmax (McFadden 1974; ListNet, Cao and others 2007) is fitted to what was taken, pulled
    /// towards the weights in force. Each [`crate::RequestContext`] has weights of its own. Versions are kept:
    /// [`Engine::tunings`], [`Engine::use_tuning`].
    ///
    /// # Errors
    /// [`crate::Error::InvalidArgument`] when [`crate::Config::weights`] fixes the weights; [`crate::Error::Closed`] when the engine is
    /// closed meanwhile; otherwise what `open`, `log` and `rank` answer.
    pub fn tune(&self) -> Result<Tuning> {
        self.tune_until(Timestamp::MAX)
    }

    /// The same from the events before a time only: for measuring on what came after.
    pub fn tune_until(&self, until: Timestamp) -> Result<Tuning> {
        self.core.order(Tune(until))
    }

    /// The tunings that are kept, oldest first, and the version in force (0: what the model ships).
    pub fn tunings(&self) -> Result<(Vec<Tuning>, u64)> {
        tunings::all(&self.core.access()?.stores)
    }

    /// Puts a kept tuning in force, or with 0 what the model ships; felt by the next `rank`, durable on return.
    ///
    /// # Errors
    /// [`crate::Error::InvalidArgument`] for a version that is not kept, or that was fitted for another model.
    pub fn use_tuning(&self, version: u64) -> Result<()> {
        match self.elsewhere("use_tuning", json!({"version": version}))? {
            Some(()) => Ok(()),
            None => tunings::use_version(self.core.writing()?.stores(), version),
        }
    }

    /// Writes past requests as a Parquet file to train models on: one row for each candidate, with its features as they
    /// were at the time, computed by the code that serves, the history, and whether the candidate was taken.
    /// docs/TRAINING.md lists the columns.
    ///
    /// Every event that speaks for an item is taken as the answer to a request, as in [`Engine::tune`]: the log is
    /// replayed into a scratch copy, which is asked just before the event. The store is only read. Rows are written in
    /// groups, in bounded memory; the file has its name once it is whole and on disk, in place of one that had it.
    ///
    /// # Errors
    /// [`crate::Error::InvalidArgument`] for a plan out of range; [`crate::Error::Io`] when the file cannot be written, and always without
    /// the feature `training`, which is on by default and brings Parquet; [`crate::Error::Closed`] when the engine is closed
    /// meanwhile; otherwise what `open`, `log` and `rank` answer.
    pub fn export_training(&self, path: impl AsRef<Path>, plan: &TrainingPlan) -> Result<TrainingSummary> {
        plan.check()?;
        training_rows::export(&self.core.drained()?.stores, path.as_ref(), plan)
    }

    /// Asks a loaded version, or 0, and the model that answers the same requests, and says how their lists differ. Nothing
    /// is logged, and the live model goes on answering. Both read the same commit; what is drawn at random is drawn alike.
    ///
    /// # Errors
    /// [`crate::Error::InvalidArgument`] for a version that is not kept; [`crate::Error::LimitExceeded`]; what
    /// [`Engine::promote_model`] answers for files that were changed.
    pub fn shadow_model(&self, version: u64, requests: &[Request]) -> Result<Shadow> {
        at_most("requests of a shadow", limits::MAX_SHADOW_REQUESTS, requests.len())?;
        shadow::shadow(&self.core.access()?.stores, version, requests)
    }

    /// The same on past requests: the newest `sample` impressions that are kept, each asked again as of its time, for its
    /// user and its query. Whatever else a request had is not kept.
    ///
    /// # Errors
    /// Those of [`Engine::shadow_model`].
    pub fn shadow_model_on_past(&self, version: u64, sample: usize) -> Result<Shadow> {
        at_most("requests of a shadow", limits::MAX_SHADOW_REQUESTS, sample)?;
        shadow::shadow_on_past(&self.core.drained()?.stores, version, sample)
    }
}
