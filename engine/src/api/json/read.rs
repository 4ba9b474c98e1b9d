//! The steps that every reader is made of: each takes a value of one shape, or says what it found instead.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::parse::Json;
use super::place::{Place, shortened};
use crate::base::error::{Error, Result};
use crate::base::time::Timestamp;

/// The keys and values of an object.
pub(super) type Entries<'a> = Vec<(Cow<'a, str>, Json<'a>)>;

/// The error for a value of another shape.
pub(super) fn wrong(at: &Place<'_>, expected: &str, found: &Json<'_>) -> Error {
    let found = match found {
        Json::Null => "null".to_owned(),
        Json::Bool(flag) => flag.to_string(),
        Json::Number(number) => format!("{number:?}"),
        Json::Text(text) => format!("\"{}\"", shortened(text)),
        Json::List(list) => format!("an array of {}", list.len()),
        Json::Map(map) => {
            let keys: Vec<String> = map.iter().take(4).map(|(key, _)| shortened(key)).collect();
            let more = if map.len() > 4 { ", ..." } else { "" };
            format!("an object with {} keys ({}{more})", map.len(), keys.join(", "))
        }
    };
    Error::argument(at.to_string(), expected, found)
}

/// The error for a key that an object must have.
pub(super) fn missing(at: &Place<'_>, key: &str) -> Error {
    Error::argument(at.to_string(), format!("an object with the key `{key}`"), "none")
}

/// The error for a key that is not known: it lists those that are.
pub(super) fn unknown(at: &Place<'_>, known: &[&str]) -> Error {
    Error::UnknownField { field: at.to_string(), known: known.join(", ") }
}

/// `None` for `null`, which means "not given".
pub(super) fn given<'a, T>(
    json: Json<'a>,
    at: &Place<'_>,
    read: impl FnOnce(Json<'a>, &Place<'_>) -> Result<T>,
) -> Result<Option<T>> {
    match json {
        Json::Null => Ok(None),
        json => read(json, at).map(Some),
    }
}

/// Reads into `slot`; `null` leaves the default that is there.
pub(super) fn set<'a, T>(
    slot: &mut T,
    json: Json<'a>,
    at: &Place<'_>,
    read: impl FnOnce(Json<'a>, &Place<'_>) -> Result<T>,
) -> Result<()> {
    if let Some(value) = given(json, at, read)? {
        *slot = value;
    }
    Ok(())
}

/// An object of texts.
pub(super) fn text_map(json: Json<'_>, at: &Place<'_>) -> Result<BTreeMap<String, String>> {
    entries(json, at)?.into_iter().map(|(key, json)| Ok((key.to_string(), text(json, &at.key(&key))?))).collect()
}

pub(super) fn entries<'a>(json: Json<'a>, at: &Place<'_>) -> Result<Entries<'a>> {
    match json {
        Json::Map(map) => Ok(map),
        other => Err(wrong(at, "an object", &other)),
    }
}

/// An array, each element read by `read`.
pub(super) fn list<'a, T>(
    json: Json<'a>,
    at: &Place<'_>,
    read: impl Fn(Json<'a>, &Place<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    match json {
        Json::List(list) => list.into_iter().enumerate().map(|(i, json)| read(json, &at.index(i))).collect(),
        other => Err(wrong(at, "an array", &other)),
    }
}

pub(super) fn text(json: Json<'_>, at: &Place<'_>) -> Result<String> {
    match json {
        Json::Text(text) => Ok(text.into_owned()),
        other => Err(wrong(at, "a string", &other)),
    }
}

pub(super) fn texts(json: Json<'_>, at: &Place<'_>) -> Result<Vec<String>> {
    list(json, at, text)
}

pub(super) fn flag(json: Json<'_>, at: &Place<'_>) -> Result<bool> {
    match json {
        Json::Bool(flag) => Ok(flag),
        other => Err(wrong(at, "true or false", &other)),
    }
}

pub(super) fn number(json: Json<'_>, at: &Place<'_>) -> Result<f64> {
    match json {
        Json::Number(number) => Ok(number),
        other => Err(wrong(at, "a number", &other)),
    }
}

/// A count. What passes `usize` becomes its largest value, which every limit refuses by its own name.
pub(super) fn whole(json: Json<'_>, at: &Place<'_>) -> Result<usize> {
    match json {
        Json::Number(number) if number >= 0.0 && number.fract() == 0.0 => Ok(number as usize),
        other => Err(wrong(at, "a whole number, 0 or more", &other)),
    }
}

/// A single-precision number.
///
/// # Errors
/// [`Error::NonFinite`] for one beyond the range of `f32`: it would become infinite without a word.
pub(super) fn single(json: Json<'_>, at: &Place<'_>) -> Result<f32> {
    let single = number(json, at)? as f32;
    if single.is_finite() { Ok(single) } else { Err(Error::NonFinite { what: at.to_string(), index: 0 }) }
}

/// A vector: an array of numbers.
///
/// # Errors
/// [`Error::NonFinite`], with the index of the component, for one beyond the range of `f32`.
pub(super) fn vector(json: Json<'_>, at: &Place<'_>) -> Result<Vec<f32>> {
    let vector: Vec<f32> = list(json, at, |json, at| number(json, at).map(|number| number as f32))?;
    match vector.iter().position(|x| !x.is_finite()) {
        Some(index) => Err(Error::NonFinite { what: at.to_string(), index }),
        None => Ok(vector),
    }
}

/// Seconds since the Unix epoch. A number outside the years 1 to 9999 is refused rather than clamped, because it is most
/// likely milliseconds.
pub(super) fn time(json: Json<'_>, at: &Place<'_>) -> Result<Timestamp> {
    match json {
        Json::Number(seconds) if seconds >= Timestamp::MIN.seconds() && seconds <= Timestamp::MAX.seconds() => {
            Ok(Timestamp::from_seconds(seconds))
        }
        other => Err(wrong(at, "seconds since 1970 (not milliseconds), in the years 1 to 9999", &other)),
    }
}
