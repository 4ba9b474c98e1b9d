//! Appends to the journal, and applies it: the log in the order of logging, until it is applied to the tables that
//! requests read.
//!
//! An event changes rows of its user and of several items. Written at once, a commit of one event touches a dozen
//! pages, and one of sixteen events two hundred. The journal touches the same few pages whatever is logged. When it is
//! applied, many events share the pages of their users and items. Readers see entries that are not applied through an
//! overlay in memory (`store/unapplied_events.rs`). Log-structured stores do the same (O'Neil and others, *The
//! log-structured merge-tree*, 1996).

use crate::api::config::Config;
use crate::base::error::Result;
use crate::base::watch;
use crate::catalog::rows::entries::Entry;
use crate::catalog::rows::lmdb_error::storage;
use crate::catalog::rows::{codec, keys};

use super::transaction::CatalogWrite;

impl CatalogWrite<'_> {
    /// Appends to the journal under the number of this commit. The entries count as logged, and are applied later.
    pub(crate) fn append(&mut self, entries: &[Entry]) -> Result<()> {
        self.count_logged(entries);
        let seq = self.seq();
        let record = codec::encode_as(codec::BATCHED, &entries)?;
        self.tables.journal.put(&mut self.txn, &keys::seq(seq), &record).map_err(storage)
    }

    /// Appends and applies at once, for batches so large that they share pages anyway. The journal is applied first,
    /// which keeps the order of logging.
    pub(crate) fn append_and_apply(&mut self, config: &Config, entries: &[Entry]) -> Result<()> {
        while self.apply_journal(config, usize::MAX)? {}
        self.count_logged(entries);
        let seq = self.seq();
        self.apply(config, seq, entries)?;
        self.counters.applied = seq;
        Ok(())
    }

    fn count_logged(&mut self, entries: &[Entry]) {
        self.counters.events += entries.iter().filter(|entry| matches!(entry, Entry::Event(_))).count() as u64;
    }

    /// Applies the oldest commits of the journal, whole ones, until at least `most` entries are applied. False when
    /// there was nothing to apply.
    pub(crate) fn apply_journal(&mut self, config: &Config, most: usize) -> Result<bool> {
        let mut done = 0;
        while done < most {
            watch::check()?;
            let next = self.view().journal(self.counters.applied)?.next().transpose()?;
            let Some((seq, entries)) = next else { break };
            self.apply(config, seq, &entries)?;
            self.tables.journal.delete(&mut self.txn, &keys::seq(seq)).map_err(storage)?;
            self.counters.applied = seq;
            done += entries.len().max(1);
        }
        Ok(done > 0)
    }
}
