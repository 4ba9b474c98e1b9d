//! Every exported function, in the order of the header. Each is the same three steps: take the arguments, call the engine,
//! hand over the answer. The comments become those of the header, so they are written for a C programmer.

use std::ffi::c_char;

use onelist::{Engine, json};

use crate::argument::{Out, TextOut, free, optional_text, text};
use crate::entry::entry;
use crate::handle::{self, OnelistEngine};
use crate::last_error;
use crate::status::onelist_status;

/// The version of this interface, as the header has it. It changes when a function changes its meaning or its arguments;
/// new functions do not change it. Compare it with `onelist_abi_version()`, which is the library's.
pub const ONELIST_ABI_VERSION: u32 = 1;

/// The library's version, such as "0.1.0". Static: do not free it. Any thread, any time.
#[unsafe(no_mangle)]
pub extern "C" fn onelist_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// The version of the interface that the library has: equal to ONELIST_ABI_VERSION when header and library fit together.
/// Any thread, any time.
#[unsafe(no_mangle)]
pub extern "C" fn onelist_abi_version() -> u32 {
    ONELIST_ABI_VERSION
}

/// What the last call of this thread failed with, in words; "" when it succeeded. Never NULL. Do not free it: it is valid
/// until the next onelist call of this thread that returns a status, or the end of the thread. Copy what you keep.
#[unsafe(no_mangle)]
pub extern "C" fn onelist_last_error_message() -> *const c_char {
    last_error::message()
}

/// The name of the last error of this thread, stable across versions, such as "AlreadyOpen"; "" when the last call
/// succeeded. Never NULL, and valid as long as the message.
#[unsafe(no_mangle)]
pub extern "C" fn onelist_last_error_name() -> *const c_char {
    last_error::name()
}

/// Frees a string that a function of this library handed over, and sets your pointer to NULL. `text` and `*text` may be
/// NULL. Does not touch the last error. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_string_free(text: *mut *mut c_char) {
    // SAFETY: the header asks the caller for a pointer to NULL or to a string of this library's.
    unsafe { free(text) }
}

/// Opens the engine in a directory, or creates it there.
///
/// - `path`: the directory, in UTF-8, `path_len` bytes.
/// - `config_json`: settings as a JSON object, `config_json_len` bytes; NULL and 0 for the defaults. Keys: fields (maps a
///   name to kind, boost, embed), strict, date_field, onnxruntime, model, provider, provider_fallback, sessions,
///   threads_per_session, index_threads, candidates, weights, calibrate, fit_space, rating_scale, session_gap, retention
///   (per_user, total, days), impressions (false, or enabled, share, most), explore, new_items, max_bytes, force_network_fs.
/// - `engine` (out): the handle, which onelist_close() takes back; NULL when the call fails.
///
/// Fails with ONELIST_BUSY when the directory is open elsewhere, and ONELIST_ENVIRONMENT when ONNX Runtime is missing. At
/// most 4096 engines are open at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_open(
    path: *const c_char,
    path_len: usize,
    config_json: *const c_char,
    config_json_len: usize,
    engine: *mut *mut OnelistEngine,
) -> onelist_status {
    entry(|| {
        // SAFETY: the header asks for a place that can be written.
        let mut out = unsafe { Out::new("engine", engine, std::ptr::null_mut()) }?;
        // SAFETY: the header asks for readable bytes that do not change during the call.
        let (path, config) =
            unsafe { (text("path", path, path_len)?, optional_text("config_json", config_json, config_json_len)?) };
        let config = config.map(json::config_from_json).transpose()?.unwrap_or_default();
        out.write(handle::insert(Engine::open(path, config)?)?);
        Ok(())
    })
}

