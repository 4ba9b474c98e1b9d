//! Semantic ids (three codes of an item, coarse to fine), and the lists of items that share a prefix of one or two
//! codes.

use crate::base::error::{Error, Result};
use crate::base::id::{ItemKey, SemanticId};
use crate::base::watch;
use crate::catalog::rows::key_parts::{SidPrefix, SpaceNumber};
use crate::catalog::rows::lmdb_error::storage;
use crate::catalog::rows::{codec, keys};

use super::view::View;

impl<'t> View<'t> {
    /// The semantic id of an item in a space; `None` for one without content.
    pub(crate) fn sid(&self, space: SpaceNumber, key: ItemKey) -> Result<Option<SemanticId>> {
        let bytes = self.tables.sids.get(self.txn, &keys::sid(space, key)).map_err(storage)?;
        bytes.map(|bytes| codec::decode("semantic id", bytes)).transpose()
    }

    /// The items with a prefix, newest key first.
    pub(crate) fn sid_prefix(
        &self,
        space: SpaceNumber,
        prefix: SidPrefix,
    ) -> Result<impl Iterator<Item = Result<ItemKey>> + use<'t>> {
        let (first, last) = (ItemKey(0), ItemKey(u64::MAX));
        let (first, last) = (keys::sid_posting(space, prefix, first), keys::sid_posting(space, prefix, last));
        let rows = self.tables.sids.rev_range(self.txn, &keys::between(&first, &last)).map_err(storage)?;
        Ok(rows.map(|row| {
            let (key, _) = row.map_err(storage)?;
            keys::last_item(key).ok_or_else(|| Error::damaged("list of a semantic id", "a short key"))
        }))
    }
}

/// The result of checking the semantic ids of a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct SidCheck {
    /// Live items with a vector.
    pub vectors: u64,
    /// Items with a semantic id.
    pub sids: u64,
    /// Vectors without an id, ids without a vector, and rows of the lists that are missing or superfluous.
    pub wrong: u64,
}

impl View<'_> {
    /// Compares the vectors, the semantic ids and the lists of prefixes of a space, row by row.
    pub(crate) fn check_sids(&self, space: SpaceNumber) -> Result<SidCheck> {
        let mut found = SidCheck::default();
        for row in self.vectors(space, ItemKey(0))? {
            let (key, _) = row?;
            found.vectors += 1;
            found.wrong += u64::from(self.head(key)?.is_none() || self.sid(space, key)?.is_none());
        }
        for kind in 0..=2 {
            let prefix = keys::sid_kind(space, kind);
            for row in self.tables.sids.prefix_iter(self.txn, &prefix).map_err(storage)? {
                watch::check()?;
                let (row_key, _) = row.map_err(storage)?;
                let key = keys::last_item(row_key).ok_or_else(|| Error::damaged("semantic id", "a short key"))?;
                let sid = self.sid(space, key)?;
                found.wrong += u64::from(match sid {
                    None => true,
                    Some(sid) => !self.has_sid_rows(space, key, sid, row_key)?,
                });
                found.sids += u64::from(kind == 0);
            }
        }
        Ok(found)
    }

    /// Whether `row` is one of the rows of the semantic id, and its other rows and the item's vector exist.
    fn has_sid_rows(&self, space: SpaceNumber, key: ItemKey, sid: SemanticId, row: &[u8]) -> Result<bool> {
        let [short, long] = SidPrefix::of(sid).map(|prefix| keys::sid_posting(space, prefix, key));
        let own = keys::sid(space, key);
        let listed = |key: &[u8]| self.tables.sids.get(self.txn, key).map(|row| row.is_some()).map_err(storage);
        Ok((row == own || row == short || row == long)
            && listed(&short)?
            && listed(&long)?
            && self.vector(space, key)?.is_some())
    }
}
