//! Vectors and semantic ids.

use crate::base::error::Result;
use crate::base::id::{ItemKey, SemanticId};
use crate::catalog::rows::key_parts::{SidPrefix, SpaceNumber};
use crate::catalog::rows::lmdb_error::storage;
use crate::catalog::rows::{codec, keys, vectors};

use super::transaction::CatalogWrite;

impl CatalogWrite<'_> {
    /// Writes the vector of an item in a space (`None`: the item has none).
    pub(crate) fn set_vector(&mut self, space: SpaceNumber, key: ItemKey, vector: Option<&[u8]>) -> Result<()> {
        self.touch_vectors([(space, key)]);
        self.tables.damage.remove(key);
        let at = keys::vector(space, key);
        match vector {
            Some(bytes) => self.tables.vectors.put(&mut self.txn, &at, &vectors::row(bytes)).map_err(storage),
            None => self.tables.vectors.delete(&mut self.txn, &at).map(|_| ()).map_err(storage),
        }
    }

    /// Writes the semantic id of an item in a space (`None`: the item has none), and moves the item in the lists of
    /// prefixes.
    pub(crate) fn set_sid(&mut self, space: SpaceNumber, key: ItemKey, sid: Option<SemanticId>) -> Result<()> {
        let before = self.view().sid(space, key)?;
        if before == sid {
            return Ok(());
        }
        for prefix in before.into_iter().flat_map(SidPrefix::of) {
            self.tables.sids.delete(&mut self.txn, &keys::sid_posting(space, prefix, key)).map_err(storage)?;
        }
        for prefix in sid.into_iter().flat_map(SidPrefix::of) {
            self.tables.sids.put(&mut self.txn, &keys::sid_posting(space, prefix, key), &[]).map_err(storage)?;
        }
        let at = keys::sid(space, key);
        match sid {
            Some(sid) => self.tables.sids.put(&mut self.txn, &at, &codec::encode(&sid)?).map_err(storage),
            None => self.tables.sids.delete(&mut self.txn, &at).map(|_| ()).map_err(storage),
        }
    }

    /// Deletes the first `rows` vectors and the first `rows` rows of semantic ids of a space.
    pub(crate) fn clear_space(&mut self, space: SpaceNumber, rows: usize) -> Result<()> {
        let first = space.0.to_be_bytes();
        let vectors = self.view().vectors(space, ItemKey(0))?.take(rows);
        let cleared: Vec<_> = vectors.map(|row| row.map(|(key, _)| (space, key))).collect::<Result<_>>()?;
        self.touch_vectors(cleared);
        for table in [self.tables.vectors, self.tables.sids] {
            let mut last = None;
            for row in table.prefix_iter(&self.txn, &first).map_err(storage)?.take(rows) {
                last = Some(row.map_err(storage)?.0.to_vec());
            }
            if let Some(last) = last {
                table.delete_range(&mut self.txn, &keys::between(&first, &last)).map_err(storage)?;
            }
        }
        Ok(())
    }
}
