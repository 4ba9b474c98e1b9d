//! Background work: following the writer with the two indexes, and making them durable.
//!
//! Three threads, one for text, one for vectors and one for what is fitted to the log. They work in bounded steps and end when
//! the engine closes. A failure is kept for `stats()` and tried again; readers meanwhile use the overlays.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::cooccurrence::{self, Together};
use super::{fit_space, retention};
use crate::base::error::{Error, Result};
use crate::base::id::Seq;
use crate::catalog::SpaceNumber;
use crate::store::follow_log;
use crate::store::{SpaceRow, Stores};
use crate::vector::Space;

/// Documents that wait in the text overlay before they are committed at once.
const TEXT_BATCH: usize = 16_384;
/// How long fewer documents may wait. A tantivy commit costs tens of milliseconds, whatever its size.
const TEXT_DELAY: Duration = Duration::from_secs(2);
/// A graph file is written again when this many items, or a quarter of the graph, changed since. After a crash as many
/// are inserted again, and scanned meanwhile; a bulk load up to this size writes its file once.
const CHECKPOINT_ITEMS: u64 = 100_000;
/// Vectors that are searched for themselves before a file is written, and the share that must be found.
const RECALL_SAMPLE: usize = 200;
const LOWEST_SELF_RECALL: f32 = 0.98;
/// Share of deleted places in a graph beyond which it is built anew.
const DELETED_SHARE: f32 = 0.25;
/// Fits to the log are made from this many events on, and again when the log has grown by this factor; how often that
/// is looked for.
const REFIT_EVENTS: u64 = 1_000;
const REFIT_GROWTH: f64 = 1.2;
const REFIT_LOOK: Duration = Duration::from_secs(5);
/// Events are removed when the log has grown by this factor since the last time, and once a day, since some grow too old.
const FORGET_GROWTH: f64 = 1.1;
const FORGET_AFTER: Duration = Duration::from_secs(86_400);
/// Pause after a failure, so that a full disk is not hammered.
const RETRY: Duration = Duration::from_secs(2);

/// The background threads of an engine.
pub(crate) struct Maintenance {
    stores: Arc<Stores>,
    state: Arc<State>,
    threads: Vec<JoinHandle<()>>,
}

/// What the two threads tell each other: which commit the text index holds durably.
#[derive(Default)]
struct State {
    text_durable: AtomicU64,
    flush_wanted: AtomicU64,
}

impl Maintenance {
    /// Starts both threads. `text_durable` is what the text index held at open.
    pub(crate) fn start(stores: Arc<Stores>, text_durable: Seq) -> Result<Maintenance> {
        let state = Arc::new(State::default());
        state.text_durable.store(text_durable.0, Ordering::SeqCst);
        let mut threads = Vec::new();
        let bodies = [
            ("onelist-text", text_thread as fn(&Stores, &State)),
            ("onelist-vector", vector_thread),
            ("onelist-signals", signals_thread),
        ];
        for (name, body) in bodies {
            let (stores_, state_) = (stores.clone(), state.clone());
            let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || body(&stores_, &state_));
            threads.push(thread.map_err(|e| Error::io("start a thread for", &stores.path, e))?);
        }
        Ok(Maintenance { stores, state, threads })
    }

    /// Commit that the text index holds on disk.
    pub(crate) fn text_durable(&self) -> Seq {
        self.state.text_durable()
    }

    /// A way to wait for the threads that does not hold on to them.
    pub(crate) fn flusher(&self) -> Flusher {
        Flusher { stores: self.stores.clone(), state: self.state.clone() }
    }

    /// Ends both threads.
    pub(crate) fn stop(mut self) -> Result<()> {
        self.stores.end();
        for thread in self.threads.drain(..) {
            thread.join().map_err(|_| Error::internal("a background thread panicked"))?;
        }
        Ok(())
    }
}

impl State {
    fn text_durable(&self) -> Seq {
        Seq(self.text_durable.load(Ordering::SeqCst))
    }
}

/// Waits for the background threads.
pub(crate) struct Flusher {
    stores: Arc<Stores>,
    state: Arc<State>,
}