/// Closes the engine and sets your handle to NULL. Everything that was written stays written. The handle is closed also
/// when the call fails, which then says what could not be tidied up.
///
/// Calls of other threads that are under way finish, or answer ONELIST_BUSY. Copies of the handle are closed with it: using
/// or closing one is ONELIST_BUSY (error "Closed"), and closing NULL is ONELIST_INPUT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_close(engine: *mut *mut OnelistEngine) -> onelist_status {
    entry(|| {
        // What the caller holds is read before `Out` overwrites it.
        let held = match engine.is_null() || !engine.is_aligned() {
            true => std::ptr::null_mut(),
            // SAFETY: neither null nor misaligned, and the header asks for a place that can be read.
            false => unsafe { engine.read() },
        };
        // SAFETY: the header asks for a place that can be written.
        unsafe { Out::new("engine", engine, std::ptr::null_mut()) }?;
        handle::remove(held)?.close()
    })
}

/// Puts items: new ones are added, those whose id is known are replaced. All of them or, on an error, none. When the call
/// returns they are on disk, and the next ranking sees them.
///
/// - `items_json`: an array of items, or one item after the other (NDJSON), `items_json_len` bytes. An item:
///   {"id": "sku-9", "title": "Red shoes", "price": 59, "tags": ["red"], "in_stock": true, "image": [0.1, 0.2],
///   "place": {"lat": 48.8, "lon": 2.3}, "released": {"date": 1700000000}}. Only the id is required.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_put(
    engine: *mut OnelistEngine,
    items_json: *const c_char,
    items_json_len: usize,
) -> onelist_status {
    entry(|| {
        // SAFETY: the header asks for readable bytes that do not change during the call.
        let items = unsafe { text("items_json", items_json, items_json_len) }?;
        handle::find(engine)?.put(json::items_from_json(items)?)
    })
}

/// Deletes items. Ids that are not there are passed over.
///
/// - `ids_json`: an array of ids, `ids_json_len` bytes.
/// - `deleted` (out, may be NULL): how many of them were there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_delete(
    engine: *mut OnelistEngine,
    ids_json: *const c_char,
    ids_json_len: usize,
    deleted: *mut usize,
) -> onelist_status {
    entry(|| {
        // SAFETY: the header asks for a place that can be written.
        let out = unsafe { Out::optional("deleted", deleted, 0) }?;
        // SAFETY: the header asks for readable bytes that do not change during the call.
        let ids = unsafe { text("ids_json", ids_json, ids_json_len) }?;
        let found = handle::find(engine)?.delete(&json::ids_from_json(ids)?)?;
        if let Some(mut out) = out {
            out.write(found);
        }
        Ok(())
    })
}

/// Reads items by id.
///
/// - `ids_json`: an array of ids, `ids_json_len` bytes.
/// - `items_json` (out): an array, in the order of the ids, with null for each id that is not there; free it.
/// - `items_json_len` (out, may be NULL): its length in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_get(
    engine: *mut OnelistEngine,
    ids_json: *const c_char,
    ids_json_len: usize,
    items_json: *mut *mut c_char,
    items_json_len: *mut usize,
) -> onelist_status {
    entry(|| {
        // SAFETY: the header asks for places that can be written.
        let out = unsafe { TextOut::new("items_json", items_json, items_json_len) }?;
        // SAFETY: the header asks for readable bytes that do not change during the call.
        let ids = unsafe { text("ids_json", ids_json, ids_json_len) }?;
        let items = handle::find(engine)?.get(&json::ids_from_json(ids)?)?;
        out.write(json::items_to_json(items.iter().map(Option::as_ref))?)
    })
}

/// Reads items in the order in which they were first put, a page at a time.
///
/// - `after`: the id of the last item of the page before, `after_len` bytes (an id may hold any UTF-8, NUL included); NULL
///   and 0 for the first page.
/// - `limit`: most items of the page.
/// - `items_json` (out): an array of items, empty at the end; free it.
/// - `items_json_len` (out, may be NULL): its length in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_scan(
    engine: *mut OnelistEngine,
    after: *const c_char,
    after_len: usize,
    limit: usize,
    items_json: *mut *mut c_char,
    items_json_len: *mut usize,
) -> onelist_status {
    entry(|| {
        // SAFETY: the header asks for places that can be written.
        let out = unsafe { TextOut::new("items_json", items_json, items_json_len) }?;
        // SAFETY: the header asks for readable bytes that do not change during the call.
        let after = unsafe { optional_text("after", after, after_len) }?;
        let items = handle::find(engine)?.scan(after, limit)?;
        out.write(json::items_to_json(items.iter().map(Some))?)
    })
}

