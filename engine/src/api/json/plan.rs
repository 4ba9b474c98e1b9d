//! Evaluation plans from JSON, and reports to it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::external::external;
use super::parse::{Json, one};
use super::place::Place;
use super::read::{entries, flag, given, list, missing, number, set, single, text, texts, time, unknown, whole, wrong};
use super::shown::new_items;
use super::write::to_string;
use crate::api::evaluation::{Counterfactual, JudgedQuery, Plan, Protocol, Report, SplitAt, Targets, Variant};
use crate::base::error::Result;

/// Reads a plan: an object whose keys are the fields of [`Plan`]; what is left out keeps its default.
///
/// `protocol` is `time_split` (with `at_share` or `at_time`), `leave_last_out`, `item_cold` or `user_cold` (with `share`);
/// `targets` is `first_new`, `first`, `last` or `every`; `queries` is an array of
/// `{"query", "grades": {id: grade}, "user", "time"}`, where `grades` may be an array of ids of grade 1; `variants` an array
/// of `{"name", "weights", "model"}`; `external` an array of what [`external_from_json`](super::external_from_json) reads.
///
/// # Errors
/// [`Error::InvalidArgument`](crate::Error::InvalidArgument), [`Error::UnknownField`](crate::Error::UnknownField) or
/// [`Error::NonFinite`](crate::Error::NonFinite), naming the place. Ranges are checked by `evaluate`.
pub fn plan_from_json(json: &str) -> Result<Plan> {
    plan(one("plan", json)?, &Place::Root("plan"))
}

/// Writes a report: the fields of [`Report`] under their names.
///
/// # Errors
/// [`Error::Internal`](crate::Error::Internal), which would be a defect.
pub fn report_to_json(report: &Report) -> Result<String> {
    to_string(report)
}

/// Writes a counterfactual estimate: the fields of [`Counterfactual`] under their names.
///
/// # Errors
/// [`Error::Internal`](crate::Error::Internal), which would be a defect.
pub fn counterfactual_to_json(estimated: &Counterfactual) -> Result<String> {
    to_string(estimated)
}

const KNOWN: [&str; 22] = [
    "protocol",
    "at_share",
    "at_time",
    "share",
    "targets",
    "until",
    "exclude_seen",
    "min_history",
    "ks",
    "max_targets",
    "queries",
    "next_item",
    "baselines",
    "leave_out",
    "calibrate",
    "new_items",
    "variants",
    "external",
    "category",
    "resamples",
    "check_targets",
    "seed",
];

/// The parts of a protocol, which stand side by side in JSON.
#[derive(Default)]
struct Parts {
    name: Option<String>,
    at_share: Option<f64>,
    at_time: Option<crate::base::time::Timestamp>,
    share: Option<f64>,
}

fn plan(json: Json<'_>, at: &Place<'_>) -> Result<Plan> {
    let mut plan = Plan::default();
    let mut parts = Parts::default();
    for (key, json) in entries(json, at)? {
        let at = &at.key(&key);
        match &*key {
            "protocol" => parts.name = given(json, at, text)?,
            "at_share" => parts.at_share = given(json, at, number)?,
            "at_time" => parts.at_time = given(json, at, time)?,
            "share" => parts.share = given(json, at, number)?,
            "targets" => set(&mut plan.targets, json, at, targets)?,
            "until" => plan.until = given(json, at, time)?,
            "exclude_seen" => set(&mut plan.exclude_seen, json, at, flag)?,
            "min_history" => set(&mut plan.min_history, json, at, whole)?,
            "ks" => set(&mut plan.ks, json, at, |json, at| list(json, at, whole))?,
            "max_targets" => set(&mut plan.max_targets, json, at, whole)?,
            "queries" => set(&mut plan.queries, json, at, |json, at| list(json, at, judged))?,
            "next_item" => set(&mut plan.next_item, json, at, flag)?,
            "baselines" => set(&mut plan.baselines, json, at, flag)?,
            "leave_out" => set(&mut plan.leave_out, json, at, flag)?,
            "calibrate" => set(&mut plan.calibrate, json, at, flag)?,
            "new_items" => plan.new_items = given(json, at, new_items)?,
            "variants" => set(&mut plan.variants, json, at, |json, at| list(json, at, variant))?,
            "external" => set(&mut plan.external, json, at, |json, at| list(json, at, external))?,
            "category" => plan.category = given(json, at, text)?,
            "resamples" => set(&mut plan.resamples, json, at, whole)?,
            "check_targets" => set(&mut plan.check_targets, json, at, whole)?,
            "seed" => set(&mut plan.seed, json, at, |json, at| whole(json, at).map(|seed| seed as u64))?,
            _ => return Err(unknown(at, &KNOWN)),
        }
    }
    plan.protocol = protocol(parts, at)?;
    Ok(plan)
}

