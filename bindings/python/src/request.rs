//! Python dicts to the engine's events and requests.

use std::collections::BTreeMap;

use onelist::json::REQUEST_KEYS;
use onelist::{Action, Error, Event, ExcludeSeen, HistoryEvent, Personalization, Request, SeenWhen};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyBool, PyInt, PyMapping, PyString};

use crate::convert::{elements, ids, number, pairs, text, time, vector};
use crate::error::{Place, from_engine, invalid, wrong_type};

const EVENT_KEYS: [&str; 9] = ["user", "action", "item", "query", "value", "time", "rank_id", "basket", "segments"];
const HISTORY_KEYS: [&str; 4] = ["item", "action", "value", "time"];
const SEEN_KEYS: [&str; 2] = ["actions", "within_days"];

/// Refuses a key that does not exist: a misspelt argument must not be passed over in silence.
fn known(py: Python<'_>, key: &str, place: &Place<'_>, keys: &[&str]) -> PyResult<()> {
    if keys.contains(&key) {
        return Ok(());
    }
    let error = Error::UnknownField { field: Place::Key(place, key).to_string(), known: keys.join(", ") };
    Err(from_engine(py, &error))
}

/// An event from a dict; `user` and `action` are needed.
pub(crate) fn event(value: &Bound<'_, PyAny>, place: &Place<'_>) -> PyResult<Event> {
    let (mut user, mut action) = (None, None);
    let mut event = Event::new("", Action::View);
    for (key, value) in pairs(value, place)? {
        known(value.py(), &key, place, &EVENT_KEYS)?;
        let place = Place::Key(place, &key);
        if value.is_none() {
            continue;
        }
        match &*key {
            "user" => user = Some(text(&value, &place)?),
            "action" => action = Some(text(&value, &place)?),
            "item" => event.item = Some(text(&value, &place)?),
            "query" => event.query = Some(text(&value, &place)?),
            "value" => event.value = Some(number(&value, &place)?),
            "time" => event.time = Some(time(&value, &place)?),
            "rank_id" => event.rank_id = Some(text(&value, &place)?),
            "segments" => event.segments = segments(&value, &place)?,
            _ => event.basket = Some(text(&value, &place)?),
        }
    }
    let missing = |what: &str| invalid(value.py(), place, &format!("an event with the key `{what}`"), "none");
    event.user = user.ok_or_else(|| missing("user"))?;
    event.action = Action::named(&action.ok_or_else(|| missing("action"))?);
    Ok(event)
}

/// Segments from a dict of texts.
fn segments(value: &Bound<'_, PyAny>, place: &Place<'_>) -> PyResult<BTreeMap<String, String>> {
    let read = |(name, value): (PyBackedStr, Bound<'_, PyAny>)| {
        let value = text(&value, &Place::Key(place, &name))?;
        Ok((name.to_string(), value))
    };
    pairs(value, place)?.into_iter().map(read).collect()
}

/// An event of a stateless history: an item's id (a view of it), or a dict.
fn history_event(value: &Bound<'_, PyAny>, place: &Place<'_>) -> PyResult<HistoryEvent> {
    if value.is_instance_of::<PyString>() {
        return Ok(HistoryEvent::new(text(value, place)?));
    }
    if !value.is_instance_of::<PyMapping>() {
        return Err(wrong_type(place, "an item's id or a dict", value));
    }
    let mut item = None;
    let mut event = HistoryEvent::new("");
    for (key, value) in pairs(value, place)? {
        known(value.py(), &key, place, &HISTORY_KEYS)?;
        let place = Place::Key(place, &key);
        if value.is_none() {
            continue;
        }
        match &*key {
            "item" => item = Some(text(&value, &place)?),
            "action" => event.action = Action::named(&text(&value, &place)?),
            "value" => event.value = Some(number(&value, &place)?),
            _ => event.time = Some(time(&value, &place)?),
        }
    }
    event.item = item.ok_or_else(|| invalid(value.py(), place, "an event with the key `item`", "none"))?;
    Ok(event)
}

