//! Whatever is written reads back the same, and no text panics.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use crate::api::filter::{Compare, Filter, Scalar};
use crate::api::item::{Item, Value};
use crate::api::json::*;
use crate::base::error::{Error, ErrorKind};
use crate::base::time::Timestamp;
use crate::{Action, Event, Number, Rule};

fn any_number() -> impl Strategy<Value = f64> {
    use proptest::num::f64;
    f64::NORMAL | f64::SUBNORMAL | f64::ZERO | f64::NEGATIVE
}

fn any_integer() -> impl Strategy<Value = i128> {
    i128::from(i64::MIN)..=i128::from(u64::MAX)
}

fn any_value() -> impl Strategy<Value = Value> {
    let component = proptest::num::f32::NORMAL | proptest::num::f32::SUBNORMAL | proptest::num::f32::ZERO;
    prop_oneof![
        any::<String>().prop_map(Value::Text),
        any_number().prop_map(Value::Number),
        any_integer().prop_map(Value::Integer),
        vec(prop_oneof![any_integer().prop_map(Number::Integer), any_number().prop_map(Number::Float)], 1..5)
            .prop_map(Value::Numbers),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|millis| Value::Date(Timestamp::from_millis(millis))),
        vec(any::<String>(), 0..5).prop_map(Value::Tags),
        (any_number(), any_number()).prop_map(|(lat, lon)| Value::Geo { lat, lon }),
        vec(component, 0..9).prop_map(Value::Vector),
    ]
}

fn any_item() -> impl Strategy<Value = Item> {
    let name = any::<String>().prop_filter("`id` is not a field", |name| name != "id");
    (any::<String>(), btree_map(name, any_value(), 0..6)).prop_map(|(id, fields)| Item { id, fields })
}

fn any_scalar() -> impl Strategy<Value = Scalar> {
    prop_oneof![
        "[a-z\u{e9}\"\\\\]{0,9}".prop_map(Scalar::Text),
        any_number().prop_map(Scalar::Number),
        any_integer().prop_map(Scalar::Integer),
        any::<bool>().prop_map(Scalar::Bool),
        any::<i64>().prop_map(|millis| Scalar::Date(Timestamp::from_millis(millis))),
    ]
}

fn any_filter() -> impl Strategy<Value = Filter> {
    use Compare::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
    let field = || "[a-f]{1,3}";
    let compare = prop::sample::select([Equal, Less, LessOrEqual, Greater, GreaterOrEqual].to_vec());
    let leaf = prop_oneof![
        (field(), compare, any_scalar()).prop_map(|(field, compare, value)| Filter::Compare { field, compare, value }),
        (field(), vec(any_scalar(), 0..4)).prop_map(|(field, values)| Filter::In { field, values }),
        field().prop_map(Filter::exists),
        (field(), "[a-z ]{0,9}").prop_map(|(field, text)| Filter::matches_text(field, text)),
        (field(), -90.0..90.0, -180.0..180.0, 0.0..1e7).prop_map(|(f, lat, lon, m)| Filter::near(f, lat, lon, m)),
    ];
    leaf.prop_recursive(4, 20, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Filter::And),
            vec(inner.clone(), 0..4).prop_map(Filter::Or),
            inner.prop_map(Filter::not),
        ]
    })
}

/// The item as it is in a store that knows which of its fields are vectors.
fn known_vectors(mut read: Item, wrote: &Item) -> Item {
    for (name, value) in &mut read.fields {
        if let (Value::Numbers(numbers), Some(Value::Vector(_))) = (&value, wrote.fields.get(name)) {
            let component = |number: &Number| match number {
                Number::Integer(integer) => *integer as f32,
                Number::Float(float) => *float as f32,
            };
            *value = Value::Vector(numbers.iter().map(component).collect());
        }
    }
    read
}

