//! The journal: what was logged, in the order of logging, until it is applied to the tables that requests read.
//!
//! An event belongs to its user's page and to the pages of several items; written there at once, a commit of one event
//! touches a dozen pages, and one of sixteen events two hundred. Appended to the journal it touches the same few
//! whatever it is about. Applied later, many events share the pages of their users and items. Readers see what is not
//! applied yet through the overlay of `event_tail.rs`. The cure is that of every log-structured store (O'Neil and
//! others, *The log-structured merge-tree*, 1996).

use serde::{Deserialize, Serialize};

use crate::api::config::Config;
use crate::api::event::Event;
use crate::base::error::{Error, Result};
use crate::base::id::{ItemKey, Seq};
use crate::base::time::Timestamp;

use super::format_v2::OldEntry;
use super::read::View;
use super::store::storage;
use super::write::CatalogWrite;
use super::{codec, keys};

/// What one commit appends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Entry {
    /// What a person did.
    Event(LoggedEvent),
    /// What a person was shown.
    Impression(Impression),
}

/// An event with the time of its arrival. It keeps the caller's ids: giving keys is what the journal puts off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LoggedEvent {
    /// Its `time` is always set.
    pub event: Event,
    /// When it was logged: a time after that counts as this.
    pub arrived: Timestamp,
    /// Whether the caller gave its time. Only such an event can be the same one once more.
    pub dated: bool,
}

/// A ranking that was answered, as far as it is remembered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Impression {
    pub rank_id: String,
    pub user: Option<String>,
    pub query: Option<String>,
    pub time: Timestamp,
    /// The hits, best first, behind `offset` others.
    pub slate: Vec<ItemKey>,
    pub offset: u32,
    /// Whether the order was drawn at random.
    pub explored: bool,
    /// For each hit, the probability that it stood at its place, given those before; 0 where nothing was drawn. Empty
    /// when the order was not drawn.
    pub propensities: Vec<f32>,
    /// Places of new items, when it was asked which are new.
    pub new: Option<Vec<u32>>,
    /// Hash of the features that all candidates were scored by.
    pub features: u64,
    /// First eight bytes of the model's SHA-256, and the number of the weights in force.
    pub model: u64,
    pub weights: u64,
}

impl LoggedEvent {
    /// The time that signals count by: one event dated year 9999 must not lead every list for ever.
    pub(crate) fn counted(&self) -> Timestamp {
        self.event.time.unwrap_or(self.arrived).min(self.arrived)
    }
}

impl CatalogWrite<'_> {
    /// Appends to the journal under this commit's number. The entries count as logged, and are applied later.
    pub(crate) fn append(&mut self, entries: &[Entry]) -> Result<()> {
        self.count_events(entries);
        let seq = self.seq();
        let row = codec::encode_as(codec::SEGMENTED, &entries)?;
        self.tables.journal.put(&mut self.txn, &keys::seq(seq), &row).map_err(storage)
    }

    /// Appends and applies at once: for batches so large that their pages are shared anyway. What the journal holds is
    /// applied before, so the order of logging is kept.
    pub(crate) fn append_and_apply(&mut self, config: &Config, entries: &[Entry]) -> Result<()> {
        while self.apply_journal(config, usize::MAX)? {}
        self.count_events(entries);
        let seq = self.seq();
        self.apply(config, seq, entries)?;
        self.counters.applied = seq;
        Ok(())
    }

    fn count_events(&mut self, entries: &[Entry]) {
        self.counters.events += entries.iter().filter(|entry| matches!(entry, Entry::Event(_))).count() as u64;
    }

    /// Applies the oldest commits of the journal, whole ones, until at least `most` entries are done. False when there
    /// was nothing to apply.
    pub(crate) fn apply_journal(&mut self, config: &Config, most: usize) -> Result<bool> {
        let mut done = 0;
        while done < most {
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

/// The entries of a commit, of this format or the one before.
fn entries(row: &[u8]) -> Result<Vec<Entry>> {
    if codec::is_segmented(row) {
        return codec::decode_as(codec::SEGMENTED, "journal", row);
    }
    let old: Vec<OldEntry> = codec::decode("journal", row)?;
    Ok(old.into_iter().map(Entry::from).collect())
}

impl<'t> View<'t> {
    /// The commits of the journal after `after`, oldest first.
    pub(crate) fn journal(&self, after: Seq) -> Result<impl Iterator<Item = Result<(Seq, Vec<Entry>)>> + use<'t>> {
        let first = keys::seq(after.next());
        let rows = self.tables.journal.range(self.txn, &keys::from(&first)).map_err(storage)?;
        Ok(rows.map(|row| {
            let (key, value) = row.map_err(storage)?;
            let seq = keys::last_item(key).ok_or_else(|| Error::damaged("journal", "a short key"))?;
            Ok((Seq(seq.0), entries(value)?))
        }))
    }
}
