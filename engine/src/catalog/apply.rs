//! Applying journal entries to the tables that requests read: events by user, what each user did with each item, and
//! the signals of items.
//!
//! Entries are applied strictly in the order of logging, each to the state that the one before it left, so the result
//! does not depend on how the journal was cut into batches: a bulk import and single calls leave the same bytes. What a
//! batch touches is held in memory and written once, in order of key.

use std::collections::hash_map::Entry as Slot;
use std::collections::{BTreeMap, HashMap, VecDeque};

use xxhash_rust::xxh3::xxh3_64;

use crate::api::config::{Config, Meaning};
use crate::base::error::Result;
use crate::base::id::{ItemKey, KeyMap, Seq, UserKey};
use crate::base::time::Timestamp;

use super::covisits::{Neighbours, Relation};
use super::events::{StoredEvent, UserItem};
use super::journal::{Entry, LoggedEvent};
use super::read::View;
use super::scratch_buffer::Lists;
use super::segments::SegmentBatch;
use super::signals::ItemSignals;
use super::store::storage;
use super::write::CatalogWrite;
use super::{codec, keys};

/// Positive events before the new one that it is related to as what came next.
const NEXT_STEPS: usize = 10;
/// Events of the same basket that it is related to.
const BASKET_STEPS: usize = 10;
/// Positive events of a person that are kept at hand.
const STEPS: usize = 20;
/// Stored events that are looked through for them.
const LOOK_BACK: usize = 1_000;
/// Entries after which a batch is written, so that it needs bounded memory.
const BATCH_ENTRIES: usize = 32_768;

/// What a batch has touched so far.
#[derive(Default)]
pub(super) struct Batch {
    entries: usize,
    ids: HashMap<String, ItemKey>,
    users: HashMap<String, UserKey>,
    people: KeyMap<UserKey, Person>,
    pairs: KeyMap<(UserKey, ItemKey), UserItem>,
    /// As stored, and as it is now.
    signals: KeyMap<ItemKey, (Option<ItemSignals>, ItemSignals)>,
    neighbours: Lists,
    pub(super) segments: SegmentBatch,
}

/// A person's newest positive events, oldest first.
#[derive(Default)]
struct Person {
    steps: VecDeque<Step>,
}

/// One positive event of a person.
#[derive(Clone, Copy)]
struct Step {
    time: Timestamp,
    /// The time that it counts by, which is never in the future.
    counted: Timestamp,
    order: (Seq, u32),
    item: ItemKey,
    /// Hash of the basket; 0 for none.
    basket: u64,
}

impl Step {
    fn place(&self) -> (Timestamp, (Seq, u32)) {
        (self.time, self.order)
    }

    /// The step of a stored event, when it spoke for an item.
    fn of(event: &StoredEvent, config: &Config) -> Option<Step> {
        let (meaning, _) = event.action.meaning(event.value, config);
        let item = event.item.filter(|_| meaning == Meaning::Positive)?;
        let (time, counted) = (event.time, event.counted());
        Some(Step { time, counted, order: event.order, item, basket: basket(event.basket.as_deref()) })
    }
}

fn basket(name: Option<&str>) -> u64 {
    name.map_or(0, |name| xxh3_64(name.as_bytes()).max(1))
}

/// What the place after the next, and those behind it, are worth: the share of the harmonic series. Of the windows and
/// the decays by step and by gap that were tried (docs/RECOMMEND.md), this one was among the best on both logs.
fn next_weight(steps: usize) -> f32 {
    1.0 / steps as f32
}

