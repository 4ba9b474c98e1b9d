//! Events as they are stored: by user and time, and what a user did with each item.

use serde::{Deserialize, Serialize};

use crate::api::config::Meaning;
use crate::api::event::{Action, Segments};
use crate::base::error::{Error, Result};
use crate::base::id::{ItemKey, KeyMap, Seq, UserKey};
use crate::base::time::Timestamp;

use super::journal::LoggedEvent;
use super::read::View;
use super::store::storage;
use super::{codec, keys};

/// An event as stored; user, time and the number of its commit are in its key.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct EventRow {
    item: Option<ItemKey>,
    action: Action,
    query: Option<String>,
    value: Option<f64>,
    rank_id: Option<String>,
    basket: Option<String>,
    /// When it was logged, for an event that is dated later than that.
    arrived: Option<Timestamp>,
}

/// The same bytes, from an event at hand: its strings need not be copied to be written.
#[derive(Serialize)]
struct EventRowForm<'e> {
    item: Option<ItemKey>,
    action: &'e Action,
    query: Option<&'e str>,
    value: Option<f64>,
    rank_id: Option<&'e str>,
    basket: Option<&'e str>,
    arrived: Option<Timestamp>,
}

impl EventRow {
    fn decode(bytes: &[u8]) -> Result<(EventRow, Segments)> {
        match codec::is_segmented(bytes) {
            true => codec::decode_as(codec::SEGMENTED, "event", bytes),
            false => Ok((codec::decode("event", bytes)?, Segments::new())),
        }
    }
}

/// An event as read back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredEvent {
    pub time: Timestamp,
    /// The commit that logged it, and its place there: the order of logging.
    pub order: (Seq, u32),
    pub item: Option<ItemKey>,
    pub action: Action,
    pub query: Option<String>,
    pub value: Option<f64>,
    pub basket: Option<String>,
    pub rank_id: Option<String>,
    pub segments: Segments,
    /// When it was logged, for an event that is dated later than that.
    pub arrived: Option<Timestamp>,
}

impl StoredEvent {
    /// The time that signals count by.
    pub(crate) fn counted(&self) -> Timestamp {
        self.arrived.unwrap_or(self.time)
    }

    /// The event as it would be read back.
    pub(crate) fn of(logged: &LoggedEvent, order: (Seq, u32), item: Option<ItemKey>) -> StoredEvent {
        let event = &logged.event;
        StoredEvent {
            time: event.time.unwrap_or(logged.arrived),
            order,
            item,
            action: event.action.clone(),
            query: event.query.clone(),
            value: event.value,
            basket: event.basket.clone(),
            rank_id: event.rank_id.clone(),
            segments: event.segments.clone(),
            arrived: event.time.is_some_and(|time| time > logged.arrived).then_some(logged.arrived),
        }
    }

    /// The bytes of its row. Without segments it is the row that it always was, so that an event which comes once more is
    /// known by its bytes, whichever format wrote them.
    pub(super) fn row(&self) -> Result<Vec<u8>> {
        let row = EventRowForm {
            item: self.item,
            action: &self.action,
            query: self.query.as_deref(),
            value: self.value,
            rank_id: self.rank_id.as_deref(),
            basket: self.basket.as_deref(),
            arrived: self.arrived,
        };
        match self.segments.is_empty() {
            true => codec::encode(&row),
            false => codec::encode_as(codec::SEGMENTED, &(row, &self.segments)),
        }
    }

    pub(super) fn read((key, value): (&[u8], &[u8])) -> Result<StoredEvent> {
        let (row, segments) = EventRow::decode(value)?;
        let parts = keys::event_time(key).zip(keys::event_order(key));
        let (time, order) = parts.ok_or_else(|| Error::damaged("event key", "a short key"))?;
        let EventRow { item, action, query, value, rank_id, basket, arrived } = row;
        Ok(StoredEvent { time, order, item, action, query, value, basket, rank_id, segments, arrived })
    }
}

/// What a user has done with an item, and what was shown of it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct UserItem {
    /// Events of any kind.
    pub events: u32,
    /// The first and the last of them.
    pub first: Timestamp,
    pub last: Timestamp,
    /// The last that spoke for the item, and the last that spoke against it.
    pub liked: Option<Timestamp>,
    pub disliked: Option<Timestamp>,
    pub bought: Option<Timestamp>,
    /// The weight of the last event that spoke against it: how loudly it did.
    pub against: f32,
    /// Impressions since the last event of any kind, and the last of them.
    pub shown: u32,
    pub last_shown: Option<Timestamp>,
}

impl UserItem {
    /// Counts an event.
    pub(crate) fn add_event(&mut self, time: Timestamp, action: &Action, (meaning, weight): (Meaning, f32)) {
        self.first = if self.events == 0 { time } else { self.first.min(time) };
        self.last = if self.events == 0 { time } else { self.last.max(time) };
        self.events = self.events.saturating_add(1);
        self.shown = 0;
        let later = |slot: Option<Timestamp>| Some(slot.map_or(time, |before| before.max(time)));
        match meaning {
            Meaning::Positive => self.liked = later(self.liked),
            Meaning::Negative => {
                self.disliked = later(self.disliked);
                self.against = if self.disliked == Some(time) { weight } else { self.against };
            }
            Meaning::Neutral => {}
        }
        if *action == Action::Buy {
            self.bought = later(self.bought);
        }
    }

