//! Exploration, new items and impressions: settings from JSON, what was shown to JSON.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::parse::Json;
use super::place::Place;
use super::read::{entries, flag, given, number, set, single, unknown, whole, wrong};
use super::write::{Written, to_string};
use crate::api::exploration::{Exploration, Impressions, NewItems};
use crate::api::impression::{Exposure, Impression};
use crate::base::error::Result;

/// True, false, or the settings.
pub(super) fn impressions(json: Json<'_>, at: &Place<'_>) -> Result<Impressions> {
    let entries = match json {
        Json::Bool(true) => return Ok(Impressions::default()),
        Json::Bool(false) => return Ok(Impressions::off()),
        Json::Map(entries) => entries,
        other => return Err(wrong(at, "true, false or an object with `enabled`, `share` and `most`", &other)),
    };
    let mut settings = Impressions::default();
    for (key, json) in entries {
        let at = &at.key(&key);
        match &*key {
            "enabled" => set(&mut settings.enabled, json, at, flag)?,
            "share" => set(&mut settings.share, json, at, number)?,
            "most" => set(&mut settings.most, json, at, |json, at| whole(json, at).map(|most| most as u64))?,
            _ => return Err(unknown(at, &["enabled", "share", "most"])),
        }
    }
    Ok(settings)
}

pub(super) fn explore(json: Json<'_>, at: &Place<'_>) -> Result<Exploration> {
    let mut settings = Exploration::default();
    for (key, json) in entries(json, at)? {
        let at = &at.key(&key);
        match &*key {
            "share" => set(&mut settings.share, json, at, number)?,
            "temperature" => set(&mut settings.temperature, json, at, single)?,
            "swaps" => set(&mut settings.swaps, json, at, number)?,
            _ => return Err(unknown(at, &["share", "temperature", "swaps"])),
        }
    }
    Ok(settings)
}

pub(super) fn new_items(json: Json<'_>, at: &Place<'_>) -> Result<NewItems> {
    let mut settings = NewItems::default();
    for (key, json) in entries(json, at)? {
        let at = &at.key(&key);
        match &*key {
            "share" => set(&mut settings.share, json, at, number)?,
            "days" => settings.days = given(json, at, number)?,
            "shown_below" => settings.shown_below = given(json, at, number)?,
            "events_below" => settings.events_below = given(json, at, number)?,
            "least_fit" => settings.least_fit = given(json, at, number)?,
            _ => return Err(unknown(at, &["share", "days", "shown_below", "events_below", "least_fit"])),
        }
    }
    Ok(settings)
}

/// Writes an array of impressions: the fields of [`Impression`] under their names, `time` in seconds, the hashes
/// `features` and `model` as 16 hex digits.
///
/// # Errors
/// [`Error::Internal`](crate::Error::Internal), which would be a defect.
pub fn impressions_to_json(impressions: &[Impression]) -> Result<String> {
    to_string(&impressions.iter().map(ImpressionForm).collect::<Vec<_>>())
}

/// Writes `{"impressions", "places", "new_places", "share"}`.
///
/// # Errors
/// [`Error::Internal`](crate::Error::Internal), which would be a defect.
pub fn exposure_to_json(exposure: &Exposure) -> Result<String> {
    to_string(&ExposureForm(exposure))
}

struct ImpressionForm<'a>(&'a Impression);

impl Serialize for ImpressionForm<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Written<S> {
        // Named one by one, so that the compiler asks for a field that is added.
        let Impression {
            rank_id,
            time,
            user,
            query,
            offset,
            slate,
            explored,
            propensities,
            new,
            chosen,
            features,
            model,
            weights,
        } = self.0;
        let mut map = to.serialize_map(Some(13))?;
        map.serialize_entry("rank_id", rank_id)?;
        map.serialize_entry("time", &time.seconds())?;
        map.serialize_entry("user", user)?;
        map.serialize_entry("query", query)?;
        map.serialize_entry("offset", offset)?;
        map.serialize_entry("slate", slate)?;
        map.serialize_entry("explored", explored)?;
        map.serialize_entry("propensities", propensities)?;
        map.serialize_entry("new", new)?;
        map.serialize_entry("chosen", chosen)?;
        // A JSON number holds 53 bits.
        map.serialize_entry("features", &format!("{features:016x}"))?;
        map.serialize_entry("model", &format!("{model:016x}"))?;
        map.serialize_entry("weights", weights)?;
        map.end()
    }
}

struct ExposureForm<'a>(&'a Exposure);

impl Serialize for ExposureForm<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Written<S> {
        let Exposure { impressions, places, new_places } = self.0;
        let mut map = to.serialize_map(Some(4))?;
        map.serialize_entry("impressions", impressions)?;
        map.serialize_entry("places", places)?;
        map.serialize_entry("new_places", new_places)?;
        map.serialize_entry("share", &self.0.share())?;
        map.end()
    }
}
