//! What is read from JSON: the functions, and what each of the forms is.

use super::read::{batch, one};
use crate::api::config::Config;
use crate::api::decode::keys;
use crate::api::evaluation::{External, Plan};
use crate::api::event::Event;
use crate::api::filter::Filter;
use crate::api::item::Item;
use crate::api::request::Request;
use crate::api::rule::Rule;
use crate::api::training::TrainingPlan;
use crate::base::error::Result;
use crate::base::limits::{self, at_most};

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
    one("item", json)
}

/// Reads a batch of items: an array, or NDJSON. An empty text is an empty batch.
///
/// # Errors
/// Those of [`item_from_json`], and [`crate::Error::LimitExceeded`] for more than [`limits::MAX_BATCH`] items.
pub fn items_from_json(json: &str) -> Result<Vec<Item>> {
    batch("items", json, "items in one batch", limits::MAX_BATCH)
}

/// Reads a batch of ids: an array of strings, or strings one after the other.
///
/// # Errors
/// [`crate::Error::InvalidArgument`] naming the place, or [`crate::Error::LimitExceeded`] for more than [`limits::MAX_BATCH`] ids.
pub fn ids_from_json(json: &str) -> Result<Vec<String>> {
    batch("ids", json, "ids in one batch", limits::MAX_BATCH)
}

/// Reads a batch of events: an array, or NDJSON. An empty text is an empty batch.
///
/// An event is `{"user": "u7", "action": "click", "item": "sku-9"}`, and more keys with the names of the fields of
/// [`Event`]. Times are in seconds since the Unix epoch. Actions are named as [`Action::named`](crate::Action::named)
/// takes them.
///
/// # Errors
/// [`Error::InvalidArgument`](crate::Error::InvalidArgument) or [`Error::UnknownField`](crate::Error::UnknownField), naming
/// the place, or [`Error::LimitExceeded`](crate::Error::LimitExceeded) for more than [`limits::MAX_BATCH`] events.
pub fn events_from_json(json: &str) -> Result<Vec<Event>> {
    batch("events", json, "events in one batch", limits::MAX_BATCH)
}

/// Every key that [`events_from_json`] takes.
pub fn event_keys() -> &'static [&'static str] {
    keys::<Event>()
}

/// Reads a request: an object whose keys are the fields of [`Request`], all optional ([`request_keys`] lists them).
///
/// `history` is an array of item ids (views at the time of the request) or of `{"item", "action", "value", "time"}`, oldest
/// first; `segments` maps names to texts; `vectors` maps names of vector fields to arrays of numbers; `filter` is as in
/// [`filter_from_json`]; `now` is in seconds since the Unix epoch; `exclude_seen` is true, false or an object, and what
/// else is a struct in [`Request`] is an object with the fields of that struct; `rules` is as in [`rules_from_json`].
///
/// # Errors
/// [`Error::InvalidArgument`](crate::Error::InvalidArgument) or [`Error::UnknownField`](crate::Error::UnknownField), naming
/// the place, [`Error::NonFinite`](crate::Error::NonFinite), or [`Error::LimitExceeded`](crate::Error::LimitExceeded).
/// Counts, ids and filters are checked by `rank`.
pub fn request_from_json(json: &str) -> Result<Request> {
    one("request", json)
}

/// Reads a batch of requests: an array, or NDJSON. An empty text is an empty batch.
///
/// # Errors
/// Those of [`request_from_json`], and [`Error::LimitExceeded`](crate::Error::LimitExceeded) for more than
/// [`limits::MAX_REQUESTS`] requests.
pub fn requests_from_json(json: &str) -> Result<Vec<Request>> {
    batch("requests", json, "requests in one batch", limits::MAX_REQUESTS)
}

/// Every key that [`request_from_json`] takes: what a request can hold, for the bindings' documents and their tests.
pub fn request_keys() -> &'static [&'static str] {
    keys::<Request>()
}

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
    let filter: Filter = one("filter", json)?;
    filter.check()?;
    Ok(filter)
}

