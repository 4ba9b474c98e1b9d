//! What is refused, and how: the kind of error in one section, its words in another, since words are reworded on purpose.

use onelist::{Action, Event, Item, Value, json};
use serde_json::{Value as Json, json};

use super::super::worlds::lines;
use super::super::{Result, given};
use super::{Asking, refused_arguments};

/// Asks for what cannot be.
pub fn ask(asking: &mut Asking) -> Result<()> {
    for (name, request) in requests() {
        let refused = given::rank(&asking.db, &request).map(drop);
        add(asking, &format!("request.{name}"), refused)?;
    }
    for (name, item) in items() {
        let put = || asking.db.put(json::items_from_json(&lines(&[item]))?);
        add(asking, &format!("item.{name}"), put().map(drop))?;
    }
    for (name, event) in events() {
        let log = || asking.db.log(json::events_from_json(&lines(&[event]))?);
        add(asking, &format!("event.{name}"), log().map(drop))?;
    }
    for (name, text, refused) in refused_arguments::texts() {
        add(asking, &format!("text.{name}"), refused(text))?;
    }
    for (name, argument, refused) in refused_arguments::plans() {
        add(asking, &format!("plan.{name}"), refused(&asking.db, &argument))?;
    }
    calls(asking)
}

fn add(asking: &mut Asking, name: &str, refused: onelist::Result<()>) -> Result<()> {
    let Err(error) = refused else { return Err(format!("{name} was not refused").into()) };
    asking.add("refused", name, json!({ "error": error.name(), "kind": format!("{:?}", error.kind()) }))?;
    asking.add("refused-text", name, error.to_string().into())
}

fn requests() -> Vec<(&'static str, Json)> {
    vec![
        ("unknown-key", json!({ "qeury": "shoes" })),
        ("query-number", json!({ "query": 5 })),
        ("limit-negative", json!({ "limit": -1 })),
        ("limit-huge", json!({ "limit": 1_000_000 })),
        ("offset-huge", json!({ "limit": 5, "offset": 9_999 })),
        ("candidates-huge", json!({ "candidates": 1e9 })),
        ("user-empty", json!({ "user": "" })),
        ("history-key", json!({ "history": [{ "item": "a", "when": 1 }] })),
        ("history-item", json!({ "history": [{ "action": "buy" }] })),
        ("like-many", json!({ "like": vec!["a"; 65] })),
        ("filter-field", json!({ "filter": { "colour": "red" } })),
        ("filter-operator", json!({ "filter": { "price": { "=>": 1 } } })),
        ("filter-kind", json!({ "filter": { "price": { "match": "cheap" } } })),
        ("filter-value", json!({ "filter": { "price": "cheap" } })),
        ("filter-near", json!({ "filter": { "price": { "near": { "lat": 1, "lon": 2 } } } })),
        ("exclude-seen", json!({ "exclude_seen": { "within_days": 0 } })),
        ("exclude-seen-word", json!({ "exclude_seen": "yes" })),
        ("personalization", json!({ "personalization": "loud" })),
        ("diversity", json!({ "diversity": 1.5 })),
        ("cap-zero", json!({ "caps": [{ "field": "shelf", "most": 0 }] })),
        ("cap-field", json!({ "caps": [{ "field": "picture", "most": 1 }] })),
        ("cap-part", json!({ "caps": [{ "field": "shelf" }] })),
        ("mix", json!({ "calibrate_mix": { "field": "shelf", "strength": 2 } })),
        ("rule", json!({ "rules": [{ "rule": "promote", "ids": ["a"] }] })),
        ("rule-position", json!({ "rules": [{ "rule": "pin", "item": "a", "position": 0 }] })),
        ("rule-amount", json!({ "rules": [{ "rule": "boost", "ids": ["a"], "amount": -1 }] })),
        ("rule-both", json!({ "rules": [{ "rule": "exclude", "ids": ["a"], "filter": {} }] })),
        ("scenario", json!({ "scenario": "no such scenario" })),
        ("adapter", json!({ "adapter": "no such adapter" })),
        ("explore", json!({ "explore": { "share": 0.7, "swaps": 0.7 } })),
        ("new-items", json!({ "new_items": { "share": 0.2 } })),
        ("token", json!({ "next": "not a token" })),
        ("token-offset", json!({ "next": "AQ", "offset": 3 })),
        ("vector-width", json!({ "vectors": { "picture": [1, 2] } })),
        ("vector-zero", json!({ "vectors": { "picture": vec![0; 12] } })),
        ("vector-field", json!({ "vectors": { "title": [1] } })),
        ("segments", json!({ "segments": { "country": "" } })),
        ("now-milliseconds", json!({ "now": 1.7e12 })),
    ]
}

fn items() -> Vec<(&'static str, Json)> {
    vec![
        ("no-id", json!({ "title": "a thing" })),
        ("id-empty", json!({ "id": "", "title": "a thing" })),
        ("id-long", json!({ "id": "x".repeat(513) })),
        ("kind", json!({ "id": "a", "price": "cheap" })),
        ("date", json!({ "id": "a", "available": 5 })),
        ("width", json!({ "id": "a", "picture": [1, 2, 3] })),
        ("zero", json!({ "id": "a", "picture": vec![0; 12] })),
        ("huge", json!({ "id": "a", "picture": [1e20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] })),
        ("place", json!({ "id": "a", "lab": { "lat": 100, "lon": 0 } })),
        ("object", json!({ "id": "a", "size": { "width": 1 } })),
        ("mixed-list", json!({ "id": "a", "colours": [true] })),
        ("long-tag", json!({ "id": "a", "colours": ["x".repeat(300)] })),
    ]
}

fn events() -> Vec<(&'static str, Json)> {
    vec![
        ("no-user", json!({ "action": "buy", "item": "a" })),
        ("no-action", json!({ "user": "u", "item": "a" })),
        ("nothing", json!({ "user": "u", "action": "view" })),
        ("key", json!({ "user": "u", "action": "view", "item": "a", "at": 5 })),
        ("time", json!({ "user": "u", "action": "view", "item": "a", "time": "now" })),
        ("segments", json!({ "user": "u", "action": "view", "item": "a", "segments": ["UK"] })),
    ]
}

/// Calls of the engine, with what cannot be said in JSON.
fn calls(asking: &mut Asking) -> Result<()> {
    let db = &asking.db;
    let infinite = Item::new("a").with("price", Value::Number(f64::INFINITY));
    let rating = Event::new("u", Action::Rate).item("a").value(f64::NAN);
    let many = vec![onelist::Request::new(); 1_025];
    let refused = [
        ("put", db.put(vec![infinite]).map(drop)),
        ("log", db.log(vec![rating]).map(drop)),
        ("rank-many", db.rank_many(&many).map(drop)),
        ("scan", db.scan(Some("never put"), 5).map(drop)),
        ("scan-limit", db.scan(None, 1_000_001).map(drop)),
        ("get", db.get(&[""]).map(drop)),
        ("scenario-name", db.set_scenario("", &[])),
        ("impressions", db.impressions(Some("never shown"), 5).map(drop)),
        ("use-calibration", db.use_tuning(9)),
        ("promote", db.promote_model(9)),
        ("adapter-name", db.unload_adapter("").map(drop)),
    ];
    refused.into_iter().try_for_each(|(name, refused)| add(asking, &format!("call.{name}"), refused))
}