/// Logs what people did. All of the events or, on an error, none. When the call returns they are on disk, and the next
/// ranking sees them. Users that are not known are created.
///
/// - `events_json`: an array of events, or one event after the other (NDJSON), `events_json_len` bytes. An event:
///   {"user": "u7", "action": "click", "item": "sku-9"}, with a query in place of the item for a search, and optionally
///   value, time (seconds since 1970, UTC), rank_id (of the ranking that the user answered to), basket and segments
///   ({"country": "UK"}).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_log(
    engine: *mut OnelistEngine,
    events_json: *const c_char,
    events_json_len: usize,
) -> onelist_status {
    entry(|| {
        // SAFETY: the header asks for readable bytes that do not change during the call.
        let events = unsafe { text("events_json", events_json, events_json_len) }?;
        handle::find(engine)?.log(json::events_from_json(events)?)
    })
}

/// Ranks: a search, a recommendation, both at once, or a first visit, by what the request holds.
///
/// - `request_json`: an object, `request_json_len` bytes; NULL and 0 for a first visit. Keys, all optional: query, user,
///   history, like, unlike, among, segments, vectors, filter, exclude, exclude_seen, personalization, diversity, caps, calibrate_mix,
///   rules, scenario, adapter, explore, new_items, log_impression, limit, offset, next, candidates, fields, explain, now.
///   exclude_seen: true, or {"actions": ["buy"], "within_days": 30}. personalization: "off", "low", "medium" or "high".
///   diversity: 0 to 1. caps: [{"field": "brand", "most": 2}]; the field semantic_id:1 or
///   semantic_id:2 stands for the first codes of what the model makes of an item. calibrate_mix: {"field": "genres", "strength": 0.5}. rules:
///   as for onelist_set_scenario(). adapter: the name of onelist_load_adapter(). next: the "next" of the page before; the rest of the request stays the same.
///   explore: {"share": 0.1, "temperature": 0.1, "swaps": 0.05}. new_items: {"share": 0.1, "days": 7, "shown_below": 100,
///   "events_below": 5}.
///   log_impression: false when nobody is shown the ranking.
///   A filter: {"price": {">=": 10, "<": 90}, "tags": {"in": ["red", "blue"]}, "not": {"sold": true}}.
/// - `ranking_json` (out): {"rank_id", "hits": [{"id", "score", "fields", "sources", "propensity", "why"}], "candidates",
///   "weights_version", "took", "degraded", "explored", "next"}; free it. "propensity": the probability of the place, where it
///   was drawn. "next" is null on the last page. "why", when the request has "explain": true:
///   {"line", "contributions", "rules", "moved", "history": [{"item", "amount"}], "terms": [{"term", "amount"}]}.
/// - `ranking_json_len` (out, may be NULL): its length in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_rank(
    engine: *mut OnelistEngine,
    request_json: *const c_char,
    request_json_len: usize,
    ranking_json: *mut *mut c_char,
    ranking_json_len: *mut usize,
) -> onelist_status {
    entry(|| {
        // SAFETY: the header asks for places that can be written.
        let out = unsafe { TextOut::new("ranking_json", ranking_json, ranking_json_len) }?;
        // SAFETY: the header asks for readable bytes that do not change during the call.
        let request = unsafe { optional_text("request_json", request_json, request_json_len) }?;
        let request = request.map(json::request_from_json).transpose()?.unwrap_or_default();
        out.write(json::ranking_to_json(&handle::find(engine)?.rank(&request)?)?)
    })
}

