//! Requests from JSON.

use std::collections::BTreeMap;

use super::control::{caps, exclude_seen, mix, personalization};
use super::filter::filter;
use super::parse::{Json, each, one};
use super::place::Place;
use super::read::{
    entries, flag, given, missing, number, set, single, text, text_map, texts, time, unknown, vector, whole, wrong,
};
use super::rule::rules;
use super::shown::{explore, new_items};
use crate::api::event::Action;
use crate::api::request::{HistoryEvent, Request};
use crate::base::error::Result;
use crate::base::limits::{self, at_most};

/// Reads a request: an object whose keys are the fields of [`Request`], all optional.
///
/// `history` is an array of item ids (views at the time of the request) or of `{"item", "action", "value", "time"}`, oldest
/// first; `segments` maps names to texts; `vectors` maps names of vector fields to arrays of numbers; `filter` is as in
/// [`filter_from_json`](super::filter_from_json); `now` is in seconds since the Unix epoch; `exclude_seen` is true, false
/// or `{"actions": [..], "within_days"}`; `personalization` is off, low, medium or high; `caps` is an array of `{"field",
/// "most"}`; `calibrate_mix` is `{"field", "strength"}`; `rules` is as in [`rules_from_json`](super::rules_from_json); `explore` is
/// `{"share", "temperature", "swaps"}`; `new_items` is `{"share", "days", "shown_below", "events_below",
/// "least_fit"}`.
///
/// # Errors
/// [`Error::InvalidArgument`](crate::Error::InvalidArgument) or [`Error::UnknownField`](crate::Error::UnknownField), naming
/// the place, [`Error::NonFinite`](crate::Error::NonFinite), or [`Error::LimitExceeded`](crate::Error::LimitExceeded).
/// Counts and ids are checked by `rank`.
pub fn request_from_json(json: &str) -> Result<Request> {
    request(one("request", json)?, &Place::Root("request"))
}

/// Reads a batch of requests: an array, or NDJSON. An empty text is an empty batch.
///
/// # Errors
/// Those of [`request_from_json`], and [`Error::LimitExceeded`](crate::Error::LimitExceeded) for more than
/// [`limits::MAX_REQUESTS`] requests.
pub fn requests_from_json(json: &str) -> Result<Vec<Request>> {
    let mut requests = Vec::new();
    each("requests", json, ("requests in one batch", limits::MAX_REQUESTS), &mut |json, at| {
        requests.push(request(json, at)?);
        Ok(())
    })?;
    Ok(requests)
}

/// Sets one part of a request, named as in [`request_from_json`], from its JSON; `null` leaves it as it is.
///
/// # Errors
/// Those of [`request_from_json`].
pub fn request_part_from_json(request: &mut Request, key: &str, json: &str) -> Result<()> {
    part(request, key, one(key, json)?, &Place::Root(key))
}

/// Every key that [`request_from_json`] takes: what a request can hold, for the bindings that read requests themselves.
pub const REQUEST_KEYS: [&str; 28] = [
    "query",
    "user",
    "history",
    "like",
    "unlike",
    "among",
    "segments",
    "vectors",
    "filter",
    "exclude",
    "exclude_seen",
    "personalization",
    "diversity",
    "caps",
    "calibrate_mix",
    "rules",
    "scenario",
    "adapter",
    "explore",
    "new_items",
    "log_impression",
    "limit",
    "offset",
    "next",
    "candidates",
    "fields",
    "explain",
    "now",
];

fn request(json: Json<'_>, at: &Place<'_>) -> Result<Request> {
    let mut request = Request::new();
    for (key, json) in entries(json, at)? {
        part(&mut request, &key, json, &at.key(&key))?;
    }
    Ok(request)
}

fn part(request: &mut Request, key: &str, json: Json<'_>, at: &Place<'_>) -> Result<()> {
    match key {
        "query" => request.query = given(json, at, text)?,
        "user" => request.user = given(json, at, text)?,
        "history" => set(&mut request.history, json, at, history)?,
        "like" => set(&mut request.like, json, at, texts)?,
        "unlike" => set(&mut request.unlike, json, at, texts)?,
        "among" => request.among = given(json, at, texts)?,
        "segments" => set(&mut request.segments, json, at, text_map)?,
        "vectors" => set(&mut request.vectors, json, at, vectors)?,
        "filter" => request.filter = given(json, at, filter)?,
        "exclude" => set(&mut request.exclude, json, at, texts)?,
        "exclude_seen" => set(&mut request.exclude_seen, json, at, exclude_seen)?,
        "personalization" => set(&mut request.personalization, json, at, personalization)?,
        "diversity" => set(&mut request.diversity, json, at, single)?,
        "caps" => set(&mut request.caps, json, at, caps)?,
        "calibrate_mix" => request.calibrate_mix = given(json, at, mix)?,
        "rules" => set(&mut request.rules, json, at, rules)?,
        "scenario" => request.scenario = given(json, at, text)?,
        "adapter" => request.adapter = given(json, at, text)?,
        "explore" => request.explore = given(json, at, explore)?,
        "new_items" => request.new_items = given(json, at, new_items)?,
        "log_impression" => set(&mut request.log_impression, json, at, flag)?,
        "limit" => set(&mut request.limit, json, at, whole)?,
        "offset" => set(&mut request.offset, json, at, whole)?,
        "next" => request.next = given(json, at, text)?,
        "candidates" => request.candidates = given(json, at, whole)?,
        "fields" => request.fields = given(json, at, texts)?,
        "explain" => set(&mut request.explain, json, at, flag)?,
        "now" => request.now = given(json, at, time)?,
        _ => return Err(unknown(at, &REQUEST_KEYS)),
    }
    Ok(())
}

fn history(json: Json<'_>, at: &Place<'_>) -> Result<Vec<HistoryEvent>> {
    let Json::List(list) = json else { return Err(wrong(at, "an array", &json)) };
    // The limit is looked at before the list of ids grows: an id of one byte costs four bytes of text and 80 of memory.
    at_most("events in history", limits::MAX_HISTORY_ARGUMENT, list.len())?;
    list.into_iter().enumerate().map(|(i, json)| history_event(json, &at.index(i))).collect()
}

fn history_event(json: Json<'_>, at: &Place<'_>) -> Result<HistoryEvent> {
    if let Json::Text(id) = json {
        return Ok(HistoryEvent::new(id));
    }
    let Json::Map(entries) = json else { return Err(wrong(at, "an item id or an object", &json)) };
    let mut item = None;
    let mut event = HistoryEvent::new(String::new());
    for (key, json) in entries {
        let at = &at.key(&key);
        match &*key {
            "item" => item = given(json, at, text)?,
            "action" => set(&mut event.action, json, at, |json, at| Ok(Action::named(&text(json, at)?)))?,
            "value" => event.value = given(json, at, number)?,
            "time" => event.time = given(json, at, time)?,
            _ => return Err(unknown(at, &["item", "action", "value", "time"])),
        }
    }
    event.item = item.ok_or_else(|| missing(at, "item"))?;
    Ok(event)
}

fn vectors(json: Json<'_>, at: &Place<'_>) -> Result<BTreeMap<String, Vec<f32>>> {
    let entries = entries(json, at)?;
    entries.into_iter().map(|(key, json)| Ok((key.to_string(), vector(json, &at.key(&key))?))).collect()
}
