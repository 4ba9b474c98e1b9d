//! Plans of training files from JSON, and what was written to it.

use super::parse::{Json, one};
use super::place::Place;
use super::read::{entries, flag, given, set, time, unknown, whole};
use super::write::to_string;
use crate::api::training::{TrainingPlan, TrainingSummary};
use crate::base::error::Result;

/// Reads a plan: an object with `requests` (at most so many, the newest), `spread` (true: some of each kind from the whole
/// log in their place), `negatives` (so many candidates of each that were not taken; all, when it is left out or null) and
/// `until` (seconds since 1970, UTC).
///
/// # Errors
/// [`Error::InvalidArgument`](crate::Error::InvalidArgument), [`Error::UnknownField`](crate::Error::UnknownField) or
/// [`Error::NonFinite`](crate::Error::NonFinite), naming the place. Ranges are checked by `export_training`.
pub fn training_plan_from_json(json: &str) -> Result<TrainingPlan> {
    plan(one("plan", json)?, &Place::Root("plan"))
}

fn plan(json: Json<'_>, at: &Place<'_>) -> Result<TrainingPlan> {
    let mut plan = TrainingPlan::default();
    for (key, json) in entries(json, at)? {
        let at = &at.key(&key);
        match &*key {
            "requests" => set(&mut plan.requests, json, at, whole)?,
            "spread" => set(&mut plan.spread, json, at, flag)?,
            "negatives" => plan.negatives = given(json, at, whole)?,
            "until" => plan.until = given(json, at, time)?,
            _ => return Err(unknown(at, &["requests", "spread", "negatives", "until"])),
        }
    }
    Ok(plan)
}

/// Writes the summary: `requests`, `rows`, `not_retrieved`, `bytes`.
///
/// # Errors
/// [`Error::Internal`](crate::Error::Internal), which would be a defect.
pub fn training_summary_to_json(summary: &TrainingSummary) -> Result<String> {
    let TrainingSummary { requests, rows, not_retrieved, bytes } = *summary;
    to_string(&SummaryForm { requests, rows, not_retrieved, bytes })
}

#[derive(serde::Serialize)]
struct SummaryForm {
    requests: u64,
    rows: u64,
    not_retrieved: u64,
    bytes: u64,
}
