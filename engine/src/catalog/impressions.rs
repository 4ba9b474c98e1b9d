//! Impressions: what was shown to whom, kept for a while, so that an event which answers a ranking can be joined to it.

use serde::{Deserialize, Serialize};

use crate::base::error::{Error, Result};
use crate::base::id::ItemKey;

use super::journal::Impression;
use super::read::View;
use super::store::storage;
use super::write::CatalogWrite;
use super::{codec, keys};

/// Impressions that go when one comes, at most: more than one only after fewer are to be kept.
const TRIMMED: u64 = 16;

/// An impression as stored, with the places of the slate that were chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredImpression {
    pub impression: Impression,
    pub chosen: Vec<u32>,
}

/// How likely the place `rank` (from 1) of a list is looked at: the discount of DCG (Järvelin and Kekäläinen 2002), a
/// curve that click models of web search fit to about as well as their own.
pub(crate) fn examination(rank: usize) -> f64 {
    1.0 / (rank as f64 + 1.0).log2()
}

impl CatalogWrite<'_> {
    /// Counts an impression for its items and its user, and keeps it; the oldest of more than `most` goes.
    pub(super) fn apply_impression(&mut self, impression: &Impression, most: u64) -> Result<()> {
        // Whoever was never logged is nobody yet: an impression makes no user.
        let user = impression.user.as_deref().map(|id| self.view().user_key(id)).transpose()?.flatten();
        for (place, item) in impression.slate.iter().enumerate() {
            self.signals_of(*item)?.shown += examination(impression.offset as usize + place + 1);
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

    fn put_impression(&mut self, stored: &StoredImpression) -> Result<()> {
        let key = keys::external(&stored.impression.rank_id);
        self.tables.impressions.put(&mut self.txn, &key, &codec::encode(stored)?).map_err(storage)
    }

    /// Joins a positive event to the impression that it answers. Each item of a slate is chosen once.
    pub(super) fn choose(&mut self, rank_id: &str, item: ItemKey) -> Result<()> {
        let Some(mut stored) = self.view().impression(rank_id)? else { return Ok(()) };
        let Some(place) = stored.impression.slate.iter().position(|shown| *shown == item) else { return Ok(()) };
        if stored.chosen.contains(&(place as u32)) {
            return Ok(());
        }
        stored.chosen.push(place as u32);
        self.put_impression(&stored)?;
        self.signals_of(item)?.chosen += 1.0;
        Ok(())
    }

    /// Forgets the oldest impressions beyond `most`, a few at a time. IMPORTANT: with each impression, not once for a
    /// batch, so that what an event finds to join does not depend on how the journal was cut.
    fn trim_impressions(&mut self, most: u64) -> Result<()> {
        let excess = self.counters.impressions.saturating_sub(most).min(TRIMMED);
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

impl<'t> View<'t> {
    /// The impression of a ranking, while it is kept.
    pub(crate) fn impression(&self, rank_id: &str) -> Result<Option<StoredImpression>> {
        let bytes = self.tables.impressions.get(self.txn, &keys::external(rank_id)).map_err(storage)?;
        bytes.map(|bytes| codec::decode("impression", bytes)).transpose()
    }

    /// The impressions that are kept, oldest first, those after `after` or all.
    pub(crate) fn impressions(
        &self,
        after: Option<&Impression>,
    ) -> Result<impl Iterator<Item = Result<StoredImpression>> + use<'t>> {
        // No id is a prefix of another, so the next key is behind the same key and one byte more.
        let first = after.map(|shown| [keys::impression_time(shown.time, &shown.rank_id), vec![0]].concat());
        // LMDB takes no empty key.
        let first = first.unwrap_or(vec![0]);
        let (view, rows) =
            (*self, self.tables.impressions_by_time.range(self.txn, &keys::from(&first)).map_err(storage)?);
        Ok(rows.filter_map(move |row| {
            let read = || {
                let key = row.map_err(storage)?.0;
                let id = keys::impression_id(key).ok_or_else(|| Error::damaged("impression", "a short key"))?;
                view.impression(id)
            };
            read().transpose()
        }))
    }
}
