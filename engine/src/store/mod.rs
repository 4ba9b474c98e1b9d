//! The stores of an open engine, side by side, and what changed lately.

pub(crate) mod active_model;
pub(crate) mod cooccurrence;
pub(crate) mod follow_log;
pub(crate) mod impression_queue;
pub(crate) mod item_space;
pub(crate) mod items;
pub(crate) mod snapshot;
pub(crate) mod unapplied_events;
pub(crate) mod weights;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use roaring::RoaringTreemap;
use serde::{Deserialize, Serialize};

use crate::api::config::Config;
use crate::api::schema::Schema;
use crate::base::error::{Error, Result};
use crate::base::id::{ItemKey, Seq};
use crate::catalog::{Catalog, SpaceNumber};
use crate::model::Model;
use crate::store::active_model::Live;
use crate::store::impression_queue::ImpressionQueue;
use crate::store::item_space::{ItemSpace, ItemSpaces};
use crate::store::unapplied_events::EventTail;
use crate::store::weights::LiveWeights;
use crate::text::TextStore;
use crate::vector::{Space, SpaceSpec, VectorStore};

/// The name of the space of the model's item vectors. Spaces of the caller's own vectors are called `field:<name>`.
pub(crate) const ITEM_SPACE: &str = "item";
/// The meta record of [`Spaces`].
pub(crate) const SPACES: &str = "spaces";

/// How often it is looked again when the space of items changes at the same moment.
const ATTEMPTS: usize = 1000;

/// Everything that an open directory consists of. Shared by requests, the writer and the background threads.
pub(crate) struct Stores {
    pub path: PathBuf,
    pub store_id: String,
    pub config: Config,
    pub catalog: Catalog,
    pub text: TextStore,
    pub vectors: VectorStore,
    /// What answers requests; changed through [`Stores::set_live`].
    live: ArcSwap<Live>,
    /// What answers once a commit that is under way moves the items into its space.
    next_live: ArcSwapOption<Live>,
    /// Held by whoever changes what is live, or which models and adapters are kept.
    changing: Mutex<()>,
    /// Grows only; a reader may see fields of a commit that is a moment ahead of its transaction.
    pub schema: ArcSwap<Schema>,
    pub spaces: ArcSwap<Spaces>,
    pub recent: Recent,
    pub events: EventTail,
    /// Impressions on their way to the writer.
    pub impressions: ImpressionQueue,
    pub progress: Progress,
    /// Why writes are refused since a durable write failed.
    pub poisoned: ArcSwapOption<String>,
    /// The last failure of background work.
    pub background_error: ArcSwapOption<String>,
    /// The last failure of a calibration in the background.
    pub calibration_error: ArcSwapOption<String>,
    /// Held by whoever removes events: two at a time would count for nothing what the other counted.
    pub forgetting: Mutex<()>,
    /// Copies that replays of this store work with: they end with it.
    pub copies: Mutex<Vec<Weak<Stores>>>,
    /// The spaces of items; none while the store opens.
    pub item_spaces: ArcSwapOption<ItemSpaces>,
    /// Held while a space is fitted: one at a time.
    pub fitting: Mutex<()>,
    /// The op log is not cut behind this commit while a space is fitted.
    pub oplog_hold: AtomicU64,
}

/// What an open store begins with.
pub(crate) struct Opened {
    pub path: PathBuf,
    pub store_id: String,
    pub config: Config,
    pub catalog: Catalog,
    pub text: TextStore,
    pub vectors: VectorStore,
    pub live: Live,
    pub schema: Schema,
    pub spaces: Spaces,
}

impl Stores {
    /// The stores of a directory, with nothing in their overlays.
    pub(crate) fn new(opened: Opened) -> Stores {
        let Opened { path, store_id, config, catalog, text, vectors, live, schema, spaces } = opened;
        Stores {
            path,
            store_id,
            config,
            catalog,
            text,
            vectors,
            live: ArcSwap::from_pointee(live),
            next_live: ArcSwapOption::empty(),
            changing: Mutex::default(),
            schema: ArcSwap::from_pointee(schema),
            spaces: ArcSwap::from_pointee(spaces),
            recent: Recent::default(),
            impressions: ImpressionQueue::default(),
            events: EventTail::default(),
            progress: Progress::default(),
            poisoned: ArcSwapOption::empty(),
            background_error: ArcSwapOption::empty(),
            calibration_error: ArcSwapOption::empty(),
            forgetting: Mutex::default(),
            copies: Mutex::default(),
            item_spaces: ArcSwapOption::empty(),
            fitting: Mutex::default(),
            oplog_hold: AtomicU64::new(u64::MAX),
        }
    }

    /// What answers requests now.
    pub(crate) fn live(&self) -> Arc<Live> {
        self.live.load_full()
    }

    /// The model that answers now.
    pub(crate) fn model(&self) -> Arc<Model> {
        self.live().model.clone()
    }

    /// The weights in force now.
    pub(crate) fn weights(&self) -> Arc<LiveWeights> {
        self.live().weights.clone()
    }

