//! Applies an impression, and joins events to it.

use crate::base::error::{Error, Result};
use crate::base::id::ItemKey;
use crate::catalog::rows::entries::Impression;
use crate::catalog::rows::impressions::{StoredImpression, examination};
use crate::catalog::rows::lmdb_error::storage;
use crate::catalog::rows::{codec, keys};

use super::transaction::CatalogWrite;

/// Impressions that one impression deletes at most: more than one only after the limit was lowered.
const MAX_DELETED: u64 = 16;

impl CatalogWrite<'_> {
    /// Counts an impression for its items and its user, and stores it. Beyond `most` impressions the oldest is deleted.
    pub(super) fn apply_impression(&mut self, impression: &Impression, most: u64) -> Result<()> {
        // An impression does not create a user.
        let user = impression.user.as_deref().map(|id| self.view().user_key(id)).transpose()?.flatten();
        for (position, item) in impression.slate.iter().enumerate() {
            self.signals_of(*item)?.shown += examination(impression.offset as usize + position + 1);
            if let Some(user) = user {
                self.pair(user, *item)?.add_impression(impression.time);
            }
        }
        self.put_impression(&StoredImpression { impression: impression.clone(), chosen: Vec::new() })?;
        let (time, id) = (impression.time, impression.rank_id.as_str());
        self.tables.impressions_by_time.put(&mut self.txn, &keys::impression_time(time, id), &[]).map_err(storage)?;
        self.counters.impressions += 1;
        self.trim_impressions(most)
    }

    /// Joins a positive event to its impression. Each item of a slate is chosen once.
    pub(super) fn choose(&mut self, rank_id: &str, item: ItemKey) -> Result<()> {
        let Some(mut stored) = self.view().impression(rank_id)? else { return Ok(()) };
        let Some(position) = stored.impression.slate.iter().position(|shown| *shown == item) else { return Ok(()) };
        if stored.chosen.contains(&(position as u32)) {
            return Ok(());
        }
        stored.chosen.push(position as u32);
        self.put_impression(&stored)?;
        self.signals_of(item)?.chosen += 1.0;
        Ok(())
    }

    pub(in crate::catalog) fn put_impression(&mut self, stored: &StoredImpression) -> Result<()> {
        let key = keys::external(&stored.impression.rank_id);
        self.tables.impressions.put(&mut self.txn, &key, &codec::encode(stored)?).map_err(storage)
    }

    /// Deletes the oldest impressions beyond `most`, a few at a time. IMPORTANT: with each impression, not once for a
    /// batch, so that the impressions an event can be joined to do not depend on how the journal was cut.
    fn trim_impressions(&mut self, most: u64) -> Result<()> {
        let excess = self.counters.impressions.saturating_sub(most).min(MAX_DELETED);
        let mut old = Vec::new();
        for row in self.tables.impressions_by_time.iter(&self.txn).map_err(storage)?.take(excess as usize) {
            old.push(row.map_err(storage)?.0.to_vec());
        }
        for key in old {
            self.tables.impressions_by_time.delete(&mut self.txn, &key).map_err(storage)?;
            let id = keys::impression_id(&key).ok_or_else(|| Error::damaged("impression", "a short key"))?;
            self.tables.impressions.delete(&mut self.txn, &keys::external(id)).map_err(storage)?;
            self.counters.impressions = self.counters.impressions.saturating_sub(1);
        }
        Ok(())
    }
}
