//! The history of a request: the newest events of its user and of the request itself.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::lookup::known_items;
use crate::api::config::{Config, Meaning};
use crate::api::controls::{ExcludeSeen, Personalization};
use crate::api::event::Action;
use crate::api::history::HistoryEvent;
use crate::api::request::Request;
use crate::base::error::{Error, Result};
use crate::base::id::{ItemKey, KeyMap, SemanticId, Seq};
use crate::base::limits;
use crate::base::time::Timestamp;
use crate::catalog::{StoredEvent, UserItem};
use crate::model::HistoryInput;
use crate::store::snapshot::{Person, Snapshot};

/// Events that the model reads: the newest of the user's and the request's.
const HISTORY_EVENTS: usize = 50;
/// Events that are looked through for them and for what they are related to.
const LOOK_BACK: usize = 100;
/// Items of a user that are read at once, side by side as they lie, instead of one by one for each candidate.
const STORED_ITEMS: usize = 512;

/// One event of the history, as the model reads it.
#[derive(Debug, Clone)]
pub(crate) struct PastEvent {
    pub key: ItemKey,
    pub vector: Vec<f32>,
    pub action: i64,
    pub gap_seconds: f64,
    pub meaning: Meaning,
    pub sid: Option<SemanticId>,
}

impl PastEvent {
    /// The event as the model takes it.
    pub(crate) fn input(&self) -> HistoryInput<'_> {
        HistoryInput { vector: &self.vector, action: self.action, gap_seconds: self.gap_seconds, sid: self.sid }
    }
}

/// Refuses actions of the history and of `exclude_seen` that are neither standard nor declared, and ratings off the scale.
pub(super) fn check_actions(request: &Request, config: &Config) -> Result<()> {
    let at = |place: String| {
        move |error: Error| match error {
            Error::InvalidArgument { what, expected, found } => Error::argument(place + &what, expected, found),
            other => other,
        }
    };
    for (place, event) in request.history.iter().enumerate() {
        event.action.check(event.value, config).map_err(at(format!("history[{place}].")))?;
    }
    let ExcludeSeen::When(when) = &request.exclude_seen else { return Ok(()) };
    when.actions.iter().try_for_each(|action| action.check_known(config).map_err(at("exclude_seen.".to_owned())))
}

/// The newest events on known items, newest first: the request's, then the user's stored ones.
pub(super) fn past(
    snapshot: &Snapshot,
    request: &Request,
    person: Option<&Person>,
    now: Timestamp,
) -> Result<Vec<(ItemKey, StoredEvent)>> {
    if request.personalization == Personalization::Off {
        return Ok(Vec::new());
    }
    let mut newest_first = Vec::new();
    for event in request.history.iter().rev().take(limits::MAX_HISTORY) {
        let key = known_items(snapshot, std::iter::once(event.item.as_str()))?;
        newest_first.extend(key.first().map(|key| (*key, stateless(event, now))));
    }
    if let Some(person) = person {
        let stored = snapshot.history(person, now, LOOK_BACK)?;
        newest_first.extend(stored.into_iter().filter_map(|event| Some((event.item?, event))));
    }
    Ok(newest_first)
}

/// Whether the newest event is part of the same visit.
pub(super) fn in_visit(snapshot: &Snapshot, past: &[(ItemKey, StoredEvent)], now: Timestamp) -> bool {
    let gap = snapshot.stores.config.session_gap;
    past.first().is_some_and(|(_, event)| now.seconds_since(event.time) < gap)
}

/// The newest events, oldest first: what the model reads.
pub(super) fn past_events(
    snapshot: &Snapshot,
    past: &[(ItemKey, StoredEvent)],
    now: Timestamp,
) -> Result<Vec<PastEvent>> {
    let (space, config) = (snapshot.item_space(), &snapshot.stores.config);
    let mut events = Vec::new();
    for (key, event) in past {
        if events.len() == HISTORY_EVENTS {
            break;
        }
        // An item without text is history all the same: it has no direction, and co-visits.
        let vector = snapshot.vector(space, *key)?.unwrap_or_else(|| vec![0.0; snapshot.model().width()]);
        let action = snapshot.model().action_row(event.action.model_row(event.value, config));
        let (meaning, gap_seconds) = (event.action.meaning(event.value, config).0, now.seconds_since(event.time));
        let sid = if snapshot.model().reads_sids() { snapshot.sid(*key)? } else { None };
        events.push(PastEvent { key: *key, vector, action, gap_seconds, meaning, sid });
    }
    events.reverse();
    Ok(events)
}

/// The items that past events speak for, newest first, repeated as often as they do.
pub(super) fn liked(snapshot: &Snapshot, past: &[(ItemKey, StoredEvent)]) -> Vec<ItemKey> {
    let config = &snapshot.stores.config;
    let positive = past.iter().filter(|(_, e)| e.action.meaning(e.value, config).0 == Meaning::Positive);
    positive.map(|(key, _)| *key).collect()
}

/// What a person did with every item, as far as it is applied; `None` when that is too much to read for one request.
pub(super) fn stored(snapshot: &Snapshot, person: Option<&Person>) -> Result<Option<KeyMap<ItemKey, UserItem>>> {
    let Some(key) = person.and_then(|person| person.key) else { return Ok(None) };
    snapshot.catalog.view().user_items_of(key, STORED_ITEMS)
}

/// The items of the stateless history, and of events that are too new for the tables.
pub(super) fn recent(
    snapshot: &Snapshot,
    request: &Request,
    person: Option<&Person>,
    now: Timestamp,
) -> Result<HashMap<ItemKey, UserItem>> {
    let mut found: HashMap<ItemKey, UserItem> = HashMap::new();
    let mut add = |id: &str, time: Timestamp, action: &Action, value: Option<f64>| -> Result<()> {
        for key in known_items(snapshot, std::iter::once(id))? {
            let done = match found.entry(key) {
                Entry::Occupied(done) => done.into_mut(),
                Entry::Vacant(slot) => {
                    let stored = person.map(|person| snapshot.user_item(person, key)).transpose()?.flatten();
                    slot.insert(stored.unwrap_or_default())
                }
            };
            done.add_event(time, action, action.meaning(value, &snapshot.stores.config));
        }
        Ok(())
    };
    for event in person.into_iter().flat_map(|person| &person.recent).filter(|event| event.time() <= now) {
        let logged = &event.logged.event;
        if let Some(id) = &logged.item {
            add(id, event.time(), &logged.action, logged.value)?;
        }
    }
    for event in &request.history {
        add(&event.item, event.time.unwrap_or(now).min(now), &event.action, event.value)?;
    }
    Ok(found)
}

fn stateless(event: &HistoryEvent, now: Timestamp) -> StoredEvent {
    let time = event.time.unwrap_or(now);
    StoredEvent {
        time,
        order: (Seq(u64::MAX), 0),
        item: None,
        action: event.action.clone(),
        query: None,
        value: event.value,
        basket: None,
        rank_id: None,
        segments: Default::default(),
        arrived: None,
        batch: None,
    }
}
