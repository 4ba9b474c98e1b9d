//! Verification of what the catalog derives from events and items.

use crate::api::stats::{Recount, SpaceCheck};
use crate::base::error::Result;
use crate::store::Stores;
use crate::store::snapshot::Snapshot;

/// Counts all signals from the stored events, in place of the counts that were kept up event by event. Writers wait
/// meanwhile.
pub(crate) fn signals(stores: &Stores) -> Result<Recount> {
    let mut write = stores.catalog.write()?;
    // What was logged since the caller settled is in the journal.
    while write.apply_journal(&stores.config, usize::MAX)? {}
    let applied = write.applied();
    let (before, after) = write.verify_signals(&stores.config)?;
    write.commit_bookkeeping()?;
    stores.events.settle(applied);
    Ok(Recount { before, after })
}

/// Compares what the catalog keeps about the content of items, row by row: vectors, semantic ids, and the lists of items
/// that share the first codes of one.
pub(crate) fn vectors(stores: &Stores) -> Result<SpaceCheck> {
    let snapshot = Snapshot::pin(stores)?;
    let found = snapshot.catalog.view().check_sids(snapshot.item_space())?;
    Ok(SpaceCheck { vectors: found.vectors, semantic_ids: found.sids, wrong: found.wrong })
}
