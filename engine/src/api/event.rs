//! Events: what people do.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use crate::api::action::Action;

use crate::api::config::Config;
use crate::api::decode;
use crate::base::error::{Error, Result};
use crate::base::id::check_id;
use crate::base::limits::{self, at_most};
use crate::base::time::Timestamp;

/// Segments: values by name, such as the country `UK`.
pub(crate) type Segments = BTreeMap<String, String>;

/// Checks the number of segments, and that names and values have 1 to [`limits::MAX_SEGMENT_BYTES`] bytes.
pub(crate) fn check_segments(segments: &Segments) -> Result<()> {
    at_most("segments", limits::MAX_SEGMENTS, segments.len())?;
    for (name, value) in segments {
        at_most("bytes of a segment's name", limits::MAX_SEGMENT_BYTES, name.len())?;
        at_most("bytes of a segment's value", limits::MAX_SEGMENT_BYTES, value.len())?;
        if name.is_empty() || value.is_empty() {
            let found = format!("\"{name}\": \"{value}\"");
            return Err(Error::argument("segments", "names and values of at least 1 byte", found));
        }
    }
    Ok(())
}

/// Refuses a time more than a day in the future, which no clock is wrong by, or before 1970, which no log reaches back to.
fn check_event_time(time: Timestamp, now: Timestamp) -> Result<()> {
    const DAY: i64 = 86_400_000;
    if time.millis() < 0 {
        return Err(Error::argument("time", "a time from 1970 on", time.described()));
    }
    if time > Timestamp::from_millis(now.millis() + DAY) {
        return Err(Error::argument("time", "a time at most a day from now, in seconds since 1970", time.described()));
    }
    Ok(())
}

/// Checks the name of an import.
pub(crate) fn check_batch(batch: Option<&str>) -> Result<()> {
    at_most("bytes of a batch's name", limits::MAX_ID_BYTES, batch.map_or(0, str::len))?;
    match batch {
        Some("") => Err(Error::argument("batch", "a name of at least 1 byte, or none", "an empty text")),
        _ => Ok(()),
    }
}

/// One event of one user.
///
/// ```
/// use onelist::{Action, Event};
/// let event = Event::new("u7", Action::Click).item("sku-9");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// The user's id: 1 to 512 bytes. Unknown users are created.
    pub user: String,
    /// What was done: a standard action ([`Action::standard`]), or one that [`Config::actions`] declares. A click when JSON does
    /// not say.
    #[serde(default = "click")]
    pub action: Action,
    /// The item it was done to. An id that was never put is kept, and counts once the item is put.
    pub item: Option<String>,
    /// The query, of a search.
    pub query: Option<String>,
    /// A rating, a quantity, seconds watched: finite. A rating needs one, on the scale ([`Config::rating_scale`]).
    pub value: Option<f64>,
    /// When; the time of logging when not given. From 1970 to a day from now.
    #[serde(default, deserialize_with = "decode::moment")]
    pub time: Option<Timestamp>,
    /// The ranking that the user answered to.
    pub rank_id: Option<String>,
    /// The basket, order or session that the event belongs to: what shares one was had together. At most 512 bytes.
    pub basket: Option<String>,
    /// Which segments the user was in, by name: `country` is `UK`. What is popular is counted in each of them, and the
    /// latest value of each name is kept with the user, for requests. At most 8, with names and values of 1 to 128 bytes.
    #[serde(default)]
    pub segments: BTreeMap<String, String>,
    /// The import that the event came with, such as `2026-11-shop-a`: [`Engine::delete_events`](crate::Engine::delete_events)
    /// can delete an import as a whole. At most 512 bytes.
    #[serde(default)]
    pub batch: Option<String>,
}

/// What an event is that says no more than its user and its item.
fn click() -> Action {
    Action::Click
}

impl Event {
    /// An event of `user`; add an item or a query to it.
    pub fn new(user: impl Into<String>, action: Action) -> Self {
        Event {
            user: user.into(),
            action,
            item: None,
            query: None,
            value: None,
            time: None,
            rank_id: None,
            basket: None,
            segments: BTreeMap::new(),
            batch: None,
        }
    }

    /// Sets the item.
    pub fn item(mut self, item: impl Into<String>) -> Self {
        self.item = Some(item.into());
        self
    }

    /// Sets the query.
    pub fn query(mut self, query: impl Into<String>) -> Self {
        self.query = Some(query.into());
        self
    }

    /// Sets the value.
    pub fn value(mut self, value: f64) -> Self {
        self.value = Some(value);
        self
    }

    /// Sets the time.
    pub fn at(mut self, time: Timestamp) -> Self {
        self.time = Some(time);
        self
    }

    /// Names the ranking that the user answered to.
    pub fn answers(mut self, rank_id: impl Into<String>) -> Self {
        self.rank_id = Some(rank_id.into());
        self
    }

    /// Sets the basket.
    pub fn basket(mut self, basket: impl Into<String>) -> Self {
        self.basket = Some(basket.into());
        self
    }

    /// Names the import that the event comes with.
    pub fn batch(mut self, batch: impl Into<String>) -> Self {
        self.batch = Some(batch.into());
        self
    }

