//! What a request means against a snapshot: the query as terms and as a vector, the history as vectors, what is
//! allowed and what is excluded.

mod controls;
pub(crate) mod covisits;
pub(crate) mod interests;
mod leave_out;
mod newness;
mod own_vectors;
mod seen;
pub(crate) mod segments;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use roaring::RoaringTreemap;

use crate::api::calibration::Situation;
use crate::api::config::Meaning;
use crate::api::controls::{ExcludeSeen, Personalization};
use crate::api::cursor;
use crate::api::event::Action;
use crate::api::filter::Filter;
use crate::api::history::HistoryEvent;
use crate::api::request::Request;
use crate::base::error::Result;
use crate::base::id::{ItemKey, KeyMap, SemanticId, Seq};
use crate::base::limits;
use crate::base::time::Timestamp;
use crate::catalog::{StoredEvent, UserItem};
use crate::model::{Adapter, Context, ContextInput, HistoryInput};
use crate::store::snapshot::{Person, Snapshot};
use crate::text::TextQuery;
use crate::understand::covisits::Relations;
use crate::understand::interests::interests;
use crate::understand::segments::SegmentPopularity;

use controls::Labelled;
pub(crate) use controls::{Controls, Lift, NamedCap, Pin, stored_scenarios};
pub(crate) use own_vectors::OwnVector;

/// Events that the model reads: the newest of the user's and the request's.
const HISTORY_EVENTS: usize = 50;
/// Events that are looked through for them and for what they are related to.
const LOOK_BACK: usize = 100;
/// Items of a user that are read at once, side by side as they lie, instead of one by one for each candidate.
const STORED_ITEMS: usize = 512;

/// One event of the history, as the model reads it.
#[derive(Debug, Clone)]
pub(crate) struct PastEvent {
    pub key: ItemKey,
    pub vector: Vec<f32>,
    pub action: i64,
    pub gap_seconds: f64,
    pub meaning: Meaning,
    pub sid: Option<SemanticId>,
}

/// Which items may be ranked.
#[derive(Debug, Clone)]
pub(crate) enum Allowed {
    /// All that are not excluded.
    All,
    /// These: what a filter matches, what `among` names, or both.
    Only(RoaringTreemap),
}

/// A request, understood.
pub(crate) struct Intent {
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
    pub vectors: Vec<OwnVector>,
    pub allowed: Allowed,
    pub among: bool,
    pub filter: Option<Filter>,
    pub personalization: Personalization,
    pub controls: Controls,
    /// Items of earlier pages, in order of key.
    pub shown: Vec<ItemKey>,
    /// The newest events on known items, newest first: what `events` and `relations` were made from.
    past: Vec<(ItemKey, StoredEvent)>,
    seeds: Vec<ItemKey>,
    /// An item of the history that is taken as one that the user never had.
    left_out: Option<ItemKey>,
    exclude_seen: bool,
    /// The last event is part of the same visit.
    in_visit: bool,
    /// What is left out by name: of the request, its rules, its seeds, and its earlier pages.
    excluded: HashSet<ItemKey>,
    /// Items of the stateless history, and of events that are not applied yet, with all that was done to them.
    lately: Arc<HashMap<ItemKey, UserItem>>,
    /// What the user did with every item, as far as it is applied, when that is little: many items are asked for.
    stored: Option<Arc<KeyMap<ItemKey, UserItem>>>,
    pub degraded: Vec<String>,
    /// The adapter of the request's domain.
    pub adapter: Option<Arc<Adapter>>,
}