impl Flusher {
    /// Waits until both indexes hold every commit so far and are on disk.
    ///
    /// # Errors
    /// The failure of the background work, when it stands still because of one.
    pub(crate) fn flush(&self) -> Result<()> {
        let target = self.stores.progress.committed();
        self.state.flush_wanted.fetch_max(target.0, Ordering::SeqCst);
        self.stores.background_error.store(None);
        self.stores.progress.ring();
        let done = || self.is_durable(target) || self.stores.background_error.load().is_some();
        while !self.stores.progress.wait(Duration::from_secs(1), done) {
            if self.stores.progress.is_closing() {
                return Err(Error::Closed);
            }
        }
        match self.stores.background_error.load_full() {
            Some(reason) => Err(Error::Index { index: "text or vector", reason: reason.to_string() }),
            None => Ok(()),
        }
    }

    fn is_durable(&self, target: Seq) -> bool {
        let on_disk =
            |row: &SpaceRow| self.stores.vectors.space(&row.name).is_none_or(|space| space.checkpointed() >= target);
        self.state.text_durable() >= target && self.stores.spaces.load().0.iter().all(on_disk)
    }
}

/// Runs a step; a failure is remembered and followed by a pause.
fn attempt(stores: &Stores, step: impl FnOnce() -> Result<()>) {
    if let Err(error) = step() {
        stores.background_error.store(Some(Arc::new(error.to_string())));
        stores.progress.ring();
        stores.progress.wait(RETRY, || false);
    }
}

fn text_thread(stores: &Stores, state: &State) {
    while !stores.progress.is_closing() {
        let durable = || state.text_durable();
        let behind = || stores.progress.committed() > durable();
        if !stores.progress.wait(Duration::from_secs(60), behind) {
            continue;
        }
        // Small commits are gathered for a moment, unless somebody waits in `flush`.
        let due = Instant::now() + TEXT_DELAY;
        let full = || stores.text.view().tail_len() >= TEXT_BATCH || flush_is_wanted(state, durable());
        stores.progress.wait(due.saturating_duration_since(Instant::now()), full);
        attempt(stores, || {
            let seq = follow_text(stores, durable())?;
            state.text_durable.store(seq.0, Ordering::SeqCst);
            trim_recent(stores, seq);
            stores.progress.ring();
            Ok(())
        });
    }
}

/// Brings the text index up to date. After a failure it goes on from its last commit, or is fed anew.
fn follow_text(stores: &Stores, durable: Seq) -> Result<Seq> {
    let failed = match follow_log::catch_up_text(stores, durable) {
        Ok(seq) => return Ok(seq),
        Err(error) => error,
    };
    match stores.text.restart(&stores.store_id) {
        Ok(at) => follow_log::catch_up_text(stores, at).map_err(|_| failed),
        Err(_) => follow_log::rebuild_text(stores).map_err(|_| failed),
    }
}

fn flush_is_wanted(state: &State, durable: Seq) -> bool {
    state.flush_wanted.load(Ordering::SeqCst) > durable.0
}

fn vector_thread(stores: &Stores, state: &State) {
    let mut wear: HashMap<SpaceNumber, Wear> = HashMap::new();
    while !stores.progress.is_closing() {
        let behind = || spaces(stores).iter().any(|(_, _, space)| wants_work(stores, state, space));
        if !stores.progress.wait(Duration::from_secs(60), behind) {
            continue;
        }
        for (number, row, space) in spaces(stores) {
            let wear = wear.entry(number).or_default();
            attempt(stores, || follow(stores, state, (number, &row, &space), wear));
        }
    }
}

fn spaces(stores: &Stores) -> Vec<(SpaceNumber, SpaceRow, Arc<Space>)> {
    // Fails only before the store is open.
    stores.open_spaces().unwrap_or_default()
}

fn wants_work(stores: &Stores, state: &State, space: &Space) -> bool {
    space.applied() < stores.progress.committed() || flush_is_wanted(state, space.checkpointed())
}

/// What happened to a graph: items changed since its file was written, and items rewritten since it was built.
#[derive(Default)]
struct Wear {
    unsaved: u64,
    rewritten: u64,
}

