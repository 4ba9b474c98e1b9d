//! The neighbours of an item.

use crate::base::error::Result;
use crate::base::id::ItemKey;
use crate::catalog::rows::key_parts::Relation;
use crate::catalog::rows::keys;
use crate::catalog::rows::lmdb_error::storage;
use crate::catalog::rows::neighbours::Neighbours;

use super::view::View;

impl View<'_> {
    /// The neighbours of an item in one relation; an empty list for an item without any.
    pub(crate) fn neighbours(&self, relation: Relation, item: ItemKey) -> Result<Neighbours> {
        if let Some(list) = self.buffer.and_then(|buffer| buffer.get(relation, item)) {
            return Ok(list);
        }
        let key = keys::neighbours(relation, item);
        let Some(bytes) = self.tables.neighbours.get(self.txn, &key).map_err(storage)? else {
            return Ok(Neighbours::default());
        };
        Neighbours::decode(bytes)
    }
}
