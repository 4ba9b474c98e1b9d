//! The thread that follows the writer with the vector indexes.

use std::sync::atomic::Ordering;

use super::state::{IDLE, State, Wear, attempt, spaces, trim_recent};
use crate::api::notice::Level;
use crate::base::error::Result;
use crate::base::id::Seq;
use crate::catalog::SpaceNumber;
use crate::store::{SpaceRow, Stores, follow_log, lock};
use crate::vector::Space;

/// A graph file is written again when this many items, or a quarter of the graph, changed since. After a crash as many
/// are inserted again, and scanned meanwhile; a bulk load up to this size writes its file once.
const CHECKPOINT_ITEMS: u64 = 100_000;
/// Vectors that are searched for themselves before a file is written, and the fraction that must be found.
const RECALL_SAMPLE: usize = 200;
const MIN_SELF_RECALL: f32 = 0.98;
/// Fraction of deleted places in a graph beyond which it is rebuilt.
const MAX_DELETED: f32 = 0.25;

/// Inserts what is new into the graphs until the engine closes, or nothing came for a while.
pub(super) fn vector_thread(stores: &Stores, state: &State) {
    let mut wear = lock(&state.wear);
    while !stores.progress.is_closing() {
        if !stores.progress.wait(IDLE, || is_behind(stores, state)) {
            return;
        }
        for (number, row, space) in spaces(stores) {
            let wear = wear.entry(number).or_default();
            attempt(stores, || follow(stores, state, (number, &row, &space), wear));
        }
    }
}

/// Whether any graph lacks something.
pub(super) fn is_behind(stores: &Stores, state: &State) -> bool {
    spaces(stores).iter().any(|(_, _, space)| wants_work(stores, state, space))
}

fn wants_work(stores: &Stores, state: &State, space: &Space) -> bool {
    let behind = space.applied() < stores.progress.committed();
    behind || state.flush_is_wanted(space.checkpointed()) || space.rebuild_is_asked()
}

/// One step for one space: apply what is new; rebuild the graph or write its file when that is due.
fn follow(
    stores: &Stores,
    state: &State,
    (number, row, space): (SpaceNumber, &SpaceRow, &Space),
    wear: &mut Wear,
) -> Result<()> {
    let asked = space.rebuild_is_asked();
    if asked || space.deleted_share() > MAX_DELETED {
        stores.notices.log(Level::Info, &format!("the graph `{}` is built again without removed vectors", row.name));
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
    // Not before the graph holds everything that `flush` waits for: the file would have to be written twice.
    let target = Seq(state.flush_wanted.load(Ordering::SeqCst));
    let wanted = target > space.checkpointed() && space.applied() >= target;
    if (due || wanted || asked) && !stores.progress.is_closing() {
        if wear.rewritten > indexed && is_worn(stores, number, space)? {
            follow_log::rebuild_vectors(stores, number, space)?;
            follow_log::catch_up_vectors(stores, number, space)?;
            wear.rewritten = 0;
        }
        if stores.progress.is_closing() {
            return Ok(());
        }
        let rows = indexed as usize;
        stores.notices.timed("vector_checkpoint", rows, || follow_log::checkpoint_vectors(stores, row, space))?;
        wear.unsaved = 0;
        if asked {
            space.ask_for_rebuild(false);
        }
        stores.progress.ring();
    }
    follow_log::cut_oplog(stores, state.text_durable())
}

/// Many rewrites wear a graph out: it then misses vectors that it holds, until it is rebuilt. The recall is measured only
/// when as many items were rewritten as there are; a graph that only grew would gain nothing.
fn is_worn(stores: &Stores, number: SpaceNumber, space: &Space) -> Result<bool> {
    let sample = follow_log::sample_vectors(stores, number, space.applied(), RECALL_SAMPLE)?;
    Ok(space.self_recall(&sample)? < MIN_SELF_RECALL)
}