/// A request from a dict of the keywords of `rank`; `filter`, `caps`, `calibrate_mix`, `rules`, `explore` and `new_items`
/// are JSON text, None is the default of its keyword.
pub(crate) fn request(value: &Bound<'_, PyAny>, place: &Place<'_>) -> PyResult<Request> {
    let mut request = Request::new();
    for (key, value) in pairs(value, place)? {
        known(value.py(), &key, place, &REQUEST_KEYS)?;
        if !value.is_none() {
            set(&mut request, &key, &value, &Place::Key(place, &key))?;
        }
    }
    Ok(request)
}

/// Sets one argument of a request. `key` is one of [`REQUEST_KEYS`].
fn set(request: &mut Request, key: &str, value: &Bound<'_, PyAny>, place: &Place<'_>) -> PyResult<()> {
    match key {
        "query" => request.query = Some(text(value, place)?),
        "user" => request.user = Some(text(value, place)?),
        "history" => request.history = elements(value, place, "an iterable of ids or dicts", history_event)?,
        "like" => request.like = ids(value, place)?,
        "unlike" => request.unlike = ids(value, place)?,
        "among" => request.among = Some(ids(value, place)?),
        "segments" => request.segments = segments(value, place)?,
        "vectors" => {
            for (name, value) in pairs(value, place)? {
                let components = vector(&value, &Place::Key(place, &name))?;
                request.vectors.insert((*name).to_owned(), components);
            }
        }
        "filter" | "caps" | "calibrate_mix" | "rules" | "explore" | "new_items" => {
            let json = text(value, place)?;
            let read = onelist::json::request_part_from_json(request, key, &json);
            read.map_err(|e| from_engine(value.py(), &e))?;
        }
        "exclude" => request.exclude = ids(value, place)?,
        "exclude_seen" => request.exclude_seen = exclude_seen(value, place)?,
        "personalization" => {
            let level = Personalization::named(&text(value, place)?);
            request.personalization = level.map_err(|e| from_engine(value.py(), &e))?;
        }
        "diversity" => request.diversity = number(value, place)? as f32,
        "scenario" => request.scenario = Some(text(value, place)?),
        "adapter" => request.adapter = Some(text(value, place)?),
        "next" => request.next = Some(text(value, place)?),
        "limit" => request.limit = count(value, place)?,
        "offset" => request.offset = count(value, place)?,
        "candidates" => request.candidates = Some(count(value, place)?),
        "fields" => request.fields = Some(ids(value, place)?),
        "explain" => request.explain = flag(value, place)?,
        "log_impression" => request.log_impression = flag(value, place)?,
        _ => request.now = Some(time(value, place)?),
    }
    Ok(())
}

/// True or False, or a dict of conditions.
fn exclude_seen(value: &Bound<'_, PyAny>, place: &Place<'_>) -> PyResult<ExcludeSeen> {
    if !value.is_instance_of::<PyMapping>() {
        let all = value.extract::<bool>().map_err(|_| wrong_type(place, "bool or a dict", value))?;
        return Ok(all.into());
    }
    let mut when = SeenWhen::default();
    for (key, value) in pairs(value, place)? {
        known(value.py(), &key, place, &SEEN_KEYS)?;
        let place = Place::Key(place, &key);
        match &*key {
            _ if value.is_none() => {}
            "actions" => when.actions = ids(&value, &place)?.iter().map(|name| Action::named(name)).collect(),
            _ => when.within_days = Some(number(&value, &place)?),
        }
    }
    Ok(ExcludeSeen::When(when))
}

/// True or False, of Python or NumPy. Other objects have a truth as well, but hardly one that was meant.
fn flag(value: &Bound<'_, PyAny>, place: &Place<'_>) -> PyResult<bool> {
    value.extract::<bool>().map_err(|_| wrong_type(place, "bool", value))
}

/// A count of at least 0. One too large for the machine becomes the largest there is, which the engine's limits refuse.
pub(crate) fn count(value: &Bound<'_, PyAny>, place: &Place<'_>) -> PyResult<usize> {
    if value.is_instance_of::<PyBool>() {
        return Err(wrong_type(place, "an integer", value));
    }
    let integer = value.py().import("operator")?.call_method1("index", (value,));
    let integer = integer.map_err(|_| wrong_type(place, "an integer", value))?.cast_into::<PyInt>()?;
    if integer.lt(0)? {
        return Err(invalid(value.py(), place, "an integer of at least 0", "a negative one"));
    }
    Ok(integer.extract::<usize>().unwrap_or(usize::MAX))
}