/// The longhand of a filter, written independently of the reader.
fn written(filter: &Filter) -> serde_json::Value {
    use serde_json::json;
    let scalar = |value: &Scalar| match value {
        Scalar::Text(text) => json!(text),
        Scalar::Number(number) => json!(number),
        Scalar::Integer(integer) => match i64::try_from(*integer) {
            Ok(signed) => json!(signed),
            Err(_) => json!(*integer as u64),
        },
        Scalar::Bool(flag) => json!(flag),
        Scalar::Date(time) => json!({"date": time.seconds()}),
    };
    match filter {
        Filter::Compare { field, compare, value } => {
            let sign = match compare {
                Compare::Equal => "=",
                Compare::Less => "<",
                Compare::LessOrEqual => "<=",
                Compare::Greater => ">",
                Compare::GreaterOrEqual => ">=",
            };
            json!({ field: {sign: scalar(value)} })
        }
        Filter::In { field, values } => json!({ field: {"in": values.iter().map(scalar).collect::<Vec<_>>()} }),
        Filter::Exists { field } => json!({ field: {"exists": true} }),
        Filter::Match { field, text } => json!({ field: {"match": text} }),
        Filter::Near { field, lat, lon, meters } => {
            json!({ field: {"near": {"lat": lat, "lon": lon, "meters": meters}} })
        }
        Filter::And(all) => json!({"and": all.iter().map(written).collect::<Vec<_>>()}),
        Filter::Or(any) => json!({"or": any.iter().map(written).collect::<Vec<_>>()}),
        Filter::Not(inner) => json!({"not": written(inner)}),
    }
}

/// The record of a value, declared independently of the forms in JSON.
#[derive(serde::Serialize)]
enum Stored {
    Text(String),
    Number(f64),
    Bool(bool),
    Date(i64),
    Tags(Vec<String>),
    Geo { lat: f64, lon: f64 },
    Vector(Vec<f32>),
    Integer(i128),
    Numbers(Vec<StoredNumber>),
}

#[derive(serde::Serialize)]
enum StoredNumber {
    Integer(i128),
    Float(f64),
}

fn stored(value: &Value) -> Stored {
    match value.clone() {
        Value::Text(text) => Stored::Text(text),
        Value::Number(number) => Stored::Number(number),
        Value::Bool(flag) => Stored::Bool(flag),
        Value::Date(time) => Stored::Date(time.millis()),
        Value::Tags(tags) => Stored::Tags(tags),
        Value::Geo { lat, lon } => Stored::Geo { lat, lon },
        Value::Vector(vector) => Stored::Vector(vector),
        Value::Integer(integer) => Stored::Integer(integer),
        Value::Numbers(numbers) => Stored::Numbers(
            numbers
                .into_iter()
                .map(|number| match number {
                    Number::Integer(integer) => StoredNumber::Integer(integer),
                    Number::Float(float) => StoredNumber::Float(float),
                })
                .collect(),
        ),
    }
}

fn record(value: &impl serde::Serialize) -> Vec<u8> {
    bincode::serde::encode_to_vec(value, bincode::config::standard()).expect("encodes")
}

/// JSON of any shape, made of the words that the readers know, so that it gets past the first key.
fn any_json() -> impl Strategy<Value = String> {
    let words = [
        "id",
        "user",
        "action",
        "item",
        "query",
        "filter",
        "and",
        "or",
        "not",
        "in",
        "near",
        "lat",
        "lon",
        "date",
        "time",
        "fields",
        "vectors",
        "history",
        "limit",
        "x",
        "=",
        "exists",
        "match",
        "kind",
        "weights",
        "now",
        "among",
        "rules",
        "rule",
        "pin",
        "boost",
        "cap",
        "caps",
        "ids",
        "amount",
        "position",
        "exclude_seen",
        "match_history_mix",
        "diversity",
        "explore",
        "new_items",
        "impressions",
        "share",
    ];
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|flag| flag.to_string()),
        any::<f64>().prop_map(|number| format!("{number:e}")),
        prop::sample::select(["1e400", "-1", "18446744073709551616", "\"\\ud800\"", "0.5"].to_vec())
            .prop_map(str::to_owned),
        prop::sample::select(words.to_vec()).prop_map(|word| format!("\"{word}\"")),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        let entry = (prop::sample::select(words.to_vec()), inner.clone()).prop_map(|(k, v)| format!("\"{k}\": {v}"));
        prop_oneof![
            vec(inner, 0..5).prop_map(|list| format!("[{}]", list.join(","))),
            vec(entry, 0..5).prop_map(|map| format!("{{{}}}", map.join(","))),
        ]
    })
}

