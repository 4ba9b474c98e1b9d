//! Training files, scenarios, the fitted space, and the state of the engine.

use std::ffi::c_char;

use onelist::{Engine, json};

use crate::call::{answer, done, number, optional, text};
use crate::handle::OnelistEngine;
use crate::status::onelist_status;

/// Writes past requests as a Parquet file to train models on: one row for each candidate, with its features as they were at
/// the time, the history, and whether it was taken. docs/TRAINING.md lists the columns. The store is only read.
///
/// - `path`: the file, in UTF-8, `path_len` bytes. It appears once it is whole and on disk, in place of one of that name.
/// - `plan_json`: an object, `plan_json_len` bytes; NULL and 0 for the defaults. Keys: requests (at most so many, the newest;
///   100000), spread (true: some of each kind from the whole log in their place), negatives (so many candidates of each
///   that were not taken; all), until (seconds since 1970, UTC).
/// - `summary_json` (out): {"requests", "rows", "not_retrieved", "bytes"}; free it.
/// - `summary_json_len` (out, may be NULL): its length in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_export_training(
    engine: *mut OnelistEngine, path: *const c_char, path_len: usize, plan_json: *const c_char, plan_json_len: usize,
    summary_json: *mut *mut c_char, summary_json_len: *mut usize,
) -> onelist_status {
    answer!(engine, summary_json, summary_json_len, |db| {
        let plan = optional!(plan_json, plan_json_len).map(json::training_plan_from_json);
        let plan = plan.transpose()?.unwrap_or_default();
        json::training_summary_to_json(&db.export_training(text!(path, path_len), &plan)?)
    })
}

/// Stores rules under a name, in place of those that it had. When the call returns they are on disk; a request ranks by
/// them with {"scenario": name}.
///
/// - `name`: 1 to 128 bytes of UTF-8, `name_len` bytes.
/// - `rules_json`: an array, `rules_json_len` bytes. A rule is one of {"rule": "pin", "item": "sku-9", "position": 1},
///   {"rule": "boost", "ids": ["sku-9"], "amount": 0.3} (or "bury"; a "filter" in place of the ids),
///   {"rule": "require", "filter": {..}}, {"rule": "exclude", "ids": ["sku-1"]} (or a "filter"),
///   {"rule": "cap", "field": "brand", "max": 2}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_set_scenario(
    engine: *mut OnelistEngine, name: *const c_char, name_len: usize, rules_json: *const c_char, rules_json_len: usize,
) -> onelist_status {
    done(engine, |db| {
        let rules = json::rules_from_json(text!(rules_json, rules_json_len))?;
        db.set_scenario(text!(name, name_len), &rules)
    })
}

/// Reads the stored scenarios.
///
/// - `scenarios_json` (out): an object that maps each name to its rules; free it.
/// - `scenarios_json_len` (out, may be NULL): its length in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_scenarios(
    engine: *mut OnelistEngine, scenarios_json: *mut *mut c_char, scenarios_json_len: *mut usize,
) -> onelist_status {
    answer!(engine, scenarios_json, scenarios_json_len, |db| json::scenarios_to_json(&db.scenarios()?))
}

/// Removes a scenario. One that is not there is passed over.
///
/// - `name`: its name, `name_len` bytes.
/// - `deleted` (out, may be NULL): 1 when there was one, else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_delete_scenario(
    engine: *mut OnelistEngine, name: *const c_char, name_len: usize, deleted: *mut usize,
) -> onelist_status {
    number!(engine, deleted, |db| db.delete_scenario(text!(name, name_len)).map(usize::from))
}

/// Fits the vector space of items to the catalog and places every item anew, while requests and writes go on. Scores change.
///
/// - `fitted` (out, may be NULL): 1 when it was fitted; 0, with nothing changed, when fewer than 100 items have text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_fit_space(engine: *mut OnelistEngine, fitted: *mut usize) -> onelist_status {
    number!(engine, fitted, |db| db.fit_space().map(usize::from))
}

/// The state of the engine in numbers: items, users, events, bytes on disk, the indexes, the model, the vector space.
///
/// - `stats_json` (out): an object; free it.
/// - `stats_json_len` (out, may be NULL): its length in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_stats(
    engine: *mut OnelistEngine, stats_json: *mut *mut c_char, stats_json_len: *mut usize,
) -> onelist_status {
    answer!(engine, stats_json, stats_json_len, |db| json::stats_to_json(&db.stats()?))
}

/// Waits until the indexes hold everything that was put, and writes them to disk. Nothing is lost without it: it only makes
/// the next onelist_open() quicker.
#[unsafe(no_mangle)]
pub extern "C" fn onelist_flush(engine: *mut OnelistEngine) -> onelist_status {
    done(engine, Engine::flush)
}