impl Intent {
    /// Reads what the request names. Ids that are not known are passed over.
    pub(crate) fn read(snapshot: &Snapshot, request: &Request) -> Result<Intent> {
        request.check()?;
        let shown = cursor::read(request)?;
        let now = request.now.unwrap_or_else(Timestamp::now);
        let person = request.user.as_deref().map(|id| snapshot.person(id)).transpose()?.flatten();
        let mut degraded = Vec::new();
        let seeds = known(snapshot, &request.like)?;
        let seed_vector = mean_vector(snapshot, &seeds)?;
        let past = past(snapshot, request, person.as_ref(), now)?;
        let events = past_events(snapshot, &past, now)?;
        let liked = liked(snapshot, &past);
        let relations = Relations::read(snapshot, if liked.is_empty() { &seeds } else { &liked }, now)?;
        let segments = Arc::new(SegmentPopularity::read(snapshot, request, person.as_ref(), now)?);
        let speaks = |event: &&PastEvent| event.meaning == Meaning::Positive && event.vector.iter().any(|x| *x != 0.0);
        let positive = events.iter().rev().filter(speaks);
        let interests = interests(positive.map(|event| event.vector.as_slice()));
        let text = query_text(request, &mut degraded);
        let query = match text {
            Some(text) => snapshot.text.query(text, &search_fields(snapshot))?.map(Arc::new),
            None => None,
        };
        let history: Vec<HistoryInput> = events.iter().map(PastEvent::input).collect();
        let adapter = request.adapter.as_deref().map(|name| snapshot.live.adapter(name)).transpose()?;
        let (vector, space) = (seed_vector.as_deref(), snapshot.item.tensors());
        let input = ContextInput { text, vector, history: &history, space, adapter: adapter.as_deref() };
        let context = snapshot.model().context(&input)?;
        let asked = own_vectors::asked(snapshot, request, &seeds)?;
        let has_query = query.is_some() || context.query.is_some() || !asked.is_empty();
        let vectors = if has_query { asked } else { own_vectors::of_history(snapshot, &liked)? };
        let rules = controls::rules(snapshot, request)?;
        let filter = controls::filter(snapshot, request, &rules)?;
        let allowed = allowed(snapshot, request, filter.as_ref())?;
        if text.is_some() && query.is_none() && context.query.is_none() {
            degraded.push("the query has no word to search for; it was left out".to_owned());
        }
        if !request.like.is_empty() && seeds.is_empty() {
            degraded.push("none of the ids in `like` is in the catalog; they were left out".to_owned());
        }
        let mut intent = Intent {
            now,
            lately: Arc::new(lately(snapshot, request, person.as_ref(), now)?),
            stored: stored(snapshot, person.as_ref())?.map(Arc::new),
            person,
            has_query,
            query,
            context,
            events,
            liked,
            relations,
            segments,
            interests,
            seed_vector,
            vectors,
            allowed,
            among: request.among.is_some(),
            filter,
            personalization: request.personalization,
            controls: controls::read(snapshot, request, &rules)?,
            shown,
            exclude_seen: request.exclude_seen == ExcludeSeen::Yes,
            in_visit: in_visit(snapshot, &past, now),
            excluded: known(snapshot, &request.exclude)?.into_iter().chain(seeds.iter().copied()).collect(),
            past,
            seeds,
            left_out: None,
            degraded,
            adapter,
        };
        intent.exclude(snapshot, request, &rules)?;
        intent.unlike(snapshot, request)?;
        intent.drop_empty_mix();
        intent.pin(snapshot, &rules)?;
        Ok(intent)
    }

    /// Leaves out what rules and earlier pages name, and what was had by some action or lately.
    fn exclude(&mut self, snapshot: &Snapshot, request: &Request, rules: &[Labelled]) -> Result<()> {
        self.excluded.extend(known_items(snapshot, controls::excluded(rules))?);
        self.excluded.extend(&self.shown);
        if let ExcludeSeen::When(when) = &request.exclude_seen {
            let had = seen::had_when(snapshot, request, when, (self.person.as_ref(), self.now), &mut self.degraded)?;
            self.excluded.extend(had);
        }
        Ok(())
    }

    /// Reads what the list moves away from, and leaves it out.
    fn unlike(&mut self, snapshot: &Snapshot, request: &Request) -> Result<()> {
        let away = known(snapshot, &request.unlike)?;
        for key in &away {
            self.controls.unlike.extend(snapshot.vector(snapshot.item_space(), *key)?);
        }
        if !request.unlike.is_empty() && self.controls.unlike.is_empty() {
            self.degraded
                .push("none of the ids in `unlike` has a vector in the catalog; they were left out".to_owned());
        }
        self.excluded.extend(away);
        Ok(())
    }

    /// Without a history there is no mix to follow.
    fn drop_empty_mix(&mut self) {
        if self.controls.mix.is_some() && self.events.iter().all(|event| event.meaning != Meaning::Positive) {
            self.controls.mix = None;
            self.degraded
                .push("there is no history whose mix could be followed; `calibrate_mix` was left out".to_owned());
        }
    }

    /// Keeps the pins of items that the request admits.
    fn pin(&mut self, snapshot: &Snapshot, rules: &[Labelled]) -> Result<()> {
        let mut notes = Vec::new();
        self.controls.pins =
            controls::pins(snapshot, rules, &self.shown, |key| self.admits(snapshot, key), &mut notes)?;
        self.degraded.extend(notes);
        Ok(())
    }

    /// Whether the request lets an item into the list.
    ///
    /// Sources call this inside foreign searches, so it cannot fail: what cannot be read is let in, and the failure
    /// comes up when its features are read.
    pub(crate) fn admits(&self, snapshot: &Snapshot, key: ItemKey) -> bool {
        let allowed = match &self.allowed {
            Allowed::All => true,
            Allowed::Only(keys) => keys.contains(key.0),
        };
        allowed && !self.excluded.contains(&key) && !(self.exclude_seen && self.has_had(snapshot, key).unwrap_or(false))
    }

