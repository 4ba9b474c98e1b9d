//! Signals and weights: counting anew, measuring, tuning.

use std::ffi::c_char;

use onelist::{Engine, json};

use crate::call::{answer, done, number, optional};
use crate::handle::OnelistEngine;
use crate::status::onelist_status;

/// Fits what is fitted to the whole log now (which items the same people have), instead of in the background when the log
/// has grown by a fifth: for measuring, and after a bulk import.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_rebuild_cooccurrence(engine: *mut OnelistEngine) -> onelist_status {
    done(engine, Engine::rebuild_cooccurrence)
}

/// Counts all signals anew from the stored events: after a change of the configured actions, or as a check. Writers wait
/// meanwhile.
///
/// - `changed` (out, may be NULL): 1 when a count changed, else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_verify_signals(engine: *mut OnelistEngine, changed: *mut usize) -> onelist_status {
    number!(engine, changed, |db| db.verify_signals().map(|found| usize::from(found.before != found.after)))
}

/// Compares the vectors, the semantic ids and their lists of all items.
///
/// - `wrong` (out, may be NULL): how many are missing or too many; 0 when all is right.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_verify_vectors(engine: *mut OnelistEngine, wrong: *mut usize) -> onelist_status {
    number!(engine, wrong, |db| db.verify_vectors().map(|found| found.wrong as usize))
}

/// Removes the events that the setting retention does not keep now, instead of in the background when the log has grown by a
/// tenth or a day has passed.
///
/// - `removed` (out, may be NULL): how many events were removed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_apply_retention(engine: *mut OnelistEngine, removed: *mut usize) -> onelist_status {
    number!(engine, removed, |db| db.apply_retention().map(|removed| removed as usize))
}

/// Measures how good the lists are: replays the log into a scratch copy of the engine, asks it and the baselines just before
/// each target happens, and scores the answers. The store is only read. Takes seconds to minutes.
///
/// - `plan_json`: an object, `plan_json_len` bytes; NULL and 0 for the default plan, a global time split. Keys, all optional:
///   protocol (time_split, leave_last_out, item_cold, user_cold), at_fraction, at_time, fraction, targets (first_new, first, last,
///   every), until, exclude_seen, min_history, ks, max_targets, queries ({"query", "grades", "user", "time"}), next_item,
///   baselines, leave_out, tune, new_items, variants ({"name", "weights", "model"}), external (answers of systems from elsewhere to what
///   onelist_questions lists: {"name", "targets_hash", "answers": {"0": [item ids, best first] or {item id: score}}}),
///   category, resamples, check_targets, seed.
/// - `report_json` (out): {"protocol", "warnings", "log", "targets_hash", "tasks", "point_in_time", "seconds"}; free it.
/// - `report_json_len` (out, may be NULL): its length in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_evaluate(
    engine: *mut OnelistEngine, plan_json: *const c_char, plan_json_len: usize, report_json: *mut *mut c_char,
    report_json_len: *mut usize,
) -> onelist_status {
    answer!(engine, report_json, report_json_len, |db| {
        let plan = optional!(plan_json, plan_json_len).map(json::plan_from_json);
        json::report_to_json(&db.evaluate(&plan.transpose()?.unwrap_or_default())?)
    })
}

/// Lists what onelist_evaluate asks by a plan, without the answers: to ask a system from elsewhere, whose answers then go into
/// the plan's external.
///
/// - `plan_json`: as of onelist_evaluate, `plan_json_len` bytes.
/// - `questions_json` (out): {"targets_hash", "split", "hidden_items", "hidden_users", "questions": [{"id", "task", "user",
///   "time", "query", "exclude_seen", "history": [{"item", "action", "value", "time"}]}]}; split is the moment of a time
///   split, or null. Free it.
/// - `questions_json_len` (out, may be NULL): its length in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_questions(
    engine: *mut OnelistEngine, plan_json: *const c_char, plan_json_len: usize, questions_json: *mut *mut c_char,
    questions_json_len: *mut usize,
) -> onelist_status {
    answer!(engine, questions_json, questions_json_len, |db| {
        let plan = optional!(plan_json, plan_json_len).map(json::plan_from_json);
        json::questions_to_json(&db.questions(&plan.transpose()?.unwrap_or_default())?)
    })
}

/// Fits the weights of the model's linear part to the log, checks them on later events than those they were fitted to, and
/// ranks by those that are better from now on. When the call returns that is on disk. Takes about 25 s for each
/// million events, on two threads.
///
/// - `tuning_json` (out): {"version", "time", "events", "model", "sets": [{"request_context", "samples", "held_out",
///   "ndcg_before", "ndcg_after", "kept", "weights"}]}; free it. A log that is too small gives no sets and changes nothing.
/// - `tuning_json_len` (out, may be NULL): its length in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_tune(
    engine: *mut OnelistEngine, tuning_json: *mut *mut c_char, tuning_json_len: *mut usize,
) -> onelist_status {
    answer!(engine, tuning_json, tuning_json_len, |db| json::tuning_to_json(&db.tune()?))
}

/// Reads the tunings that are kept, at most 8.
///
/// - `tunings_json` (out): {"in_force", "tunings": [..]}, oldest first, with the version in force; 0 is what the
///   model ships. Free it.
/// - `tunings_json_len` (out, may be NULL): its length in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_tunings(
    engine: *mut OnelistEngine, tunings_json: *mut *mut c_char, tunings_json_len: *mut usize,
) -> onelist_status {
    answer!(engine, tunings_json, tunings_json_len, |db| {
        let (kept, in_force) = db.tunings()?;
        json::tunings_to_json(&kept, in_force)
    })
}

/// Puts a kept tuning in force, or with 0 what the model ships. When the call returns that is on disk, and the next
/// ranking is by it.
///
/// - `version`: 0, or a version that onelist_tunings() lists; another one is ONELIST_INPUT.
#[unsafe(no_mangle)]
pub extern "C" fn onelist_use_tuning(engine: *mut OnelistEngine, version: u64) -> onelist_status {
    done(engine, |db| db.use_tuning(version))
}
