//! Writes the batch, in order of key.

use std::collections::BTreeMap;

use crate::base::error::Result;
use crate::catalog::rows::lmdb_error::storage;
use crate::catalog::rows::{codec, keys};

use super::batch::Batch;
use super::transaction::CatalogWrite;

impl CatalogWrite<'_> {
    /// Writes the batch and starts an empty one.
    pub(super) fn flush(&mut self) -> Result<()> {
        let Batch { pairs, signals, neighbours, segments, latest, .. } = std::mem::take(&mut self.batch);
        for ((user, item), row) in pairs.into_iter().collect::<BTreeMap<_, _>>() {
            let key = keys::user_item(user, item);
            self.tables.people.put(&mut self.txn, &key, &codec::encode(&row)?).map_err(storage)?;
        }
        for (item, (before, after)) in signals.into_iter().collect::<BTreeMap<_, _>>() {
            self.tables.signals.put(&mut self.txn, &keys::item(item), &after.encode()?).map_err(storage)?;
            self.touch(item);
            // An item that is not live keeps its signals but is in no list.
            if self.view().head(item)?.is_some() {
                self.relist(item, before.as_ref(), Some(&after.signals()))?;
            }
        }
        self.put_neighbours(neighbours)?;
        self.write_segments(segments)?;
        if latest > self.view().latest_counted()? {
            self.set_latest_counted(latest)?;
        }
        self.prune_popular()
    }
}
