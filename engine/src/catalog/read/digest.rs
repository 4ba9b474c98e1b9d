//! One hash over all signals.

use serde::Serialize;
use xxhash_rust::xxh3::Xxh3;

use crate::base::error::Result;
use crate::base::id::ItemKey;
use crate::base::watch;
use crate::catalog::rows::key_parts::Relation;
use crate::catalog::rows::lmdb_error::storage;
use crate::catalog::rows::neighbours::Neighbours;
use crate::catalog::rows::segments::SegmentItems;
use crate::catalog::rows::signals::ItemSignals;
use crate::catalog::rows::{codec, keys};

use super::view::View;

impl View<'_> {
    /// A hash of the signals of items, of pairs of user and item, of co-visits and of segments. Two stores with the same
    /// keys and the same events have the same hash, whatever the order of logging. Of lists that may have been cut, which
    /// depend on it, only the sums are in it.
    pub(crate) fn signals_digest(&self) -> Result<u64> {
        let mut hash = Xxh3::new();
        for row in self.all_signals()? {
            let (item, ItemSignals { masses, shown, chosen }) = row?;
            add(&mut hash, &(item, masses, shown, chosen))?;
        }
        for relation in Relation::COUNTED {
            let first = keys::neighbours(relation, ItemKey(0));
            let last = keys::neighbours(relation, ItemKey(u64::MAX));
            for row in self.tables.neighbours.range(self.txn, &keys::between(&first, &last)).map_err(storage)? {
                watch::check()?;
                let (key, value) = row.map_err(storage)?;
                let list = Neighbours::decode(value)?;
                // Late events may take the last pair away, and leave an empty list.
                if !list.is_empty() {
                    add(&mut hash, &(key, list.summary()))?;
                }
            }
        }
        for row in self.tables.segments.iter(self.txn).map_err(storage)? {
            watch::check()?;
            let (key, value) = row.map_err(storage)?;
            add(&mut hash, &(key, SegmentItems::decode(value)?.summary()))?;
        }
        for (number, mass) in self.segment_totals()? {
            add(&mut hash, &(number, mass.ln().to_bits()))?;
        }
        for row in self.user_items()? {
            let (user, item, pair) = row?;
            hash.update(&keys::user_item(user, item));
            hash.update(&codec::encode(&pair)?);
        }
        Ok(hash.digest())
    }
}

/// Adds a value to a hash.
fn add(hash: &mut Xxh3, value: &impl Serialize) -> Result<()> {
    hash.update(&codec::encode(value)?);
    Ok(())
}