    /// Lets one at a time change what is live. Never asked for by a holder of the catalog's write transaction.
    pub(crate) fn change(&self) -> MutexGuard<'_, ()> {
        lock(&self.changing)
    }

    /// Changes what is live. The caller holds [`Stores::change`].
    pub(crate) fn set_live(&self, live: Arc<Live>) {
        self.live.store(live);
        self.next_live.store(None);
    }

    /// Makes known what will be live. IMPORTANT: before the commit after which items are in another model's space: whoever
    /// pins that commit before [`Stores::set_live`] needs it.
    pub(crate) fn announce_live(&self, live: Arc<Live>) {
        self.next_live.store(Some(live));
    }

    /// What answers in a space: what is live, or what the commit that made the space live is about to make so. `None` for a
    /// space that a commit has left meanwhile.
    pub(crate) fn live_in(&self, space: &ItemSpace) -> Option<Arc<Live>> {
        let works = |live: &Arc<Live>| live.model.space_id() == space.base;
        let next = || self.next_live.load_full().filter(works);
        // Looked at again: what was next may have become live in between.
        Some(self.live()).filter(works).or_else(next).or_else(|| Some(self.live()).filter(works))
    }

    /// The live space of items, and the model that places items in it.
    pub(crate) fn placing(&self) -> Result<(Arc<ItemSpace>, Arc<Model>)> {
        for _ in 0..ATTEMPTS {
            let space = self.item_space()?;
            if let Some(live) = self.live_in(&space) {
                return Ok((space, live.model.clone()));
            }
            std::thread::yield_now();
        }
        Err(Error::internal("no model works in the live space"))
    }

    /// Puts other weights in force. The caller holds [`Stores::change`], or owns the store.
    pub(crate) fn set_weights(&self, weights: Arc<LiveWeights>) {
        self.live.store(Arc::new(Live { weights, ..Live::clone(&self.live()) }));
    }

    /// Tells the background threads to end, of this store and of its copies: a replay is given up at its next step.
    pub(crate) fn end(&self) {
        self.progress.close();
        lock(&self.copies).iter().filter_map(Weak::upgrade).for_each(|copy| copy.end());
    }

    /// Lets a copy end with this store.
    ///
    /// # Errors
    /// [`Error::Closed`] when the store is closing already.
    pub(crate) fn adopt(&self, copy: &Arc<Stores>) -> Result<()> {
        let mut copies = lock(&self.copies);
        copies.retain(|copy| copy.strong_count() > 0);
        copies.push(Arc::downgrade(copy));
        drop(copies);
        self.check_open()
    }

    /// What long work asks between its steps.
    ///
    /// # Errors
    /// [`Error::Closed`] when the store is closing.
    pub(crate) fn check_open(&self) -> Result<()> {
        if self.progress.is_closing() { Err(Error::Closed) } else { Ok(()) }
    }

    /// The space of items that is live.
    pub(crate) fn item_space(&self) -> Result<Arc<ItemSpace>> {
        Ok(self.item_spaces()?.live.clone())
    }

    pub(crate) fn item_spaces(&self) -> Result<Arc<ItemSpaces>> {
        self.item_spaces.load_full().ok_or_else(|| Error::internal("the item space is not open"))
    }

    /// The vector spaces that are open, with the numbers of their vectors in the catalog and their graphs.
    pub(crate) fn open_spaces(&self) -> Result<Vec<(SpaceNumber, SpaceRow, Arc<Space>)>> {
        let (rows, items) = (self.spaces.load(), self.item_space()?);
        let open = rows.rows().filter_map(|(number, row)| match row.name == ITEM_SPACE {
            true => Some((items.number, row.clone(), items.graph.clone())),
            false => Some((number, row.clone(), self.vectors.space(&row.name)?)),
        });
        Ok(open.collect())
    }

    /// Closes the catalog, so that the path can be opened again at once. Nobody else may hold the stores any more.
    pub(crate) fn close(self) {
        self.catalog.close();
    }
}

/// The vector spaces of a store; a space's place in the list is its number in keys.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spaces(pub Vec<SpaceRow>);

/// One vector space.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SpaceRow {
    /// [`ITEM_SPACE`], or `field:` and the name of a field.
    pub name: String,
    /// What makes vectors of this space comparable: the model's space id (whatever was fitted on top of it), or the name
    /// and width of the field.
    pub id: String,
    pub dimensions: u32,
}

impl SpaceRow {
    /// Whether it is the space of the model's item vectors.
    pub(crate) fn is_items(&self) -> bool {
        self.name == ITEM_SPACE
    }

    /// What its graph is, before anything was fitted.
    pub(crate) fn spec(&self) -> SpaceSpec {
        SpaceSpec { name: self.name.clone(), dimensions: self.dimensions as usize, id: self.id.clone() }
    }
}

impl Spaces {
    /// Names the space of items after the model. It is number 0 from the first open on, so that it is there before any item.
    pub(crate) fn set_items(&mut self, model: &Model) {
        let row =
            SpaceRow { name: ITEM_SPACE.to_owned(), id: model.space_id().to_owned(), dimensions: model.width() as u32 };
        match self.0.first_mut() {
            Some(first) => *first = row,
            None => self.0.push(row),
        }
    }

