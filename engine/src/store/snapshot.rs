//! The pinned view of a request: one commit of the catalog, and the indexes as of that commit.

use std::sync::Arc;

use crate::api::event::Segments;
use crate::api::schema::Schema;
use crate::api::user;
use crate::base::error::{Error, Result};
use crate::base::id::{Generation, ItemKey, SemanticId, UserKey};
use crate::base::time::Timestamp;
use crate::catalog::{CatalogRead, ItemSignals, SpaceNumber, StoredEvent, UserItem, UserSegments};
use crate::model::Model;
use crate::store::active_model::ActiveModel;
use crate::store::item_space::ItemSpace;
use crate::store::unapplied_events::{EventPin, TailEvent};
use crate::store::{RecentState, Spaces, Stores};
use crate::text::TextView;
use crate::vector;

/// How often a pin is tried again when a commit slips in between its steps. Each try is microseconds, a commit is not.
const PIN_ATTEMPTS: usize = 1000;

/// What a request reads. Stages after ingest get this and cannot write.
pub(crate) struct Snapshot<'s> {
    pub stores: &'s Stores,
    pub catalog: CatalogRead,
    pub text: Arc<TextView>,
    pub schema: Arc<Schema>,
    pub spaces: Arc<Spaces>,
    /// The space of items that is current in this commit.
    pub item: Arc<ItemSpace>,
    pub events: EventPin<'s>,
    /// The model, the weights and the adapters that the request is answered by.
    pub active: Arc<ActiveModel>,
    recent: Arc<RecentState>,
}

/// A user with events.
#[derive(Clone)]
pub(crate) struct Person {
    /// `None` for a user none of whose events are applied yet.
    pub key: Option<UserKey>,
    /// Events that are not applied yet, oldest first.
    pub recent: Vec<Arc<TailEvent>>,
}