/// Ranks many requests in one pass. All of them or, on an error, none.
///
/// - `requests_json`: an array of requests, or one request after the other (NDJSON), `requests_json_len` bytes.
/// - `rankings_json` (out): an array of rankings in the order of the requests; free it.
/// - `rankings_json_len` (out, may be NULL): its length in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_rank_many(
    engine: *mut OnelistEngine,
    requests_json: *const c_char,
    requests_json_len: usize,
    rankings_json: *mut *mut c_char,
    rankings_json_len: *mut usize,
) -> onelist_status {
    entry(|| {
        // SAFETY: the header asks for places that can be written.
        let out = unsafe { TextOut::new("rankings_json", rankings_json, rankings_json_len) }?;
        // SAFETY: the header asks for readable bytes that do not change during the call.
        let requests = unsafe { text("requests_json", requests_json, requests_json_len) }?;
        let rankings = handle::find(engine)?.rank_many(&json::requests_from_json(requests)?)?;
        out.write(json::rankings_to_json(&rankings)?)
    })
}

/// Reads the rankings that are remembered as impressions, oldest first, a page at a time. Those that wait to be written are
/// written before.
///
/// - `after`: the rank_id of the last impression of the page before, `after_len` bytes; NULL and 0 for the first page.
/// - `limit`: most impressions of the page.
/// - `impressions_json` (out): an array of {"rank_id", "time", "user", "query", "offset", "slate", "explored",
///   "propensities", "new", "chosen", "features", "model", "weights"}, empty at the end; free it. "chosen" and "new" are
///   places of the slate, from 0.
/// - `impressions_json_len` (out, may be NULL): its length in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_impressions(
    engine: *mut OnelistEngine,
    after: *const c_char,
    after_len: usize,
    limit: usize,
    impressions_json: *mut *mut c_char,
    impressions_json_len: *mut usize,
) -> onelist_status {
    entry(|| {
        // SAFETY: the header asks for places that can be written.
        let out = unsafe { TextOut::new("impressions_json", impressions_json, impressions_json_len) }?;
        // SAFETY: the header asks for readable bytes that do not change during the call.
        let after = unsafe { optional_text("after", after, after_len) }?;
        out.write(json::impressions_to_json(&handle::find(engine)?.impressions(after, limit)?)?)
    })
}

/// How much of what was shown were new items, over the impressions that say what was new. Reads all of them.
///
/// - `exposure_json` (out): {"impressions", "places", "new_places", "share"}; free it.
/// - `exposure_json_len` (out, may be NULL): its length in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_exposure(
    engine: *mut OnelistEngine,
    exposure_json: *mut *mut c_char,
    exposure_json_len: *mut usize,
) -> onelist_status {
    entry(|| {
        // SAFETY: the header asks for places that can be written.
        let out = unsafe { TextOut::new("exposure_json", exposure_json, exposure_json_len) }?;
        out.write(json::exposure_to_json(&handle::find(engine)?.exposure()?)?)
    })
}

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
///   baselines, leave_out, variants ({"name", "weights"}), external (answers of systems from elsewhere to what
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

/// Reads the models and adapters that the store keeps, and which model answers.
///
/// - `models_json` (out): {"live", "before", "versions": [{"version", "name", "sha256", "space_id", "loaded", "live"}],
///   "adapters": [{"name", "sha256", "base", "bytes", "loaded", "usable"}]}. Version 0 is the model of the configuration, or
///   the one that ships; "before" is what onelist_roll_back_model() goes back to, or null. Free it.
/// - `models_json_len` (out, may be NULL): its length in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_models(
    engine: *mut OnelistEngine,
    models_json: *mut *mut c_char,
    models_json_len: *mut usize,
) -> onelist_status {
    entry(|| {
        // SAFETY: the header asks for places that can be written.
        let out = unsafe { TextOut::new("models_json", models_json, models_json_len) }?;
        out.write(json::models_to_json(&handle::find(engine)?.models()?)?)
    })
}

