//! Removing the events that the configuration does not keep, in steps.

use crate::base::error::Result;
use crate::base::random::hex_id;
use crate::base::time::Timestamp;
use crate::catalog::{SignalRebuild, without};
use crate::store::{Stores, lock_watched};

/// Events that one transaction removes. Writers wait about as long as logging those events took.
const STEP: usize = 100_000;

/// Removes the events beyond what is kept, and returns how many. Callers take turns: two at a time would each undo what the
/// other counted. `drain` runs before the first step.
///
/// # Errors
/// [`crate::Error::Closed`] when the engine closes meanwhile; those of a call that is stopped; otherwise the catalog's errors. Finished steps stay.
pub(crate) fn apply(stores: &Stores, drain: impl FnOnce() -> Result<()>) -> Result<u64> {
    if !stores.config.retention.is_on() {
        return Ok(0);
    }
    let _alone = lock_watched(&stores.forgetting)?;
    drain()?;
    let mut removed = 0;
    loop {
        match step(stores)? {
            0 => return Ok(removed),
            more => removed += more,
        }
        stores.check_open()?;
    }
}

/// Removes the oldest events beyond what is kept, one step of them; 0 when there are none left. A step is one transaction:
/// after a crash at any moment the signals match the stored events.
///
/// The remaining events are recounted in a rebuild beside the store while the journal grows; the transaction removes events
/// and takes over what differs. When the journal was applied meanwhile, as by a bulk import, the transaction recounts
/// itself, and writers wait.
fn step(stores: &Stores) -> Result<u64> {
    let (retention, config) = (&stores.config.retention, &stores.config);
    let _held = stores.events.hold();
    let catalog = stores.catalog.read()?;
    let expired = catalog.view().expired_events(retention, Timestamp::now(), STEP)?;
    if expired.is_empty() {
        return Ok(0);
    }
    let folder = stores.path.join("scratch").join(hex_id());
    let stays = without(&expired);
    let rebuild = SignalRebuild::run(folder, (&catalog, &stays), config, || stores.check_open())?;
    drop(catalog);
    let mut write = stores.catalog.write()?;
    let is_current = write.is_current(&rebuild)?;
    let removed = write.remove_events(config, &expired)?;
    if is_current {
        write.adopt(&rebuild)?;
    } else {
        while write.apply_journal(config, usize::MAX)? {}
        write.rebuild_signals(config)?;
    }
    let applied = write.applied();
    write.commit_bookkeeping()?;
    stores.events.settle(applied);
    Ok(removed)
}
