//! Puts and deletes items.

use crate::api::item::Item;
use crate::base::error::Result;
use crate::base::id::ItemKey;
use crate::base::time::Timestamp;
use crate::catalog::rows::items::{self, ItemRecord};
use crate::catalog::rows::key_parts::SpaceNumber;
use crate::catalog::rows::keys;
use crate::catalog::rows::lmdb_error::storage;

use super::transaction::CatalogWrite;

impl CatalogWrite<'_> {
    /// Writes an item and its vectors (`None`: it has none in that space). Returns its key.
    pub(crate) fn put(
        &mut self,
        item: &Item,
        available: Option<Timestamp>,
        now: Timestamp,
        vectors: &[(SpaceNumber, Option<&[u8]>)],
    ) -> Result<ItemKey> {
        let key = self.ensure_item(&item.id)?;
        let before = self.view().item(key)?;
        let first_put = before.as_ref().map_or(now, |record| record.first_put);
        let available = available.unwrap_or(first_put);
        let record = ItemRecord { generation: self.seq(), first_put, available, item: item.clone() };
        match before {
            Some(before) => self.retire(key, &before)?,
            None => {
                let signals = self.view().signals(key)?;
                self.relist(key, None, signals.as_ref())?;
            }
        }
        self.tables.items.put(&mut self.txn, &keys::item(key), &items::encode(&record)?).map_err(storage)?;
        self.tables.fresh.put(&mut self.txn, &keys::fresh(available, key), &[]).map_err(storage)?;
        for (space, vector) in vectors {
            self.set_vector(*space, key, *vector)?;
        }
        self.counters.add_item(key, record.generation);
        self.note_changed(key);
        Ok(key)
    }

    /// Removes an item from the tables and lists, with its vectors and semantic ids in `spaces`. Its key, events and
    /// counts stay, for a later `put` of the same id. False when there was no such item.
    pub(crate) fn delete(&mut self, id: &str, spaces: &[SpaceNumber]) -> Result<bool> {
        let Some(key) = self.view().item_key(id)? else { return Ok(false) };
        let Some(before) = self.view().item(key)? else { return Ok(false) };
        self.retire(key, &before)?;
        self.tables.items.delete(&mut self.txn, &keys::item(key)).map_err(storage)?;
        for space in spaces {
            self.set_vector(*space, key, None)?;
            self.set_sid(*space, key, None)?;
        }
        let signals = self.view().signals(key)?;
        self.relist(key, signals.as_ref(), None)?;
        self.note_changed(key);
        Ok(true)
    }

    /// Takes a version of an item out of the totals and the fresh list.
    fn retire(&mut self, key: ItemKey, before: &ItemRecord) -> Result<()> {
        self.counters.remove_item(key, before.generation);
        self.tables.fresh.delete(&mut self.txn, &keys::fresh(before.available, key)).map_err(storage)?;
        Ok(())
    }
}
