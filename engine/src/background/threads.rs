//! The background threads of an open directory: starting them, stopping them, waiting for them.
//!
//! One thread supervises. It starts another for the text index, for the vector indexes, or for what is derived from the whole
//! log when there is work for it, and each ends when nothing came for a while: a store in which nothing happens has one
//! thread here. They work in bounded steps and end when the engine closes. `stats()` reports a failure, and the step is tried
//! again; meanwhile readers use the overlays.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, Scope};
use std::time::{Duration, Instant};

use super::signals_thread::{self, Looked};
use super::state::State;
use super::{text_thread, vector_thread};
use crate::base::error::{Error, Result};
use crate::base::id::Seq;
use crate::base::watch;
use crate::store::{SpaceRow, Stores, lock};

/// How often it is looked whether anything is due that follows from the whole log: events do not wake the thread.
const LOOK: Duration = Duration::from_secs(5);

/// The background threads of an engine.
pub(crate) struct Maintenance {
    stores: Arc<Stores>,
    state: Arc<State>,
    thread: JoinHandle<()>,
}

impl Maintenance {
    /// Starts the threads. `text_durable`: the commit that the text index held when it was opened.
    pub(crate) fn start(stores: Arc<Stores>, text_durable: Seq) -> Result<Maintenance> {
        let state = Arc::new(State::default());
        state.set_text_durable(text_durable);
        let (stores_, state_) = (stores.clone(), state.clone());
        let thread = std::thread::Builder::new().name("onelist-upkeep".to_owned());
        let thread = thread.spawn(move || std::thread::scope(|scope| supervise(scope, &stores_, &state_)));
        let thread = thread.map_err(|e| Error::io("start a thread for", &stores.path, e))?;
        Ok(Maintenance { stores, state, thread })
    }

    /// The commit that the text index holds on disk.
    pub(crate) fn text_durable(&self) -> Seq {
        self.state.text_durable()
    }

    /// A handle that waits for the threads without keeping them.
    pub(crate) fn flusher(&self) -> Flusher {
        Flusher { stores: self.stores.clone(), state: self.state.clone() }
    }

    /// Stops the threads.
    pub(crate) fn stop(self) -> Result<()> {
        self.stores.end();
        self.thread.join().map_err(|_| Error::internal("a background thread panicked"))
    }
}

/// Starts a thread for what has work and none, until the engine closes; the scope waits for their end.
fn supervise<'s>(scope: &'s Scope<'s, '_>, stores: &'s Stores, state: &'s State) {
    let (text, vector, signals) = (Worker::default(), Worker::default(), Worker::default());
    let looked = Arc::new(Mutex::new(Looked::default()));
    let mut next_look = Instant::now() + LOOK;
    while !stores.progress.is_closing() {
        let text_waits = || text.is_free() && text_thread::is_behind(stores, state);
        let vector_waits = || vector.is_free() && vector_thread::is_behind(stores, state);
        let rest = next_look.saturating_duration_since(Instant::now());
        stores.progress.wait(rest, || text_waits() || vector_waits());
        if text_waits() {
            text.start(scope, stores, "onelist-text", move || text_thread::text_thread(stores, state));
        }
        if vector_waits() {
            vector.start(scope, stores, "onelist-vector", move || vector_thread::vector_thread(stores, state));
        }
        if Instant::now() >= next_look && !stores.progress.is_closing() {
            next_look = Instant::now() + LOOK;
            if signals.is_free() && signals_thread::may_be_due(stores, &lock(&looked)).unwrap_or(true) {
                let looked = looked.clone();
                signals
                    .start(scope, stores, "onelist-signals", move || signals_thread::look(stores, &mut lock(&looked)));
            }
        }
    }
}

/// A thread that runs at most once at a time.
#[derive(Default)]
struct Worker(Arc<AtomicBool>);

impl Worker {
    fn is_free(&self) -> bool {
        !self.0.load(Ordering::SeqCst)
    }

    fn start<'s>(&self, scope: &'s Scope<'s, '_>, stores: &'s Stores, name: &str, body: impl FnOnce() + Send + 's) {
        let running = self.0.clone();
        running.store(true, Ordering::SeqCst);
        let work = move || {
            body();
            running.store(false, Ordering::SeqCst);
            // Work that came as it ended is seen by the thread that starts it.
            stores.progress.ring();
        };
        if let Err(error) = std::thread::Builder::new().name(name.to_owned()).spawn_scoped(scope, work) {
            self.0.store(false, Ordering::SeqCst);
            stores.note_failure(Error::io("start a thread for", &stores.path, error));
            stores.progress.wait(LOOK, || false);
        }
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
    /// The failure of the background work when it cannot continue.
    pub(crate) fn flush(&self) -> Result<()> {
        let target = self.stores.progress.committed();
        self.state.flush_wanted.fetch_max(target.0, Ordering::SeqCst);
        self.stores.background_error.store(None);
        self.stores.progress.ring();
        let done = || self.is_durable(target) || self.stores.background_error.load().is_some();
        watch::wait(|each| match self.stores.progress.wait(each, done) {
            true => Some(Ok(())),
            false => self.stores.progress.is_closing().then_some(Err(Error::Closed)),
        })??;
        match self.stores.background_error.load_full() {
            Some(reason) => {
                let failed = Error::Index { index: "text or vector", reason: reason.to_string() };
                Err(self.stores.name_full_disk(failed))
            }
            None => Ok(()),
        }
    }

    fn is_durable(&self, target: Seq) -> bool {
        let on_disk =
            |row: &SpaceRow| self.stores.vectors.space(&row.name).is_none_or(|space| space.checkpointed() >= target);
        self.state.text_durable() >= target && self.stores.spaces.load().0.iter().all(on_disk)
    }
}
