//! Forgetting a user or an item: every row that names it, once its events are gone.

use std::collections::BTreeSet;

use crate::base::error::{Error, Result};
use crate::base::id::{ItemKey, UserKey};

use super::read::view::View;
use super::rows::impressions::{StoredImpression, examination};
use super::rows::key_parts::Relation;
use super::rows::keys;
use super::rows::lmdb_error::storage;
use super::write::transaction::CatalogWrite;

/// In a slate, the place of an item that is forgotten: no item ever has this key.
const FORGOTTEN: ItemKey = ItemKey(u64::MAX);

/// What rounding leaves of a sum of examination probabilities when all are taken away.
const ROUNDING: f64 = 1e-9;

impl View<'_> {
    /// The impressions that a user was shown.
    pub(crate) fn impressions_of(&self, user: &str, step: impl Fn() -> Result<()>) -> Result<Vec<StoredImpression>> {
        self.impressions_where(|stored| stored.impression.user.as_deref() == Some(user), step)
    }

    /// The impressions that showed an item.
    pub(crate) fn impressions_with(
        &self,
        item: ItemKey,
        step: impl Fn() -> Result<()>,
    ) -> Result<Vec<StoredImpression>> {
        self.impressions_where(|stored| stored.impression.slate.contains(&item), step)
    }

    fn impressions_where(
        &self,
        wanted: impl Fn(&StoredImpression) -> bool,
        step: impl Fn() -> Result<()>,
    ) -> Result<Vec<StoredImpression>> {
        let mut found = Vec::new();
        for row in self.impressions(None)? {
            step()?;
            found.extend(Some(row?).filter(&wanted));
        }
        Ok(found)
    }

    /// Users that have a row about an item.
    fn users_with(&self, item: ItemKey) -> Result<Vec<UserKey>> {
        let mut users = Vec::new();
        for row in self.tables.people.iter(self.txn).map_err(storage)? {
            let (key, _) = row.map_err(storage)?;
            users.extend(keys::user_item_parts(key).filter(|(_, other)| *other == item).map(|(user, _)| user));
        }
        Ok(users)
    }
}

impl CatalogWrite<'_> {
    /// Removes all rows of a user, the user's id, and impressions. Returns what was known of the user and items together,
    /// and how many impressions there were.
    pub(crate) fn forget_user(&mut self, user: Option<UserKey>, shown: &[StoredImpression]) -> Result<(u64, u64)> {
        let mut pairs = 0;
        if let Some(user) = user {
            for (key, _) in self.rows_of(user)? {
                pairs += u64::from(keys::user_item_parts(&key).is_some());
                self.tables.people.delete(&mut self.txn, &key).map_err(storage)?;
            }
            self.drop_users(&BTreeSet::from([user]))?;
        }
        let mut impressions = 0;
        for stored in shown {
            impressions += u64::from(self.delete_impression(&stored.impression.rank_id)?);
        }
        Ok((pairs, impressions))
    }

    /// Removes an impression, and what it counted for its items. False when it is gone already.
    fn delete_impression(&mut self, rank_id: &str) -> Result<bool> {
        let Some(StoredImpression { impression, chosen }) = self.view().impression(rank_id)? else { return Ok(false) };
        for (place, item) in impression.slate.iter().enumerate() {
            let Some(mut signals) = self.view().counts(*item)? else { continue };
            let left = |sum: f64, part: f64| if sum - part > ROUNDING { sum - part } else { 0.0 };
            signals.shown = left(signals.shown, examination(impression.offset as usize + place + 1));
            if chosen.contains(&(place as u32)) {
                signals.chosen = left(signals.chosen, 1.0);
            }
            self.put_signals(*item, &signals)?;
        }
        let key = keys::impression_time(impression.time, rank_id);
        self.tables.impressions_by_time.delete(&mut self.txn, &key).map_err(storage)?;
        self.tables.impressions.delete(&mut self.txn, &keys::external(rank_id)).map_err(storage)?;
        self.counters.impressions = self.counters.impressions.saturating_sub(1);
        Ok(true)
    }

    /// Gives the impressions of one user to another. Returns how many.
    pub(crate) fn rename_impressions(&mut self, shown: &[StoredImpression], into: &str) -> Result<u64> {
        let mut renamed = 0;
        for stored in shown {
            let Some(mut now) = self.view().impression(&stored.impression.rank_id)? else { continue };
            now.impression.user = Some(into.to_owned());
            self.put_impression(&now)?;
            renamed += 1;
        }
        Ok(renamed)
    }

    /// Removes what is stored of an item besides the item itself and its events: what users did with it, its counts, its
    /// lists, its places in impressions, and its id. Returns what was known of users and the item together.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when the item is live: it was put again meanwhile.
    pub(crate) fn forget_item(&mut self, id: &str, shown: &[StoredImpression]) -> Result<u64> {
        let Some(item) = self.view().item_key(id)? else { return Ok(0) };
        if self.view().head(item)?.is_some() {
            return Err(Error::argument("forget_item", "an item that nobody puts meanwhile", "one that was put again"));
        }
        let users = self.view().users_with(item)?;
        let mut left = BTreeSet::new();
        for user in &users {
            for key in [keys::user_item(*user, item), keys::removed(*user, item)] {
                self.tables.people.delete(&mut self.txn, &key).map_err(storage)?;
            }
            if self.rows_of(*user)?.is_empty() {
                left.insert(*user);
            }
        }
        self.drop_users(&left)?;
        self.tables.signals.delete(&mut self.txn, &keys::item(item)).map_err(storage)?;
        self.touch(item);
        for relation in Relation::COUNTED.into_iter().chain([false, true].map(Relation::Cooccurrence)) {
            self.tables.neighbours.delete(&mut self.txn, &keys::neighbours(relation, item)).map_err(storage)?;
        }
        for stored in shown {
            let Some(mut now) = self.view().impression(&stored.impression.rank_id)? else { continue };
            now.impression.slate.iter_mut().filter(|other| **other == item).for_each(|other| *other = FORGOTTEN);
            self.put_impression(&now)?;
        }
        self.tables.ids.delete(&mut self.txn, &keys::external(id)).map_err(storage)?;
        Ok(users.len() as u64)
    }

    /// Gives a user another id, which nobody has. IMPORTANT: after the journal is applied.
    pub(crate) fn rename_user(&mut self, user: UserKey, from: &str, into: &str) -> Result<()> {
        self.tables.users.delete(&mut self.txn, &keys::external(from)).map_err(storage)?;
        let record = super::rows::codec::encode(&(user.0, into))?;
        self.tables.users.put(&mut self.txn, &keys::external(into), &record).map_err(storage)
    }
}