/// One step for one space: apply what is new, rebuild or write the file when it is due.
fn follow(
    stores: &Stores,
    state: &State,
    (number, row, space): (SpaceNumber, &SpaceRow, &Space),
    wear: &mut Wear,
) -> Result<()> {
    if space.deleted_share() > DELETED_SHARE {
        follow_log::rebuild_vectors(stores, number, space)?;
        wear.rewritten = 0;
    }
    let before = space.stats().indexed;
    let changed = follow_log::catch_up_vectors(stores, number, space)?;
    let indexed = space.stats().indexed;
    wear.unsaved += changed;
    wear.rewritten += changed.saturating_sub(indexed.saturating_sub(before));
    trim_recent(stores, state.text_durable());
    stores.progress.ring();
    let due = wear.unsaved > CHECKPOINT_ITEMS.max(indexed / 4);
    // Not before everything that is waited for is in the graph: the file would have to be written twice.
    let target = Seq(state.flush_wanted.load(Ordering::SeqCst));
    let wanted = target > space.checkpointed() && space.applied() >= target;
    if (due || wanted) && !stores.progress.is_closing() {
        if wear.rewritten > indexed && is_worn(stores, number, space)? {
            follow_log::rebuild_vectors(stores, number, space)?;
            follow_log::catch_up_vectors(stores, number, space)?;
            wear.rewritten = 0;
        }
        if stores.progress.is_closing() {
            return Ok(());
        }
        follow_log::checkpoint_vectors(stores, row, space)?;
        wear.unsaved = 0;
        stores.progress.ring();
    }
    follow_log::cut_oplog(stores, state.text_durable())
}

/// Many rewrites wear a graph out: it then misses vectors that it holds. Building it anew is the cure, so it is looked
/// for only when as many items were rewritten as there are; a graph that only grew would gain nothing.
fn is_worn(stores: &Stores, number: SpaceNumber, space: &Space) -> Result<bool> {
    let sample = follow_log::sample_vectors(stores, number, space.applied(), RECALL_SAMPLE)?;
    Ok(space.self_recall(&sample)? < LOWEST_SELF_RECALL)
}

/// Removes events beyond what is kept, and fits anew what is fitted to the whole log, when the log has grown by a share.
fn signals_thread(stores: &Stores, _: &State) {
    let mut forgotten = None;
    while !stores.progress.is_closing() {
        // Nobody rings for events: fits are looked for from time to time.
        stores.progress.wait(REFIT_LOOK, || false);
        if stores.progress.is_closing() || stores.poisoned.load().is_some() {
            continue;
        }
        attempt(stores, || forget_when_due(stores, &mut forgotten));
        attempt(stores, || match refit_is_due(stores)? {
            true => cooccurrence::fit_together(stores),
            false => Ok(()),
        });
        attempt(stores, || unless_closed(follow_space(stores)));
    }
}

/// What there is to do for the vector space of items.
fn follow_space(stores: &Stores) -> Result<()> {
    fit_space::fill_sids(stores)?;
    fit_space::fit_if_due(stores)?;
    fit_space::forget_old(stores)
}

/// Removes events when it is due; `last` is when that was done last, and how many had ever been logged then.
fn forget_when_due(stores: &Stores, last: &mut Option<(Instant, u64)>) -> Result<()> {
    let catalog = stores.catalog.read()?;
    let (counters, view) = (catalog.counters(), catalog.view());
    let due = match *last {
        None => true,
        Some((when, logged)) => {
            when.elapsed() >= FORGET_AFTER || counters.events > 0 && view.has_grown(&counters, logged, FORGET_GROWTH)?
        }
    };
    if !due || !stores.config.retention.is_on() {
        return Ok(());
    }
    let logged = view.events_logged(&counters)?;
    drop(catalog);
    retention::forget(stores, || Ok(()))?;
    *last = Some((Instant::now(), logged));
    Ok(())
}

fn refit_is_due(stores: &Stores) -> Result<bool> {
    if stores.catalog.is_scratch() {
        // Whoever replays fits at the same places of the log every time.
        return Ok(false);
    }
    let catalog = stores.catalog.read()?;
    let counters = catalog.counters();
    let fitted = Together::read(catalog.view())?.map_or(0, |fitted| fitted.events);
    Ok(counters.events >= REFIT_EVENTS && catalog.view().has_grown(&counters, fitted, REFIT_GROWTH)?)
}

/// Forgets recent items that every index holds.
fn trim_recent(stores: &Stores, text_applied: Seq) {
    let applied = spaces(stores).iter().map(|(_, _, space)| space.applied()).fold(text_applied, Seq::min);
    stores.recent.trim(applied);
}

/// What long work answers when the engine closes under it: that is no failure.
fn unless_closed(result: Result<()>) -> Result<()> {
    match result {
        Err(Error::Closed) => Ok(()),
        other => other,
    }
}