    /// The same without its events: what is left are the impressions.
    pub(crate) fn without_events(self) -> UserItem {
        UserItem { shown: self.shown, last_shown: self.last_shown, ..UserItem::default() }
    }

    /// Counts an impression.
    pub(crate) fn add_impression(&mut self, time: Timestamp) {
        self.shown = self.shown.saturating_add(1);
        self.last_shown = Some(self.last_shown.map_or(time, |before| before.max(time)));
    }

    /// Whether there was an event up to `now`.
    pub(crate) fn had_by(&self, now: Timestamp) -> bool {
        self.events > 0 && self.first <= now
    }
}

impl<'t> View<'t> {
    /// The events of a user up to `until`, newest first.
    pub(crate) fn history(
        &self,
        user: UserKey,
        until: Timestamp,
    ) -> Result<impl Iterator<Item = Result<StoredEvent>> + use<'t>> {
        let first = keys::event(user, Timestamp::MIN, Seq(0), 0);
        let last = keys::event(user, until, Seq(u64::MAX), u32::MAX);
        let rows = self.tables.people.rev_range(self.txn, &keys::between(&first, &last)).map_err(storage)?;
        Ok(rows.map(|row| StoredEvent::read(row.map_err(storage)?)))
    }

    /// The events of a user from `from` on, oldest first.
    pub(super) fn future(
        &self,
        user: UserKey,
        from: Timestamp,
    ) -> Result<impl Iterator<Item = Result<StoredEvent>> + use<'t>> {
        let first = keys::event(user, from, Seq(0), 0);
        let last = keys::event(user, Timestamp::MAX, Seq(u64::MAX), u32::MAX);
        let rows = self.tables.people.range(self.txn, &keys::between(&first, &last)).map_err(storage)?;
        Ok(rows.map(|row| StoredEvent::read(row.map_err(storage)?)))
    }

    /// Every event of everybody, by user and time.
    pub(crate) fn events_by_user(&self) -> Result<impl Iterator<Item = Result<(UserKey, StoredEvent)>> + use<'t>> {
        let rows = self.tables.people.iter(self.txn).map_err(storage)?;
        Ok(rows.filter_map(|row| match row.map_err(storage) {
            Ok((key, value)) => {
                let user = keys::event_user(key)?;
                Some(StoredEvent::read((key, value)).map(|event| (user, event)))
            }
            Err(error) => Some(Err(error)),
        }))
    }

    /// Whether the user has an event of this very content at this time already.
    pub(super) fn has_event(&self, user: UserKey, time: Timestamp, row: &[u8]) -> Result<bool> {
        let first = keys::event(user, time, Seq(0), 0);
        let last = keys::event(user, time, Seq(u64::MAX), u32::MAX);
        for found in self.tables.people.range(self.txn, &keys::between(&first, &last)).map_err(storage)? {
            if found.map_err(storage)?.1 == row {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What a user has done with every item, when these are at most `most`.
    pub(crate) fn user_items_of(&self, user: UserKey, most: usize) -> Result<Option<KeyMap<ItemKey, UserItem>>> {
        let (first, last) = (keys::user_item(user, ItemKey(0)), keys::user_item(user, ItemKey(u64::MAX)));
        let mut found = KeyMap::default();
        for row in self.tables.people.range(self.txn, &keys::between(&first, &last)).map_err(storage)? {
            let (key, value) = row.map_err(storage)?;
            if found.len() == most {
                return Ok(None);
            }
            let item = keys::last_item(key).ok_or_else(|| Error::damaged("user and item", "a short key"))?;
            found.insert(item, codec::decode("user and item", value)?);
        }
        Ok(Some(found))
    }

    /// What a user has done with an item.
    pub(crate) fn user_item(&self, user: UserKey, item: ItemKey) -> Result<Option<UserItem>> {
        let bytes = self.tables.people.get(self.txn, &keys::user_item(user, item)).map_err(storage)?;
        bytes.map(|bytes| codec::decode("user and item", bytes)).transpose()
    }

    /// Items in order of falling time of availability, from `until` back.
    pub(crate) fn fresh(
        &self,
        until: Timestamp,
    ) -> Result<impl Iterator<Item = Result<(ItemKey, Timestamp)>> + use<'_>> {
        let first = keys::fresh(until, ItemKey(0));
        let rows = self.tables.fresh.range(self.txn, &keys::from(&first)).map_err(storage)?;
        Ok(rows.map(|row| {
            let (key, _) = row.map_err(storage)?;
            let parts = keys::last_item(key).zip(keys::fresh_time(key));
            parts.ok_or_else(|| Error::damaged("fresh list", "a short key"))
        }))
    }
}
