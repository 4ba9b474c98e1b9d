//! Events: what people do.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::api::config::{Config, Meaning};
use crate::api::decode;
use crate::base::error::{Error, Result};
use crate::base::id::check_id;
use crate::base::limits::{self, at_most};
use crate::base::time::Timestamp;

/// What a person did.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[non_exhaustive]
pub enum Action {
    /// Saw the item's page.
    View,
    /// Chose the item from a list.
    Click,
    /// Put it into the basket.
    Cart,
    /// Bought it.
    Buy,
    /// Said it is good.
    Like,
    /// Said it is bad.
    Dislike,
    /// Passed over it.
    Skip,
    /// Asked not to see it again.
    Hide,
    /// Rated it; `value` is the rating.
    Rate,
    /// Told somebody about it.
    Share,
    /// Searched; the event has a query instead of an item.
    Search,
    /// An action of the caller's own.
    Other(String),
}

impl Action {
    /// The action of a name as bindings give it. `purchase` is taken as `buy`; an unknown name is an action of the
    /// caller's own.
    pub fn named(name: &str) -> Action {
        match name {
            "view" => Action::View,
            "click" => Action::Click,
            "cart" => Action::Cart,
            "buy" | "purchase" => Action::Buy,
            "like" => Action::Like,
            "dislike" => Action::Dislike,
            "skip" => Action::Skip,
            "hide" => Action::Hide,
            "rate" => Action::Rate,
            "share" => Action::Share,
            "search" => Action::Search,
            other => Action::Other(other.to_owned()),
        }
    }

    /// The name, as [`Action::named`] takes it.
    pub fn name(&self) -> &str {
        match self {
            Action::View => "view",
            Action::Click => "click",
            Action::Cart => "cart",
            Action::Buy => "buy",
            Action::Like => "like",
            Action::Dislike => "dislike",
            Action::Skip => "skip",
            Action::Hide => "hide",
            Action::Rate => "rate",
            Action::Share => "share",
            Action::Search => "search",
            Action::Other(name) => name,
        }
    }

    /// The name of this action's row in the model. Ratings become likes and dislikes at the ends of `scale`.
    fn row_name(&self, value: Option<f64>, scale: (f64, f64)) -> &str {
        match (self, value) {
            (Action::Rate, Some(value)) => {
                let share = (value - scale.0) / (scale.1 - scale.0);
                if share >= 0.75 {
                    "like"
                } else if share <= 0.375 {
                    "dislike"
                } else {
                    "rate"
                }
            }
            (Action::Other(_), _) => "custom",
            _ => self.name(),
        }
    }

    /// The name of this action's row in the model, under a configuration.
    pub(crate) fn model_row(&self, value: Option<f64>, config: &Config) -> &str {
        match config.actions.get(self.name()).map(|action| action.meaning) {
            Some(Meaning::Negative) => "dislike",
            // The row of padding: the event weighs nothing.
            Some(Meaning::Neutral) => "pad",
            Some(Meaning::Positive) if matches!(self, Action::Skip | Action::Hide | Action::Dislike) => "custom",
            _ => self.row_name(value, config.rating_scale),
        }
    }

    /// What this action says of its item, and how loudly: as configured, else as [`Meaning`] and weights are by default.
    /// A rating at the ends of the scale is a like or a dislike.
    pub(crate) fn meaning(&self, value: Option<f64>, config: &Config) -> (Meaning, f32) {
        if let Some(action) = config.actions.get(self.name()) {
            return (action.meaning, action.weight);
        }
        match self.row_name(value, config.rating_scale) {
            "dislike" | "hide" => (Meaning::Negative, 1.0),
            "skip" => (Meaning::Negative, 0.2),
            "view" => (Meaning::Positive, 0.5),
            "cart" | "share" => (Meaning::Positive, 1.5),
            "buy" => (Meaning::Positive, 2.0),
            // Among ratings, a like is not louder than a rating: the scale of a store's popularity stays the same.
            "like" if *self != Action::Rate => (Meaning::Positive, 2.0),
            _ => (Meaning::Positive, 1.0),
        }
    }
}

/// The name where people read it (JSON), the number of the variant in records.
impl Serialize for Action {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        if to.is_human_readable() { to.serialize_str(self.name()) } else { Action::serialize(self, to) }
    }
}

