//! What the background threads share: how far each index is, and how a step is run.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::base::error::{Error, Result};
use crate::base::id::Seq;
use crate::catalog::SpaceNumber;
use crate::store::{SpaceRow, Stores};
use crate::vector::Space;

/// Pause after a failure, so that a full disk is not hammered.
const RETRY: Duration = Duration::from_secs(2);

/// What the threads tell each other.
#[derive(Default)]
pub(super) struct State {
    /// The commit that the text index holds durably.
    text_durable: AtomicU64,
    /// The commit that a caller of `flush` waits for.
    pub flush_wanted: AtomicU64,
    /// What the thread of the vector indexes knows of each graph from one start to the next.
    pub wear: Mutex<HashMap<SpaceNumber, Wear>>,
}

/// Changes of a graph: items changed since its file was written, and items rewritten since it was built.
#[derive(Default)]
pub(super) struct Wear {
    pub unsaved: u64,
    pub rewritten: u64,
}

impl State {
    /// The commit that the text index holds durably.
    pub(super) fn text_durable(&self) -> Seq {
        Seq(self.text_durable.load(Ordering::SeqCst))
    }

    /// Sets the commit that the text index holds durably.
    pub(super) fn set_text_durable(&self, seq: Seq) {
        self.text_durable.store(seq.0, Ordering::SeqCst);
    }

    /// Whether a caller of `flush` waits for more than is `durable`.
    pub(super) fn flush_is_wanted(&self, durable: Seq) -> bool {
        self.flush_wanted.load(Ordering::SeqCst) > durable.0
    }
}

/// How long a thread without work waits for some before it ends.
pub(super) const IDLE: Duration = Duration::from_secs(10);

/// Runs a step. A failure is kept for `stats()` and followed by a pause.
pub(super) fn attempt(stores: &Stores, step: impl FnOnce() -> Result<()>) {
    if let Err(error) = step() {
        stores.note_failure(error);
        stores.progress.ring();
        stores.progress.wait(RETRY, || false);
    }
}

/// The result of long work; closing the engine under it is not a failure.
pub(super) fn unless_closed(result: Result<()>) -> Result<()> {
    match result {
        Err(Error::Closed) => Ok(()),
        other => other,
    }
}

/// The open vector spaces.
pub(super) fn spaces(stores: &Stores) -> Vec<(SpaceNumber, SpaceRow, Arc<Space>)> {
    // Fails only before the store is open.
    stores.open_spaces().unwrap_or_default()
}

/// Drops the recent items that every index holds.
pub(super) fn trim_recent(stores: &Stores, text_applied: Seq) {
    let applied = spaces(stores).iter().map(|(_, _, space)| space.applied()).fold(text_applied, Seq::min);
    stores.recent.trim(applied);
}