/// Checks a model and copies it into the store; it does not answer yet. One that was loaded before keeps its version. A
/// model that does not fit is ONELIST_ENVIRONMENT (error "ModelRefused"), with what was expected and what was found.
///
/// - `path`: a folder with manifest.json and the files that it names, in UTF-8, `path_len` bytes.
/// - `model_json` (out): one of the "versions" of onelist_models(); free it.
/// - `model_json_len` (out, may be NULL): its length in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_load_model(
    engine: *mut OnelistEngine,
    path: *const c_char,
    path_len: usize,
    model_json: *mut *mut c_char,
    model_json_len: *mut usize,
) -> onelist_status {
    entry(|| {
        // SAFETY: the header asks for places that can be written.
        let out = unsafe { TextOut::new("model_json", model_json, model_json_len) }?;
        // SAFETY: the header asks for readable bytes that do not change during the call.
        let path = unsafe { text("path", path, path_len) }?;
        out.write(json::model_to_json(&handle::find(engine)?.load_model(path)?)?)
    })
}

/// Asks a loaded model, or 0, and the one that answers the same requests, and says how their lists differ. Nothing is
/// logged, and the live model goes on answering.
///
/// - `version`: of onelist_models().
/// - `requests_json`: as for onelist_rank_many(), `requests_json_len` bytes, at most 1024; NULL and 0 for past requests: the
///   newest impressions, each asked again as of its time.
/// - `sample`: at most so many past requests, up to 10000; not looked at when requests are given.
/// - `shadow_json` (out): {"live", "shadow", "requests", "common_top_10", "rank_correlation", "live_us", "shadow_us",
///   "errors", "failed", "skipped"}; free it.
/// - `shadow_json_len` (out, may be NULL): its length in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_shadow_model(
    engine: *mut OnelistEngine,
    version: u64,
    requests_json: *const c_char,
    requests_json_len: usize,
    sample: usize,
    shadow_json: *mut *mut c_char,
    shadow_json_len: *mut usize,
) -> onelist_status {
    entry(|| {
        // SAFETY: the header asks for places that can be written.
        let out = unsafe { TextOut::new("shadow_json", shadow_json, shadow_json_len) }?;
        // SAFETY: the header asks for readable bytes that do not change during the call.
        let requests = unsafe { optional_text("requests_json", requests_json, requests_json_len) }?;
        let db = handle::find(engine)?;
        let shadow = match requests.map(json::requests_from_json).transpose()? {
            Some(requests) => db.shadow_model(version, &requests)?,
            None => db.shadow_model_on_past(version, sample)?,
        };
        out.write(json::shadow_to_json(&shadow)?)
    })
}

/// Lets a loaded model answer from the next ranking on, or with 0 that of the configuration. When the call returns that is on
/// disk. Rankings that run end with the model they began with.
///
/// - `version`: of onelist_models(); another one is ONELIST_INPUT.
#[unsafe(no_mangle)]
pub extern "C" fn onelist_promote_model(engine: *mut OnelistEngine, version: u64) -> onelist_status {
    entry(|| handle::find(engine)?.promote_model(version))
}

/// Lets the model answer that did before the last onelist_promote_model(). When the call returns that is on disk.
///
/// - `version` (out, may be NULL): the version that answers now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_roll_back_model(engine: *mut OnelistEngine, version: *mut u64) -> onelist_status {
    entry(|| {
        // SAFETY: the header asks for a place that can be written.
        let out = unsafe { Out::optional("version", version, 0) }?;
        let live = handle::find(engine)?.roll_back_model()?;
        if let Some(mut out) = out {
            out.write(live);
        }
        Ok(())
    })
}

/// Removes a loaded model and its files. The one that answers, and the one that onelist_roll_back_model() goes back to, are
/// ONELIST_INPUT.
///
/// - `removed` (out, may be NULL): 1 when there was one of this version, else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_unload_model(
    engine: *mut OnelistEngine,
    version: u64,
    removed: *mut usize,
) -> onelist_status {
    entry(|| {
        // SAFETY: the header asks for a place that can be written.
        let out = unsafe { Out::optional("removed", removed, 0) }?;
        let found = handle::find(engine)?.unload_model(version)?;
        if let Some(mut out) = out {
            out.write(usize::from(found));
        }
        Ok(())
    })
}

