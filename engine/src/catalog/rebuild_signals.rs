//! Rebuilds signals in a separate catalog: writers of the store wait only while the differences are adopted.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use crate::api::config::Config;
use crate::base::error::{Error, Result};
use crate::base::id::{ItemKey, Seq, UserKey};
use crate::base::watch;

use super::read::pinned::CatalogRead;
use super::read::view::View;
use super::rows::key_parts::Relation;
use super::rows::lmdb_error::storage;
use super::rows::signals::ItemCounts;
use super::rows::tables::Table;
use super::rows::user_items::UserItem;
use super::rows::{codec, keys};
use super::store::Catalog;
use super::write::transaction::CatalogWrite;

/// Events that are copied in one transaction.
const COPIED: usize = 100_000;

/// Where a row of the table of people stands in the copy: under which key, or nowhere.
pub(crate) type Place<'p> = &'p dyn Fn(&[u8]) -> Option<Vec<u8>>;

/// The signals of a commit's events without those that go, in a catalog of their own.
pub(crate) struct SignalRebuild {
    catalog: Option<Catalog>,
    folder: PathBuf,
    /// The last applied commit of the store when the rebuild began.
    applied: Seq,
    /// The number of events that the store had removed when the rebuild began.
    removed: u64,
}

impl SignalRebuild {
    /// Copies events of a commit, and what is kept of removed ones, into a new catalog in `folder`, and rebuilds the
    /// signals there. `place` says which rows are copied, and to where. `check` is asked now and then.
    ///
    /// # Errors
    /// Those of `check`; [`Error::Io`] and [`Error::Storage`].
    pub(crate) fn run(
        folder: PathBuf,
        (from, place): (&CatalogRead, Place<'_>),
        config: &Config,
        check: impl Fn() -> Result<()>,
    ) -> Result<SignalRebuild> {
        fs::create_dir_all(&folder).map_err(|e| Error::io("create", &folder, e))?;
        let (applied, removed) = (from.counters().applied, from.view().events_removed()?);
        let mut rebuild = SignalRebuild { catalog: None, folder, applied, removed };
        let catalog = rebuild.catalog.insert(Catalog::open(&rebuild.folder, config.max_bytes)?);
        copy(from.view(), catalog, place, check)?;
        let mut write = catalog.write()?;
        write.rebuild_signals(config)?;
        write.commit_bookkeeping()?;
        Ok(rebuild)
    }
}

impl Drop for SignalRebuild {
    /// Removes the folder. If that fails, the next opening of the store removes it.
    fn drop(&mut self) {
        if let Some(catalog) = self.catalog.take() {
            catalog.close();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn copy(from: View<'_>, to: &Catalog, place: Place<'_>, check: impl Fn() -> Result<()>) -> Result<()> {
    let mut write = to.write()?;
    let mut copied = 0;
    for row in from.tables.people.iter(from.txn).map_err(storage)? {
        let (key, value) = row.map_err(storage)?;
        let Some(key) = place(key) else { continue };
        match keys::removed_parts(&key) {
            Some((user, item)) => write.join_removed(user, item, codec::decode("user and item", value)?)?,
            None => write.tables.people.put(&mut write.txn, &key, value).map_err(storage)?,
        }
        copied += 1;
        watch::check()?;
        if copied % COPIED == 0 {
            write.commit_bookkeeping()?;
            check()?;
            write = to.write()?;
        }
    }
    write.commit_bookkeeping()
}

impl CatalogWrite<'_> {
    /// Whether a rebuild has the signals of this store once the same events are removed: no events were applied or
    /// removed since it began.
    pub(crate) fn is_current(&self, rebuild: &SignalRebuild) -> Result<bool> {
        Ok(self.counters.applied == rebuild.applied && self.view().events_removed()? == rebuild.removed)
    }

    /// Adopts the rebuilt signals where they differ. Counts of impressions stay as they are.
    pub(crate) fn adopt(&mut self, rebuild: &SignalRebuild) -> Result<()> {
        let Some(catalog) = &rebuild.catalog else { return Ok(()) };
        let read = catalog.read()?;
        let rebuilt = read.view();
        self.adopt_signals(rebuilt)?;
        for relation in Relation::COUNTED {
            let first = keys::neighbours(relation, ItemKey(0));
            let last = keys::neighbours(relation, ItemKey(u64::MAX));
            self.adopt_rows(self.tables.neighbours, rebuilt, rebuilt.tables.neighbours, (&first, &last))?;
        }
        let (first, last) = (keys::segment(0), keys::segment(u64::MAX));
        self.adopt_rows(self.tables.segments, rebuilt, rebuilt.tables.segments, (&first, &last))?;
        self.set_latest_counted(rebuilt.latest_counted()?)?;
        self.set_segment_totals(rebuilt.segment_totals()?)
    }

    /// Adopts what users did with these items. Counts of impressions stay as they are.
    pub(crate) fn adopt_pairs(&mut self, rebuild: &SignalRebuild, pairs: &BTreeSet<(UserKey, ItemKey)>) -> Result<()> {
        let Some(catalog) = &rebuild.catalog else { return Ok(()) };
        let read = catalog.read()?;
        for (user, item) in pairs {
            let rebuilt = read.view().user_item(*user, *item)?.unwrap_or_default();
            let before = self.view().user_item(*user, *item)?.unwrap_or_default();
            let pair = UserItem { shown: before.shown, last_shown: before.last_shown, ..rebuilt };
            self.put_pair(*user, *item, &pair)?;
        }
        Ok(())
    }

    /// Adds to what is kept of a user's removed events on an item.
    pub(super) fn join_removed(&mut self, user: UserKey, item: ItemKey, more: UserItem) -> Result<()> {
        let joined = self.view().removed_pair(user, item)?.join(more);
        let record = codec::encode(&joined)?;
        self.tables.people.put(&mut self.txn, &keys::removed(user, item), &record).map_err(storage)
    }

    /// Writes what a user did with an item; a row that says nothing is deleted.
    pub(super) fn put_pair(&mut self, user: UserKey, item: ItemKey, pair: &UserItem) -> Result<()> {
        let key = keys::user_item(user, item);
        match pair.is_empty() {
            true => self.tables.people.delete(&mut self.txn, &key).map(drop).map_err(storage),
            false => self.tables.people.put(&mut self.txn, &key, &codec::encode(pair)?).map_err(storage),
        }
    }

    fn adopt_signals(&mut self, rebuilt: View<'_>) -> Result<()> {
        let mut changed = Vec::new();
        for row in self.view().all_signals()? {
            let (item, before) = row?;
            let masses = rebuilt.signals(item)?.unwrap_or_default().masses;
            // By their bits: a mass may be minus infinity.
            if masses.map(f64::to_bits) != before.masses.map(f64::to_bits) {
                let counts = rebuilt.counts(item)?.unwrap_or_default();
                changed.push((item, before, ItemCounts { shown: before.shown, chosen: before.chosen, ..counts }));
            }
        }
        for (item, before, after) in changed {
            self.tables.signals.put(&mut self.txn, &keys::item(item), &after.encode()?).map_err(storage)?;
            self.touch(item);
            if self.view().head(item)?.is_some() {
                self.relist(item, Some(&before), Some(&after.signals()))?;
            }
        }
        self.refill_popular()
    }

    /// Makes the rows of a range equal to those of the rebuilt catalog.
    fn adopt_rows(
        &mut self,
        table: Table,
        rebuilt: View<'_>,
        theirs: Table,
        (first, last): (&[u8], &[u8]),
    ) -> Result<()> {
        let mut gone = Vec::new();
        for row in table.range(&self.txn, &keys::between(first, last)).map_err(storage)? {
            watch::check()?;
            let (key, _) = row.map_err(storage)?;
            if theirs.get(rebuilt.txn, key).map_err(storage)?.is_none() {
                gone.push(key.to_vec());
            }
        }
        for key in gone {
            table.delete(&mut self.txn, &key).map_err(storage)?;
        }
        for row in theirs.range(rebuilt.txn, &keys::between(first, last)).map_err(storage)? {
            watch::check()?;
            let (key, value) = row.map_err(storage)?;
            if table.get(&self.txn, key).map_err(storage)? != Some(value) {
                table.put(&mut self.txn, key, value).map_err(storage)?;
            }
        }
        Ok(())
    }
}
