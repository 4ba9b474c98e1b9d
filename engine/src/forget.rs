//! Removing the events that the configuration does not keep, in steps.

use crate::error::Result;
use crate::stores::Stores;
use crate::time::Timestamp;

/// Events that one transaction removes. Each step counts signals anew, so many small ones would cost more than a large one.
const STEP: usize = 100_000;

/// Removes the oldest events beyond what is kept, one step of them; 0 when there are none left. Writers wait as long as
/// for a recount of what is kept, and get their turn between two steps. A step is one transaction: after a kill at any
/// moment the signals are those of the events that are there.
pub(crate) fn forget_step(stores: &Stores) -> Result<u64> {
    let retention = &stores.config.retention;
    if !retention.is_on() {
        return Ok(0);
    }
    let beyond = stores.catalog.read()?.view().beyond(retention, Timestamp::now(), STEP)?;
    if beyond.is_empty() {
        return Ok(0);
    }
    let mut write = stores.catalog.write()?;
    while write.apply_journal(&stores.config, usize::MAX)? {}
    let applied = write.applied();
    let removed = write.remove_events(&stores.config, &beyond)?;
    write.commit_bookkeeping()?;
    stores.events.settle(applied);
    Ok(removed)
}
