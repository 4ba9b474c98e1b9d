//! Verification of what the catalog derives from events and items.

use crate::api::stats::{SignalCheck, VectorCheck};
use crate::base::error::Result;
use crate::base::time::Timestamp;
use crate::store::Stores;
use crate::store::snapshot::Snapshot;

/// Recounts all signals from the stored events, and replaces the counts that were updated event by event. Writers wait
/// meanwhile.
pub(crate) fn signals(stores: &Stores) -> Result<SignalCheck> {
    let mut write = stores.catalog.write()?;
    // Events logged since the caller drained the writer are in the journal.
    while write.apply_journal(&stores.config, usize::MAX)? {}
    let applied = write.applied();
    write.bound_arrivals(Timestamp::now())?;
    let (before, after) = write.verify_signals(&stores.config)?;
    write.commit_bookkeeping()?;
    stores.events.settle(applied);
    Ok(SignalCheck { before, after })
}

/// Compares the catalog's vectors, semantic ids and lists of items by semantic id, row by row, and reads every vector.
pub(crate) fn vectors(stores: &Stores) -> Result<VectorCheck> {
    let snapshot = Snapshot::pin(stores)?;
    let view = snapshot.catalog.view();
    let (damaged, found) = (view.check_vectors()?, view.check_sids(snapshot.item_space())?);
    Ok(VectorCheck { vectors: found.vectors, semantic_ids: found.sids, damaged, wrong: found.wrong + damaged })
}
