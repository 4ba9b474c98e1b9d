//! Events from JSON.

use super::parse::{Json, each};
use super::place::Place;
use super::read::{entries, given, missing, number, set, text, text_map, time, unknown};
use crate::api::event::{Action, Event};
use crate::base::error::Result;
use crate::base::limits;

/// Reads a batch of events: an array, or NDJSON. An empty text is an empty batch.
///
/// An event is `{"user": "u7", "action": "click", "item": "sku-9"}` with optional `query`, `value`, `time` (seconds since
/// the Unix epoch), `rank_id`, `basket` and `segments` (texts by name). Actions are named as [`Action::named`] takes them.
///
/// # Errors
/// [`Error::InvalidArgument`](crate::Error::InvalidArgument) or [`Error::UnknownField`](crate::Error::UnknownField), naming
/// the place, or [`Error::LimitExceeded`](crate::Error::LimitExceeded) for more than [`limits::MAX_BATCH`] events.
pub fn events_from_json(json: &str) -> Result<Vec<Event>> {
    let mut events = Vec::new();
    each("events", json, ("events in one batch", limits::MAX_BATCH), &mut |json, at| {
        events.push(event(json, at)?);
        Ok(())
    })?;
    Ok(events)
}

fn event(json: Json<'_>, at: &Place<'_>) -> Result<Event> {
    const KNOWN: [&str; 9] = ["user", "action", "item", "query", "value", "time", "rank_id", "basket", "segments"];
    let (mut user, mut action) = (None, None);
    let mut event = Event::new(String::new(), Action::View);
    for (key, json) in entries(json, at)? {
        let at = &at.key(&key);
        match &*key {
            "user" => user = given(json, at, text)?,
            "action" => action = given(json, at, text)?,
            "item" => event.item = given(json, at, text)?,
            "query" => event.query = given(json, at, text)?,
            "value" => event.value = given(json, at, number)?,
            "time" => event.time = given(json, at, time)?,
            "rank_id" => event.rank_id = given(json, at, text)?,
            "basket" => event.basket = given(json, at, text)?,
            "segments" => set(&mut event.segments, json, at, text_map)?,
            _ => return Err(unknown(at, &KNOWN)),
        }
    }
    event.user = user.ok_or_else(|| missing(at, "user"))?;
    event.action = Action::named(&action.ok_or_else(|| missing(at, "action"))?);
    Ok(event)
}
