//! Rows of the batch, read from the tables when they are first changed.

use std::collections::hash_map::Entry;

use crate::base::error::Result;
use crate::base::id::{ItemKey, UserKey};
use crate::catalog::read::view::View;
use crate::catalog::rows::key_parts::Relation;
use crate::catalog::rows::neighbours::Neighbours;
use crate::catalog::rows::signals::ItemCounts;
use crate::catalog::rows::user_items::UserItem;

use super::transaction::CatalogWrite;

impl CatalogWrite<'_> {
    /// The key of an item id.
    pub(super) fn item_in_batch(&mut self, id: &str) -> Result<ItemKey> {
        if let Some(key) = self.batch.ids.get(id) {
            return Ok(*key);
        }
        let key = self.ensure_item(id)?;
        self.batch.ids.insert(id.to_owned(), key);
        Ok(key)
    }

    /// What a user did with an item.
    pub(super) fn pair(&mut self, user: UserKey, item: ItemKey) -> Result<&mut UserItem> {
        match self.batch.pairs.entry((user, item)) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(slot) => {
                let view = View { txn: &self.txn, tables: &self.tables, buffer: self.buffer };
                Ok(slot.insert(view.user_item(user, item)?.unwrap_or_default()))
            }
        }
    }

    /// The counts of an item.
    pub(super) fn signals_of(&mut self, item: ItemKey) -> Result<&mut ItemCounts> {
        match self.batch.signals.entry(item) {
            Entry::Occupied(known) => Ok(&mut known.into_mut().1),
            Entry::Vacant(slot) => {
                let view = View { txn: &self.txn, tables: &self.tables, buffer: self.buffer };
                let counts = view.counts(item)?.unwrap_or_default();
                Ok(&mut slot.insert((view.signals(item)?, counts)).1)
            }
        }
    }

    /// The neighbours of an item.
    pub(super) fn neighbours_of(&mut self, relation: Relation, item: ItemKey) -> Result<&mut Neighbours> {
        match self.batch.neighbours.entry((relation, item)) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(slot) => {
                let view = View { txn: &self.txn, tables: &self.tables, buffer: self.buffer };
                let buffered = self.buffer.and_then(|buffer| buffer.take(relation, item));
                Ok(slot.insert(buffered.map_or_else(|| view.neighbours(relation, item), Ok)?))
            }
        }
    }
}
