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
pub(super) struct EventRow {
    pub item: Option<ItemKey>,
    pub action: Action,
    pub query: Option<String>,
    pub value: Option<f64>,
    pub rank_id: Option<String>,
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

/// Log masses in the order of [`Window::ALL`].
pub(super) type Masses = [f64; Window::ALL.len()];

/// Items that each popular list keeps when it is pruned.
const POPULAR_KEPT: usize = 4096;

/// Log masses gathered by one commit, so that an item that many events touch is moved once.
#[derive(Default)]
pub(super) struct PendingMasses(BTreeMap<ItemKey, Masses>);

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
        self.tables.people.put(&mut self.txn, &key, &codec::encode(&row)?).map_err(storage)?;
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
        self.tables.people.put(&mut self.txn, &key, &codec::encode(&row)?).map_err(storage)
    }

    /// Moves every item that this commit's events touched to its place in the popular lists.
    pub(super) fn settle_masses(&mut self) -> Result<()> {
        for (item, added) in std::mem::take(&mut self.masses).0 {
            let before = self.view().masses(item)?;
            let mut after = added;
            for (mass, old) in after.iter_mut().zip(before.unwrap_or([f64::NEG_INFINITY; Window::ALL.len()])) {
                *mass = popularity::add(*mass, old);
            }
            self.tables.masses.put(&mut self.txn, &keys::item(item), &codec::encode(&after)?).map_err(storage)?;
            // An item that is not put (or was deleted) keeps its masses, but is in no list.
            if self.view().head(item)?.is_some() {
                self.relist_popular(item, before, Some(after))?;
            }
        }
        self.prune_popular()
    }

    /// Moves an item in the popular lists. A place is a step of mass, not the mass itself: most events leave their item
    /// where it is, and write nothing here.
    pub(super) fn relist_popular(&mut self, item: ItemKey, old: Option<Masses>, new: Option<Masses>) -> Result<()> {
        for (number, window) in Window::ALL.into_iter().enumerate() {
            let floor = self.counters.popular_floor[number];
            let place =
                |masses: Option<Masses>| masses.map(|m| popularity::step(m[number])).filter(|step| *step >= floor);
            let (from, to) = (place(old), place(new));
            if from == to {
                continue;
            }
            if let Some(from) = from {
                self.tables.popular.delete(&mut self.txn, &keys::popular(window, from, item)).map_err(storage)?;
            }
            if let Some(to) = to {
                self.tables.popular.put(&mut self.txn, &keys::popular(window, to, item), &[]).map_err(storage)?;
            }
        }
        Ok(())
    }

    /// Keeps the lists short: an item far down will never be asked for, and masses only grow, so what falls under the
    /// floor once is looked at again only when events lift it over.
    fn prune_popular(&mut self) -> Result<()> {
        let listed = self.tables.popular.len(&self.txn).map_err(storage)?;
        if listed <= 2 * Window::ALL.len() as u64 * POPULAR_KEPT as u64 {
            return Ok(());
        }
        for (number, window) in Window::ALL.into_iter().enumerate() {
            let Some(floor) = self.view().popular(window)?.nth(POPULAR_KEPT).transpose()?.map(|(_, mass)| mass) else {
                continue;
            };
            // Steps below the floor's go; the floor's own stays whole, so that the floor says who is listed.
            let first = keys::popular(window, floor.next_down(), ItemKey(0));
            let last = keys::popular(window, f64::NEG_INFINITY, ItemKey(u64::MAX));
            self.tables.popular.delete_range(&mut self.txn, &keys::between(&first, &last)).map_err(storage)?;
            self.counters.popular_floor[number] = floor;
        }
        Ok(())
    }
}

impl View<'_> {
    /// The newest `limit` events of a user up to `until`, newest first.
    pub(crate) fn history(&self, user: UserKey, until: Timestamp, limit: usize) -> Result<Vec<StoredEvent>> {
        let first = keys::event(user, Timestamp::MIN, crate::id::Seq(0), 0);
        let last = keys::event(user, until, crate::id::Seq(u64::MAX), u32::MAX);
        let rows = self.tables.people.rev_range(self.txn, &keys::between(&first, &last)).map_err(storage)?;
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
        let bytes = self.tables.people.get(self.txn, &keys::user_item(user, item)).map_err(storage)?;
        bytes.map(|bytes| codec::decode("user and item", bytes)).transpose()
    }

    /// The log masses of an item, in the order of [`Window::ALL`].
    pub(crate) fn masses(&self, item: ItemKey) -> Result<Option<[f64; Window::ALL.len()]>> {
        let bytes = self.tables.masses.get(self.txn, &keys::item(item)).map_err(storage)?;
        bytes.map(|bytes| codec::decode("popularity", bytes)).transpose()
    }

    /// The most popular items in order of falling popularity, with the step of their log mass.
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