/// Checks an adapter, copies it into the store, and lets requests name it: {"adapter": name}. What had the name is replaced.
///
/// - `name`: 1 to 128 bytes of UTF-8, `name_len` bytes.
/// - `path`: a folder with adapter.onnx_adapter and adapter.json, in UTF-8, `path_len` bytes.
/// - `adapter_json` (out): one of the "adapters" of onelist_models(); free it.
/// - `adapter_json_len` (out, may be NULL): its length in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_load_adapter(
    engine: *mut OnelistEngine,
    name: *const c_char,
    name_len: usize,
    path: *const c_char,
    path_len: usize,
    adapter_json: *mut *mut c_char,
    adapter_json_len: *mut usize,
) -> onelist_status {
    entry(|| {
        // SAFETY: the header asks for places that can be written.
        let out = unsafe { TextOut::new("adapter_json", adapter_json, adapter_json_len) }?;
        // SAFETY: the header asks for readable bytes that do not change during the call.
        let (name, path) = unsafe { (text("name", name, name_len)?, text("path", path, path_len)?) };
        out.write(json::adapter_to_json(&handle::find(engine)?.load_adapter(name, path)?)?)
    })
}

/// Removes an adapter and its files.
///
/// - `name`: 1 to 128 bytes of UTF-8, `name_len` bytes.
/// - `removed` (out, may be NULL): 1 when there was one of this name, else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_unload_adapter(
    engine: *mut OnelistEngine,
    name: *const c_char,
    name_len: usize,
    removed: *mut usize,
) -> onelist_status {
    entry(|| {
        // SAFETY: the header asks for a place that can be written.
        let out = unsafe { Out::optional("removed", removed, 0) }?;
        // SAFETY: the header asks for readable bytes that do not change during the call.
        let name = unsafe { text("name", name, name_len) }?;
        let found = handle::find(engine)?.unload_adapter(name)?;
        if let Some(mut out) = out {
            out.write(usize::from(found));
        }
        Ok(())
    })
}

/// Writes past requests as a Parquet file to train models on: one row for each candidate, with its features as they were at
/// the time, the history, and whether it was taken. docs/TRAINING.md lists the columns. The store is only read.
///
/// - `path`: the file, in UTF-8, `path_len` bytes. It appears once it is whole and on disk, in place of one of that name.
/// - `plan_json`: an object, `plan_json_len` bytes; NULL and 0 for the defaults. Keys: requests (at most so many, the newest;
///   100000), negatives (so many candidates of each that were not taken; all), until (seconds since 1970, UTC).
/// - `summary_json` (out): {"requests", "rows", "not_retrieved", "bytes"}; free it.
/// - `summary_json_len` (out, may be NULL): its length in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_export_training(
    engine: *mut OnelistEngine,
    path: *const c_char,
    path_len: usize,
    plan_json: *const c_char,
    plan_json_len: usize,
    summary_json: *mut *mut c_char,
    summary_json_len: *mut usize,
) -> onelist_status {
    entry(|| {
        // SAFETY: the header asks for places that can be written.
        let out = unsafe { TextOut::new("summary_json", summary_json, summary_json_len) }?;
        // SAFETY: the header asks for readable bytes that do not change during the call.
        let (path, plan) =
            unsafe { (text("path", path, path_len)?, optional_text("plan_json", plan_json, plan_json_len)?) };
        let plan = plan.map(json::training_plan_from_json).transpose()?.unwrap_or_default();
        out.write(json::training_summary_to_json(&handle::find(engine)?.export_training(path, &plan)?)?)
    })
}

