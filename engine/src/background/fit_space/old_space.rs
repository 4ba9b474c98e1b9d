//! Letting go of the space before the last flip.

use std::sync::Arc;
use std::time::Duration;

use crate::base::error::Result;
use crate::catalog::SpaceNumber;
use crate::store::Stores;
use crate::store::item_space::{ItemSpace, ItemSpaces};

/// Rows of a space that are deleted in one transaction.
const ROWS: usize = 10_000;
/// How often it is looked whether a request is done.
const WAIT: Duration = Duration::from_millis(10);

/// Deletes the rows of the space before the last flip when no request reads it any more, and those that a crash left.
pub(crate) fn forget_old(stores: &Stores) -> Result<()> {
    let Ok(_nobody_fits) = stores.fitting.try_lock() else { return Ok(()) };
    let spaces = stores.item_spaces()?;
    let number = spaces.live.other_number();
    if spaces.all.iter().any(|space| space.number == number && Arc::strong_count(space) > 1) {
        // Another time.
        return Ok(());
    }
    drop(spaces);
    forget(stores, number)?;
    sweep(stores, number)
}

/// Lets go of the old space under a number, and waits for the requests that still read it. A reader that has pinned a
/// commit and comes too late for its space pins a newer one.
pub(super) fn forget(stores: &Stores, number: SpaceNumber) -> Result<()> {
    let spaces = stores.item_spaces()?;
    let kept = spaces.all.iter().filter(|space| space.number != number).cloned().collect();
    let old: Vec<Arc<ItemSpace>> = spaces.all.iter().filter(|space| space.number == number).cloned().collect();
    stores.item_spaces.store(Some(Arc::new(ItemSpaces { live: spaces.live.clone(), all: kept })));
    drop(spaces);
    while old.iter().any(|space| Arc::strong_count(space) > 1) {
        stores.check_open()?;
        std::thread::sleep(WAIT);
    }
    Ok(())
}

/// Deletes all rows of a number that is not live, a portion after the other.
pub(super) fn sweep(stores: &Stores, number: SpaceNumber) -> Result<()> {
    while stores.catalog.read()?.view().has_space(number)? {
        stores.check_open()?;
        let mut write = stores.catalog.write()?;
        write.clear_space(number, ROWS)?;
        write.commit_bookkeeping()?;
    }
    Ok(())
}
