//! Filters from JSON.

use super::parse::{Json, one};
use super::place::Place;
use super::read::{entries, flag, list, number, text, time, unknown, wrong};
use crate::api::filter::{Compare, Filter, Scalar};
use crate::base::error::Result;

/// Reads a filter: an object whose keys are field names, all of which must hold.
///
/// - `{"genres": "Comedy"}`: the field, or one of its tags, equals the value.
/// - `{"year": {">=": 1990, "<": 2000}}`: comparisons; `=`, `!=`, `<`, `<=`, `>`, `>=`. An item without the field satisfies
///   `!=` and no other.
/// - `{"tags": {"in": ["red", "blue"]}}`: equals one of these.
/// - `{"title": {"match": "red shoes"}}`: contains every word.
/// - `{"price": {"exists": true}}`: the item has the field, or with `false`, has it not.
/// - `{"place": {"near": {"lat": 48.8, "lon": 2.3, "meters": 5000}}}`: within a distance.
/// - `{"and": [..]}`, `{"or": [..]}`, `{"not": {..}}`: filters of filters. (Fields of these three names cannot be filtered.)
///
/// A value is a string, a number, a boolean, or `{"date": seconds}`. An empty object lets everything through.
///
/// ```
/// let filter = onelist::json::filter_from_json(r#"{"price": {"<": 90}, "not": {"tags": "sold"}}"#)?;
/// let same = onelist::Filter::less("price", 90.0).and(onelist::Filter::equal("tags", "sold").not());
/// assert_eq!(filter, same);
/// # Ok::<(), onelist::Error>(())
/// ```
///
/// # Errors
/// [`Error::InvalidArgument`](crate::Error::InvalidArgument) or [`Error::UnknownField`](crate::Error::UnknownField) (an
/// operator that is not known), naming the place, or [`Error::LimitExceeded`](crate::Error::LimitExceeded) for too much
/// nesting or too many conditions.
pub fn filter_from_json(json: &str) -> Result<Filter> {
    filter(one("filter", json)?, &Place::Root("filter"))
}

/// As [`filter_from_json`], on a tree.
pub(super) fn filter(json: Json<'_>, at: &Place<'_>) -> Result<Filter> {
    let filter = nested(json, at)?;
    filter.check()?;
    Ok(filter)
}

/// The parser bounds how deep the tree is, and so this recursion.
fn nested(json: Json<'_>, at: &Place<'_>) -> Result<Filter> {
    let mut all = Vec::new();
    for (key, json) in entries(json, at)? {
        let at = &at.key(&key);
        match &*key {
            "and" => all.push(Filter::And(list(json, at, nested)?)),
            "or" => all.push(Filter::Or(list(json, at, nested)?)),
            "not" => all.push(nested(json, at)?.not()),
            field => conditions(field, json, at, &mut all)?,
        }
    }
    // One condition stands for itself, so that the nesting that is counted is the nesting that was written.
    match all.pop() {
        Some(only) if all.is_empty() => Ok(only),
        Some(last) => {
            all.push(last);
            Ok(Filter::And(all))
        }
        None => Ok(Filter::And(all)),
    }
}

/// The conditions on one field.
fn conditions(field: &str, json: Json<'_>, at: &Place<'_>, all: &mut Vec<Filter>) -> Result<()> {
    let Json::Map(entries) = json else {
        all.push(Filter::equal(field, scalar(json, at)?));
        return Ok(());
    };
    if entries.is_empty() || matches!(&entries[..], [(key, _)] if key == "date") {
        all.push(Filter::equal(field, scalar(Json::Map(entries), at)?));
        return Ok(());
    }
    for (operator, json) in entries {
        all.push(condition(field, &operator, json, &at.key(&operator))?);
    }
    Ok(())
}

fn condition(field: &str, operator: &str, json: Json<'_>, at: &Place<'_>) -> Result<Filter> {
    const KNOWN: [&str; 10] = ["=", "!=", "<", "<=", ">", ">=", "in", "match", "exists", "near"];
    let compare = match operator {
        "=" => Compare::Equal,
        "!=" => return Ok(Filter::equal(field, scalar(json, at)?).not()),
        "<" => Compare::Less,
        "<=" => Compare::LessOrEqual,
        ">" => Compare::Greater,
        ">=" => Compare::GreaterOrEqual,
        "in" => return Ok(Filter::one_of(field, list(json, at, scalar)?)),
        "match" => return Ok(Filter::matches_text(field, text(json, at)?)),
        "exists" => {
            let wanted = flag(json, at)?;
            let exists = Filter::exists(field);
            return Ok(if wanted { exists } else { exists.not() });
        }
        "near" => return near(field, json, at),
        _ => return Err(unknown(at, &KNOWN)),
    };
    Ok(Filter::Compare { field: field.to_owned(), compare, value: scalar(json, at)? })
}

fn near(field: &str, json: Json<'_>, at: &Place<'_>) -> Result<Filter> {
    const FORM: &str = "{\"lat\": degrees, \"lon\": degrees, \"meters\": distance}";
    let (mut lat, mut lon, mut meters) = (None, None, None);
    for (key, json) in entries(json, at)? {
        let at = &at.key(&key);
        match &*key {
            "lat" => lat = Some(number(json, at)?),
            "lon" => lon = Some(number(json, at)?),
            "meters" => meters = Some(number(json, at)?),
            _ => return Err(unknown(at, &["lat", "lon", "meters"])),
        }
    }
    match (lat, lon, meters) {
        (Some(lat), Some(lon), Some(meters)) => Ok(Filter::near(field, lat, lon, meters)),
        _ => Err(crate::Error::argument(at.to_string(), FORM, "an object without one of them")),
    }
}

fn scalar(json: Json<'_>, at: &Place<'_>) -> Result<Scalar> {
    const FORM: &str = "a string, a number, a boolean, {\"date\": seconds} or an object of operators (one of several \
                        values: {\"in\": [..]}; an absent field: {\"exists\": false})";
    match json {
        Json::Text(text) => Ok(Scalar::Text(text.into_owned())),
        Json::Number(number) => Ok(Scalar::Number(number)),
        Json::Bool(flag) => Ok(Scalar::Bool(flag)),
        Json::Map(mut map) => match (map.pop(), map.is_empty()) {
            (Some((key, json)), true) if key == "date" => Ok(Scalar::Date(time(json, &at.key("date"))?)),
            (last, _) => {
                map.extend(last);
                Err(wrong(at, FORM, &Json::Map(map)))
            }
        },
        other => Err(wrong(at, FORM, &other)),
    }
}