/// Every reader's answer, without the value.
fn all_readers(text: &str) -> Vec<Result<(), Error>> {
    vec![
        item_from_json(text).map(drop),
        items_from_json(text).map(drop),
        ids_from_json(text).map(drop),
        events_from_json(text).map(drop),
        request_from_json(text).map(drop),
        requests_from_json(text).map(drop),
        filter_from_json(text).map(drop),
        config_from_json(text).map(drop),
        rules_from_json(text).map(drop),
        plan_from_json(text).map(drop),
        external_from_json(text).map(drop),
        training_plan_from_json(text).map(drop),
    ]
}

proptest! {
    #[test]
    fn items_round_trip(items in vec(any_item(), 0..4)) {
        let lines: Vec<String> = items.iter().map(|item| item_to_json(item).expect("writes")).collect();
        for (item, line) in items.iter().zip(&lines) {
            prop_assert!(!line.contains(['\n', '\0']));
            prop_assert_eq!(&known_vectors(item_from_json(line).expect("reads"), item), item);
        }
        let known = |read: Vec<Item>| -> Vec<Item> {
            read.into_iter().zip(&items).map(|(read, item)| known_vectors(read, item)).collect()
        };
        prop_assert_eq!(&known(items_from_json(&lines.join("\n")).expect("reads lines")), &items);
        let array = items_to_json(items.iter().map(Some)).expect("writes");
        prop_assert_eq!(&known(items_from_json(&array).expect("reads an array")), &items);
    }

    #[test]
    fn records_have_the_form_of_their_own(items in vec(any_item(), 0..4)) {
        for item in items {
            let fields: Vec<_> = item.fields.iter().map(|(name, value)| (name, stored(value))).collect();
            let bytes = record(&item);
            prop_assert_eq!(&bytes, &record(&(&item.id, fields)));
            let read: (Item, usize) =
                bincode::serde::decode_from_slice(&bytes, bincode::config::standard()).expect("decodes");
            prop_assert_eq!(read, (item, bytes.len()));
        }
    }

    #[test]
    fn filters_round_trip(filter in any_filter()) {
        let json = written(&filter).to_string();
        prop_assert_eq!(&filter_from_json(&json).expect("reads"), &filter);
        let rules = [Rule::Require(filter)];
        prop_assert_eq!(rules_from_json(&rules_to_json(&rules).expect("writes")).expect("reads"), rules);
    }

    #[test]
    fn no_json_panics(text in any_json()) {
        for refused in all_readers(&text).into_iter().filter_map(Result::err) {
            prop_assert_eq!(refused.kind(), ErrorKind::Input);
            prop_assert!(refused.to_string().len() < 2000);
        }
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        for refused in all_readers(&text).into_iter().filter_map(Result::err) {
            prop_assert_eq!(refused.kind(), ErrorKind::Input);
        }
    }
}

#[test]
fn records_of_events_name_no_action() {
    let event = Event::new("u", Action::Buy).item("a").at(Timestamp::from_millis(-5));
    let own = Event::new("u", Action::Other("wave".to_owned())).item("a").at(Timestamp::from_millis(-5));
    let rest = (Some("a"), None::<()>, None::<()>, Some(-5i64), None::<()>, None::<()>, 0u64);
    assert_eq!(record(&event), record(&("u", 3u32, rest)));
    assert_eq!(record(&own), record(&("u", (11u32, "wave"), rest)));
    for event in [event, own] {
        let read = bincode::serde::decode_from_slice(&record(&event), bincode::config::standard()).expect("decodes");
        assert_eq!(read, (event.clone(), record(&event).len()));
    }
}