/// Stores rules under a name, in place of those that it had. When the call returns they are on disk; a request ranks by
/// them with {"scenario": name}.
///
/// - `name`: 1 to 128 bytes of UTF-8, `name_len` bytes.
/// - `rules_json`: an array, `rules_json_len` bytes. A rule is one of {"rule": "pin", "item": "sku-9", "position": 1},
///   {"rule": "boost", "ids": ["sku-9"], "amount": 0.3} (or "bury"; a "filter" in place of the ids),
///   {"rule": "require", "filter": {..}}, {"rule": "exclude", "ids": ["sku-1"]} (or a "filter"),
///   {"rule": "cap", "field": "brand", "most": 2}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_set_scenario(
    engine: *mut OnelistEngine,
    name: *const c_char,
    name_len: usize,
    rules_json: *const c_char,
    rules_json_len: usize,
) -> onelist_status {
    entry(|| {
        // SAFETY: the header asks for readable bytes that do not change during the call.
        let (name, rules) = unsafe { (text("name", name, name_len)?, text("rules_json", rules_json, rules_json_len)?) };
        handle::find(engine)?.set_scenario(name, &json::rules_from_json(rules)?)
    })
}

/// Reads the stored scenarios.
///
/// - `scenarios_json` (out): an object that maps each name to its rules; free it.
/// - `scenarios_json_len` (out, may be NULL): its length in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_scenarios(
    engine: *mut OnelistEngine,
    scenarios_json: *mut *mut c_char,
    scenarios_json_len: *mut usize,
) -> onelist_status {
    entry(|| {
        // SAFETY: the header asks for places that can be written.
        let out = unsafe { TextOut::new("scenarios_json", scenarios_json, scenarios_json_len) }?;
        out.write(json::scenarios_to_json(&handle::find(engine)?.scenarios()?)?)
    })
}

/// Removes a scenario. One that is not there is passed over.
///
/// - `name`: its name, `name_len` bytes.
/// - `deleted` (out, may be NULL): 1 when there was one, else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_delete_scenario(
    engine: *mut OnelistEngine,
    name: *const c_char,
    name_len: usize,
    deleted: *mut usize,
) -> onelist_status {
    entry(|| {
        // SAFETY: the header asks for a place that can be written.
        let out = unsafe { Out::optional("deleted", deleted, 0) }?;
        // SAFETY: the header asks for readable bytes that do not change during the call.
        let name = unsafe { text("name", name, name_len) }?;
        let found = handle::find(engine)?.delete_scenario(name)?;
        if let Some(mut out) = out {
            out.write(usize::from(found));
        }
        Ok(())
    })
}

/// Fits the vector space of items to the catalog and places every item anew, while requests and writes go on. Scores change.
///
/// - `fitted` (out, may be NULL): 1 when it was fitted; 0, with nothing changed, when fewer than 100 items have text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_fit_space(engine: *mut OnelistEngine, fitted: *mut usize) -> onelist_status {
    entry(|| {
        // SAFETY: the header asks for a place that can be written.
        let out = unsafe { Out::optional("fitted", fitted, 0) }?;
        let found = handle::find(engine)?.fit_space()?;
        if let Some(mut out) = out {
            out.write(usize::from(found));
        }
        Ok(())
    })
}

/// The state of the engine in numbers: items, users, events, bytes on disk, the indexes, the model, the vector space.
///
/// - `stats_json` (out): an object; free it.
/// - `stats_json_len` (out, may be NULL): its length in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_stats(
    engine: *mut OnelistEngine,
    stats_json: *mut *mut c_char,
    stats_json_len: *mut usize,
) -> onelist_status {
    entry(|| {
        // SAFETY: the header asks for places that can be written.
        let out = unsafe { TextOut::new("stats_json", stats_json, stats_json_len) }?;
        out.write(json::stats_to_json(&handle::find(engine)?.stats()?)?)
    })
}

/// Waits until the indexes hold everything that was put, and writes them to disk. Nothing is lost without it: it only makes
/// the next onelist_open() quicker.
#[unsafe(no_mangle)]
pub extern "C" fn onelist_flush(engine: *mut OnelistEngine) -> onelist_status {
    entry(|| handle::find(engine)?.flush())
}
