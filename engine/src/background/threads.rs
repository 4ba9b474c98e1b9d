//! The background threads of an open directory: starting them, stopping them, waiting for them.
//!
//! One thread follows the text index, one the vector indexes, one rebuilds what is derived from the whole log. They work in
//! bounded steps and end when the engine closes. `stats()` reports a failure, and the step is tried again; meanwhile readers
//! use the overlays.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use super::signals_thread::signals_thread;
use super::state::State;
use super::text_thread::text_thread;
use super::vector_thread::vector_thread;
use crate::base::error::{Error, Result};
use crate::base::id::Seq;
use crate::base::watch;
use crate::store::{SpaceRow, Stores};

/// The background threads of an engine.
pub(crate) struct Maintenance {
    stores: Arc<Stores>,
    state: Arc<State>,
    threads: Vec<JoinHandle<()>>,
}

impl Maintenance {
    /// Starts the threads. `text_durable`: the commit that the text index held when it was opened.
    pub(crate) fn start(stores: Arc<Stores>, text_durable: Seq) -> Result<Maintenance> {
        let state = Arc::new(State::default());
        state.set_text_durable(text_durable);
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

    /// The commit that the text index holds on disk.
    pub(crate) fn text_durable(&self) -> Seq {
        self.state.text_durable()
    }

    /// A handle that waits for the threads without keeping them.
    pub(crate) fn flusher(&self) -> Flusher {
        Flusher { stores: self.stores.clone(), state: self.state.clone() }
    }

    /// Stops the threads.
    pub(crate) fn stop(mut self) -> Result<()> {
        self.stores.end();
        for thread in self.threads.drain(..) {
            thread.join().map_err(|_| Error::internal("a background thread panicked"))?;
        }
        Ok(())
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
