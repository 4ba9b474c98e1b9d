//! What is written as JSON: every answer with its fields under their names.
//!
//! What is written has no line breaks and no NUL byte (JSON escapes both), so it can stand in a line of NDJSON and end
//! with a NUL in C. Numbers that are not finite, which no stored item has, would be written as `null`. Times are in seconds
//! since 1970, UTC.

use std::collections::BTreeMap;

use serde::Serialize;

use super::tuning::Written;
use crate::api::evaluation::{Counterfactual, Questions, Report};
use crate::api::impression::{Impression, NewItemExposure};
use crate::api::item::Item;
use crate::api::models::{AdapterVersion, ModelVersion, Models, Shadow};
use crate::api::ranking::Ranking;
use crate::api::rule::Rule;
use crate::api::stats::Stats;
use crate::api::training::TrainingSummary;
use crate::api::tuning::Tuning;
use crate::base::error::{Error, Result};

fn to_string(answer: &(impl Serialize + ?Sized)) -> Result<String> {
    serde_json::to_string(answer).map_err(|error| Error::internal(format!("writing JSON: {error}")))
}

/// Writes an item so that [`item_from_json`](super::item_from_json) reads the same one: `id` first, then the fields by
/// name.
///
/// # Errors
/// [`Error::Internal`], which would be a defect.
pub fn item_to_json(item: &Item) -> Result<String> {
    to_string(item)
}

/// Writes an array of items, `null` for each that is `None`: the answer of `get`, or of `scan`.
///
/// # Errors
/// [`Error::Internal`], which would be a defect.
pub fn items_to_json<'a>(items: impl IntoIterator<Item = Option<&'a Item>>) -> Result<String> {
    to_string(&items.into_iter().collect::<Vec<_>>())
}

/// Writes a ranking: the fields of [`Ranking`] under their names. `propensity` and `why` are left out of a hit that has
/// none, and `contributions` maps features to amounts.
///
/// # Errors
/// [`Error::Internal`], which would be a defect.
pub fn ranking_to_json(ranking: &Ranking) -> Result<String> {
    to_string(ranking)
}

/// Writes an array of rankings.
///
/// # Errors
/// [`Error::Internal`], which would be a defect.
pub fn rankings_to_json(rankings: &[Ranking]) -> Result<String> {
    to_string(rankings)
}

/// Writes statistics: the fields of [`Stats`] under their names.
///
/// # Errors
/// [`Error::Internal`], which would be a defect.
pub fn stats_to_json(stats: &Stats) -> Result<String> {
    to_string(stats)
}

/// Writes rules so that [`rules_from_json`](super::rules_from_json) reads the same ones.
///
/// # Errors
/// [`Error::Internal`], which would be a defect.
pub fn rules_to_json(rules: &[Rule]) -> Result<String> {
    to_string(rules)
}

/// Writes scenarios: an object that maps each name to its rules.
///
/// # Errors
/// [`Error::Internal`], which would be a defect.
pub fn scenarios_to_json(scenarios: &BTreeMap<String, Vec<Rule>>) -> Result<String> {
    to_string(scenarios)
}

/// Writes an array of impressions: the fields of [`Impression`] under their names, the hashes `features` and `model` as 16
/// hex digits.
///
/// # Errors
/// [`Error::Internal`], which would be a defect.
pub fn impressions_to_json(impressions: &[Impression]) -> Result<String> {
    to_string(impressions)
}

/// Writes `{"impressions", "places", "new_places", "share"}`.
///
/// # Errors
/// [`Error::Internal`], which would be a defect.
pub fn new_item_exposure_to_json(exposure: &NewItemExposure) -> Result<String> {
    to_string(exposure)
}

/// Writes a tuning: `version`, `time`, `events`, `model` (SHA-256), and `sets`, each with `context` (`name`, `query`,
/// `history`, `exclude_seen`, `in_visit`), `samples`, `held_out`, `ndcg_before`, `ndcg_after`, `kept`, and `weights` by the
/// name of the feature.
///
/// # Errors
/// [`Error::Internal`], which would be a defect.
pub fn tuning_to_json(tuning: &Tuning) -> Result<String> {
    to_string(&Written(tuning))
}

/// Writes the answer of [`Engine::tunings`](crate::Engine::tunings): `in_force`, a version (0 is what ships),
/// and `tunings`, oldest first.
///
/// # Errors
/// [`Error::Internal`], which would be a defect.
pub fn tunings_to_json(tunings: &[Tuning], in_force: u64) -> Result<String> {
    #[derive(Serialize)]
    struct All<'a> {
        in_force: u64,
        tunings: Vec<Written<'a>>,
    }
    to_string(&All { in_force, tunings: tunings.iter().map(Written).collect() })
}

/// Writes the answer of [`Engine::models`](crate::Engine::models): `active`, `before` (null when nothing was promoted),
/// `versions` as in [`model_to_json`], and `adapters` as in [`adapter_to_json`].
///
/// # Errors
/// [`Error::Internal`], which would be a defect.
pub fn models_to_json(models: &Models) -> Result<String> {
    to_string(models)
}

/// Writes a model: the fields of [`ModelVersion`] under their names; `loaded` is null for version 0.
///
/// # Errors
/// [`Error::Internal`], which would be a defect.
pub fn model_to_json(version: &ModelVersion) -> Result<String> {
    to_string(version)
}

/// Writes an adapter: the fields of [`AdapterVersion`] under their names.
///
/// # Errors
/// [`Error::Internal`], which would be a defect.
pub fn adapter_to_json(version: &AdapterVersion) -> Result<String> {
    to_string(version)
}

/// Writes a comparison: the fields of [`Shadow`] under their names.
///
/// # Errors
/// [`Error::Internal`], which would be a defect.
pub fn shadow_to_json(shadow: &Shadow) -> Result<String> {
    to_string(shadow)
}

/// Writes a report: the fields of [`Report`] under their names.
///
/// # Errors
/// [`Error::Internal`], which would be a defect.
pub fn report_to_json(report: &Report) -> Result<String> {
    to_string(report)
}

/// Writes a counterfactual estimate: the fields of [`Counterfactual`] under their names.
///
/// # Errors
/// [`Error::Internal`], which would be a defect.
pub fn counterfactual_to_json(estimated: &Counterfactual) -> Result<String> {
    to_string(estimated)
}

/// Writes the answer of [`Engine::questions`](crate::Engine::questions): the fields of [`Questions`] under their names;
/// `split` may be null.
///
/// # Errors
/// [`Error::Internal`], which would be a defect.
pub fn questions_to_json(questions: &Questions) -> Result<String> {
    to_string(questions)
}

/// Writes what was written to a training file: the fields of [`TrainingSummary`] under their names.
///
/// # Errors
/// [`Error::Internal`], which would be a defect.
pub fn training_summary_to_json(summary: &TrainingSummary) -> Result<String> {
    to_string(summary)
}
