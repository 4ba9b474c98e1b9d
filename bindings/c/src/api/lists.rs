//! Events in, lists out, and what was shown.

use std::ffi::c_char;

use onelist::json;

use crate::call::{answer, done, optional, text};
use crate::handle::OnelistEngine;
use crate::status::onelist_status;

/// Logs what people did. All of the events or, on an error, none. When the call returns they are on disk, and the next
/// ranking sees them. Users that are not known are created.
///
/// - `events_json`: an array of events, or one event after the other (NDJSON), `events_json_len` bytes. An event:
///   {"user": "u7", "action": "click", "item": "sku-9"}, with a query in place of the item for a search, and optionally
///   value, time (seconds since 1970, UTC), rank_id (of the ranking that the user answered to), basket, segments
///   ({"country": "UK"}) and batch (the name of an import).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_log(
    engine: *mut OnelistEngine, events_json: *const c_char, events_json_len: usize,
) -> onelist_status {
    done(engine, |db| db.log_rows(json::event_rows_from_json(text!(events_json, events_json_len))?).map(|_| ()))
}

/// Ranks: a search, a recommendation, both at once, or a first visit, by what the request holds.
///
/// - `request_json`: an object, `request_json_len` bytes; NULL and 0 for a first visit. Keys, all optional: query, user,
///   history, like, unlike, among, segments, vectors, filter, exclude, exclude_seen, personalization, diversity, caps, match_history_mix,
///   rules, scenario, adapter, explore, new_items, log_impression, limit, offset, page_token, candidates, fields, explain, now, timeout
///   (seconds, after which the call ends with ONELIST_BUSY).
///   exclude_seen: true, or {"actions": ["buy"], "within_days": 30}. personalization: "off", "low", "medium" or "high".
///   diversity: 0 to 1. caps: [{"field": "brand", "max": 2}]; the field semantic_id:1 or
///   semantic_id:2 stands for the first codes of what the model makes of an item. match_history_mix: {"field": "genres", "strength": 0.5}. rules:
///   as for onelist_set_scenario(). adapter: the name of onelist_load_adapter(). page_token: the "next_page_token" of the page before; the rest of the request stays the same.
///   explore: {"fraction": 0.1, "temperature": 0.1, "swaps": 0.05}. new_items: {"fraction": 0.1, "days": 7, "shown_below": 100,
///   "events_below": 5, "min_fit": 0.5}.
///   log_impression: false when nobody is shown the ranking.
///   A filter: {"price": {">=": 10, "<": 90}, "tags": {"in": ["red", "blue"]}, "not": {"sold": true}}.
/// - `ranking_json` (out): {"rank_id", "hits": [{"id", "score", "fields", "sources", "propensity", "why"}], "candidates",
///   "weights_version", "took", "warnings", "explored", "next_page_token"}; free it. "propensity": the probability of the place, where it
///   was drawn. "next_page_token" is null on the last page. "why", when the request has "explain": true:
///   {"line", "contributions", "rules", "moved", "history": [{"item", "amount"}], "terms": [{"term", "amount"}]}.
/// - `ranking_json_len` (out, may be NULL): its length in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_rank(
    engine: *mut OnelistEngine, request_json: *const c_char, request_json_len: usize, ranking_json: *mut *mut c_char,
    ranking_json_len: *mut usize,
) -> onelist_status {
    answer!(engine, ranking_json, ranking_json_len, |db| {
        let request = optional!(request_json, request_json_len).map(json::request_from_json);
        json::ranking_to_json(&db.rank(&request.transpose()?.unwrap_or_default())?)
    })
}

/// Ranks many requests in one pass. All of them or, on an error, none.
///
/// - `requests_json`: an array of requests, or one request after the other (NDJSON), `requests_json_len` bytes.
/// - `rankings_json` (out): an array of rankings in the order of the requests; free it.
/// - `rankings_json_len` (out, may be NULL): its length in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_rank_many(
    engine: *mut OnelistEngine, requests_json: *const c_char, requests_json_len: usize,
    rankings_json: *mut *mut c_char, rankings_json_len: *mut usize,
) -> onelist_status {
    answer!(engine, rankings_json, rankings_json_len, |db| {
        let requests = json::requests_from_json(text!(requests_json, requests_json_len))?;
        json::rankings_to_json(&db.rank_many(&requests)?)
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
    engine: *mut OnelistEngine, after: *const c_char, after_len: usize, limit: usize,
    impressions_json: *mut *mut c_char, impressions_json_len: *mut usize,
) -> onelist_status {
    answer!(engine, impressions_json, impressions_json_len, |db| {
        json::impressions_to_json(&db.impressions(optional!(after, after_len), limit)?)
    })
}

/// How much of what was shown were new items, over the impressions that say what was new. Reads all of them.
///
/// - `exposure_json` (out): {"impressions", "places", "new_places", "fraction"}; free it.
/// - `exposure_json_len` (out, may be NULL): its length in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn onelist_new_item_exposure(
    engine: *mut OnelistEngine, exposure_json: *mut *mut c_char, exposure_json_len: *mut usize,
) -> onelist_status {
    answer!(engine, exposure_json, exposure_json_len, |db| json::new_item_exposure_to_json(&db.new_item_exposure()?))
}
