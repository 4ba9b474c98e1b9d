//! What the crash test's two processes tell each other: operations, and the state they must lead to.

use std::collections::BTreeMap;

use onelist::{Action, Event, Item, Value};
use serde_json::{Value as Json, json};

/// One atomic operation.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation {
    /// Put these (id, version) pairs in one batch.
    Put(Vec<(u64, u64)>),
    /// Delete these ids.
    Delete(Vec<u64>),
    /// Log this many events.
    Log(u64),
    /// Remove the events that are not kept.
    Trim,
}

/// What a store holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    /// Version by id.
    pub items: BTreeMap<u64, u64>,
    /// Events, those that were removed included.
    pub events: u64,
}

impl State {
    /// The state after an operation.
    pub fn after(&self, operation: &Operation) -> State {
        let mut state = self.clone();
        match operation {
            Operation::Put(items) => state.items.extend(items.iter().copied()),
            Operation::Delete(ids) => state.items.retain(|id, _| !ids.contains(id)),
            Operation::Log(events) => state.events += events,
            Operation::Trim => {}
        }
        state
    }

    /// As JSON.
    pub fn to_json(&self) -> Json {
        json!({ "items": self.items.iter().collect::<Vec<_>>(), "events": self.events })
    }

    /// From JSON; `None` when it is another JSON.
    pub fn from_json(json: &Json) -> Option<State> {
        let pair = |pair: &Json| Some((pair.get(0)?.as_u64()?, pair.get(1)?.as_u64()?));
        let items = json.get("items")?.as_array()?.iter().map(pair).collect::<Option<_>>()?;
        Some(State { items, events: json.get("events")?.as_u64()? })
    }
}

impl Operation {
    /// As one line.
    pub fn to_line(&self) -> String {
        match self {
            Operation::Put(items) => json!({ "put": items }).to_string(),
            Operation::Delete(ids) => json!({ "delete": ids }).to_string(),
            Operation::Log(events) => json!({ "log": events }).to_string(),
            Operation::Trim => json!({ "trim": true }).to_string(),
        }
    }

    /// From one line; `None` for a line that was cut off.
    pub fn from_line(line: &str) -> Option<Operation> {
        let json: Json = serde_json::from_str(line).ok()?;
        if let Some(items) = json.get("put") {
            let pair = |pair: &Json| Some((pair.get(0)?.as_u64()?, pair.get(1)?.as_u64()?));
            return Some(Operation::Put(items.as_array()?.iter().map(pair).collect::<Option<_>>()?));
        }
        if let Some(ids) = json.get("delete") {
            return Some(Operation::Delete(ids.as_array()?.iter().map(Json::as_u64).collect::<Option<_>>()?));
        }
        if json.get("trim").is_some() {
            return Some(Operation::Trim);
        }
        Some(Operation::Log(json.get("log")?.as_u64()?))
    }
}

/// The item of an id and a version: its title has a word, and its vector a direction, that no other version has.
pub fn item(id: u64, version: u64) -> Item {
    Item::new(format!("item-{id}"))
        .text("title", format!("common {}", word(id, version)))
        .number("version", version as f64)
        .with("place", Value::Vector(direction(id, version)))
}

/// A word of one version only.
pub fn word(id: u64, version: u64) -> String {
    format!("w{id}v{version}")
}

/// A direction of one version only.
pub fn direction(id: u64, version: u64) -> Vec<f32> {
    use rand::{Rng, SeedableRng};
    let mut rng = rand::rngs::StdRng::seed_from_u64(id << 32 | version);
    (0..16).map(|_| rng.random_range(-1.0..1.0)).collect()
}

/// An event on an item.
pub fn event(id: u64) -> Event {
    let event = Event::new(format!("user-{}", id % 7), Action::View).item(format!("item-{id}"));
    if id.is_multiple_of(2) { event.segment("country", format!("c{}", id % 6)) } else { event }
}
