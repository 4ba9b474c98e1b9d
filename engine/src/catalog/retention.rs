//! Which events are expired, and removing them.
//!
//! The counts of items are then those of the remaining events. What a user did with an item stays, in rows of its own
//! from which a rebuild of the signals starts. Decision 0016.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};

use crate::api::config::Config;
use crate::api::retention::Retention;
use crate::base::error::{Error, Result};
use crate::base::id::{ItemKey, Seq, UserKey};
use crate::base::time::Timestamp;
use crate::base::watch;

use super::read::view::View;
use super::rows::counters::Counters;
use super::rows::events::StoredEvent;
use super::rows::keys::EventKey;
use super::rows::lmdb_error::storage;
use super::rows::user_items::UserItem;
use super::rows::{codec, keys};
use super::write::transaction::CatalogWrite;

/// The meta record with the number of removed events.
pub(super) const REMOVED: &str = "events_removed";

/// Seconds of a day.
const DAY: f64 = 86_400.0;

/// An event to remove. Sorted by time, then by commit and position there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ExpiredEvent {
    time: Timestamp,
    seq: Seq,
    position: u32,
    user: UserKey,
}

impl ExpiredEvent {
    /// The event with this key; `None` for another kind of row.
    fn of(key: &[u8]) -> Result<Option<ExpiredEvent>> {
        let Some(user) = keys::event_user(key) else { return Ok(None) };
        let parts = keys::event_time(key).zip(keys::event_order(key));
        let (time, (seq, position)) = parts.ok_or_else(|| Error::damaged("event key", "a short key"))?;
        Ok(Some(ExpiredEvent { time, seq, position, user }))
    }

    /// Its key in the table of people.
    fn key(&self) -> EventKey {
        keys::event(self.user, self.time, self.seq, self.position)
    }
}

/// Where the rows of people stand in a copy without these events: only the other events, each under its key.
pub(crate) fn without(expired: &[ExpiredEvent]) -> impl Fn(&[u8]) -> Option<Vec<u8>> {
    let expired: HashSet<EventKey> = expired.iter().map(ExpiredEvent::key).collect();
    move |key| {
        let is_expired = EventKey::try_from(key).is_ok_and(|key| expired.contains(&key));
        (keys::event_user(key).is_some() && !is_expired).then(|| key.to_vec())
    }
}

impl View<'_> {
    /// The applied events that are not to be kept as of `now`: the oldest `most` of them, oldest first.
    pub(crate) fn expired_events(
        &self,
        retention: &Retention,
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<ExpiredEvent>> {
        let since = retention.days.map_or(Timestamp::MIN, |days| Timestamp::from_seconds(now.seconds() - days * DAY));
        let most_of_one = retention.per_user.unwrap_or(usize::MAX);
        let (mut expired, mut kept) = (Vec::new(), Vec::new());
        let mut split = |events: &mut Vec<ExpiredEvent>| {
            let too_many = events.len().saturating_sub(most_of_one);
            let too_old = events.partition_point(|event| event.time < since);
            expired.extend(events.drain(..too_many.max(too_old)));
            kept.append(events);
        };
        // The events of one user, oldest first.
        let mut events: Vec<ExpiredEvent> = Vec::new();
        for row in self.tables.people.iter(self.txn).map_err(storage)? {
            watch::check()?;
            let Some(event) = ExpiredEvent::of(row.map_err(storage)?.0)? else { continue };
            if events.last().is_some_and(|last| last.user != event.user) {
                split(&mut events);
            }
            events.push(event);
        }
        split(&mut events);
        let too_many = kept.len().saturating_sub(retention.total.map_or(usize::MAX, |total| total as usize));
        if too_many > 0 {
            kept.select_nth_unstable(too_many - 1);
            expired.extend(kept.drain(..too_many));
        }
        expired.sort_unstable();
        expired.truncate(most);
        Ok(expired)
    }

    /// Events removed since the store was created, by retention or because they were deleted.
    pub(crate) fn events_removed(&self) -> Result<u64> {
        Ok(self.meta(REMOVED)?.unwrap_or_default())
    }

    /// Events logged since the store was created: those that are stored, and those that were removed.
    pub(crate) fn events_logged(&self, counters: &Counters) -> Result<u64> {
        Ok(counters.events + self.events_removed()?)
    }

    /// Whether the log has grown by `factor` since `logged` events had been logged. In a store that removes events:
    /// whether as many of the stored events are new.
    pub(crate) fn has_grown(&self, counters: &Counters, logged: u64, factor: f64) -> Result<bool> {
        let new = self.events_logged(counters)?.saturating_sub(logged);
        Ok(new as f64 >= (factor - 1.0) * logged.min(counters.events) as f64)
    }
}

impl CatalogWrite<'_> {
    /// Removes events, and adds them to the rows that keep what their users did with their items. Returns how many were
    /// removed. IMPORTANT: the events are those of one [`View::expired_events`], oldest first, and the signals are
    /// rebuilt without them in the same transaction.
    pub(crate) fn remove_events(&mut self, config: &Config, events: &[ExpiredEvent]) -> Result<u64> {
        let mut pairs: BTreeMap<(UserKey, ItemKey), UserItem> = BTreeMap::new();
        let mut removed = 0;
        for expired in events {
            watch::check()?;
            let (user, key) = (expired.user, expired.key());
            // Another call may have removed it meanwhile.
            let Some(record) = self.tables.people.get(&self.txn, &key).map_err(storage)? else { continue };
            let event = StoredEvent::read((&key, record))?;
            if let Some(item) = event.item {
                let pair = match pairs.entry((user, item)) {
                    Entry::Occupied(pair) => pair.into_mut(),
                    Entry::Vacant(slot) => slot.insert(self.view().removed_pair(user, item)?),
                };
                pair.add_event(event.time, &event.action, event.action.meaning(event.value, config));
            }
            self.tables.people.delete(&mut self.txn, &key).map_err(storage)?;
            removed += 1;
        }
        for ((user, item), pair) in pairs {
            let record = codec::encode(&pair)?;
            self.tables.people.put(&mut self.txn, &keys::removed(user, item), &record).map_err(storage)?;
        }
        if removed > 0 {
            self.count_removed(removed)?;
        }
        Ok(removed)
    }

    /// Takes events out of the count of those stored, and adds them to those removed.
    pub(super) fn count_removed(&mut self, removed: u64) -> Result<()> {
        self.counters.events = self.counters.events.saturating_sub(removed);
        let total = self.view().events_removed()? + removed;
        self.set_meta(REMOVED, &total)
    }
}