    /// The space of items.
    pub(crate) fn items(&self) -> Option<&SpaceRow> {
        self.0.iter().find(|row| row.is_items())
    }

    /// The number of a space by name.
    pub(crate) fn number(&self, name: &str) -> Option<SpaceNumber> {
        self.0.iter().position(|row| row.name == name).map(|place| SpaceNumber(place as u16))
    }

    /// Spaces with their numbers.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (SpaceNumber, &SpaceRow)> {
        self.0.iter().enumerate().map(|(place, row)| (SpaceNumber(place as u16), row))
    }

    /// The name of the space of a vector field.
    pub(crate) fn field_space(field: &str) -> String {
        format!("field:{field}")
    }
}

/// Items that changed in commits which some derived index may not hold yet.
///
/// What an index says of any other item is as fresh as the catalog, so only these need a look at the catalog. Keys
/// enter before their commit is visible and leave when every index holds it.
#[derive(Default)]
pub(crate) struct Recent {
    state: ArcSwap<RecentState>,
    write: Mutex<()>,
}

/// An immutable state of [`Recent`].
#[derive(Default, Clone)]
pub(crate) struct RecentState {
    batches: Vec<(Seq, Arc<RoaringTreemap>)>,
    all: Arc<RoaringTreemap>,
}

impl RecentState {
    /// Whether an index may hold another version of this item than the catalog.
    pub(crate) fn contains(&self, key: ItemKey) -> bool {
        self.all.contains(key.0)
    }
}

impl Recent {
    pub(crate) fn load(&self) -> Arc<RecentState> {
        self.state.load_full()
    }

    /// Adds the items of a commit. IMPORTANT: before the commit is visible to readers.
    pub(crate) fn add(&self, seq: Seq, keys: impl IntoIterator<Item = ItemKey>) {
        let _one_at_a_time = lock(&self.write);
        let batch: RoaringTreemap = keys.into_iter().map(|key| key.0).collect();
        let mut state = RecentState::clone(&self.state.load());
        *Arc::make_mut(&mut state.all) |= &batch;
        state.batches.push((seq, Arc::new(batch)));
        self.state.store(Arc::new(state));
    }

    /// Forgets commits up to `seq`, which every index holds.
    pub(crate) fn trim(&self, seq: Seq) {
        let _one_at_a_time = lock(&self.write);
        let before = self.state.load();
        if before.batches.first().is_none_or(|(first, _)| *first > seq) {
            return;
        }
        let batches: Vec<_> = before.batches.iter().filter(|(of, _)| *of > seq).cloned().collect();
        let mut all = RoaringTreemap::new();
        batches.iter().for_each(|(_, batch)| all |= batch.as_ref());
        self.state.store(Arc::new(RecentState { batches, all: Arc::new(all) }));
    }
}

/// How far the writer and the background threads are, and a bell to wait on.
#[derive(Default)]
pub(crate) struct Progress {
    /// The last commit that changed items.
    committed: AtomicU64,
    /// Set when the engine closes: background threads end at their next step.
    closing: AtomicU64,
    bell: Condvar,
    lock: Mutex<()>,
}

impl Progress {
    /// Tells the background threads of a commit.
    pub(crate) fn commit(&self, seq: Seq) {
        self.committed.fetch_max(seq.0, Ordering::SeqCst);
        self.ring();
    }

    /// The last commit that changed items.
    pub(crate) fn committed(&self) -> Seq {
        Seq(self.committed.load(Ordering::SeqCst))
    }

    /// Tells the background threads to end.
    pub(crate) fn close(&self) {
        self.closing.store(1, Ordering::SeqCst);
        self.ring();
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst) == 1
    }

    /// Wakes everybody who waits.
    pub(crate) fn ring(&self) {
        let _held = lock(&self.lock);
        self.bell.notify_all();
    }

    /// Waits until `done` holds, the engine closes, or `limit` has passed. True when `done` holds.
    pub(crate) fn wait(&self, limit: Duration, done: impl Fn() -> bool) -> bool {
        let held = lock(&self.lock);
        let result = self.bell.wait_timeout_while(held, limit, |()| !done() && !self.is_closing());
        drop(result);
        done()
    }
}

/// A lock that goes on after a panic elsewhere: what these locks guard is replaced whole, never half written.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recent_keys_leave_with_their_commit() {
        let recent = Recent::default();
        recent.add(Seq(1), [ItemKey(7)]);
        recent.add(Seq(2), [ItemKey(7), ItemKey(8)]);
        let pinned = recent.load();
        recent.trim(Seq(1));
        assert!(recent.load().contains(ItemKey(7)) && recent.load().contains(ItemKey(8)));
        recent.trim(Seq(2));
        assert!(!recent.load().contains(ItemKey(7)));
        assert!(pinned.contains(ItemKey(7)), "a pinned state does not change");
    }
}
