//! Lists of neighbours.

use crate::base::error::Result;
use crate::base::id::ItemKey;
use crate::catalog::memory::scratch_buffer::Lists;
use crate::catalog::rows::key_parts::Relation;
use crate::catalog::rows::keys;
use crate::catalog::rows::lmdb_error::storage;
use crate::catalog::rows::neighbours::Neighbours;

use super::transaction::CatalogWrite;

impl CatalogWrite<'_> {
    /// Replaces the neighbours of an item.
    pub(crate) fn set_neighbours(&mut self, relation: Relation, item: ItemKey, list: Neighbours) -> Result<()> {
        self.put_neighbours(Lists::from_iter([((relation, item), list)]))
    }

    /// Removes every list of a relation.
    pub(crate) fn clear_neighbours(&mut self, relation: Relation) -> Result<()> {
        self.buffer.inspect(|buffer| buffer.clear(relation));
        let (first, last) = (keys::neighbours(relation, ItemKey(0)), keys::neighbours(relation, ItemKey(u64::MAX)));
        self.tables.neighbours.delete_range(&mut self.txn, &keys::between(&first, &last)).map_err(storage)?;
        Ok(())
    }

    /// Writes lists, or puts them into the buffer of a scratch copy and writes all once that is full.
    pub(super) fn put_neighbours(&mut self, lists: Lists) -> Result<()> {
        let lists = match self.buffer {
            Some(buffer) => buffer.put(lists),
            None => lists,
        };
        let mut lists: Vec<_> = lists.into_iter().collect();
        lists.sort_unstable_by_key(|(key, _)| *key);
        for ((relation, item), list) in lists {
            let key = keys::neighbours(relation, item);
            // Late events may take the last pair of a list away.
            if list.is_empty() {
                self.tables.neighbours.delete(&mut self.txn, &key).map_err(storage)?;
                continue;
            }
            self.tables.neighbours.put(&mut self.txn, &key, &list.encode()?).map_err(storage)?;
        }
        Ok(())
    }
}
