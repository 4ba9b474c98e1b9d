//! The controls of a request, from JSON.

use super::parse::Json;
use super::place::Place;
use super::read::{entries, given, list, missing, number, set, single, text, texts, unknown, whole, wrong};
use crate::api::controls::{Cap, ExcludeSeen, Mix, Personalization, SeenWhen};
use crate::api::event::Action;
use crate::base::error::{Error, Result};
use crate::base::limits::{self, at_most};

/// True, false, or the conditions.
pub(super) fn exclude_seen(json: Json<'_>, at: &Place<'_>) -> Result<ExcludeSeen> {
    let entries = match json {
        Json::Bool(all) => return Ok(all.into()),
        Json::Map(entries) => entries,
        other => return Err(wrong(at, "true, false or an object with `actions` and `within_days`", &other)),
    };
    let mut when = SeenWhen::default();
    for (key, json) in entries {
        let at = &at.key(&key);
        match &*key {
            "actions" => set(&mut when.actions, json, at, actions)?,
            "within_days" => when.within_days = given(json, at, number)?,
            _ => return Err(unknown(at, &["actions", "within_days"])),
        }
    }
    Ok(ExcludeSeen::When(when))
}

fn actions(json: Json<'_>, at: &Place<'_>) -> Result<Vec<Action>> {
    let names = texts(json, at)?;
    at_most("actions in exclude_seen", limits::MAX_SEEN_ACTIONS, names.len())?;
    Ok(names.iter().map(|name| Action::named(name)).collect())
}

pub(super) fn personalization(json: Json<'_>, at: &Place<'_>) -> Result<Personalization> {
    match json {
        Json::Text(name) => Personalization::named(&name),
        other => Err(wrong(at, "off, low, medium or high", &other)),
    }
}

pub(super) fn caps(json: Json<'_>, at: &Place<'_>) -> Result<Vec<Cap>> {
    list(json, at, |json, at| {
        let (mut field, mut most) = (None, None);
        for (key, json) in entries(json, at)? {
            let at = &at.key(&key);
            match &*key {
                "field" => field = given(json, at, text)?,
                "most" => most = given(json, at, whole)?,
                _ => return Err(unknown(at, &["field", "most"])),
            }
        }
        cap(field, most, at)
    })
}

/// A cap of its two parts, both of which it must have.
pub(super) fn cap(field: Option<String>, most: Option<usize>, at: &Place<'_>) -> Result<Cap> {
    Ok(Cap { field: field.ok_or_else(|| missing(at, "field"))?, most: most.ok_or_else(|| missing(at, "most"))? })
}

pub(super) fn mix(json: Json<'_>, at: &Place<'_>) -> Result<Mix> {
    let (mut field, mut strength) = (None, None);
    for (key, json) in entries(json, at)? {
        let at = &at.key(&key);
        match &*key {
            "field" => field = given(json, at, text)?,
            "strength" => strength = given(json, at, single)?,
            _ => return Err(unknown(at, &["field", "strength"])),
        }
    }
    let form =
        || Error::argument(at.to_string(), "{\"field\": name, \"strength\": 0 to 1}", "an object without one of them");
    Ok(Mix { field: field.ok_or_else(form)?, strength: strength.ok_or_else(form)? })
}
