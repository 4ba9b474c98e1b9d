//! The thread that follows the writer with the text index.

use std::time::{Duration, Instant};

use super::state::{IDLE, State, attempt, trim_recent};
use crate::api::notice::Level;
use crate::base::error::Result;
use crate::base::id::Seq;
use crate::store::{Stores, follow_log};

/// Documents in the text overlay from which they are committed without delay.
const TEXT_BATCH: usize = 16_384;
/// How long fewer documents may wait. A tantivy commit costs tens of milliseconds, whatever its size.
const TEXT_DELAY: Duration = Duration::from_secs(2);

/// Commits what is new to the text index until the engine closes, or nothing came for a while.
pub(super) fn text_thread(stores: &Stores, state: &State) {
    while !stores.progress.is_closing() {
        let durable = || state.text_durable();
        if !stores.progress.wait(IDLE, || is_behind(stores, state)) {
            // Its writer has threads and memory of its own.
            return stores.text.rest();
        }
        // Small commits are gathered for a moment, unless a caller waits in `flush`.
        let due = Instant::now() + TEXT_DELAY;
        let full = || stores.text.view().tail_len() >= TEXT_BATCH || state.flush_is_wanted(durable());
        stores.progress.wait(due.saturating_duration_since(Instant::now()), full);
        attempt(stores, || {
            let waiting = stores.text.view().tail_len();
            let seq = stores.notices.timed("text_commit", waiting, || follow_text(stores, durable()))?;
            state.set_text_durable(seq);
            trim_recent(stores, seq);
            stores.progress.ring();
            Ok(())
        });
    }
}

/// Whether the text index lacks something.
pub(super) fn is_behind(stores: &Stores, state: &State) -> bool {
    stores.progress.committed() > state.text_durable()
}

/// Brings the text index up to date. After a failure it continues from its last commit, or is rebuilt.
fn follow_text(stores: &Stores, durable: Seq) -> Result<Seq> {
    let failed = match follow_log::catch_up_text(stores, durable) {
        Ok(seq) => return Ok(seq),
        Err(error) => error,
    };
    match stores.text.restart(&stores.store_id) {
        Ok(at) => follow_log::catch_up_text(stores, at).map_err(|_| failed),
        Err(_) => {
            stores.notices.log(Level::Warn, "the text index is rebuilt: it could not go on from its last commit");
            follow_log::rebuild_text(stores).map_err(|_| failed)
        }
    }
}
