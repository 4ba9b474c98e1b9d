//! Impressions by ranking and by time.

use crate::base::error::{Error, Result};
use crate::catalog::rows::entries::Impression;
use crate::catalog::rows::impressions::StoredImpression;
use crate::catalog::rows::lmdb_error::storage;
use crate::catalog::rows::{codec, keys};

use super::view::View;

impl<'t> View<'t> {
    /// The impression of a ranking, until it is deleted.
    pub(crate) fn impression(&self, rank_id: &str) -> Result<Option<StoredImpression>> {
        let bytes = self.tables.impressions.get(self.txn, &keys::external(rank_id)).map_err(storage)?;
        bytes.map(|bytes| codec::decode("impression", bytes)).transpose()
    }

    /// The stored impressions, oldest first: those after `after`, or all.
    pub(crate) fn impressions(
        &self,
        after: Option<&Impression>,
    ) -> Result<impl Iterator<Item = Result<StoredImpression>> + use<'t>> {
        // No id is a prefix of another, so the next key is greater than this key with a zero byte appended.
        let first = after.map(|shown| [keys::impression_time(shown.time, &shown.rank_id), vec![0]].concat());
        // LMDB rejects an empty key.
        let first = first.unwrap_or(vec![0]);
        let rows = self.tables.impressions_by_time.range(self.txn, &keys::from(&first)).map_err(storage)?;
        let view = *self;
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
