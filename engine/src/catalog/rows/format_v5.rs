//! Journal entries as formats 3 to 5 wrote them, for a journal that was not applied before the store moved to a newer format.

use serde::{Deserialize, Serialize};

use crate::api::event::{Action, Event, Segments};
use crate::base::time::Timestamp;

use super::entries::{Entry, Impression, LoggedEvent};

/// [`Entry`] before events could name an import.
#[derive(Serialize, Deserialize)]
pub(crate) enum SegmentedEntry {
    Event(SegmentedLoggedEvent),
    Impression(Impression),
}

/// [`LoggedEvent`] before events could name an import.
#[derive(Serialize, Deserialize)]
pub(crate) struct SegmentedLoggedEvent {
    event: SegmentedEvent,
    arrived: Timestamp,
    dated: bool,
}

/// [`Event`] before it could name an import.
#[derive(Serialize, Deserialize)]
struct SegmentedEvent {
    user: String,
    action: Action,
    item: Option<String>,
    query: Option<String>,
    value: Option<f64>,
    time: Option<Timestamp>,
    rank_id: Option<String>,
    basket: Option<String>,
    segments: Segments,
}

impl From<SegmentedEntry> for Entry {
    fn from(old: SegmentedEntry) -> Entry {
        match old {
            SegmentedEntry::Impression(impression) => Entry::Impression(impression),
            SegmentedEntry::Event(SegmentedLoggedEvent { event, arrived, dated }) => {
                let SegmentedEvent { user, action, item, query, value, time, rank_id, basket, segments } = event;
                let batch = None;
                let event = Event { user, action, item, query, value, time, rank_id, basket, segments, batch };
                Entry::Event(LoggedEvent { event, arrived, dated })
            }
        }
    }
}

#[cfg(test)]
impl SegmentedEntry {
    /// An entry in the old format; `None` for one of an import.
    pub(crate) fn of(entry: &Entry) -> Option<SegmentedEntry> {
        match entry.clone() {
            Entry::Impression(impression) => Some(SegmentedEntry::Impression(impression)),
            Entry::Event(LoggedEvent { event, arrived, dated }) => {
                let Event { user, action, item, query, value, time, rank_id, basket, segments, batch } = event;
                let event = SegmentedEvent { user, action, item, query, value, time, rank_id, basket, segments };
                batch.is_none().then_some(SegmentedEntry::Event(SegmentedLoggedEvent { event, arrived, dated }))
            }
        }
    }
}
