//! Configurations from JSON.

use std::collections::BTreeMap;

use super::parse::{Json, one};
use super::place::Place;
use super::read::{entries, flag, given, list, number, set, single, text, unknown, whole, wrong};
use super::shown::{explore, impressions, new_items};
use crate::api::config::{ActionConfig, Config, FieldConfig, Meaning, Precision, Provider};
use crate::api::item::Kind;
use crate::api::retention::Retention;
use crate::base::error::Result;

/// Reads a configuration: an object whose keys are the fields of [`Config`]; what is left out keeps its default.
///
/// `fields` maps names to `{"kind", "boost", "embed"}`, with the kinds `text`, `number`, `bool`, `date`, `tags`, `geo` and
/// `vector`; `provider` is `cpu`, `cuda` or `tensorrt`, `precision` `full` or `reduced`; `rating_scale` is `[lowest, highest]`; `actions` maps names to
/// `{"meaning", "weight"}` with the meanings `positive`, `neutral` and `negative`; `weights` is an array of
/// arrays of numbers; `retention` is `{"per_user", "total", "days"}`; `impressions` is true, false or `{"enabled", "share", "most"}`; `explore` and `new_items` are as in
/// [`request_from_json`](super::request_from_json).
///
/// # Errors
/// [`Error::InvalidArgument`](crate::Error::InvalidArgument), [`Error::UnknownField`](crate::Error::UnknownField) or
/// [`Error::NonFinite`](crate::Error::NonFinite), naming the place. Ranges are checked by `open`.
pub fn config_from_json(json: &str) -> Result<Config> {
    config(one("config", json)?, &Place::Root("config"))
}

fn config(json: Json<'_>, at: &Place<'_>) -> Result<Config> {
    const KNOWN: [&str; 26] = [
        "fields",
        "strict",
        "date_field",
        "onnxruntime",
        "model",
        "provider",
        "provider_fallback",
        "precision",
        "engine_cache",
        "sessions",
        "threads_per_session",
        "index_threads",
        "candidates",
        "weights",
        "calibrate",
        "fit_space",
        "re_embed",
        "actions",
        "rating_scale",
        "session_gap",
        "retention",
        "impressions",
        "explore",
        "new_items",
        "max_bytes",
        "force_network_fs",
    ];
    let mut config = Config::default();
    for (key, json) in entries(json, at)? {
        let at = &at.key(&key);
        match &*key {
            "fields" => set(&mut config.fields, json, at, fields)?,
            "strict" => set(&mut config.strict, json, at, flag)?,
            "date_field" => config.date_field = given(json, at, text)?,
            "onnxruntime" => config.onnxruntime = given(json, at, text)?.map(Into::into),
            "model" => config.model = given(json, at, text)?.map(Into::into),
            "provider" => set(&mut config.provider, json, at, provider)?,
            "provider_fallback" => set(&mut config.provider_fallback, json, at, flag)?,
            "precision" => set(&mut config.precision, json, at, precision)?,
            "engine_cache" => config.engine_cache = given(json, at, text)?.map(Into::into),
            "sessions" => set(&mut config.sessions, json, at, whole)?,
            "threads_per_session" => set(&mut config.threads_per_session, json, at, whole)?,
            "index_threads" => set(&mut config.index_threads, json, at, whole)?,
            "candidates" => set(&mut config.candidates, json, at, whole)?,
            "weights" => {
                set(&mut config.weights, json, at, |json, at| list(json, at, |row, at| list(row, at, single)))?
            }
            "calibrate" => set(&mut config.calibrate, json, at, flag)?,
            "fit_space" => set(&mut config.fit_space, json, at, flag)?,
            "re_embed" => set(&mut config.re_embed, json, at, flag)?,
            "actions" => set(&mut config.actions, json, at, actions)?,
            "rating_scale" => set(&mut config.rating_scale, json, at, rating_scale)?,
            "session_gap" => set(&mut config.session_gap, json, at, number)?,
            "retention" => set(&mut config.retention, json, at, retention)?,
            "impressions" => set(&mut config.impressions, json, at, impressions)?,
            "explore" => config.explore = given(json, at, explore)?,
            "new_items" => config.new_items = given(json, at, new_items)?,
            "max_bytes" => set(&mut config.max_bytes, json, at, |json, at| whole(json, at).map(|bytes| bytes as u64))?,
            "force_network_fs" => set(&mut config.force_network_fs, json, at, flag)?,
            _ => return Err(unknown(at, &KNOWN)),
        }
    }
    Ok(config)
}

