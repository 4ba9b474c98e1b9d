//! Semantic ids: three codes of an item, coarse to fine, and for each prefix of one or two codes the items that have it.

use crate::base::error::{Error, Result};
use crate::base::id::{ItemKey, SemanticId};

use super::items::SpaceNumber;
use super::read::View;
use super::store::storage;
use super::write::CatalogWrite;
use super::{codec, keys};

/// The first codes of semantic ids: the items that share them are alike, the more so the longer it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum SidPrefix {
    /// The code of the first level.
    One(u8),
    /// The codes of the first two levels.
    Two(u8, u8),
}

impl SidPrefix {
    /// Both prefixes of an id, the short one first.
    pub(crate) fn of([first, second, _]: SemanticId) -> [SidPrefix; 2] {
        [SidPrefix::One(first), SidPrefix::Two(first, second)]
    }
}

impl CatalogWrite<'_> {
    /// Gives an item its semantic id in a space, in place of the one it had (`None`: it has none), and moves it in the
    /// lists of those who share a prefix.
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
}

impl<'t> View<'t> {
    /// The semantic id of an item in a space; `None` for one without content.
    pub(crate) fn sid(&self, space: SpaceNumber, key: ItemKey) -> Result<Option<SemanticId>> {
        let bytes = self.tables.sids.get(self.txn, &keys::sid(space, key)).map_err(storage)?;
        bytes.map(|bytes| codec::decode("semantic id", bytes)).transpose()
    }

    /// The items that have a prefix, newest key first.
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

/// What a look at all semantic ids of a space found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct SidCheck {
    /// Live items with a vector.
    pub vectors: u64,
    /// Items with a semantic id.
    pub sids: u64,
    /// Vectors without an id, ids without a vector, and places in a list that are missing or too many.
    pub wrong: u64,
}

impl View<'_> {
    /// Compares vectors, semantic ids and the lists of prefixes of a space, row by row.
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

    /// Whether this row is one that the id gives, and the others are there as well as the item's vector.
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