/// Reads rules: an array of objects, each with the name of its `rule` and what that takes.
///
/// ```
/// let rules = onelist::json::rules_from_json(
///     r#"[{"rule": "pin", "item": "sku-9", "position": 1},
///         {"rule": "boost", "filter": {"tags": "new"}, "amount": 0.2},
///         {"rule": "bury", "ids": ["sku-1"], "amount": 0.5},
///         {"rule": "require", "filter": {"in_stock": true}},
///         {"rule": "exclude", "ids": ["sku-2"]},
///         {"rule": "cap", "field": "brand", "most": 2}]"#,
/// )?;
/// assert_eq!(rules.len(), 6);
/// # Ok::<(), onelist::Error>(())
/// ```
///
/// # Errors
/// [`Error::InvalidArgument`](crate::Error::InvalidArgument) or [`Error::UnknownField`](crate::Error::UnknownField), naming
/// the place, or [`Error::LimitExceeded`](crate::Error::LimitExceeded).
pub fn rules_from_json(json: &str) -> Result<Vec<Rule>> {
    let rules: Vec<Rule> = one("rules", json)?;
    at_most("rules", limits::MAX_RULES, rules.len())?;
    Ok(rules)
}

/// Reads a configuration: an object whose keys are the fields of [`Config`] ([`config_keys`] lists them); what is left out
/// keeps its default.
///
/// What is a struct in [`Config`] is an object with the fields of that struct, and what is an enum the name of a variant in
/// lower case; `impressions` may be true or false instead; `rating_scale` is `[lowest, highest]`; `weights` is an array of
/// arrays of numbers.
///
/// # Errors
/// [`Error::InvalidArgument`](crate::Error::InvalidArgument), [`Error::UnknownField`](crate::Error::UnknownField) or
/// [`Error::NonFinite`](crate::Error::NonFinite), naming the place. Ranges are checked by `open`.
pub fn config_from_json(json: &str) -> Result<Config> {
    one("config", json)
}

/// Every key that [`config_from_json`] takes.
pub fn config_keys() -> &'static [&'static str] {
    keys::<Config>()
}

/// Reads a plan: an object whose keys are the fields of [`Plan`]; what is left out keeps its default.
///
/// `protocol` is `time_split` (with `at_fraction` or `at_time`), `leave_last_out`, `item_cold` or `user_cold` (with `share`);
/// `targets` is `first_new`, `first`, `last` or `every`; `queries` is an array of
/// `{"query", "grades": {id: grade}, "user", "time"}`, where `grades` may be an array of ids of grade 1; `variants` an array
/// of `{"name", "weights", "model"}`; `external` an array of what [`external_from_json`] reads.
///
/// # Errors
/// [`Error::InvalidArgument`](crate::Error::InvalidArgument), [`Error::UnknownField`](crate::Error::UnknownField) or
/// [`Error::NonFinite`](crate::Error::NonFinite), naming the place. Ranges are checked by `evaluate`.
pub fn plan_from_json(json: &str) -> Result<Plan> {
    one("plan", json)
}

/// Reads the answers of an external system: `{"name", "targets_hash", "answers": {"0": [..], "1": {..}}}`, where an answer is
/// an array of item ids, best first, or an object of scores by item id.
///
/// # Errors
/// [`Error::InvalidArgument`](crate::Error::InvalidArgument), [`Error::UnknownField`](crate::Error::UnknownField) or
/// [`Error::NonFinite`](crate::Error::NonFinite), naming the place. Questions and items are checked by `evaluate`.
pub fn external_from_json(json: &str) -> Result<External> {
    one("external", json)
}

/// Reads a plan of a training file: an object whose keys are the fields of [`TrainingPlan`]; `until` is in seconds since the
/// Unix epoch.
///
/// # Errors
/// [`Error::InvalidArgument`](crate::Error::InvalidArgument), [`Error::UnknownField`](crate::Error::UnknownField) or
/// [`Error::NonFinite`](crate::Error::NonFinite), naming the place. Ranges are checked by `export_training`.
pub fn training_plan_from_json(json: &str) -> Result<TrainingPlan> {
    one("plan", json)
}
