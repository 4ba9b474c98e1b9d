//! What a line of each file holds: items and users by their ids, and what a store knows of them besides.

use std::collections::BTreeMap;

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::api::event::{Action, Event};
use crate::api::item::{Fields, Item, Value};
use crate::api::tuning::Tuning;
use crate::base::time::Timestamp;
use crate::catalog::{UserItem, UserSegments};
use crate::offline::export::Kind;

/// One file of an export: its name, and the keys of its lines.
pub(crate) struct Sheet {
    pub name: &'static str,
    pub columns: &'static [(&'static str, Kind)],
}

pub(super) const ITEMS: Sheet = Sheet {
    name: "items",
    columns: &[
        ("key", Kind::Whole),
        ("id", Kind::Text),
        ("first_put", Kind::Time),
        ("available", Kind::Time),
        ("fields", Kind::Json),
    ],
};
pub(super) const IDS: Sheet = Sheet { name: "ids", columns: &[("key", Kind::Whole), ("id", Kind::Text)] };
pub(super) const USERS: Sheet = Sheet {
    name: "users",
    columns: &[("key", Kind::Whole), ("id", Kind::Text), ("segments", Kind::Json), ("attributes", Kind::Json)],
};
pub(super) const EVENTS: Sheet = Sheet {
    name: "events",
    columns: &[
        ("user", Kind::Text),
        ("action", Kind::Text),
        ("item", Kind::Text),
        ("query", Kind::Text),
        ("value", Kind::Number),
        ("time", Kind::Time),
        ("rank_id", Kind::Text),
        ("basket", Kind::Text),
        ("segments", Kind::Json),
        ("batch", Kind::Text),
        ("arrived", Kind::Time),
    ],
};
pub(super) const HISTORIES: Sheet = Sheet {
    name: "histories",
    columns: &[
        ("user", Kind::Text),
        ("item", Kind::Text),
        ("removed", Kind::Json),
        ("shown", Kind::Whole),
        ("last_shown", Kind::Time),
    ],
};
pub(super) const COUNTS: Sheet =
    Sheet { name: "counts", columns: &[("item", Kind::Text), ("shown", Kind::Number), ("chosen", Kind::Number)] };
pub(super) const IMPRESSIONS: Sheet = Sheet {
    name: "impressions",
    columns: &[
        ("rank_id", Kind::Text),
        ("time", Kind::Time),
        ("user", Kind::Text),
        ("query", Kind::Text),
        ("slate", Kind::Json),
        ("chosen", Kind::Json),
        ("offset", Kind::Whole),
        ("explored", Kind::Json),
        ("propensities", Kind::Json),
        ("new", Kind::Json),
        ("features", Kind::Text),
        ("model", Kind::Text),
        ("weights", Kind::Whole),
    ],
};
pub(super) const SCENARIOS: Sheet =
    Sheet { name: "scenarios", columns: &[("name", Kind::Text), ("rules", Kind::Json)] };
pub(super) const TUNINGS: Sheet = Sheet { name: "tunings", columns: &[("tuning", Kind::Json), ("models", Kind::Json)] };

/// Every file, in the order in which it is written and read.
pub(super) const SHEETS: [&Sheet; 9] =
    [&ITEMS, &IDS, &USERS, &EVENTS, &HISTORIES, &COUNTS, &IMPRESSIONS, &SCENARIOS, &TUNINGS];

/// An item. Its key says where it stands among items of equal score.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ItemLine {
    pub key: u64,
    pub id: String,
    pub first_put: Timestamp,
    pub available: Timestamp,
    #[serde(with = "typed")]
    pub fields: Fields,
}

/// An item id without an item: it was deleted, or only events name it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IdLine {
    pub key: u64,
    pub id: String,
}

/// A user.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserLine {
    pub key: u64,
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segments: Option<UserSegments>,
    /// The record of the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributes: Option<TypedFields>,
}

/// Fields in forms that need no guess and no schema.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct TypedFields(#[serde(with = "typed")] pub Fields);

/// An event, in the order of logging.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventLine {
    pub user: String,
    pub action: Action,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    pub time: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basket: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub segments: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<String>,
    /// When it was logged, for an event dated later than that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrived: Option<Timestamp>,
}

impl EventLine {
    pub(super) fn of(event: Event, time: Timestamp, arrived: Option<Timestamp>) -> EventLine {
        let Event { user, action, item, query, value, rank_id, basket, segments, batch, .. } = event;
        EventLine { user, action, item, query, value, time, rank_id, basket, segments, batch, arrived }
    }

    pub(super) fn event(self) -> Event {
        let EventLine { user, action, item, query, value, time, rank_id, basket, segments, batch, .. } = self;
        Event { user, action, item, query, value, time: Some(time), rank_id, basket, segments, batch }
    }
}

/// What is kept of a user and an item besides events: of those that retention removed, and of impressions.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HistoryLine {
    pub user: String,
    pub item: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed: Option<UserItem>,
    #[serde(default)]
    pub shown: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_shown: Option<Timestamp>,
}

