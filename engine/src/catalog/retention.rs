//! Removing old events. What is counted of items is then that of the events which are left; what a user had of an item
//! stays, in rows of its own from which `recount` starts. Decision 0016.

use std::collections::BTreeMap;

use crate::api::config::Config;
use crate::api::retention::Retention;
use crate::base::error::{Error, Result};
use crate::base::id::{ItemKey, Seq, UserKey};
use crate::base::time::Timestamp;

use super::counters::Counters;
use super::events::{StoredEvent, UserItem};
use super::read::View;
use super::store::storage;
use super::write::CatalogWrite;
use super::{codec, keys};

/// The meta record that says how many events were removed.
const REMOVED: &str = "events_removed";

/// Seconds of a day.
const DAY: f64 = 86_400.0;

/// An event that is to be removed.
pub(crate) struct Old {
    user: UserKey,
    time: Timestamp,
    seq: Seq,
    place: u32,
}

impl Old {
    /// Its key in the table of people.
    pub(super) fn key(&self) -> [u8; 29] {
        keys::event(self.user, self.time, self.seq, self.place)
    }
}

/// Where an event stands in time: its time, its commit, its place there.
type Place = (Timestamp, Seq, u32);
/// Events by their place, so that the oldest come first.
type Found = Vec<(Place, UserKey)>;

impl View<'_> {
    /// The applied events beyond what is kept as of `now`: the oldest `most` of them, oldest first.
    pub(crate) fn beyond(&self, retention: &Retention, now: Timestamp, most: usize) -> Result<Vec<Old>> {
        let since = retention.days.map_or(Timestamp::MIN, |days| Timestamp::from_seconds(now.seconds() - days * DAY));
        let most_of_one = retention.per_user.unwrap_or(usize::MAX);
        let (mut beyond, mut kept) = (Found::new(), Found::new());
        let mut settle = |person: &mut Found| {
            let too_many = person.len().saturating_sub(most_of_one);
            let too_old = person.partition_point(|((time, ..), _)| *time < since);
            beyond.extend(person.drain(..too_many.max(too_old)));
            kept.append(person);
        };
        let mut person = Found::new();
        for row in self.tables.people.iter(self.txn).map_err(storage)? {
            let (key, _) = row.map_err(storage)?;
            let Some(user) = keys::event_user(key) else { continue };
            let parts = keys::event_time(key).zip(keys::event_order(key));
            let (time, (seq, place)) = parts.ok_or_else(|| Error::damaged("event key", "a short key"))?;
            if person.last().is_some_and(|(_, other)| *other != user) {
                settle(&mut person);
            }
            person.push(((time, seq, place), user));
        }
        settle(&mut person);
        let too_many = kept.len().saturating_sub(retention.total.map_or(usize::MAX, |total| total as usize));
        if too_many > 0 {
            kept.select_nth_unstable(too_many - 1);
            beyond.extend(kept.drain(..too_many));
        }
        beyond.sort_unstable();
        beyond.truncate(most);
        Ok(beyond.into_iter().map(|((time, seq, place), user)| Old { user, time, seq, place }).collect())
    }

    /// Events that were removed since the store was made.
    pub(crate) fn events_removed(&self) -> Result<u64> {
        Ok(self.meta(REMOVED)?.unwrap_or_default())
    }

    /// Events that were ever logged: those that are kept, and those that were removed.
    pub(crate) fn events_logged(&self, counters: &Counters) -> Result<u64> {
        Ok(counters.events + self.events_removed()?)
    }

    /// Whether the log has grown by `factor` since `logged` events had ever been logged: in a store that removes events,
    /// when so many of those that it keeps are new.
    pub(crate) fn has_grown(&self, counters: &Counters, logged: u64, factor: f64) -> Result<bool> {
        let new = self.events_logged(counters)?.saturating_sub(logged);
        Ok(new as f64 >= (factor - 1.0) * logged.min(counters.events) as f64)
    }

    /// What a user did with items by events that are removed.
    pub(crate) fn removed_of(&self, user: UserKey) -> Result<Vec<(ItemKey, UserItem)>> {
        let (first, last) = (keys::removed(user, ItemKey(0)), keys::removed(user, ItemKey(u64::MAX)));
        let rows = self.tables.people.range(self.txn, &keys::between(&first, &last)).map_err(storage)?;
        rows.map(|row| removed_row(row.map_err(storage)?).map(|(_, item, pair)| (item, pair))).collect()
    }

    /// The same of every user.
    pub(super) fn removed(&self) -> Result<Vec<(UserKey, ItemKey, UserItem)>> {
        let rows = self.tables.people.iter(self.txn).map_err(storage)?;
        let removed = rows.filter(|row| row.as_ref().map_or(true, |(key, _)| keys::removed_parts(key).is_some()));
        removed.map(|row| removed_row(row.map_err(storage)?)).collect()
    }
}

fn removed_row((key, value): (&[u8], &[u8])) -> Result<(UserKey, ItemKey, UserItem)> {
    let (user, item) = keys::removed_parts(key).ok_or_else(|| Error::damaged("user and item", "a short key"))?;
    Ok((user, item, codec::decode("user and item", value)?))
}

impl CatalogWrite<'_> {
    /// Removes events, and adds them to what their users had of their items. Answers how many were there. IMPORTANT: the
    /// events are those of one [`View::beyond`], oldest first, and signals are to be counted without them in the same
    /// transaction.
    pub(crate) fn remove_events(&mut self, config: &Config, events: &[Old]) -> Result<u64> {
        let mut pairs: BTreeMap<(UserKey, ItemKey), UserItem> = BTreeMap::new();
        let mut removed = 0;
        for old in events {
            let (user, key) = (old.user, old.key());
            // Somebody else may have removed it meanwhile.
            let Some(value) = self.tables.people.get(&self.txn, &key).map_err(storage)? else { continue };
            let event = StoredEvent::read((&key, value))?;
            if let Some(item) = event.item {
                let pair = match pairs.entry((user, item)) {
                    std::collections::btree_map::Entry::Occupied(pair) => pair.into_mut(),
                    std::collections::btree_map::Entry::Vacant(slot) => {
                        let stored = self.tables.people.get(&self.txn, &keys::removed(user, item)).map_err(storage)?;
                        let stored = stored.map(|bytes| codec::decode("user and item", bytes)).transpose()?;
                        slot.insert(stored.unwrap_or_default())
                    }
                };
                pair.add_event(event.time, &event.action, event.action.meaning(event.value, config));
            }
            self.tables.people.delete(&mut self.txn, &key).map_err(storage)?;
            removed += 1;
        }
        for ((user, item), pair) in pairs {
            let row = codec::encode(&pair)?;
            self.tables.people.put(&mut self.txn, &keys::removed(user, item), &row).map_err(storage)?;
        }
        if removed > 0 {
            self.counters.events = self.counters.events.saturating_sub(removed);
            let ever = self.view().events_removed()? + removed;
            self.set_meta(REMOVED, &ever)?;
        }
        Ok(removed)
    }
}
