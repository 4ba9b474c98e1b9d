//! Items and ids from JSON.

use super::parse::{Json, each, one};
use super::place::Place;
use super::read::{Entries, missing, number, text, texts, time, vector, wrong};
use crate::api::item::{Item, Value};
use crate::base::error::Result;
use crate::base::limits;

/// Reads one item: an object with `id`, and a field for every other key.
///
/// A string is a text, `true` and `false` are booleans, an array of strings (or an empty one) is a list of tags, an array
/// of numbers is a vector, `{"lat": degrees, "lon": degrees}` is a place and `{"date": seconds}` is a date. Where that
/// guess is not wanted, `{"text": "..."}`, `{"tags": [..]}` and `{"vector": [..]}` say it. `null` leaves the field out.
///
/// Ids, lengths and the types of fields are checked by `put`, not here.
///
/// # Errors
/// [`crate::Error::InvalidArgument`] naming the place, [`crate::Error::NonFinite`] for a component beyond `f32`, or
/// [`crate::Error::LimitExceeded`].
pub fn item_from_json(json: &str) -> Result<Item> {
    item(one("item", json)?, &Place::Root("item"))
}

/// Reads a batch of items: an array, or NDJSON. An empty text is an empty batch.
///
/// # Errors
/// Those of [`item_from_json`], and [`crate::Error::LimitExceeded`] for more than [`limits::MAX_BATCH`] items.
pub fn items_from_json(json: &str) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    each("items", json, ("items in one batch", limits::MAX_BATCH), &mut |json, at| {
        items.push(item(json, at)?);
        Ok(())
    })?;
    Ok(items)
}

/// Reads a batch of ids: an array of strings, or strings one after the other.
///
/// # Errors
/// [`crate::Error::InvalidArgument`] naming the place, or [`crate::Error::LimitExceeded`] for more than [`limits::MAX_BATCH`] ids.
pub fn ids_from_json(json: &str) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    each("ids", json, ("ids in one batch", limits::MAX_BATCH), &mut |json, at| {
        ids.push(text(json, at)?);
        Ok(())
    })?;
    Ok(ids)
}

fn item(json: Json<'_>, at: &Place<'_>) -> Result<Item> {
    let Json::Map(entries) = json else { return Err(wrong(at, "an object with `id` and fields", &json)) };
    let mut id = None;
    let mut item = Item::new(String::new());
    for (key, json) in entries {
        let at = at.key(&key);
        match (&*key, json) {
            ("id", json) => id = Some(text(json, &at)?),
            (_, Json::Null) => {}
            (_, json) => {
                let value = value(json, &at)?;
                item.fields.insert(key.into_owned(), value);
            }
        }
    }
    item.id = id.ok_or_else(|| missing(at, "id"))?;
    Ok(item)
}

fn value(json: Json<'_>, at: &Place<'_>) -> Result<Value> {
    Ok(match json {
        Json::Text(text) => Value::Text(text.into_owned()),
        Json::Number(number) => Value::Number(number),
        Json::Bool(flag) => Value::Bool(flag),
        Json::List(list) => match list.first() {
            Some(Json::Number(_)) => Value::Vector(vector(Json::List(list), at)?),
            Some(Json::Text(_)) | None => Value::Tags(texts(Json::List(list), at)?),
            Some(_) => return Err(wrong(at, "an array of strings (tags) or of numbers (a vector)", &Json::List(list))),
        },
        Json::Map(_) => typed(json, at)?,
        Json::Null => return Err(wrong(at, "a value", &Json::Null)),
    })
}

/// An object that says its type: a place, a date, or one of the forms that replace the guess.
fn typed(json: Json<'_>, at: &Place<'_>) -> Result<Value> {
    const FORMS: &str =
        "{\"lat\": .., \"lon\": ..}, {\"date\": seconds}, {\"text\": \"..\"}, {\"tags\": [..]} or {\"vector\": [..]}";
    let entries = match json {
        Json::Map(entries) if known_form(&entries) => entries,
        other => return Err(wrong(at, FORMS, &other)),
    };
    let (mut lat, mut lon) = (0.0, 0.0);
    for (key, json) in entries {
        let at = &at.key(&key);
        match &*key {
            "lat" => lat = number(json, at)?,
            "lon" => lon = number(json, at)?,
            "date" => return Ok(Value::Date(time(json, at)?)),
            "text" => return Ok(Value::Text(text(json, at)?)),
            "tags" => return Ok(Value::Tags(texts(json, at)?)),
            _ => return Ok(Value::Vector(vector(json, at)?)),
        }
    }
    Ok(Value::Geo { lat, lon })
}

fn known_form(entries: &Entries<'_>) -> bool {
    let mut keys: Vec<&str> = entries.iter().map(|(key, _)| key.as_ref()).collect();
    keys.sort_unstable();
    matches!(keys[..], ["lat", "lon"] | ["date"] | ["text"] | ["tags"] | ["vector"])
}