fn protocol(parts: Parts, at: &Place<'_>) -> Result<Protocol> {
    let share = |default: f64| parts.share.unwrap_or(default);
    let name = parts.name.as_deref().unwrap_or("time_split");
    let split = match (parts.at_time, parts.at_share) {
        (Some(time), None) => SplitAt::Time(time),
        (None, share) => SplitAt::Share(share.unwrap_or(0.9)),
        (Some(_), Some(_)) => {
            return Err(crate::Error::argument(at.to_string(), "`at_time` or `at_share`", "both"));
        }
    };
    let unused = match name {
        "time_split" => parts.share.map(|_| "share"),
        "leave_last_out" | "item_cold" | "user_cold" if parts.at_time.is_some() => Some("at_time"),
        "leave_last_out" | "item_cold" | "user_cold" if parts.at_share.is_some() => Some("at_share"),
        "leave_last_out" => parts.share.map(|_| "share"),
        _ => None,
    };
    if let Some(unused) = unused {
        let found = format!("protocol {name}, which has no `{unused}`");
        return Err(crate::Error::argument(at.key(unused).to_string(), "a protocol that uses it", found));
    }
    match name {
        "time_split" => Ok(Protocol::GlobalTimeSplit { at: split }),
        "leave_last_out" => Ok(Protocol::LeaveLastOut),
        "item_cold" => Ok(Protocol::ItemCold { share: share(0.1) }),
        "user_cold" => Ok(Protocol::UserCold { share: share(0.1) }),
        other => {
            let expected = "time_split, leave_last_out, item_cold or user_cold";
            Err(crate::Error::argument(at.key("protocol").to_string(), expected, super::place::shortened(other)))
        }
    }
}

fn targets(json: Json<'_>, at: &Place<'_>) -> Result<Targets> {
    let found = match &json {
        Json::Text(name) => match &**name {
            "first_new" => Some(Targets::FirstNew),
            "first" => Some(Targets::First),
            "last" => Some(Targets::Last),
            "every" => Some(Targets::Every),
            _ => None,
        },
        _ => None,
    };
    found.ok_or_else(|| wrong(at, "first_new, first, last or every", &json))
}

fn judged(json: Json<'_>, at: &Place<'_>) -> Result<JudgedQuery> {
    let mut judged = JudgedQuery { query: String::new(), grades: BTreeMap::new(), user: None, time: None };
    let mut query = None;
    for (key, json) in entries(json, at)? {
        let at = &at.key(&key);
        match &*key {
            "query" => query = given(json, at, text)?,
            "grades" => set(&mut judged.grades, json, at, grades)?,
            "user" => judged.user = given(json, at, text)?,
            "time" => judged.time = given(json, at, time)?,
            _ => return Err(unknown(at, &["query", "grades", "user", "time"])),
        }
    }
    judged.query = query.ok_or_else(|| missing(at, "query"))?;
    Ok(judged)
}

fn grades(json: Json<'_>, at: &Place<'_>) -> Result<BTreeMap<String, f64>> {
    if matches!(json, Json::List(_)) {
        return Ok(texts(json, at)?.into_iter().map(|id| (id, 1.0)).collect());
    }
    let entries = entries(json, at)?;
    entries.into_iter().map(|(id, json)| Ok((id.to_string(), number(json, &at.key(&id))?))).collect()
}

fn variant(json: Json<'_>, at: &Place<'_>) -> Result<Variant> {
    let (mut name, mut weights, mut model) = (None, Vec::new(), None);
    for (key, json) in entries(json, at)? {
        let at = &at.key(&key);
        match &*key {
            "name" => name = given(json, at, text)?,
            "weights" => set(&mut weights, json, at, |json, at| list(json, at, |row, at| list(row, at, single)))?,
            "model" => model = given(json, at, text)?.map(PathBuf::from),
            _ => return Err(unknown(at, &["name", "weights", "model"])),
        }
    }
    Ok(Variant { name: name.ok_or_else(|| missing(at, "name"))?, weights, model })
}
