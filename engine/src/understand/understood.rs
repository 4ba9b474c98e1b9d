//! A request, understood: what the stages after it work from.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::allowed::Allowed;
use super::controls::Controls;
use super::covisits::Relations;
use super::field_vectors::FieldVector;
use super::history::PastEvent;
use super::segments::SegmentPopularity;
use crate::api::calibration::Situation;
use crate::api::controls::Personalization;
use crate::api::filter::Filter;
use crate::base::error::Result;
use crate::base::id::{ItemKey, KeyMap};
use crate::base::time::Timestamp;
use crate::catalog::{StoredEvent, UserItem};
use crate::model::{Adapter, Context};
use crate::store::snapshot::{Person, Snapshot};
use crate::text::TextQuery;

/// A request, understood.
pub(crate) struct Understood {
    pub now: Timestamp,
    pub person: Option<Person>,
    /// Whether the query's weights apply: there is a text with a word, a seed, or a vector.
    pub has_query: bool,
    pub query: Option<Arc<TextQuery>>,
    pub context: Context,
    /// Oldest first.
    pub events: Vec<PastEvent>,
    /// Items that the history speaks for, newest first, as often as it does.
    pub liked: Vec<ItemKey>,
    /// What behaviour says of the history; without one, of the seeds.
    pub relations: Relations,
    /// What is popular in the segments that the request and its user are in.
    pub segments: Arc<SegmentPopularity>,
    /// Several directions that the history has, when it has more than one.
    pub interests: Vec<Vec<f32>>,
    /// The mean of the known seeds of `like`.
    pub seed_vector: Option<Vec<f32>>,
    /// What is searched for in the catalog's own vector fields; without a query, what the history looks like there.
    pub vectors: Vec<FieldVector>,
    pub allowed: Allowed,
    pub among: bool,
    pub filter: Option<Filter>,
    pub personalization: Personalization,
    pub controls: Controls,
    /// Items of earlier pages, in order of key.
    pub shown: Vec<ItemKey>,
    /// The newest events on known items, newest first: what `events` and `relations` were made from.
    pub(super) past: Vec<(ItemKey, StoredEvent)>,
    pub(super) seeds: Vec<ItemKey>,
    /// An item of the history whose events are left out.
    pub(super) left_out: Option<ItemKey>,
    pub(super) exclude_seen: bool,
    /// The last event is part of the same visit.
    pub(super) in_visit: bool,
    /// What is left out by name: of the request, its rules, its seeds, and its earlier pages.
    pub(super) excluded: HashSet<ItemKey>,
    /// Items of the stateless history, and of events that are not applied yet, with all that was done to them.
    pub(super) recent: Arc<HashMap<ItemKey, UserItem>>,
    /// What the user did with every item, as far as it is applied, when that is little: many items are asked for.
    pub(super) stored: Option<Arc<KeyMap<ItemKey, UserItem>>>,
    pub degraded: Vec<String>,
    /// The adapter of the request's domain.
    pub adapter: Option<Arc<Adapter>>,
}

impl Understood {
    /// Whether the request lets an item into the list.
    ///
    /// Sources call this inside foreign searches, so it cannot fail: what cannot be read is let in, and the failure
    /// comes up when its features are read.
    pub(crate) fn admits(&self, snapshot: &Snapshot, key: ItemKey) -> bool {
        let allowed = match &self.allowed {
            Allowed::All => true,
            Allowed::Only(keys) => keys.contains(key.0),
        };
        allowed
            && !self.excluded.contains(&key)
            && !(self.exclude_seen && self.has_interacted(snapshot, key).unwrap_or(false))
    }

    /// Whether something is searched for: words, the seeds of `like`, or a vector.
    pub(crate) fn searches(&self) -> bool {
        let by_vector = self.has_query && !self.vectors.is_empty();
        self.query.is_some() || self.seed_vector.is_some() || self.context.query.is_some() || by_vector
    }

    /// Whether everything that the user interacted with is left out.
    pub(crate) fn leaves_out_seen(&self) -> bool {
        self.exclude_seen
    }

    /// Which weights are in force.
    pub(crate) fn situation(&self) -> Situation {
        let history = !self.events.is_empty();
        Situation {
            query: self.has_query,
            history,
            exclude_seen: history && self.exclude_seen,
            in_visit: history && self.in_visit,
        }
    }

    /// Whether the user, or the stateless history, interacted with an item before the request.
    fn has_interacted(&self, snapshot: &Snapshot, key: ItemKey) -> Result<bool> {
        Ok(self.ever_interacted(snapshot, key)?.is_some_and(|done| done.interacted_by(self.now)))
    }

    /// What the user, and the stateless history, did with an item and saw of it, as far as the scores are to know.
    pub(crate) fn interactions(&self, snapshot: &Snapshot, key: ItemKey) -> Result<Option<UserItem>> {
        if self.personalization == Personalization::Off {
            return Ok(None);
        }
        self.ever_interacted(snapshot, key)
    }

    fn ever_interacted(&self, snapshot: &Snapshot, key: ItemKey) -> Result<Option<UserItem>> {
        let found = match (self.recent.get(&key), &self.stored, &self.person) {
            (Some(found), _, _) => Some(*found),
            (None, Some(stored), _) => stored.get(&key).copied(),
            (None, None, Some(person)) => snapshot.user_item(person, key)?,
            (None, None, None) => None,
        };
        Ok(if self.left_out == Some(key) { found.map(UserItem::without_events) } else { found })
    }
}
