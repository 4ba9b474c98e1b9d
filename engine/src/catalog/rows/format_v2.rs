//! Journal entries as format 2 wrote them, for a journal that was not applied before the store moved to a newer format.

use serde::{Deserialize, Serialize};

use crate::api::event::{Action, Event};
use crate::base::time::Timestamp;

use super::entries::{Entry, Impression, LoggedEvent};

/// [`Entry`] before events had segments.
#[derive(Serialize, Deserialize)]
pub(crate) enum OldEntry {
    Event(OldLoggedEvent),
    Impression(Impression),
}

/// [`LoggedEvent`] before events had segments.
#[derive(Serialize, Deserialize)]
pub(crate) struct OldLoggedEvent {
    event: OldEvent,
    arrived: Timestamp,
    dated: bool,
}

/// [`Event`] before it had segments.
#[derive(Serialize, Deserialize)]
struct OldEvent {
    user: String,
    action: Action,
    item: Option<String>,
    query: Option<String>,
    value: Option<f64>,
    time: Option<Timestamp>,
    rank_id: Option<String>,
    basket: Option<String>,
}

impl From<OldEntry> for Entry {
    fn from(old: OldEntry) -> Entry {
        match old {
            OldEntry::Impression(impression) => Entry::Impression(impression),
            OldEntry::Event(OldLoggedEvent { event, arrived, dated }) => {
                let OldEvent { user, action, item, query, value, time, rank_id, basket } = event;
                let (segments, batch) = Default::default();
                let event = Event { user, action, item, query, value, time, rank_id, basket, segments, batch };
                Entry::Event(LoggedEvent { event, arrived, dated })
            }
        }
    }
}

#[cfg(test)]
impl OldEntry {
    /// An entry in the old format; `None` for one with segments.
    pub(crate) fn of(entry: &Entry) -> Option<OldEntry> {
        match entry.clone() {
            Entry::Impression(impression) => Some(OldEntry::Impression(impression)),
            Entry::Event(LoggedEvent { event, arrived, dated }) => {
                let Event { user, action, item, query, value, time, rank_id, basket, segments, batch: _ } = event;
                let event = OldEvent { user, action, item, query, value, time, rank_id, basket };
                segments.is_empty().then_some(OldEntry::Event(OldLoggedEvent { event, arrived, dated }))
            }
        }
    }
}