/// How often an item was shown and chosen, in all.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CountLine {
    pub item: String,
    pub shown: f64,
    pub chosen: f64,
}

/// An impression. A place without an id had an item that is forgotten.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ImpressionLine {
    pub rank_id: String,
    pub time: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    pub slate: Vec<Option<String>>,
    pub chosen: Vec<u32>,
    pub offset: u32,
    pub explored: bool,
    pub propensities: Vec<f32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<Vec<u32>>,
    /// Hashes in hexadecimal: numbers of JSON hold 53 bits in many programs.
    pub features: String,
    pub model: String,
    pub weights: u64,
}

/// A scenario, with its rules as JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScenarioLine {
    pub name: String,
    pub rules: serde_json::Value,
}

/// A tuning, and the hashes of the models that it is in force for.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TuningLine {
    pub tuning: Tuning,
    pub models: Vec<String>,
}

/// Fields in forms that need no guess and no schema: lists and vectors say what they are.
mod typed {
    use super::*;

    struct Typed<'v>(&'v Value);

    impl Serialize for Typed<'_> {
        fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            match self.0 {
                Value::Tags(tags) => to.collect_map([("tags", tags)]),
                Value::Vector(vector) => to.collect_map([("vector", vector)]),
                other => other.serialize(to),
            }
        }
    }

    pub(super) fn serialize<S: Serializer>(fields: &Fields, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(fields.len()))?;
        for (name, value) in fields {
            map.serialize_entry(name, &Typed(value))?;
        }
        map.end()
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Fields, D::Error> {
        Fields::deserialize(from)
    }
}

impl ItemLine {
    pub(super) fn item(self) -> (Item, Timestamp, Timestamp) {
        (Item { id: self.id, fields: self.fields }, self.first_put, self.available)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_back_exactly() {
        let fields = Fields::from([
            ("text".to_owned(), Value::Text("2026-11-30".to_owned())),
            ("empty".to_owned(), Value::Text(String::new())),
            ("number".to_owned(), Value::Number(0.1 + 0.2)),
            ("least".to_owned(), Value::Number(5e-324)),
            ("flag".to_owned(), Value::Bool(false)),
            ("date".to_owned(), Value::Date(Timestamp::from_millis(-1))),
            ("no tags".to_owned(), Value::Tags(Vec::new())),
            ("tags".to_owned(), Value::Tags(vec!["a".to_owned(), "\u{0}\n\"".to_owned()])),
            ("place".to_owned(), Value::Geo { lat: -0.1, lon: 179.999_999_999 }),
            ("vector".to_owned(), Value::Vector(vec![0.1, -1e-40, f32::MIN_POSITIVE, 16_777_217.0, 1e15])),
        ]);
        let at = Timestamp::from_millis(1_700_000_000_123);
        let line = ItemLine { key: u64::MAX, id: "a".to_owned(), first_put: at, available: at, fields: fields.clone() };
        let text = serde_json::to_string(&line).unwrap();
        assert!(text.contains(r#""vector":{"vector":[0.1,"#), "{text}");
        let read: ItemLine = serde_json::from_str(&text).unwrap();
        assert_eq!((read.key, read.first_put, &read.fields), (u64::MAX, at, &fields));
        // As Parquet holds it: through a tree.
        let tree: serde_json::Value = serde_json::from_str(&text).unwrap();
        let read: ItemLine = serde_json::from_value(tree).unwrap();
        assert_eq!(read.fields, fields);
        assert!(serde_json::from_str::<ItemLine>(&text.replace("first_put", "first")).is_err());
    }

    #[test]
    fn the_columns_are_the_keys() {
        let event = EventLine {
            user: "u".to_owned(),
            action: Action::Buy,
            item: Some("a".to_owned()),
            query: Some("q".to_owned()),
            value: Some(1.0),
            time: Timestamp::MIN,
            rank_id: Some("r".to_owned()),
            basket: Some("b".to_owned()),
            segments: BTreeMap::from([("a".to_owned(), "b".to_owned())]),
            batch: Some("b".to_owned()),
            arrived: Some(Timestamp::MIN),
        };
        let keys = |value: serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        let columns = |sheet: &Sheet| {
            let mut names: Vec<String> = sheet.columns.iter().map(|(name, _)| (*name).to_owned()).collect();
            names.sort();
            names
        };
        assert_eq!(keys(serde_json::to_value(event).unwrap()), columns(&EVENTS));
        let count = CountLine { item: "a".to_owned(), shown: 1.0, chosen: 0.5 };
        assert_eq!(keys(serde_json::to_value(count).unwrap()), columns(&COUNTS));
        let at = Some(Timestamp::MIN);
        let removed = Some(UserItem::default());
        let history = HistoryLine { user: "u".to_owned(), item: "a".to_owned(), removed, shown: 1, last_shown: at };
        assert_eq!(keys(serde_json::to_value(history).unwrap()), columns(&HISTORIES));
    }
}
