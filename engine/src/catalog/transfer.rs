//! What an export reads that no request asks for, and how an import puts it back.

use std::collections::HashMap;

use crate::base::error::{Error, Result};
use crate::base::id::{ItemKey, UserKey};

use super::read::view::View;
use super::rows::impressions::StoredImpression;
use super::rows::lmdb_error::storage;
use super::rows::segments::UserSegments;
use super::rows::user_items::UserItem;
use super::rows::{codec, keys};
use super::write::transaction::CatalogWrite;

/// The meta record of removed events.
use super::retention::REMOVED;

/// A user, an item, what is kept of removed events, and what is known of the two now.
type History = (UserKey, ItemKey, Option<UserItem>, UserItem);

impl<'t> View<'t> {
    /// The ids of all items that were ever put or logged.
    pub(crate) fn all_item_ids(&self) -> Result<HashMap<ItemKey, String>> {
        let rows = self.tables.ids.iter(self.txn).map_err(storage)?;
        rows.map(|row| {
            let (key, id): (u64, String) = codec::decode("id", row.map_err(storage)?.1)?;
            Ok((ItemKey(key), id))
        })
        .collect()
    }

    /// What is kept of users and items besides events: of removed ones, and of impressions.
    pub(crate) fn histories(&self) -> Result<impl Iterator<Item = Result<History>> + use<'t>> {
        let view = *self;
        Ok(self.user_items()?.filter_map(move |row| {
            let read = || {
                let (user, item, pair) = row?;
                let removed = view.removed_pair(user, item)?;
                let removed = (removed.events > 0).then_some(removed);
                let says = removed.is_some() || pair.shown > 0 || pair.last_shown.is_some();
                Ok(says.then_some((user, item, removed, pair)))
            };
            read().transpose()
        }))
    }

    /// How often items were shown and chosen.
    pub(crate) fn shown_counts(&self) -> Result<impl Iterator<Item = Result<(ItemKey, f64, f64)>> + use<'t>> {
        let counted = self.all_signals()?.map(|row| row.map(|(item, signals)| (item, signals.shown, signals.chosen)));
        Ok(counted.filter(|row| row.as_ref().map_or(true, |(_, shown, chosen)| *shown > 0.0 || *chosen > 0.0)))
    }

    /// Whether nothing was ever put or logged.
    pub(crate) fn is_untouched(&self) -> Result<bool> {
        let counters = self.counters()?;
        Ok(counters.next_item == 0 && counters.next_user == 0 && counters.impressions == 0)
    }
}

impl CatalogWrite<'_> {
    /// Gives an item id its key, in a store that nothing was put into.
    pub(crate) fn restore_item_id(&mut self, key: ItemKey, id: &str) -> Result<()> {
        self.counters.next_item = next(self.counters.next_item, key.0, id)?;
        let record = codec::encode(&(key.0, id))?;
        self.tables.ids.put(&mut self.txn, &keys::external(id), &record).map_err(storage)
    }

    /// Gives a user id its key, and the user its segments, in a store without users.
    pub(crate) fn restore_user(&mut self, key: UserKey, id: &str, segments: Option<&UserSegments>) -> Result<()> {
        self.counters.next_user = next(self.counters.next_user, key.0, id)?;
        self.counters.users += 1;
        let record = codec::encode(&(key.0, id))?;
        self.tables.users.put(&mut self.txn, &keys::external(id), &record).map_err(storage)?;
        match segments {
            Some(segments) => self.put_segments(key, segments),
            None => Ok(()),
        }
    }

    /// Sets the next free keys and the count of removed events.
    pub(crate) fn restore_counters(&mut self, next_item: u64, next_user: u64, removed: u64) -> Result<()> {
        self.counters.next_item = self.counters.next_item.max(next_item);
        self.counters.next_user = self.counters.next_user.max(next_user);
        self.set_meta(REMOVED, &removed)
    }

    /// Stores what retention kept of removed events. IMPORTANT: before the events are logged, as it was.
    pub(crate) fn restore_removed(&mut self, user: UserKey, item: ItemKey, removed: &UserItem) -> Result<()> {
        let record = codec::encode(removed)?;
        self.tables.people.put(&mut self.txn, &keys::removed(user, item), &record).map_err(storage)?;
        self.put_pair(user, item, removed)
    }

    /// Sets how often an item was shown to a user.
    pub(crate) fn set_shown(&mut self, user: UserKey, item: ItemKey, from: &UserItem) -> Result<()> {
        let pair = self.view().user_item(user, item)?.unwrap_or_default();
        self.put_pair(user, item, &UserItem { shown: from.shown, last_shown: from.last_shown, ..pair })
    }

    /// Sets how often an item was shown and chosen.
    pub(crate) fn set_counts(&mut self, item: ItemKey, shown: f64, chosen: f64) -> Result<()> {
        let mut signals = self.view().counts(item)?.unwrap_or_default();
        (signals.shown, signals.chosen) = (shown, chosen);
        self.put_signals(item, &signals)
    }

    /// Stores an impression as it was. It counts nothing. False when there is one of this ranking.
    pub(crate) fn restore_impression(&mut self, stored: &StoredImpression) -> Result<bool> {
        let (time, rank_id) = (stored.impression.time, stored.impression.rank_id.as_str());
        if self.view().impression(rank_id)?.is_some() {
            return Ok(false);
        }
        self.put_impression(stored)?;
        let key = keys::impression_time(time, rank_id);
        self.tables.impressions_by_time.put(&mut self.txn, &key, &[]).map_err(storage)?;
        self.counters.impressions += 1;
        Ok(true)
    }
}

/// The next free key after this one. Keys come in ascending order of files, but nothing here needs that.
fn next(next: u64, key: u64, id: &str) -> Result<u64> {
    let after = key.checked_add(1).filter(|after| *after < u64::MAX);
    let after =
        after.ok_or_else(|| Error::argument(format!("key of `{id}`"), "a key that `export` wrote", "too large"))?;
    Ok(next.max(after))
}
