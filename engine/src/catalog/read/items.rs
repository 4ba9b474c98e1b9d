//! Items, the fresh list and vectors.

use crate::base::error::{Error, Result};
use crate::base::id::ItemKey;
use crate::base::time::Timestamp;
use crate::base::watch;
use crate::catalog::rows::items::{self, Head, ItemRecord};
use crate::catalog::rows::key_parts::SpaceNumber;
use crate::catalog::rows::lmdb_error::storage;
use crate::catalog::rows::tables::Table;
use crate::catalog::rows::{keys, vectors};

use super::view::View;

impl<'t> View<'t> {
    /// Generation and availability of an item, when it is live.
    pub(crate) fn head(&self, key: ItemKey) -> Result<Option<Head>> {
        self.tables.items.get(self.txn, &keys::item(key)).map_err(storage)?.map(items::head).transpose()
    }

    /// The record of an item, when it is live.
    pub(crate) fn item(&self, key: ItemKey) -> Result<Option<ItemRecord>> {
        self.tables.items.get(self.txn, &keys::item(key)).map_err(storage)?.map(items::record).transpose()
    }

    /// Live items in order of key, from `from` on.
    pub(crate) fn items(&self, from: ItemKey) -> Result<impl Iterator<Item = Result<(ItemKey, ItemRecord)>> + use<'t>> {
        let first = keys::item(from);
        let rows = self.tables.items.range(self.txn, &keys::from(&first)).map_err(storage)?;
        Ok(rows.map(|row| {
            watch::check()?;
            let (key, value) = row.map_err(storage)?;
            let key = keys::last_item(key).ok_or_else(|| Error::damaged("item key", "a short key"))?;
            Ok((key, items::record(value)?))
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

    /// The stored components of a vector (f16, little-endian). A damaged one is as none, and is remembered.
    pub(crate) fn vector(&self, space: SpaceNumber, key: ItemKey) -> Result<Option<&'t [u8]>> {
        let row = self.tables.vectors.get(self.txn, &keys::vector(space, key)).map_err(storage)?;
        Ok(row.and_then(|row| self.whole_vector(key, row)))
    }

    fn whole_vector(&self, key: ItemKey, row: &'t [u8]) -> Option<&'t [u8]> {
        let components = vectors::components(row);
        if components.is_none() {
            self.tables.damage.add(key);
        }
        components
    }

    /// Ids of the first items, at most so many, whose vectors were found to be damaged since the store was opened; and how many
    /// items they are.
    pub(crate) fn damaged_vectors(&self, most: usize) -> Result<(Vec<String>, usize)> {
        let (keys, count) = self.tables.damage.first(most);
        if count == 0 {
            return Ok((Vec::new(), 0));
        }
        Ok((self.item_ids(keys)?.into_values().collect(), count))
    }

    /// Reads every vector of every space; how many are damaged.
    pub(crate) fn check_vectors(&self) -> Result<u64> {
        let mut damaged = 0;
        for row in self.tables.vectors.iter(self.txn).map_err(storage)? {
            watch::check()?;
            let (key, row) = row.map_err(storage)?;
            let key = keys::last_item(key).ok_or_else(|| Error::damaged("vector key", "a short key"))?;
            damaged += u64::from(self.whole_vector(key, row).is_none());
        }
        Ok(damaged)
    }

    /// The vectors of a space in order of item key, from `from` on; without damaged ones.
    pub(crate) fn vectors(
        &self,
        space: SpaceNumber,
        from: ItemKey,
    ) -> Result<impl Iterator<Item = Result<(ItemKey, &'t [u8])>> + use<'t>> {
        let first = keys::vector(space, from);
        let last = keys::vector(space, ItemKey(u64::MAX));
        let rows = self.tables.vectors.range(self.txn, &keys::between(&first, &last)).map_err(storage)?;
        let view = *self;
        Ok(rows.filter_map(move |row| {
            let read = || {
                watch::check()?;
                let (key, row) = row.map_err(storage)?;
                let key = keys::last_item(key).ok_or_else(|| Error::damaged("vector key", "a short key"))?;
                Ok(view.whole_vector(key, row).map(|components| (key, components)))
            };
            read().transpose()
        }))
    }

    /// Whether anything is stored under the number of a space.
    pub(crate) fn has_space(&self, space: SpaceNumber) -> Result<bool> {
        let prefix = space.0.to_be_bytes();
        let has = |table: &Table| -> Result<bool> {
            Ok(table.prefix_iter(self.txn, &prefix).map_err(storage)?.next().transpose().map_err(storage)?.is_some())
        };
        Ok(has(&self.tables.vectors)? || has(&self.tables.sids)?)
    }
}
