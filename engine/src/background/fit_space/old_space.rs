//! Deleting the space that was current before the last flip.

use std::sync::Arc;
use std::time::Duration;

use crate::base::error::Result;
use crate::catalog::SpaceNumber;
use crate::store::Stores;
use crate::store::item_space::{ItemSpace, ItemSpaces};

/// Rows of a space that are deleted in one transaction.
const ROWS: usize = 10_000;
/// How often requests that still read the space are looked for.
const WAIT: Duration = Duration::from_millis(10);

/// Deletes the rows of the space before the last flip once no request reads it, and rows that a crash left.
pub(crate) fn remove_old(stores: &Stores) -> Result<()> {
    let Ok(_no_fit_meanwhile) = stores.fitting.try_lock() else { return Ok(()) };
    let spaces = stores.item_spaces()?;
    let number = spaces.current.other_number();
    if spaces.all.iter().any(|space| space.number == number && Arc::strong_count(space) > 1) {
        // The next step tries again.
        return Ok(());
    }
    drop(spaces);
    release(stores, number)?;
    delete_rows(stores, number)
}

/// Releases the old space of a number, and waits for the requests that still read it. A reader that has pinned a commit and
/// no longer finds its space pins a newer commit.
pub(super) fn release(stores: &Stores, number: SpaceNumber) -> Result<()> {
    let spaces = stores.item_spaces()?;
    let kept = spaces.all.iter().filter(|space| space.number != number).cloned().collect();
    let old: Vec<Arc<ItemSpace>> = spaces.all.iter().filter(|space| space.number == number).cloned().collect();
    stores.item_spaces.store(Some(Arc::new(ItemSpaces { current: spaces.current.clone(), all: kept })));
    drop(spaces);
    while old.iter().any(|space| Arc::strong_count(space) > 1) {
        stores.check_open()?;
        std::thread::sleep(WAIT);
    }
    Ok(())
}

/// Deletes all rows of a number that is not current, in steps.
pub(super) fn delete_rows(stores: &Stores, number: SpaceNumber) -> Result<()> {
    while stores.catalog.read()?.view().has_space(number)? {
        stores.check_open()?;
        let mut write = stores.catalog.write()?;
        write.clear_space(number, ROWS)?;
        write.commit_bookkeeping()?;
    }
    Ok(())
}