    /// Whether everything that was had is left out.
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

    /// Whether the user, or the stateless history, has had an item before the request.
    fn has_had(&self, snapshot: &Snapshot, key: ItemKey) -> Result<bool> {
        Ok(self.ever_had(snapshot, key)?.is_some_and(|had| had.had_by(self.now)))
    }

    /// What the user, and the stateless history, did with an item and saw of it, as far as the scores are to know.
    pub(crate) fn had(&self, snapshot: &Snapshot, key: ItemKey) -> Result<Option<UserItem>> {
        if self.personalization == Personalization::Off {
            return Ok(None);
        }
        self.ever_had(snapshot, key)
    }

    fn ever_had(&self, snapshot: &Snapshot, key: ItemKey) -> Result<Option<UserItem>> {
        let had = match (self.lately.get(&key), &self.stored, &self.person) {
            (Some(had), _, _) => Some(*had),
            (None, Some(stored), _) => stored.get(&key).copied(),
            (None, None, Some(person)) => snapshot.user_item(person, key)?,
            (None, None, None) => None,
        };
        Ok(if self.left_out == Some(key) { had.map(UserItem::without_events) } else { had })
    }
}

impl PastEvent {
    /// The event as the model takes it.
    pub(crate) fn input(&self) -> HistoryInput<'_> {
        HistoryInput { vector: &self.vector, action: self.action, gap_seconds: self.gap_seconds, sid: self.sid }
    }
}

/// What a person did with every item, as far as it is applied; `None` when that is too much to read for one request.
fn stored(snapshot: &Snapshot, person: Option<&Person>) -> Result<Option<KeyMap<ItemKey, UserItem>>> {
    let Some(key) = person.and_then(|person| person.key) else { return Ok(None) };
    snapshot.catalog.view().user_items_of(key, STORED_ITEMS)
}

/// The items of the stateless history, and of events that are too new for the tables.
fn lately(
    snapshot: &Snapshot,
    request: &Request,
    person: Option<&Person>,
    now: Timestamp,
) -> Result<HashMap<ItemKey, UserItem>> {
    let mut found: HashMap<ItemKey, UserItem> = HashMap::new();
    let mut add = |id: &str, time: Timestamp, action: &Action, value: Option<f64>| -> Result<()> {
        for key in known_items(snapshot, std::iter::once(id))? {
            let had = match found.entry(key) {
                Entry::Occupied(had) => had.into_mut(),
                Entry::Vacant(slot) => {
                    let stored = person.map(|person| snapshot.user_item(person, key)).transpose()?.flatten();
                    slot.insert(stored.unwrap_or_default())
                }
            };
            had.add_event(time, action, action.meaning(value, &snapshot.stores.config));
        }
        Ok(())
    };
    for recent in person.into_iter().flat_map(|person| &person.recent).filter(|event| event.time() <= now) {
        let event = &recent.logged.event;
        if let Some(id) = &event.item {
            add(id, recent.time(), &event.action, event.value)?;
        }
    }
    for event in &request.history {
        add(&event.item, event.time.unwrap_or(now).min(now), &event.action, event.value)?;
    }
    Ok(found)
}

/// The query's text, when it has anything but white space.
fn query_text<'r>(request: &'r Request, degraded: &mut Vec<String>) -> Option<&'r str> {
    let text = request.query.as_deref().filter(|text| !text.trim().is_empty())?;
    if text.len() > limits::MAX_QUERY_BYTES {
        degraded.push(format!("the query was cut to its first {} bytes", limits::MAX_QUERY_BYTES));
        return Some(&text[..text.floor_char_boundary(limits::MAX_QUERY_BYTES)]);
    }
    Some(text)
}

/// The text fields that take part in search, with their boosts.
fn search_fields(snapshot: &Snapshot) -> Vec<(u8, f32)> {
    let config = &snapshot.stores.config;
    let fields = snapshot.schema.text_fields().map(|(name, slot)| (slot, config.boost_of(name)));
    fields.filter(|(_, boost)| *boost > 0.0).collect()
}

fn known(snapshot: &Snapshot, ids: &[String]) -> Result<Vec<ItemKey>> {
    known_items(snapshot, ids.iter().map(String::as_str))
}

