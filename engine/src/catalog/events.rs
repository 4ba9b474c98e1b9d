//! Events and what is counted from them: popularity masses and who had what.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::event::{Action, Event};
use crate::id::{ItemKey, UserKey};
use crate::time::Timestamp;

use super::popularity::{self, Window};
use super::read::View;
use super::store::storage;
use super::write::CatalogWrite;
use super::{codec, keys};

/// An event as stored; user and time are in its key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct EventRow {
    item: Option<ItemKey>,
    action: Action,
    query: Option<String>,
    value: Option<f64>,
    rank_id: Option<String>,
}

/// An event as read back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredEvent {
    pub time: Timestamp,
    pub item: Option<ItemKey>,
    pub action: Action,
    pub query: Option<String>,
    pub value: Option<f64>,
}

/// What a user has done with an item.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct UserItem {
    /// Events of any kind.
    pub events: u32,
    /// The first and the last of them.
    pub first: Timestamp,
    pub last: Timestamp,
}

/// Log masses gathered by one commit, so that an item that many events touch is moved once.
#[derive(Default)]
pub(super) struct PendingMasses(BTreeMap<ItemKey, [f64; Window::ALL.len()]>);

impl PendingMasses {
    fn add(&mut self, item: ItemKey, time: Timestamp) {
        let masses = self.0.entry(item).or_insert([f64::NEG_INFINITY; Window::ALL.len()]);
        for (mass, window) in masses.iter_mut().zip(Window::ALL) {
            *mass = popularity::add(*mass, window.event(time));
        }
    }
}

impl CatalogWrite<'_> {
    /// Stores an event that was checked, with its user (and, if need be, a key for an item that is not put yet).
    ///
    /// A time in the future of `now` is stored as it is, but counts for popularity as if it were now: otherwise one
    /// event dated year 9999 would lead every list for ever.
    pub(crate) fn log(&mut self, event: &Event, now: Timestamp, negative: bool) -> Result<()> {
        let time = event.time.unwrap_or(now);
        let user = self.ensure_user(&event.user)?;
        let item = event.item.as_deref().map(|id| self.ensure_key(id)).transpose()?;
        let row = EventRow {
            item,
            action: event.action.clone(),
            query: event.query.clone(),
            value: event.value,
            rank_id: event.rank_id.clone(),
        };
        let key = keys::event(user, time, self.counters.seq.next(), self.next_place());
        self.tables.events.put(&mut self.txn, &key, &codec::encode(&row)?).map_err(storage)?;
        self.counters.events += 1;
        if let Some(item) = item {
            self.count_user_item(user, item, time)?;
            if !negative {
                self.masses.add(item, time.min(now));
            }
        }
        Ok(())
    }

    fn count_user_item(&mut self, user: UserKey, item: ItemKey, time: Timestamp) -> Result<()> {
        let known = self.view().user_item(user, item)?;
        let row = match known {
            Some(had) => {
                UserItem { events: had.events.saturating_add(1), first: had.first.min(time), last: had.last.max(time) }
            }
            None => UserItem { events: 1, first: time, last: time },
        };
        let key = keys::user_item(user, item);
        self.tables.user_items.put(&mut self.txn, &key, &codec::encode(&row)?).map_err(storage)
    }

    /// Moves every item that this commit's events touched to its place in the popular lists.
    pub(super) fn settle_masses(&mut self) -> Result<()> {
        for (item, added) in std::mem::take(&mut self.masses).0 {
            let before = self.view().masses(item)?;
            let mut after = added;
            if let Some(before) = before {
                for (mass, old) in after.iter_mut().zip(before) {
                    *mass = popularity::add(*mass, old);
                }
                self.unlist_popular(item, before)?;
            }
            self.tables.masses.put(&mut self.txn, &keys::item(item), &codec::encode(&after)?).map_err(storage)?;
            // An item that is not put (or was deleted) keeps its masses, but is in no list.
            if self.view().head(item)?.is_some() {
                self.list_popular(item, after)?;
            }
        }
        Ok(())
    }

    pub(super) fn list_popular(&mut self, item: ItemKey, masses: [f64; 2]) -> Result<()> {
        for (window, mass) in Window::ALL.into_iter().zip(masses) {
            self.tables.popular.put(&mut self.txn, &keys::popular(window, mass, item), &[]).map_err(storage)?;
        }
        Ok(())
    }

    pub(super) fn unlist_popular(&mut self, item: ItemKey, masses: [f64; 2]) -> Result<()> {
        for (window, mass) in Window::ALL.into_iter().zip(masses) {
            self.tables.popular.delete(&mut self.txn, &keys::popular(window, mass, item)).map_err(storage)?;
        }
        Ok(())
    }
}

impl View<'_> {
    /// The newest `limit` events of a user up to `until`, newest first.
    pub(crate) fn history(&self, user: UserKey, until: Timestamp, limit: usize) -> Result<Vec<StoredEvent>> {
        let first = keys::event(user, Timestamp::MIN, crate::id::Seq(0), 0);
        let last = keys::event(user, until, crate::id::Seq(u64::MAX), u32::MAX);
        let rows = self.tables.events.rev_range(self.txn, &keys::between(&first, &last)).map_err(storage)?;
        rows.take(limit)
            .map(|row| {
                let (key, value) = row.map_err(storage)?;
                let row: EventRow = codec::decode("event", value)?;
                let time = keys::event_time(key).ok_or_else(|| Error::damaged("event key", "a short key"))?;
                Ok(StoredEvent { time, item: row.item, action: row.action, query: row.query, value: row.value })
            })
            .collect()
    }

    /// What a user has done with an item.
    pub(crate) fn user_item(&self, user: UserKey, item: ItemKey) -> Result<Option<UserItem>> {
        let bytes = self.tables.user_items.get(self.txn, &keys::user_item(user, item)).map_err(storage)?;
        bytes.map(|bytes| codec::decode("user and item", bytes)).transpose()
    }

    /// The log masses of an item, in the order of [`Window::ALL`].
    pub(crate) fn masses(&self, item: ItemKey) -> Result<Option<[f64; 2]>> {
        let bytes = self.tables.masses.get(self.txn, &keys::item(item)).map_err(storage)?;
        bytes.map(|bytes| codec::decode("popularity", bytes)).transpose()
    }

    /// Items in order of falling popularity, with their log masses.
    pub(crate) fn popular(&self, window: Window) -> Result<impl Iterator<Item = Result<(ItemKey, f64)>> + use<'_>> {
        let prefix = [window.number()];
        let rows = self.tables.popular.prefix_iter(self.txn, &prefix).map_err(storage)?;
        Ok(rows.map(|row| {
            let (key, _) = row.map_err(storage)?;
            let parts = keys::last_item(key).zip(keys::popular_mass(key));
            parts.ok_or_else(|| Error::damaged("popular list", "a short key"))
        }))
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
