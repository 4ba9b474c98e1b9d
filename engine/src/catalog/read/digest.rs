//! One hash over all signals.

use xxhash_rust::xxh3::Xxh3;

use crate::base::error::Result;
use crate::base::id::ItemKey;
use crate::base::watch;
use crate::catalog::rows::key_parts::Relation;
use crate::catalog::rows::lmdb_error::storage;
use crate::catalog::rows::{codec, keys};

use super::view::View;

impl View<'_> {
    /// A hash of the signals of items, of pairs of user and item, of co-visits and of segments. Two stores with the
    /// same events, logged in the same order, have the same hash.
    pub(crate) fn signals_digest(&self) -> Result<u64> {
        let mut hash = Xxh3::new();
        add(&mut hash, self.tables.signals.iter(self.txn).map_err(storage)?)?;
        for relation in Relation::COUNTED {
            let first = keys::neighbours(relation, ItemKey(0));
            let last = keys::neighbours(relation, ItemKey(u64::MAX));
            let rows = self.tables.neighbours.range(self.txn, &keys::between(&first, &last)).map_err(storage)?;
            add(&mut hash, rows)?;
        }
        add(&mut hash, self.tables.segments.iter(self.txn).map_err(storage)?)?;
        hash.update(&codec::encode(&self.segment_totals()?.into_iter().collect::<Vec<_>>())?);
        for row in self.user_items()? {
            let (user, item, pair) = row?;
            hash.update(&keys::user_item(user, item));
            hash.update(&codec::encode(&pair)?);
        }
        Ok(hash.digest())
    }
}

/// Adds rows to a hash.
fn add<'r>(hash: &mut Xxh3, rows: impl Iterator<Item = heed::Result<(&'r [u8], &'r [u8])>>) -> Result<()> {
    for row in rows {
        watch::check()?;
        let (key, value) = row.map_err(storage)?;
        hash.update(key);
        hash.update(value);
    }
    Ok(())
}