impl<'s> Snapshot<'s> {
    /// Pins the last commit.
    ///
    /// IMPORTANT: the order. A commit's items enter `recent` and the overlays before the commit is visible, so what is
    /// loaded after the transaction covers it. An index may meanwhile have moved past the transaction; then the pin is
    /// taken again, because the older version of an item is gone from that index.
    pub(crate) fn pin(stores: &'s Stores) -> Result<Snapshot<'s>> {
        for _ in 0..PIN_ATTEMPTS {
            let catalog = stores.read()?;
            let item = stores.item_spaces()?.at(catalog.view())?;
            let recent = stores.recent.load();
            let text = stores.text.view();
            let events = stores.events.pin(&catalog);
            let (false, Some(events), Some(item)) = (text.applied() > catalog.counters().seq, events, item) else {
                std::thread::yield_now();
                continue;
            };
            let (schema, spaces) = (stores.schema.load_full(), stores.spaces.load_full());
            let Some(active) = stores.active_in(&item) else {
                std::thread::yield_now();
                continue;
            };
            return Ok(Snapshot { stores, catalog, text, schema, spaces, item, events, active, recent });
        }
        Err(Error::internal("no commit could be pinned"))
    }

    /// The version of the weights that serve: 0 for those that the model ships or the configuration fixes.
    pub(crate) fn weights_version(&self) -> u64 {
        if self.stores.config.weights.is_empty() { self.active.weights.version } else { 0 }
    }

    /// The model that the request is answered by.
    pub(crate) fn model(&self) -> &Model {
        &self.active.model
    }

    /// Why the model answers in place of the one that was chosen, if it does.
    pub(crate) fn stands_in(&self) -> Option<&str> {
        self.active.stands_in.as_deref()
    }

    /// Whether this version of an item, which an index proposes, is the pinned one.
    ///
    /// The closure that indexes get cannot fail; an item whose head cannot be read is left out here and reported when
    /// it is read for its features.
    pub(crate) fn is_current(&self, key: ItemKey, generation: Option<Generation>) -> bool {
        if !self.recent.contains(key) {
            return true;
        }
        let head = self.catalog.head(key).ok().flatten();
        head.is_some_and(|head| generation.is_none_or(|generation| head.generation == generation))
    }

    /// The number of the space of the model's item vectors.
    pub(crate) fn item_space(&self) -> SpaceNumber {
        self.item.number
    }

    /// The stored vector of an item, unit length, when it has one.
    pub(crate) fn vector(&self, space: SpaceNumber, key: ItemKey) -> Result<Option<Vec<f32>>> {
        let mut room = Vec::new();
        let stored = match space == self.item_space() {
            true => self.catalog.vector(space, key, &mut room)?,
            false => self.catalog.view().vector(space, key)?,
        };
        let Some(bytes) = stored else { return Ok(None) };
        let mut components = vec![0.0; bytes.len() / 2];
        vector::read_bytes(bytes, &mut components)?;
        Ok(Some(components))
    }

    /// The semantic id of an item; `None` for one without content.
    pub(crate) fn sid(&self, key: ItemKey) -> Result<Option<SemanticId>> {
        self.catalog.view().sid(self.item_space(), key)
    }

    /// The counters of an item, with every event up to the pinned commit.
    pub(crate) fn signals(&self, key: ItemKey) -> Result<Option<ItemSignals>> {
        Ok(self.events.signals(key, self.catalog.signals(key)?))
    }

    /// The user of an id: what is stored, and the events that are not applied yet. `None` for an unknown user.
    pub(crate) fn person(&self, id: &str) -> Result<Option<Person>> {
        let key = self.catalog.view().user_key(id)?;
        let recent = self.events.of_user(id);
        Ok((key.is_some() || !recent.is_empty()).then_some(Person { key, recent }))
    }

    /// The newest `limit` events of a person up to `until`, newest first.
    pub(crate) fn history(&self, person: &Person, until: Timestamp, limit: usize) -> Result<Vec<StoredEvent>> {
        let mut events = Vec::new();
        if let Some(key) = person.key {
            events = self.catalog.view().history(key, until)?.take(limit).collect::<Result<Vec<_>>>()?;
        }
        for recent in person.recent.iter().filter(|event| event.time() <= until) {
            let item = recent.logged.event.item.as_deref().map(|id| self.catalog.view().item_key(id)).transpose()?;
            events.push(recent.stored(item.flatten()));
        }
        if !person.recent.is_empty() {
            events.sort_by_key(|event| std::cmp::Reverse((event.time, event.order)));
            events.truncate(limit);
        }
        Ok(events)
    }

    /// What a person has done with an item, as far as it is applied: `history` knows the rest.
    pub(crate) fn user_item(&self, person: &Person, item: ItemKey) -> Result<Option<UserItem>> {
        person.key.map(|key| self.catalog.view().user_item(key, item)).transpose().map(Option::flatten)
    }

    /// The segments that a person's events named last, as far as they were known at a time.
    pub(crate) fn segments(&self, person: &Person, now: Timestamp) -> Result<Segments> {
        let mut known = match person.key {
            Some(key) => self.catalog.view().user_segments(key)?,
            None => UserSegments::default(),
        };
        for recent in &person.recent {
            known.note(&recent.logged.event.segments, recent.logged.counted());
        }
        let mut segments: Segments = known.by(now).map(|(name, value)| (name.clone(), value.clone())).collect();
        // What is known of a user now comes before what events named.
        if let Some(attributes) = person.key.map(|key| self.catalog.view().user_record(key)).transpose()?.flatten() {
            segments.extend(user::segments(&attributes));
        }
        Ok(segments)
    }

    /// What a person did with items by events that are removed.
    pub(crate) fn removed_of(&self, person: &Person) -> Result<Vec<(ItemKey, UserItem)>> {
        person.key.map_or(Ok(Vec::new()), |key| self.catalog.view().removed_of(key))
    }

    /// The `k` nearest of a set of items to a query, exactly: what a selective filter asks for instead of the graph.
    pub(crate) fn nearest_among(
        &self,
        space: SpaceNumber,
        query: &[f32],
        keys: impl Iterator<Item = ItemKey>,
        k: usize,
    ) -> Result<Vec<(ItemKey, f32)>> {
        let view = self.catalog.view();
        let mut scored = Vec::new();
        for key in keys {
            if let Some(bytes) = view.vector(space, key)? {
                scored.push((key, vector::dot_bytes(query, bytes)));
            }
        }
        Ok(crate::base::score::top_k(scored, k))
    }
}
