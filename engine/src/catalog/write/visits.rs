//! Positive events as co-visits count them, and the newest ones of a user.

use std::collections::VecDeque;

use xxhash_rust::xxh3::xxh3_64;

use crate::api::config::{Config, Meaning};
use crate::base::id::{ItemKey, Seq};
use crate::base::time::Timestamp;
use crate::catalog::rows::events::StoredEvent;

/// Visits of a user that are kept in memory.
pub(super) const MAX_VISITS: usize = 20;

/// A positive event of a user.
#[derive(Clone, Copy)]
pub(super) struct Visit {
    pub time: Timestamp,
    /// The time that weights count by, which is never in the future.
    pub counted: Timestamp,
    pub order: (Seq, u32),
    pub item: ItemKey,
    /// Hash of the basket; 0 for none.
    pub basket: u64,
}

impl Visit {
    /// The visit of a stored event, when that is positive and has an item.
    pub(super) fn of(event: &StoredEvent, config: &Config) -> Option<Visit> {
        let (meaning, _) = event.action.meaning(event.value, config);
        let item = event.item.filter(|_| meaning == Meaning::Positive)?;
        let basket = event.basket.as_deref().map_or(0, |name| xxh3_64(name.as_bytes()).max(1));
        Some(Visit { time: event.time, counted: event.counted(), order: event.order, item, basket })
    }

    /// The position in the user's history: by time, and for equal times by the order of logging.
    pub(super) fn position(&self) -> (Timestamp, (Seq, u32)) {
        (self.time, self.order)
    }
}

/// The newest visits of a user, oldest first.
#[derive(Default)]
pub(super) struct RecentVisits(VecDeque<Visit>);

impl RecentVisits {
    /// Adds a visit that is older than all others.
    pub(super) fn push_older(&mut self, visit: Visit) {
        self.0.push_front(visit);
    }

    /// Whether there are as many visits as are kept.
    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= MAX_VISITS
    }

    /// Adds a visit. Returns those before it, newest first; `None` when the visit is not the newest: then the visits
    /// around it are in the tables.
    pub(super) fn add(&mut self, visit: Visit) -> Option<Vec<Visit>> {
        let is_newest = self.0.back().is_none_or(|last| last.position() <= visit.position());
        let at = self.0.partition_point(|other| other.position() < visit.position());
        let before = is_newest.then(|| self.0.iter().take(at).rev().copied().collect());
        self.0.insert(at, visit);
        if self.0.len() > MAX_VISITS {
            self.0.pop_front();
        }
        before
    }
}
