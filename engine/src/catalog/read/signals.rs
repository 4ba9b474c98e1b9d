//! The counts of items, and the popular lists.

use crate::base::error::{Error, Result};
use crate::base::id::ItemKey;
use crate::base::watch;
use crate::catalog::rows::keys;
use crate::catalog::rows::lmdb_error::storage;
use crate::catalog::rows::popularity::Window;
use crate::catalog::rows::signals::{ItemCounts, ItemSignals};

use super::view::View;

impl<'t> View<'t> {
    /// The counts of an item; `None` for one without events and impressions.
    pub(crate) fn signals(&self, item: ItemKey) -> Result<Option<ItemSignals>> {
        let bytes = self.tables.signals.get(self.txn, &keys::item(item)).map_err(storage)?;
        bytes.map(ItemSignals::decode).transpose()
    }

    /// The counts of an item as they are stored.
    pub(in crate::catalog) fn counts(&self, item: ItemKey) -> Result<Option<ItemCounts>> {
        let bytes = self.tables.signals.get(self.txn, &keys::item(item)).map_err(storage)?;
        bytes.map(ItemCounts::decode).transpose()
    }

    /// The counts of all items that have any.
    pub(in crate::catalog) fn all_signals(
        &self,
    ) -> Result<impl Iterator<Item = Result<(ItemKey, ItemSignals)>> + use<'t>> {
        let rows = self.tables.signals.iter(self.txn).map_err(storage)?;
        Ok(rows.map(|row| {
            watch::check()?;
            let (key, value) = row.map_err(storage)?;
            let item = keys::last_item(key).ok_or_else(|| Error::damaged("signals", "a short key"))?;
            Ok((item, ItemSignals::decode(value)?))
        }))
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
}
