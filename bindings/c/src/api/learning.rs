//! Signals and weights: counting anew, measuring, calibrating.

use std::ffi::c_char;

use onelist::json;

use crate::argument::{Out, TextOut, optional_text};
use crate::entry::entry;
use crate::handle::{self, OnelistEngine};
use crate::status::onelist_status;

/// Fits what is fitted to the whole log now (which items the same people have), instead of in the background when the log
/// has grown by a fifth: for measuring, and after a bulk import.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_refit(engine: *mut OnelistEngine) -> onelist_status {
    entry(|| handle::find(engine)?.refit())
}

/// Counts all signals anew from the stored events: after a change of the configured actions, or as a check. Writers wait
/// meanwhile.
///
/// - `changed` (out, may be NULL): 1 when a count changed, else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_recount(engine: *mut OnelistEngine, changed: *mut usize) -> onelist_status {
    entry(|| {
        // SAFETY: the header asks for a place that can be written.
        let out = unsafe { Out::optional("changed", changed, 0) }?;
        let recount = handle::find(engine)?.recount()?;
        if let Some(mut out) = out {
            out.write(usize::from(recount.before != recount.after));
        }
        Ok(())
    })
}

/// Compares the vectors, the semantic ids and their lists of all items.
///
/// - `wrong` (out, may be NULL): how many are missing or too many; 0 when all is right.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_check_space(engine: *mut OnelistEngine, wrong: *mut usize) -> onelist_status {
    entry(|| {
        // SAFETY: the header asks for a place that can be written.
        let out = unsafe { Out::optional("wrong", wrong, 0) }?;
        let found = handle::find(engine)?.check_space()?;
        if let Some(mut out) = out {
            out.write(usize::try_from(found.wrong).unwrap_or(usize::MAX));
        }
        Ok(())
    })
}

/// Removes the events that the setting retention does not keep now, instead of in the background when the log has grown by a
/// tenth or a day has passed.
///
/// - `removed` (out, may be NULL): how many events were removed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_trim(engine: *mut OnelistEngine, removed: *mut usize) -> onelist_status {
    entry(|| {
        // SAFETY: the header asks for a place that can be written.
        let out = unsafe { Out::optional("removed", removed, 0) }?;
        let count = handle::find(engine)?.trim()?;
        if let Some(mut out) = out {
            out.write(count as usize);
        }
        Ok(())
    })
}

/// Measures how good the lists are: replays the log into a scratch copy of the engine, asks it and the baselines just before
/// each target happens, and scores the answers. The store is only read. Takes seconds to minutes.
///
/// - `plan_json`: an object, `plan_json_len` bytes; NULL and 0 for the default plan, a global time split. Keys, all optional:
///   protocol (time_split, leave_last_out, item_cold, user_cold), at_share, at_time, share, targets (first_new, first, last,
///   every), until, exclude_seen, min_history, ks, max_targets, queries ({"query", "grades", "user", "time"}), next_item,
///   baselines, leave_out, variants ({"name", "weights", "model"}), external (answers of systems from elsewhere to what
///   onelist_questions lists: {"name", "targets_hash", "answers": {"0": [item ids, best first] or {item id: score}}}),
///   category, resamples, check_targets, seed.
/// - `report_json` (out): {"protocol", "warnings", "log", "targets_hash", "tasks", "point_in_time", "seconds"}; free it.
/// - `report_json_len` (out, may be NULL): its length in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_evaluate(
    engine: *mut OnelistEngine,
    plan_json: *const c_char,
    plan_json_len: usize,
    report_json: *mut *mut c_char,
    report_json_len: *mut usize,
) -> onelist_status {
    entry(|| {
        // SAFETY: the header asks for places that can be written.
        let out = unsafe { TextOut::new("report_json", report_json, report_json_len) }?;
        // SAFETY: the header asks for readable bytes that do not change during the call.
        let plan = unsafe { optional_text("plan_json", plan_json, plan_json_len) }?;
        let plan = plan.map(json::plan_from_json).transpose()?.unwrap_or_default();
        out.write(json::report_to_json(&handle::find(engine)?.evaluate(&plan)?)?)
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
    engine: *mut OnelistEngine,
    plan_json: *const c_char,
    plan_json_len: usize,
    questions_json: *mut *mut c_char,
    questions_json_len: *mut usize,
) -> onelist_status {
    entry(|| {
        // SAFETY: the header asks for places that can be written.
        let out = unsafe { TextOut::new("questions_json", questions_json, questions_json_len) }?;
        // SAFETY: the header asks for readable bytes that do not change during the call.
        let plan = unsafe { optional_text("plan_json", plan_json, plan_json_len) }?;
        let plan = plan.map(json::plan_from_json).transpose()?.unwrap_or_default();
        out.write(json::questions_to_json(&handle::find(engine)?.questions(&plan)?)?)
    })
}

/// Fits the weights of the model's linear part to the log, checks them on later events than those they were fitted to, and
/// ranks by those that are better from now on. When the call returns that is on disk. Takes about 25 s for each
/// million events, on two threads.
///
/// - `calibration_json` (out): {"version", "time", "events", "model", "sets": [{"situation", "samples", "held_out",
///   "ndcg_before", "ndcg_after", "kept", "weights"}]}; free it. A log that is too small gives no sets and changes nothing.
/// - `calibration_json_len` (out, may be NULL): its length in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_calibrate(
    engine: *mut OnelistEngine,
    calibration_json: *mut *mut c_char,
    calibration_json_len: *mut usize,
) -> onelist_status {
    entry(|| {
        // SAFETY: the header asks for places that can be written.
        let out = unsafe { TextOut::new("calibration_json", calibration_json, calibration_json_len) }?;
        out.write(json::calibration_to_json(&handle::find(engine)?.calibrate()?)?)
    })
}

/// Reads the calibrations that are kept, at most 8.
///
/// - `calibrations_json` (out): {"in_force", "calibrations": [..]}, oldest first, with the version in force; 0 is what the
///   model ships. Free it.
/// - `calibrations_json_len` (out, may be NULL): its length in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_calibrations(
    engine: *mut OnelistEngine,
    calibrations_json: *mut *mut c_char,
    calibrations_json_len: *mut usize,
) -> onelist_status {
    entry(|| {
        // SAFETY: the header asks for places that can be written.
        let out = unsafe { TextOut::new("calibrations_json", calibrations_json, calibrations_json_len) }?;
        let (kept, in_force) = handle::find(engine)?.calibrations()?;
        out.write(json::calibrations_to_json(&kept, in_force)?)
    })
}

/// Puts a kept calibration in force, or with 0 what the model ships. When the call returns that is on disk, and the next
/// ranking is by it.
///
/// - `version`: 0, or a version that onelist_calibrations() lists; another one is ONELIST_INPUT.
#[unsafe(no_mangle)]
pub extern "C" fn onelist_use_calibration(engine: *mut OnelistEngine, version: u64) -> onelist_status {
    entry(|| handle::find(engine)?.use_calibration(version))
}
