//! Reading the log back: events a page at a time, and users.

use super::Stores;
use crate::api::event::Event;
use crate::api::stored_events::{EventFilter, EventPage, EventPlace, EventQuery, EventRecord, UserSummary};
use crate::base::error::{Error, Result};
use crate::base::id::{ItemKey, UserKey};
use crate::catalog::{EventMatch, StoredEvent, View};

/// A page of the applied events.
pub(crate) fn page(stores: &Stores, query: &EventQuery) -> Result<EventPage> {
    let after = query.check()?;
    let catalog = stores.catalog.read()?;
    let view = catalog.view();
    let Some(matched) = resolve(view, &query.filter)? else { return Ok(EventPage::default()) };
    let order = (after, query.newest_first);
    let (keys, more) = view.event_page(&matched, order, query.limit, || stores.check_open())?;
    let mut rows = Vec::with_capacity(keys.len());
    for key in &keys {
        rows.push(view.event(key)?.ok_or_else(|| Error::internal("an event left a pinned commit"))?);
    }
    let next = rows.last().filter(|_| more).map(|(_, last)| place(last, query.filter.user.is_some()).write());
    Ok(EventPage { events: named(view, rows)?, next })
}

/// How many applied events match.
pub(crate) fn count(stores: &Stores, filter: &EventFilter) -> Result<u64> {
    filter.check()?;
    let catalog = stores.catalog.read()?;
    if filter.is_empty() {
        return Ok(catalog.counters().events);
    }
    let view = catalog.view();
    let Some(matched) = resolve(view, filter)? else { return Ok(0) };
    let mut count = 0;
    view.each_matching(
        &matched,
        || stores.check_open(),
        |_| {
            count += 1;
            true
        },
    )?;
    Ok(count)
}

/// Users in order of id, at most `limit` after one.
pub(crate) fn users(stores: &Stores, after: Option<&str>, limit: usize) -> Result<Vec<UserSummary>> {
    let catalog = stores.catalog.read()?;
    let view = catalog.view();
    let mut page = Vec::new();
    for row in view.users_after(after)?.take(limit) {
        stores.check_open()?;
        let (key, user) = row?;
        let (events, first, last) = view.summary(key)?;
        page.push(UserSummary { user, events, first, last });
    }
    Ok(page)
}

/// The conditions with keys for ids; `None` when an id is not known, so that nothing matches.
pub(crate) fn resolve(view: View<'_>, filter: &EventFilter) -> Result<Option<EventMatch>> {
    let EventFilter { user, item, since, until, action, batch } = filter.clone();
    let (user_key, item_key) =
        (user.as_deref().map(|id| view.user_key(id)), item.as_deref().map(|id| view.item_key(id)));
    let (user_key, item_key) = (user_key.transpose()?.flatten(), item_key.transpose()?.flatten());
    let known = user.is_some() == user_key.is_some() && item.is_some() == item_key.is_some();
    Ok(known.then_some(EventMatch { user: user_key, item: item_key, since, until, action, batch }))
}

/// Events with the ids of their users and items.
pub(crate) fn named(view: View<'_>, rows: Vec<(UserKey, StoredEvent)>) -> Result<Vec<EventRecord>> {
    let users = view.user_ids(rows.iter().map(|(user, _)| *user))?;
    let items = view.item_ids(rows.iter().filter_map(|(_, event)| event.item))?;
    let user_id = |key: &UserKey| users.get(key).ok_or_else(|| Error::damaged("event", "a user without an id"));
    let item_id = |key: ItemKey| items.get(&key).ok_or_else(|| Error::damaged("event", "an item without an id"));
    let rows = rows.into_iter().map(|(user, stored)| {
        let item = stored.item.map(|key| item_id(key).cloned()).transpose()?;
        Ok(record(user_id(&user)?.clone(), item, stored))
    });
    rows.collect()
}

/// The place of an event in its order: by time, or by logging.
pub(crate) fn place(event: &StoredEvent, by_time: bool) -> EventPlace {
    EventPlace { time: by_time.then_some(event.time), order: event.order }
}

/// A stored event under the ids of its user and its item.
pub(crate) fn record(user: String, item: Option<String>, stored: StoredEvent) -> EventRecord {
    let StoredEvent { time, action, query, value, basket, rank_id, segments, arrived, batch, .. } = stored;
    let event = Event { user, action, item, query, value, time: Some(time), rank_id, basket, segments, batch };
    EventRecord { event, arrived }
}