fn retention(json: Json<'_>, at: &Place<'_>) -> Result<Retention> {
    let mut kept = Retention::default();
    for (key, json) in entries(json, at)? {
        let at = &at.key(&key);
        match &*key {
            "per_user" => kept.per_user = given(json, at, whole)?,
            "total" => kept.total = given(json, at, whole)?.map(|total| total as u64),
            "days" => kept.days = given(json, at, number)?,
            _ => return Err(unknown(at, &["per_user", "total", "days"])),
        }
    }
    Ok(kept)
}

fn fields(json: Json<'_>, at: &Place<'_>) -> Result<BTreeMap<String, FieldConfig>> {
    let entries = entries(json, at)?;
    entries.into_iter().map(|(name, json)| Ok((name.to_string(), field(json, &at.key(&name))?))).collect()
}

fn actions(json: Json<'_>, at: &Place<'_>) -> Result<BTreeMap<String, ActionConfig>> {
    let entries = entries(json, at)?;
    entries.into_iter().map(|(name, json)| Ok((name.to_string(), action(json, &at.key(&name))?))).collect()
}

fn action(json: Json<'_>, at: &Place<'_>) -> Result<ActionConfig> {
    let mut action = ActionConfig { meaning: Meaning::Positive, weight: 1.0 };
    for (key, json) in entries(json, at)? {
        let at = &at.key(&key);
        match &*key {
            "meaning" => {
                let all = [Meaning::Positive, Meaning::Neutral, Meaning::Negative];
                set(&mut action.meaning, json, at, |json, at| named(json, at, &all, Meaning::name))?;
            }
            "weight" => set(&mut action.weight, json, at, single)?,
            _ => return Err(unknown(at, &["meaning", "weight"])),
        }
    }
    Ok(action)
}

fn field(json: Json<'_>, at: &Place<'_>) -> Result<FieldConfig> {
    let mut field = FieldConfig::default();
    for (key, json) in entries(json, at)? {
        let at = &at.key(&key);
        match &*key {
            "kind" => field.kind = given(json, at, kind)?,
            "boost" => field.boost = given(json, at, single)?,
            "embed" => field.embed = given(json, at, flag)?,
            _ => return Err(unknown(at, &["kind", "boost", "embed"])),
        }
    }
    Ok(field)
}

fn kind(json: Json<'_>, at: &Place<'_>) -> Result<Kind> {
    let kinds = [Kind::Text, Kind::Number, Kind::Bool, Kind::Date, Kind::Tags, Kind::Geo, Kind::Vector];
    named(json, at, &kinds, Kind::name)
}

fn provider(json: Json<'_>, at: &Place<'_>) -> Result<Provider> {
    named(json, at, &[Provider::Cpu, Provider::Cuda, Provider::TensorRt], Provider::name)
}

fn precision(json: Json<'_>, at: &Place<'_>) -> Result<Precision> {
    named(json, at, &[Precision::Full, Precision::Reduced], Precision::name)
}

/// The one of `all` that has this name.
fn named<T: Copy>(json: Json<'_>, at: &Place<'_>, all: &[T], name: fn(T) -> &'static str) -> Result<T> {
    let found = all.iter().find(|one| matches!(&json, Json::Text(text) if text == name(**one)));
    found.copied().ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|one| name(*one)).collect();
        wrong(at, &format!("one of {}", names.join(", ")), &json)
    })
}

fn rating_scale(json: Json<'_>, at: &Place<'_>) -> Result<(f64, f64)> {
    match list(json, at, number)?[..] {
        [low, high] => Ok((low, high)),
        ref other => {
            Err(crate::Error::argument(at.to_string(), "[lowest, highest]", format!("{} numbers", other.len())))
        }
    }
}