impl CatalogWrite<'_> {
    /// Applies the entries of commit `seq`.
    pub(super) fn apply(&mut self, config: &Config, seq: Seq, entries: &[Entry]) -> Result<()> {
        for (place, entry) in entries.iter().enumerate() {
            match entry {
                Entry::Event(event) => self.apply_event(config, (seq, place as u32), event)?,
                Entry::Impression(impression) => self.apply_impression(impression, config.impressions.most)?,
            }
            self.batch.entries += 1;
            if self.batch.entries >= BATCH_ENTRIES {
                self.settle()?;
            }
        }
        Ok(())
    }

    fn apply_event(&mut self, config: &Config, order: (Seq, u32), logged: &LoggedEvent) -> Result<()> {
        let event = &logged.event;
        let time = event.time.unwrap_or(logged.arrived);
        let item = event.item.as_deref().map(|id| self.key_in_batch(id)).transpose()?;
        let user = self.person(config, &event.user)?;
        let stored = StoredEvent::of(logged, order, item);
        let row = stored.row()?;
        // The same event once more, as a log that is delivered at least once repeats it: counts once.
        if logged.dated && self.view().has_event(user, time, &row)? {
            self.counters.events = self.counters.events.saturating_sub(1);
            return Ok(());
        }
        self.tables.people.put(&mut self.txn, &keys::event(user, time, order.0, order.1), &row).map_err(storage)?;
        self.note_segments(user, &event.segments, logged.counted())?;
        self.count(config, user, &stored)?;
        match (&event.rank_id, item, event.action.meaning(event.value, config)) {
            (Some(rank_id), Some(item), (Meaning::Positive, _)) => self.choose(rank_id, item),
            _ => Ok(()),
        }
    }

    /// Counts an event that is stored, as it was counted when it was applied: persons begin without a past, and build it
    /// up event by event.
    pub(super) fn count_event(&mut self, config: &Config, user: UserKey, event: &StoredEvent) -> Result<()> {
        self.batch.people.entry(user).or_default();
        self.count(config, user, event)
    }

    /// Counts an event for its user, its item, and those around it.
    fn count(&mut self, config: &Config, user: UserKey, event: &StoredEvent) -> Result<()> {
        let Some(item) = event.item else { return Ok(()) };
        let (meaning, weight) = event.action.meaning(event.value, config);
        self.pair(user, item)?.add_event(event.time, &event.action, (meaning, weight));
        if meaning != Meaning::Positive {
            return Ok(());
        }
        self.signals_of(item)?.add_event(event.counted(), weight);
        self.count_segments(&event.segments, item, event.counted(), weight)?;
        match Step::of(event, config) {
            Some(step) => self.relate(config, user, step),
            None => Ok(()),
        }
    }

    /// Relates a positive event to those around it, and keeps it at hand for those to come.
    fn relate(&mut self, config: &Config, user: UserKey, step: Step) -> Result<()> {
        let Some(person) = self.batch.people.get_mut(&user) else { return Ok(()) };
        let late = person.steps.back().is_some_and(|last| last.place() > step.place());
        let at = person.steps.partition_point(|other| other.place() < step.place());
        let mut before: Vec<Step> = person.steps.iter().take(at).rev().copied().collect();
        let mut after = Vec::new();
        person.steps.insert(at, step);
        if person.steps.len() > STEPS {
            person.steps.pop_front();
        }
        if late {
            // Events that arrive out of order find their neighbours in time where they are stored.
            before = self.steps(config, self.view().history(user, step.time)?, step)?;
            after = self.steps(config, self.view().future(user, step.time)?, step)?;
            after.retain(|other| other.place() > step.place());
            before.retain(|other| other.place() < step.place());
        }
        self.relate_next(&before, step, &after)?;
        if step.basket != 0 {
            let same = before.iter().chain(&after).filter(|other| other.basket == step.basket).take(BASKET_STEPS);
            self.relate_basket(same, step)?;
        }
        Ok(())
    }

    /// The positive ones of stored events, in their order, without `step` itself.
    fn steps(
        &self,
        config: &Config,
        events: impl Iterator<Item = Result<StoredEvent>>,
        step: Step,
    ) -> Result<Vec<Step>> {
        let mut found = Vec::new();
        for event in events.take(LOOK_BACK) {
            // When signals are counted anew, what was logged later is stored already.
            found.extend(Step::of(&event?, config).filter(|other| other.order < step.order));
            if found.len() == STEPS {
                break;
            }
        }
        Ok(found)
    }

    fn relate_next(&mut self, before: &[Step], step: Step, after: &[Step]) -> Result<()> {
        for (place, other) in before.iter().take(NEXT_STEPS).enumerate() {
            self.follow(other.item, step.item, next_weight(place + 1), step.counted)?;
        }
        for (place, other) in after.iter().take(NEXT_STEPS).enumerate() {
            self.follow(step.item, other.item, next_weight(place + 1), other.counted)?;
        }
        Ok(())
    }

    /// Counts that one item came after another, at both ends.
    fn follow(&mut self, first: ItemKey, then: ItemKey, weight: f32, time: Timestamp) -> Result<()> {
        if first != then {
            self.neighbours_of(Relation::Next, first)?.add(then, weight, time);
            self.neighbours_of(Relation::Before, then)?.add(first, weight, time);
        }
        Ok(())
    }

    fn relate_basket<'s>(&mut self, others: impl Iterator<Item = &'s Step>, step: Step) -> Result<()> {
        for other in others.filter(|other| other.item != step.item) {
            let time = step.counted.max(other.counted);
            self.neighbours_of(Relation::Basket, other.item)?.add(step.item, 1.0, time);
            self.neighbours_of(Relation::Basket, step.item)?.add(other.item, 1.0, time);
        }
        Ok(())
    }

    fn key_in_batch(&mut self, id: &str) -> Result<ItemKey> {
        if let Some(key) = self.batch.ids.get(id) {
            return Ok(*key);
        }
        let key = self.ensure_key(id)?;
        self.batch.ids.insert(id.to_owned(), key);
        Ok(key)
    }

    /// The key of a user, with the newest events at hand.
    fn person(&mut self, config: &Config, id: &str) -> Result<UserKey> {
        if let Some(key) = self.batch.users.get(id) {
            return Ok(*key);
        }
        let key = self.ensure_user(id)?;
        let mut person = Person::default();
        for event in self.view().history(key, Timestamp::MAX)?.take(LOOK_BACK) {
            if let Some(step) = Step::of(&event?, config) {
                person.steps.push_front(step);
            }
            if person.steps.len() == STEPS {
                break;
            }
        }
        self.batch.users.insert(id.to_owned(), key);
        self.batch.people.insert(key, person);
        Ok(key)
    }

    pub(super) fn pair(&mut self, user: UserKey, item: ItemKey) -> Result<&mut UserItem> {
        match self.batch.pairs.entry((user, item)) {
            Slot::Occupied(known) => Ok(known.into_mut()),
            Slot::Vacant(slot) => {
                let view = View { txn: &self.txn, tables: &self.tables, held: self.held };
                Ok(slot.insert(view.user_item(user, item)?.unwrap_or_default()))
            }
        }
    }

    pub(super) fn signals_of(&mut self, item: ItemKey) -> Result<&mut ItemSignals> {
        match self.batch.signals.entry(item) {
            Slot::Occupied(known) => Ok(&mut known.into_mut().1),
            Slot::Vacant(slot) => {
                let view = View { txn: &self.txn, tables: &self.tables, held: self.held };
                let stored = view.signals(item)?;
                Ok(&mut slot.insert((stored, stored.unwrap_or_default())).1)
            }
        }
    }

    fn neighbours_of(&mut self, relation: Relation, item: ItemKey) -> Result<&mut Neighbours> {
        match self.batch.neighbours.entry((relation, item)) {
            Slot::Occupied(known) => Ok(known.into_mut()),
            Slot::Vacant(slot) => {
                let view = View { txn: &self.txn, tables: &self.tables, held: self.held };
                let held = self.held.and_then(|held| held.take(relation, item));
                Ok(slot.insert(held.map_or_else(|| view.neighbours(relation, item), Ok)?))
            }
        }
    }

    /// Writes what the batch touched, in order of key, and lets go of it.
    pub(super) fn settle(&mut self) -> Result<()> {
        let Batch { pairs, signals, neighbours, segments, .. } = std::mem::take(&mut self.batch);
        for ((user, item), row) in pairs.into_iter().collect::<BTreeMap<_, _>>() {
            self.tables
                .people
                .put(&mut self.txn, &keys::user_item(user, item), &codec::encode(&row)?)
                .map_err(storage)?;
        }
        for (item, (before, after)) in signals.into_iter().collect::<BTreeMap<_, _>>() {
            self.tables.signals.put(&mut self.txn, &keys::item(item), &codec::encode(&after)?).map_err(storage)?;
            self.touch(item);
            // An item that is not put (or was deleted) keeps its signals, but is in no list.
            if self.view().head(item)?.is_some() {
                self.relist(item, before.as_ref(), Some(&after))?;
            }
        }
        self.settle_neighbours(neighbours)?;
        self.write_segments(segments)?;
        self.prune_popular()
    }

    /// Whether anything waits to be written.
    pub(super) fn batch_is_empty(&self) -> bool {
        self.batch.entries == 0
    }
}