    /// Names a segment that the user was in.
    pub fn segment(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.segments.insert(name.into(), value.into());
        self
    }

    /// Checks ids, lengths and numbers, the action and the time, as of `now`.
    pub(crate) fn check(&self, config: &Config, now: Timestamp) -> Result<()> {
        self.check_form()?;
        self.action.check(self.value, config)?;
        self.time.map_or(Ok(()), |time| check_event_time(time, now))
    }

    /// Checks ids, lengths and numbers: what holds for an event that another store has taken, too.
    pub(crate) fn check_form(&self) -> Result<()> {
        check_id("user", &self.user)?;
        if let Some(item) = &self.item {
            check_id("item", item)?;
        }
        if self.item.is_none() && self.query.is_none() {
            return Err(Error::argument("event", "an item or a query", "neither"));
        }
        at_most("bytes of an event's query", limits::MAX_QUERY_BYTES, self.query.as_deref().map_or(0, str::len))?;
        at_most("bytes of a rank_id", limits::MAX_ID_BYTES, self.rank_id.as_deref().map_or(0, str::len))?;
        at_most("bytes of a basket", limits::MAX_ID_BYTES, self.basket.as_deref().map_or(0, str::len))?;
        check_segments(&self.segments)?;
        check_batch(self.batch.as_deref())?;
        if self.value.is_some_and(|v| !v.is_finite()) {
            return Err(Error::NonFinite { what: "event value".to_owned(), index: 0 });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::config::Meaning;

    #[test]
    fn an_event_is_checked_part_by_part_up_to_its_limits() {
        let long = |bytes: usize| "x".repeat(bytes);
        let config = Config::default().action(long(limits::MAX_FIELD_NAME_BYTES), Meaning::Positive, 1.0);
        let event = || Event::new("ada", Action::Click).item("a");
        let refused = |event: Event| event.check(&config, Timestamp::from_seconds(1e9)).err().map(|error| error.name());
        let full = Event {
            query: Some(long(limits::MAX_QUERY_BYTES)),
            action: Action::named(&long(limits::MAX_FIELD_NAME_BYTES)),
            rank_id: Some(long(limits::MAX_ID_BYTES)),
            basket: Some(long(limits::MAX_ID_BYTES)),
            batch: Some(long(limits::MAX_ID_BYTES)),
            value: Some(f64::MAX),
            segments: (0..limits::MAX_SEGMENTS).map(|n| (format!("{n}"), long(limits::MAX_SEGMENT_BYTES))).collect(),
            ..event()
        };
        assert_eq!(refused(full.clone()), None);
        assert_eq!(refused(Event { item: None, ..full.clone() }), None, "a search names no item");
        assert_eq!(refused(Event::new("ada", Action::Click)), Some("InvalidArgument"));
        assert_eq!(refused(Event { user: String::new(), ..event() }), Some("InvalidId"));
        assert_eq!(refused(event().item("")), Some("InvalidId"));
        assert_eq!(refused(event().item(long(limits::MAX_ID_BYTES + 1))), Some("InvalidId"));
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(refused(event().value(value)), Some("NonFinite"));
        }
        assert_eq!(refused(event().segment("", "x")), Some("InvalidArgument"));
        assert_eq!(refused(event().segment("country", "")), Some("InvalidArgument"));
        for over in [
            Event { query: Some(long(limits::MAX_QUERY_BYTES + 1)), ..event() },
            Event { action: Action::named(&long(limits::MAX_FIELD_NAME_BYTES + 1)), ..event() },
            event().answers(long(limits::MAX_ID_BYTES + 1)),
            event().basket(long(limits::MAX_ID_BYTES + 1)),
            event().batch(long(limits::MAX_ID_BYTES + 1)),
            event().segment(long(limits::MAX_SEGMENT_BYTES + 1), "x"),
            event().segment("x", long(limits::MAX_SEGMENT_BYTES + 1)),
            full.clone().segment("one more", "x"),
        ] {
            assert_eq!(refused(over), Some("LimitExceeded"));
        }
    }

    #[test]
    fn a_time_lies_between_1970_and_a_day_from_now() {
        let (now, config) = (Timestamp::from_seconds(1.7e9), Config::default());
        let refused = |seconds: f64| {
            let event = Event::new("ada", Action::Click).item("a").at(Timestamp::from_seconds(seconds));
            event.check(&config, now).err().map(|error| error.to_string())
        };
        for seconds in [0.0, 1.0, 1.6e9, 1.7e9, 1.7e9 + 86_400.0] {
            assert_eq!(refused(seconds), None, "{seconds}");
        }
        let future = refused(1.7e9 + 86_401.0).expect("is refused");
        assert!(future.contains("at most a day from now") && future.contains("2023-11-15"), "{future}");
        assert!(refused(-1.0).expect("is refused").contains("from 1970 on"));
        // What a time of another unit comes to: as it is, or at the end of the range.
        for wrong in [1e11, 1.7e12, 1.7e15, f64::INFINITY] {
            assert!(refused(wrong).expect("is refused").contains("milliseconds"), "{wrong}");
        }
    }
}
