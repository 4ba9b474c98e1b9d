//! Committing: overlays first, the transaction last.

use std::collections::HashSet;
use std::sync::Arc;

use crate::api::event::Event;
use crate::api::notice::Level;
use crate::base::error::{Error, Result};
use crate::base::id::Seq;
use crate::catalog::{Entry, Impression, LoggedEvent};
use crate::store::item_space::ItemSpace;
use crate::store::{Spaces, Stores};
use crate::vector::SpaceSpec;

use super::pending::{Pending, Staged};

/// A group of more events than this is applied with its own commit: the pages that it touches are shared anyway.
const JOURNALED: usize = 1_024;
/// Impressions that one commit takes, so that its entry in the journal can be read back within the codec's bound.
pub(super) const IMPRESSIONS_PER_COMMIT: usize = 1_024;

impl Pending<'_> {
    /// Shows the group to readers and makes it durable.
    ///
    /// IMPORTANT: the order. Overlays, recent keys, schema and spaces first, commit last: a reader that sees the commit
    /// finds all of it. What was staged for a commit that fails has a generation that no catalog row will ever have,
    /// so no reader can see it.
    pub(super) fn commit(mut self) -> Result<Seq> {
        let stores = self.stores;
        let shown = stores.impressions.take(IMPRESSIONS_PER_COMMIT);
        let taken = shown.len();
        let result = self.journal(shown).and_then(|()| self.finish());
        if result.is_err() {
            stores.impressions.lose(taken);
        }
        result
    }

    fn finish(self) -> Result<Seq> {
        let seq = self.write.seq();
        let Pending { stores, write, schema, schema_changed, spaces, items, docs, vectors, adopted, .. } = self;
        let known = (stores.schema.load_full(), stores.spaces.load_full());
        let applied = write.applied();
        let changed = write.changed().to_vec();
        let show = || {
            if schema_changed {
                open_new_spaces(stores, &spaces)?;
                stores.schema.store(Arc::new(schema));
                stores.spaces.store(Arc::new(spaces));
            }
            if !changed.is_empty() {
                stores.recent.add(seq, changed.iter().copied());
                stores.text.stage(seq, docs, &stores.schema.load());
                stage_vectors(stores, &items, seq, vectors)?;
            }
            adopted.iter().for_each(|(id, key)| stores.events.adopt(id, *key));
            Ok(())
        };
        let done = match show() {
            Ok(()) => write.commit(),
            Err(error) => Err(write.give_up(error)),
        };
        match done {
            Ok(_) => {
                if !changed.is_empty() {
                    stores.progress.commit(seq);
                }
                stores.events.settle(applied);
                Ok(seq)
            }
            Err(error) => {
                stores.events.unstage(seq);
                stores.schema.store(known.0);
                stores.spaces.store(known.1);
                Err(after_failure(stores, seq, error))
            }
        }
    }

    /// Appends impressions and the group's events to the journal and shows them to readers; many at once are applied
    /// instead. Impressions come first, because an event may answer one of them.
    fn journal(&mut self, shown: Vec<Impression>) -> Result<()> {
        let (events, config, seq) = (std::mem::take(&mut self.entries), &self.stores.config, self.write.seq());
        let many = events.len() > JOURNALED;
        let events = if self.drain || many { events } else { self.without_repetitions(events)? };
        let entries: Vec<Entry> = shown.into_iter().map(Entry::Impression).chain(events).collect();
        if self.drain || many {
            return self.write.append_and_apply(config, &entries);
        }
        if !entries.is_empty() {
            self.write.append(&entries)?;
            let view = self.write.view();
            self.stores.events.stage(seq, &entries, config, |id| view.item_key(id).ok().flatten());
        }
        Ok(())
    }

    /// The entries without events that were delivered before: they change nothing, not even the number of events. (What
    /// is applied at once is compared as it is applied.)
    fn without_repetitions(&self, entries: Vec<Entry>) -> Result<Vec<Entry>> {
        let (applied, view, mut seen) = (self.write.applied(), self.write.view(), HashSet::new());
        let mut new = Vec::with_capacity(entries.len());
        for entry in entries {
            if let Entry::Event(logged) = &entry
                && logged.dated
            {
                let print = logged.fingerprint()?;
                if !seen.insert(print) || self.stores.events.holds(print, applied) || view.has_logged(logged)? {
                    continue;
                }
            }
            new.push(entry);
        }
        Ok(new)
    }
}

fn open_new_spaces(stores: &Stores, spaces: &Spaces) -> Result<()> {
    for row in &spaces.0 {
        if stores.vectors.space(&row.name).is_none() {
            let spec = SpaceSpec { name: row.name.clone(), dimensions: row.dimensions as usize, id: row.id.clone() };
            stores.vectors.open_space(&spec, &[])?;
        }
    }
    Ok(())
}

fn stage_vectors(stores: &Stores, items: &ItemSpace, seq: Seq, mut vectors: Staged) -> Result<()> {
    if let Some(staged) = vectors.remove(&items.number) {
        items.graph.stage(seq, staged)?;
    }
    for (number, row) in stores.spaces.load().rows() {
        if let (Some(space), Some(staged)) = (stores.vectors.space(&row.name), vectors.remove(&number)) {
            space.stage(seq, staged)?;
        }
    }
    Ok(())
}

/// A commit that failed before its meta page was written, as on a full disk, never happened, and the next may succeed: LMDB
/// has given up its pages, and its number is not used again. When LMDB cannot tell, writes stop until the directory is opened
/// again.
fn after_failure(stores: &Stores, seq: Seq, error: Error) -> Error {
    let error = stores.name_full_disk(error);
    if stores.catalog.read().is_ok_and(|catalog| catalog.counters().seq < seq) {
        return error;
    }
    let reason = error.to_string();
    stores.notices.log(Level::Error, &format!("writes are refused: {reason}"));
    stores.poisoned.store(Some(Arc::new(reason.clone())));
    Error::Poisoned { reason }
}

/// Logs events and applies them in one commit, on the caller's thread: for replays, where signals have to follow event
/// by event and the commit is not shared.
pub(crate) fn log_applied(stores: &Stores, events: Vec<Event>) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let mut pending = Pending::begin(stores)?;
    pending.drain = true;
    pending.log(events, None)?;
    pending.commit().map(|_| ())
}

/// Logs events of another store with their times of arrival, and applies them in one commit, on the caller's thread.
pub(crate) fn log_restored(stores: &Stores, events: Vec<LoggedEvent>) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let mut pending = Pending::begin(stores)?;
    pending.drain = true;
    pending.log_as(events)?;
    pending.commit().map(|_| ())
}

/// Commits queued impressions alone. Those of a commit that fails are counted as dropped.
pub(super) fn commit_impressions(stores: &Stores) -> bool {
    match Pending::begin(stores).and_then(Pending::commit) {
        Ok(_) => true,
        Err(error) => {
            stores.note_failure(error);
            false
        }
    }
}

/// Applies up to `max` events of the journal to the tables that background work and signals read.
pub(super) fn apply_journal(stores: &Stores, max: usize) -> Result<()> {
    let mut write = stores.catalog.write()?;
    if write.apply_journal(&stores.config, max)? {
        let applied = write.applied();
        write.commit_bookkeeping()?;
        stores.events.settle(applied);
    }
    Ok(())
}
