//! The log of a store as plain data, and its events as they are logged again.

use std::collections::HashMap;

use crate::api::config::Meaning;
use crate::api::evaluation::Plan;
use crate::api::event::{Event, Segments};
use crate::api::item::{Item, Kind, Value};
use crate::base::error::{Error, Result};
use crate::base::id::{ItemKey, UserKey};
use crate::offline::evaluate::{Log, LogEvent, LogItem, Vectors};
use crate::store::Stores;
use crate::store::snapshot::Snapshot;

/// Items, users and events of one commit, with dense numbers.
pub(super) fn read_log(stores: &Stores, plan: &Plan) -> Result<Log> {
    let snapshot = Snapshot::pin(stores)?;
    let mut log = Log::default();
    let numbers = read_items(&snapshot, plan, &mut log)?;
    let ids = snapshot.catalog.view().all_users()?;
    let mut users: HashMap<UserKey, u32> = HashMap::new();
    let mut baskets: HashMap<String, u32> = HashMap::new();
    let mut segments: HashMap<Segments, u32> = HashMap::new();
    for (key, event) in snapshot.catalog.view().all_events()? {
        stores.check_open()?;
        let item = event.item.map(|key| numbers.get(&key).copied());
        if item == Some(None) {
            log.unknown_items += 1;
            continue;
        }
        let user = match users.get(&key) {
            Some(user) => *user,
            None => {
                let id = ids.get(&key).ok_or_else(|| Error::damaged("event", "a user without an id"))?;
                log.users.push(id.clone());
                let number = log.users.len() as u32 - 1;
                users.insert(key, number);
                number
            }
        };
        let (meaning, _) = event.action.meaning(event.value, &stores.config);
        let next = baskets.len() as u32;
        let basket = event.basket.map(|name| *baskets.entry(name).or_insert(next));
        let next = segments.len() as u32;
        let named = (!event.segments.is_empty()).then(|| *segments.entry(event.segments).or_insert(next));
        log.events.push(LogEvent {
            user,
            item: item.flatten(),
            action: event.action,
            query: event.query,
            value: event.value,
            time: event.time,
            negative: meaning == Meaning::Negative,
            basket,
            segments: named,
        });
    }
    let mut sets: Vec<(u32, Segments)> = segments.into_iter().map(|(set, number)| (number, set)).collect();
    sets.sort_unstable();
    log.segments = sets.into_iter().map(|(_, set)| set).collect();
    Ok(log)
}

fn read_items(snapshot: &Snapshot, plan: &Plan, log: &mut Log) -> Result<HashMap<ItemKey, u32>> {
    let field = category_field(snapshot, plan)?;
    let (space, width) = (snapshot.item_space(), snapshot.model().width());
    let mut numbers = HashMap::new();
    let mut categories: HashMap<String, u32> = HashMap::new();
    let mut vectors = Vec::new();
    for row in snapshot.catalog.view().items(ItemKey(0))? {
        let (key, record) = row?;
        let number = log.items.len();
        numbers.insert(key, number as u32);
        if let Some(vector) = snapshot.vector(space, key)? {
            vectors.push((number, vector));
        }
        let categories = tags(&record.item, field.as_deref()).iter().map(|tag| {
            let next = categories.len() as u32;
            *categories.entry(tag.clone()).or_insert(next)
        });
        let categories = categories.collect();
        log.items.push(LogItem { id: record.item.id, available: record.available, categories });
    }
    log.vectors = Vectors::zeros(log.items.len(), width);
    vectors.iter().for_each(|(number, vector)| log.vectors.set(*number, vector));
    Ok(numbers)
}

/// The field whose mix is compared: the plan's, or the first tag field by name.
fn category_field(snapshot: &Snapshot, plan: &Plan) -> Result<Option<String>> {
    let fields = &snapshot.schema.fields;
    match &plan.category {
        Some(name) => match snapshot.schema.field(name)?.kind {
            Kind::Tags => Ok(Some(name.clone())),
            other => {
                Err(Error::argument("category", "a field of tags", format!("`{name}`, a field of {}", other.name())))
            }
        },
        None => Ok(fields.iter().find(|(_, spec)| spec.kind == Kind::Tags).map(|(name, _)| name.clone())),
    }
}

fn tags<'i>(item: &'i Item, field: Option<&str>) -> &'i [String] {
    match field.and_then(|name| item.fields.get(name)) {
        Some(Value::Tags(tags)) => tags,
        _ => &[],
    }
}

/// An event of the log, to be logged again.
pub(super) fn to_event(log: &Log, event: &LogEvent) -> Option<Event> {
    let mut logged = Event::new(log.users.get(event.user as usize)?.as_str(), event.action.clone()).at(event.time);
    logged.item = event.item.and_then(|item| log.items.get(item as usize)).map(|item| item.id.clone());
    logged.query = event.query.clone();
    logged.value = event.value;
    let segments = event.segments.and_then(|set| log.segments.get(set as usize));
    logged.segments = segments.cloned().unwrap_or_default();
    logged.basket = event.basket.map(|number| number.to_string());
    Some(logged)
}