/// Keys of the ids that the catalog knows; those that cannot be ids are unknown too.
fn known_items<'i>(snapshot: &Snapshot, ids: impl Iterator<Item = &'i str>) -> Result<Vec<ItemKey>> {
    let view = snapshot.catalog.view();
    let mut keys = Vec::new();
    for id in ids.filter(|id| !id.is_empty() && id.len() <= limits::MAX_ID_BYTES) {
        keys.extend(view.item_key(id)?);
    }
    Ok(keys)
}

fn mean_vector(snapshot: &Snapshot, seeds: &[ItemKey]) -> Result<Option<Vec<f32>>> {
    let space = snapshot.item_space();
    let mut sum = vec![0.0; snapshot.model().width()];
    for key in seeds {
        if let Some(vector) = snapshot.vector(space, *key)? {
            sum.iter_mut().zip(&vector).for_each(|(sum, x)| *sum += x);
        }
    }
    // Opposite seeds may cancel out: then they say nothing.
    let norm = sum.iter().map(|x| x * x).sum::<f32>().sqrt();
    Ok((norm > 1e-6).then_some(sum))
}

/// The newest events on known items, newest first: the request's, then the user's stored ones.
fn past(
    snapshot: &Snapshot,
    request: &Request,
    person: Option<&Person>,
    now: Timestamp,
) -> Result<Vec<(ItemKey, StoredEvent)>> {
    if request.personalization == Personalization::Off {
        return Ok(Vec::new());
    }
    let mut newest_first = Vec::new();
    for event in request.history.iter().rev().take(limits::MAX_HISTORY) {
        let key = known_items(snapshot, std::iter::once(event.item.as_str()))?;
        newest_first.extend(key.first().map(|key| (*key, stateless(event, now))));
    }
    if let Some(person) = person {
        let stored = snapshot.history(person, now, LOOK_BACK)?;
        newest_first.extend(stored.into_iter().filter_map(|event| Some((event.item?, event))));
    }
    Ok(newest_first)
}

/// Whether the newest event is part of the same visit.
fn in_visit(snapshot: &Snapshot, past: &[(ItemKey, StoredEvent)], now: Timestamp) -> bool {
    let gap = snapshot.stores.config.session_gap;
    past.first().is_some_and(|(_, event)| now.seconds_since(event.time) < gap)
}

/// The newest events, oldest first: what the model reads.
fn past_events(snapshot: &Snapshot, past: &[(ItemKey, StoredEvent)], now: Timestamp) -> Result<Vec<PastEvent>> {
    let (space, config) = (snapshot.item_space(), &snapshot.stores.config);
    let mut events = Vec::new();
    for (key, event) in past {
        if events.len() == HISTORY_EVENTS {
            break;
        }
        // An item without text is history all the same: it has no direction, and co-visits.
        let vector = snapshot.vector(space, *key)?.unwrap_or_else(|| vec![0.0; snapshot.model().width()]);
        let action = snapshot.model().action_row(event.action.model_row(event.value, config));
        let (meaning, gap_seconds) = (event.action.meaning(event.value, config).0, now.seconds_since(event.time));
        let sid = if snapshot.model().reads_sids() { snapshot.sid(*key)? } else { None };
        events.push(PastEvent { key: *key, vector, action, gap_seconds, meaning, sid });
    }
    events.reverse();
    Ok(events)
}

/// The items that past events speak for, newest first, as often as they do.
fn liked(snapshot: &Snapshot, past: &[(ItemKey, StoredEvent)]) -> Vec<ItemKey> {
    let config = &snapshot.stores.config;
    let positive = past.iter().filter(|(_, e)| e.action.meaning(e.value, config).0 == Meaning::Positive);
    positive.map(|(key, _)| *key).collect()
}

fn stateless(event: &HistoryEvent, now: Timestamp) -> StoredEvent {
    let time = event.time.unwrap_or(now);
    StoredEvent {
        time,
        order: (Seq(u64::MAX), 0),
        item: None,
        action: event.action.clone(),
        query: None,
        value: event.value,
        basket: None,
        rank_id: None,
        segments: Default::default(),
        arrived: None,
    }
}

fn allowed(snapshot: &Snapshot, request: &Request, filter: Option<&Filter>) -> Result<Allowed> {
    let live = |key, generation| snapshot.is_live(key, Some(generation));
    let matching = filter.map(|f| snapshot.text.matching(f, &snapshot.schema, &live)).transpose()?;
    let Some(among) = &request.among else { return Ok(matching.map_or(Allowed::All, Allowed::Only)) };
    let view = snapshot.catalog.view();
    let mut keys = RoaringTreemap::new();
    for key in known(snapshot, among)? {
        if view.head(key)?.is_some() {
            keys.insert(key.0);
        }
    }
    if let Some(matching) = matching {
        keys &= matching;
    }
    Ok(Allowed::Only(keys))
}