impl<'de> Deserialize<'de> for Action {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        if from.is_human_readable() {
            return String::deserialize(from).map(|name| Action::named(&name));
        }
        Action::deserialize(from)
    }
}

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
    /// What was done.
    pub action: Action,
    /// The item it was done to. An id that was never put is kept, and counts once the item is put.
    pub item: Option<String>,
    /// The query, of a search.
    pub query: Option<String>,
    /// A rating, a quantity, seconds watched: finite.
    pub value: Option<f64>,
    /// When; the time of logging when not given.
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

    /// Names a segment that the user was in.
    pub fn segment(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.segments.insert(name.into(), value.into());
        self
    }

    /// Checks ids, lengths and numbers.
    pub(crate) fn check(&self) -> Result<()> {
        check_id("user", &self.user)?;
        if let Some(item) = &self.item {
            check_id("item", item)?;
        }
        if self.item.is_none() && self.query.is_none() {
            return Err(Error::argument("event", "an item or a query", "neither"));
        }
        at_most("bytes of an event's query", limits::MAX_QUERY_BYTES, self.query.as_deref().map_or(0, str::len))?;
        at_most("bytes of an action's name", limits::MAX_FIELD_NAME_BYTES, self.action.name().len())?;
        at_most("bytes of a rank_id", limits::MAX_ID_BYTES, self.rank_id.as_deref().map_or(0, str::len))?;
        at_most("bytes of a basket", limits::MAX_ID_BYTES, self.basket.as_deref().map_or(0, str::len))?;
        check_segments(&self.segments)?;
        if self.value.is_some_and(|v| !v.is_finite()) {
            return Err(Error::NonFinite { what: "event value".to_owned(), index: 0 });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 11] =
        ["view", "click", "cart", "buy", "like", "dislike", "skip", "hide", "rate", "share", "search"];

    #[test]
    fn every_action_has_one_name_and_a_name_of_the_caller_s_own_stays() {
        for name in NAMES {
            let action = Action::named(name);
            assert_eq!(action.name(), name);
            assert!(!matches!(action, Action::Other(_)), "{name}");
        }
        assert_eq!(Action::named("purchase"), Action::Buy);
        assert_eq!(Action::named("borrow"), Action::Other("borrow".to_owned()));
    }

    #[test]
    fn actions_speak_for_or_against_with_their_weights() {
        let config = Config::default();
        let meaning = |name: &str| Action::named(name).meaning(None, &config);
        for (name, weight) in [
            ("view", 0.5),
            ("click", 1.0),
            ("cart", 1.5),
            ("buy", 2.0),
            ("like", 2.0),
            ("rate", 1.0),
            ("share", 1.5),
            ("search", 1.0),
            ("borrow", 1.0),
        ] {
            assert_eq!(meaning(name), (Meaning::Positive, weight), "{name}");
        }
        for (name, weight) in [("dislike", 1.0), ("hide", 1.0), ("skip", 0.2)] {
            assert_eq!(meaning(name), (Meaning::Negative, weight), "{name}");
        }
    }

    #[test]
    fn a_rating_speaks_by_its_place_on_the_scale() {
        let rated = |scale: (f64, f64), value: f64| {
            let config = Config { rating_scale: scale, ..Config::default() };
            (Action::Rate.meaning(Some(value), &config), Action::Rate.model_row(Some(value), &config).to_owned())
        };
        // On a scale of 1 to 5, from 4 a like and up to 2.5 a dislike; on one of 0 to 100, from 75 and up to 37.5.
        for (scale, value, meaning, row) in [
            ((1.0, 5.0), 5.0, Meaning::Positive, "like"),
            ((1.0, 5.0), 4.0, Meaning::Positive, "like"),
            ((1.0, 5.0), 3.9, Meaning::Positive, "rate"),
            ((1.0, 5.0), 2.6, Meaning::Positive, "rate"),
            ((1.0, 5.0), 2.5, Meaning::Negative, "dislike"),
            ((1.0, 5.0), 1.0, Meaning::Negative, "dislike"),
            ((0.0, 100.0), 75.0, Meaning::Positive, "like"),
            ((0.0, 100.0), 37.5, Meaning::Negative, "dislike"),
            ((0.0, 100.0), 38.0, Meaning::Positive, "rate"),
        ] {
            assert_eq!(rated(scale, value), ((meaning, 1.0), row.to_owned()), "{value} of {scale:?}");
        }
    }

    #[test]
    fn the_configuration_has_the_last_word_on_what_an_action_means() {
        let config = Config::default()
            .action("view", Meaning::Neutral, 3.0)
            .action("borrow", Meaning::Negative, 0.5)
            .action("skip", Meaning::Positive, 0.1);
        let read = |name: &str| {
            (Action::named(name).meaning(None, &config), Action::named(name).model_row(None, &config).to_owned())
        };
        assert_eq!(read("view"), ((Meaning::Neutral, 3.0), "pad".to_owned()), "it weighs nothing in the model");
        assert_eq!(read("borrow"), ((Meaning::Negative, 0.5), "dislike".to_owned()));
        assert_eq!(read("skip"), ((Meaning::Positive, 0.1), "custom".to_owned()), "its own row speaks against");
        assert_eq!(read("buy"), ((Meaning::Positive, 2.0), "buy".to_owned()));
        assert_eq!(read("lend"), ((Meaning::Positive, 1.0), "custom".to_owned()));
    }

    #[test]
    fn an_event_is_checked_part_by_part_up_to_its_limits() {
        let event = || Event::new("ada", Action::Click).item("a");
        let long = |bytes: usize| "x".repeat(bytes);
        let refused = |event: Event| event.check().err().map(|error| error.name());
        let full = Event {
            query: Some(long(limits::MAX_QUERY_BYTES)),
            action: Action::named(&long(limits::MAX_FIELD_NAME_BYTES)),
            rank_id: Some(long(limits::MAX_ID_BYTES)),
            basket: Some(long(limits::MAX_ID_BYTES)),
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
            event().segment(long(limits::MAX_SEGMENT_BYTES + 1), "x"),
            event().segment("x", long(limits::MAX_SEGMENT_BYTES + 1)),
            full.clone().segment("one more", "x"),
        ] {
            assert_eq!(refused(over), Some("LimitExceeded"));
        }
    }
}
