//! What the crash tests' processes tell each other: operations, and the state they must lead to.

use std::collections::BTreeMap;
use std::path::Path;

use onelist::{Action, Config, Engine, Event, EventFilter, Item, Request, Timestamp, Value};
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
    /// Rebuild which items the same people have.
    Rebuild,
    /// Fit the vector space to the items.
    Fit,
    /// Let another model answer: 1 and 2 are the folders `first` and `second`, 0 is the model that ships.
    Model(u64),
    /// Delete the events of a user, on an item or of a time, by the number.
    DeleteEvents(u64),
    /// Forget a user.
    Forget(u64),
    /// Forget an item.
    ForgetItem(u64),
    /// Give everything of a user to the one after it.
    Merge(u64),
    /// Rank so many lists, each of which leaves an impression.
    Rank(u64),
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
            Operation::ForgetItem(id) => state.items.retain(|other, _| other != id),
            // Deleted events count as removed.
            Operation::DeleteEvents(_) | Operation::Forget(_) | Operation::Merge(_) => {}
            Operation::Trim | Operation::Rebuild | Operation::Fit | Operation::Model(_) | Operation::Rank(_) => {}
        }
        state
    }

    /// What an open store holds.
    ///
    /// # Errors
    /// What the engine answers, and a store with other items than those of [`item`].
    pub fn of(db: &Engine) -> Result<State, Box<dyn std::error::Error>> {
        let mut items = BTreeMap::new();
        for item in db.scan(None, 100_000)? {
            let id = item.id.strip_prefix("item-").ok_or("a foreign id")?.parse()?;
            let Some(Value::Number(version)) = item.fields.get("version") else { return Err("no version".into()) };
            items.insert(id, *version as u64);
        }
        let stats = db.stats()?;
        Ok(State { items, events: stats.events + stats.events_removed })
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
            Operation::Rebuild => json!({ "rebuild": true }).to_string(),
            Operation::Fit => json!({ "fit": true }).to_string(),
            Operation::Model(which) => json!({ "model": which }).to_string(),
            Operation::DeleteEvents(which) => json!({ "delete_events": which }).to_string(),
            Operation::Forget(user) => json!({ "forget": user }).to_string(),
            Operation::ForgetItem(id) => json!({ "forget_item": id }).to_string(),
            Operation::Merge(user) => json!({ "merge": user }).to_string(),
            Operation::Rank(lists) => json!({ "rank": lists }).to_string(),
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
        let (name, value) = json.as_object()?.iter().next()?;
        match name.as_str() {
            "trim" => Some(Operation::Trim),
            "rebuild" => Some(Operation::Rebuild),
            "fit" => Some(Operation::Fit),
            "model" => Some(Operation::Model(value.as_u64()?)),
            "delete_events" => Some(Operation::DeleteEvents(value.as_u64()?)),
            "forget" => Some(Operation::Forget(value.as_u64()?)),
            "forget_item" => Some(Operation::ForgetItem(value.as_u64()?)),
            "merge" => Some(Operation::Merge(value.as_u64()?)),
            "rank" => Some(Operation::Rank(value.as_u64()?)),
            "log" => Some(Operation::Log(value.as_u64()?)),
            _ => None,
        }
    }

    /// Does it. The folders of models are in `folder`.
    ///
    /// # Errors
    /// What the engine answers.
    pub fn execute(&self, db: &Engine, folder: &Path) -> onelist::Result<()> {
        match self {
            Operation::Put(items) => {
                db.put(items.iter().map(|(id, version)| item(*id, *version)).collect())?;
            }
            Operation::Delete(ids) => {
                db.delete(&ids.iter().map(|id| format!("item-{id}")).collect::<Vec<_>>())?;
            }
            Operation::Log(events) => {
                db.log((0..*events).map(event).collect())?;
            }
            Operation::Trim => {
                db.apply_retention()?;
            }
            Operation::Rebuild => db.rebuild_cooccurrence()?,
            Operation::Fit => {
                db.fit_space()?;
            }
            Operation::Model(0) => db.promote_model(0)?,
            Operation::Model(which) => {
                let folder = folder.join(if *which == 1 { "first" } else { "second" });
                db.promote_model(db.load_model(folder)?.version)?;
            }
            Operation::DeleteEvents(which) => {
                db.delete_events(&some_events(*which))?;
            }
            Operation::Forget(user) => {
                db.forget(&format!("user-{user}"))?;
            }
            Operation::ForgetItem(id) => {
                db.forget_item(&format!("item-{id}"))?;
            }
            Operation::Merge(user) => {
                db.merge_users(&format!("user-{user}"), &format!("user-{}", (user + 1) % 7))?;
            }
            Operation::Rank(lists) => {
                let list = |n: u64| Request::new().user(format!("user-{}", n % 7)).limit(10);
                db.rank_many(&(0..*lists).map(list).collect::<Vec<_>>())?;
            }
        }
        Ok(())
    }
}

/// Conditions on events, by a number: of a user, on an item, of an action, older than some days.
fn some_events(which: u64) -> EventFilter {
    let filter = EventFilter::default();
    let days = |days: f64| Timestamp::from_seconds(Timestamp::now().seconds() - days * 86_400.0);
    match which % 4 {
        0 => filter.user(format!("user-{}", which % 7)),
        1 => filter.item(format!("item-{}", which % 20)),
        2 => filter.until(days(41.0 + (which % 4) as f64)),
        _ => filter.user(format!("user-{}", which % 7)).since(days(43.0)).action(Action::View),
    }
}

/// The configuration that operations of a script run with: it keeps events for 30 days, and few impressions.
pub fn script_config() -> Config {
    let mut config = Config::default();
    config.sessions = 1;
    config.retention.days = Some(30.0);
    config.impressions.max = 50;
    config
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

/// An event on an item; every third happened 40 to 45 days ago. Two of the same user, item and time would count once.
pub fn event(id: u64) -> Event {
    let mut event = Event::new(format!("user-{}", id % 7), Action::View).item(format!("item-{id}"));
    if id.is_multiple_of(3) {
        let days = 40.0 + 5.0 * rand::random::<f64>();
        event = event.at(Timestamp::from_seconds(Timestamp::now().seconds() - days * 86_400.0));
    }
    if id.is_multiple_of(2) { event.segment("country", format!("c{}", id % 6)) } else { event }
}
