//! Applies the entries of a commit to the tables that requests read: events by user, what each user did with each item,
//! and signals.
//!
//! Entries are applied strictly in the order of logging, each to the state that the one before left, so that the result
//! does not depend on how the journal was cut: a bulk import and single calls leave the same bytes. Signals depend on the
//! times of events and not on the order of logging, but for lists that are cut. Changes are collected in a batch and
//! written once, in order of key.

use crate::api::config::{Config, Meaning};
use crate::base::error::Result;
use crate::base::id::{Seq, UserKey};
use crate::catalog::rows::entries::{Entry, LoggedEvent};
use crate::catalog::rows::events::StoredEvent;
use crate::catalog::rows::keys;
use crate::catalog::rows::lmdb_error::storage;

use super::transaction::CatalogWrite;
use super::visits::Visit;

/// Entries after which a batch is written, to bound its memory.
const BATCH_ENTRIES: usize = 32_768;

impl CatalogWrite<'_> {
    /// Applies the entries of commit `seq`.
    pub(super) fn apply(&mut self, config: &Config, seq: Seq, entries: &[Entry]) -> Result<()> {
        for (position, entry) in entries.iter().enumerate() {
            match entry {
                Entry::Event(event) => self.apply_event(config, (seq, position as u32), event)?,
                Entry::Impression(impression) => self.apply_impression(impression, config.impressions.max)?,
            }
            self.batch.entries += 1;
            if self.batch.entries >= BATCH_ENTRIES {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn apply_event(&mut self, config: &Config, order: (Seq, u32), logged: &LoggedEvent) -> Result<()> {
        let event = &logged.event;
        let time = event.time.unwrap_or(logged.arrived);
        let item = event.item.as_deref().map(|id| self.item_in_batch(id)).transpose()?;
        let user = self.user_in_batch(config, &event.user)?;
        let stored = StoredEvent::of(logged, order, item);
        let record = stored.record()?;
        // A log that is delivered at least once repeats events: a duplicate counts once.
        if logged.dated && self.view().has_event(user, &stored)? {
            self.counters.events = self.counters.events.saturating_sub(1);
            return Ok(());
        }
        self.tables.people.put(&mut self.txn, &keys::event(user, time, order.0, order.1), &record).map_err(storage)?;
        self.note_segments(user, &event.segments, logged.counted())?;
        self.count(config, user, &stored)?;
        match (&event.rank_id, item, event.action.meaning(event.value, config)) {
            (Some(rank_id), Some(item), (Meaning::Positive, _)) => self.choose(rank_id, item),
            _ => Ok(()),
        }
    }

    /// Counts a stored event as it was counted when it was applied. IMPORTANT: from a user's first event on, in order of
    /// time: the user's visits start empty.
    pub(super) fn count_stored(&mut self, config: &Config, user: UserKey, event: &StoredEvent) -> Result<()> {
        self.batch.visits.entry(user).or_default();
        self.count(config, user, event)
    }

    /// Counts an event for its user, its item, and the items of the events around it.
    fn count(&mut self, config: &Config, user: UserKey, event: &StoredEvent) -> Result<()> {
        self.batch.latest = self.batch.latest.max(Some(event.counted()));
        let Some(item) = event.item else { return Ok(()) };
        let (meaning, weight) = event.action.meaning(event.value, config);
        self.pair(user, item)?.add_event(event.time, &event.action, (meaning, weight));
        if meaning != Meaning::Positive {
            return Ok(());
        }
        self.signals_of(item)?.add_event(event.counted(), weight);
        self.count_segments(&event.segments, item, event.counted(), weight)?;
        match Visit::of(event, config) {
            Some(visit) => self.relate(config, user, visit),
            None => Ok(()),
        }
    }
}
