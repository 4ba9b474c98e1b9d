//! Counting signals anew beside the store, in a catalog of its own that goes away again: writers of the store wait for what
//! differs, and not for the count.

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

use crate::api::config::Config;
use crate::base::error::{Error, Result};
use crate::base::id::{ItemKey, Seq};

use super::covisits::Relation;
use super::read::{CatalogRead, View};
use super::retention::Old;
use super::signals::ItemSignals;
use super::store::{Catalog, storage};
use super::tables::Table;
use super::write::CatalogWrite;
use super::{codec, keys};

/// Events that are copied in one transaction.
const COPIED: usize = 100_000;

/// What is counted from the events of one commit that are to stay.
pub(crate) struct Aside {
    catalog: Option<Catalog>,
    folder: PathBuf,
    /// What had been applied, and how many events had ever been removed, in the store.
    applied: Seq,
    removed: u64,
}

impl Aside {
    /// Copies the events of a commit into a new catalog in `folder`, all but `old`, and counts what they say of items.
    /// `go_on` is asked now and then.
    ///
    /// # Errors
    /// [`Error::Closed`] when it says no; [`Error::Io`] and [`Error::Storage`].
    pub(crate) fn count(
        folder: PathBuf,
        (from, old): (&CatalogRead, &[Old]),
        config: &Config,
        go_on: impl Fn() -> bool,
    ) -> Result<Aside> {
        fs::create_dir_all(&folder).map_err(|e| Error::io("create", &folder, e))?;
        let (applied, removed) = (from.counters().applied, from.view().events_removed()?);
        let mut aside = Aside { catalog: None, folder, applied, removed };
        let catalog = aside.catalog.insert(Catalog::open(&aside.folder, config.max_bytes)?);
        copy(from.view(), catalog, old, go_on)?;
        let mut write = catalog.write()?;
        write.count_anew(config)?;
        write.commit_bookkeeping()?;
        Ok(aside)
    }
}

impl Drop for Aside {
    /// What cannot be removed now is removed when the store is opened next.
    fn drop(&mut self) {
        if let Some(catalog) = self.catalog.take() {
            catalog.close();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn copy(from: View<'_>, to: &Catalog, old: &[Old], go_on: impl Fn() -> bool) -> Result<()> {
    let old: HashSet<[u8; 29]> = old.iter().map(Old::key).collect();
    let is_old = |key: &[u8]| <&[u8; 29]>::try_from(key).is_ok_and(|key| old.contains(key));
    let mut write = to.write()?;
    let mut copied = 0;
    for row in from.tables.people.iter(from.txn).map_err(storage)? {
        let (key, value) = row.map_err(storage)?;
        if keys::event_user(key).is_none() || is_old(key) {
            continue;
        }
        write.tables.people.put(&mut write.txn, key, value).map_err(storage)?;
        copied += 1;
        if copied % COPIED == 0 {
            write.commit_bookkeeping()?;
            if !go_on() {
                return Err(Error::Closed);
            }
            write = to.write()?;
        }
    }
    write.commit_bookkeeping()
}

impl CatalogWrite<'_> {
    /// Whether what was counted aside is still what this store has to have once the same events are removed.
    pub(crate) fn agrees_with(&self, aside: &Aside) -> Result<bool> {
        Ok(self.counters.applied == aside.applied && self.view().events_removed()? == aside.removed)
    }

    /// Takes over what was counted aside, where it differs. What impressions say of items stays as it is.
    pub(crate) fn take_over(&mut self, aside: &Aside) -> Result<()> {
        let Some(catalog) = &aside.catalog else { return Ok(()) };
        let read = catalog.read()?;
        let counted = read.view();
        self.take_over_signals(counted)?;
        for relation in Relation::COUNTED {
            let first = keys::neighbours(relation, ItemKey(0));
            let last = keys::neighbours(relation, ItemKey(u64::MAX));
            self.take_over_rows(self.tables.neighbours, counted, counted.tables.neighbours, (&first, &last))?;
        }
        let (first, last) = (keys::segment(0), keys::segment(u64::MAX));
        self.take_over_rows(self.tables.segments, counted, counted.tables.segments, (&first, &last))?;
        self.take_over_segment_totals(counted)
    }

    fn take_over_signals(&mut self, counted: View<'_>) -> Result<()> {
        let mut changed = Vec::new();
        for row in self.view().all_signals()? {
            let (item, before) = row?;
            let masses = counted.signals(item)?.unwrap_or_default().masses;
            // By their bits: a mass may be minus infinity.
            if masses.map(f64::to_bits) != before.masses.map(f64::to_bits) {
                changed.push((item, before, ItemSignals { masses, ..before }));
            }
        }
        for (item, before, after) in changed {
            let row = codec::encode(&after)?;
            self.tables.signals.put(&mut self.txn, &keys::item(item), &row).map_err(storage)?;
            self.touch(item);
            if self.view().head(item)?.is_some() {
                self.relist(item, Some(&before), Some(&after))?;
            }
        }
        self.refill_popular()
    }

    /// Makes the rows of a range those of another catalog.
    fn take_over_rows(
        &mut self,
        table: Table,
        counted: View<'_>,
        theirs: Table,
        (first, last): (&[u8], &[u8]),
    ) -> Result<()> {
        let mut gone = Vec::new();
        for row in table.range(&self.txn, &keys::between(first, last)).map_err(storage)? {
            let (key, _) = row.map_err(storage)?;
            if theirs.get(counted.txn, key).map_err(storage)?.is_none() {
                gone.push(key.to_vec());
            }
        }
        for key in gone {
            table.delete(&mut self.txn, &key).map_err(storage)?;
        }
        for row in theirs.range(counted.txn, &keys::between(first, last)).map_err(storage)? {
            let (key, value) = row.map_err(storage)?;
            if table.get(&self.txn, key).map_err(storage)? != Some(value) {
                table.put(&mut self.txn, key, value).map_err(storage)?;
            }
        }
        Ok(())
    }
}
