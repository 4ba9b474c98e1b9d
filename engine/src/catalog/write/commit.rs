//! Makes a transaction durable.

use crate::base::error::Result;
use crate::catalog::rows::counters::Counters;
use crate::catalog::rows::lmdb_error::storage;
use crate::catalog::rows::{codec, keys};

use super::transaction::CatalogWrite;

impl CatalogWrite<'_> {
    /// Makes everything durable under the next sequence number. When this returns, the change survives a power cut.
    pub(crate) fn commit(mut self) -> Result<Counters> {
        self.flush_entries()?;
        self.counters.seq = self.seq();
        if !self.changed().is_empty() {
            let entry = codec::encode(&self.changed())?;
            self.tables.oplog.put(&mut self.txn, &keys::seq(self.counters.seq), &entry).map_err(storage)?;
        }
        let counters = self.counters;
        self.set_meta("counters", &counters)?;
        self.finish()?;
        Ok(counters)
    }

    /// Makes bookkeeping (checkpoints, cuts of the op log, the applied part of the journal) durable without a sequence
    /// number.
    pub(crate) fn commit_bookkeeping(mut self) -> Result<()> {
        self.flush_entries()?;
        let counters = self.counters;
        if self.counters_changed() {
            self.set_meta("counters", &counters)?;
        }
        self.finish()
    }

    /// Writes the batch, when entries were applied since the last time.
    fn flush_entries(&mut self) -> Result<()> {
        if self.batch.entries > 0 { self.flush() } else { Ok(()) }
    }
}
