//! Deleting events and merging users, in steps of one transaction each.

use crate::api::stored_events::EventFilter;
use crate::base::error::{Error, Result};
use crate::base::random::hex_id;
use crate::catalog::{CatalogRead, LogEdit, SignalRebuild};
use crate::store::cooccurrence::Cooccurrence;
use crate::store::{Stores, event_log, lock};

use super::cooccurrence;

/// Events that one transaction deletes. Writers wait about as long as logging those events took; each step counts the rest
/// again.
const STEP: usize = 500_000;

/// Deletes the events that match, with all that was counted of them, and returns how many. `drain` runs before the first
/// step: what was logged by then is deleted.
///
/// # Errors
/// [`Error::Closed`] when the engine closes meanwhile; otherwise the catalog's errors. Finished steps stay.
pub(crate) fn delete(stores: &Stores, filter: &EventFilter, drain: impl FnOnce() -> Result<()>) -> Result<u64> {
    let _alone = lock(&stores.forgetting);
    drain()?;
    let mut deleted = 0;
    let step = |catalog: &CatalogRead| match event_log::resolve(catalog.view(), filter)? {
        None => Ok(LogEdit::default()),
        Some(matched) => LogEdit::delete(catalog.view(), &matched, &stores.config, STEP, || stores.check_open()),
    };
    while let Some(edit) = apply(stores, step)? {
        deleted += edit.deleted();
        if edit.deleted() < STEP as u64 {
            break;
        }
    }
    refresh_cooccurrence(stores)?;
    Ok(deleted)
}

/// Plans a change and applies it: one transaction, after which the signals match the stored events. `None` when nothing
/// changes.
///
/// As with retention, the signals of what is left are counted beside the store while the journal grows; the transaction
/// takes over what differs.
pub(super) fn apply(stores: &Stores, plan: impl Fn(&CatalogRead) -> Result<LogEdit>) -> Result<Option<LogEdit>> {
    let config = &stores.config;
    let _held = stores.events.hold();
    let catalog = stores.catalog.read()?;
    let edit = plan(&catalog)?;
    if edit.is_empty() {
        return Ok(None);
    }
    let folder = stores.path.join("scratch").join(hex_id());
    let place = |key: &[u8]| edit.place(key);
    let rebuild = SignalRebuild::run(folder, (&catalog, &place), config, || stores.check_open())?;
    drop(catalog);
    let mut write = stores.catalog.write()?;
    if let Some(reason) = stores.poisoned.load_full() {
        return Err(Error::Poisoned { reason: reason.to_string() });
    }
    write.apply_edit(config, &edit, &rebuild)?;
    if let Some(built) = Cooccurrence::read(write.view())? {
        built.outdated().write(&mut write)?;
    }
    let applied = write.applied();
    write.commit_bookkeeping()?;
    stores.events.settle(applied);
    Ok(Some(edit))
}

/// Rebuilds the co-occurrence lists that still count events which are gone. After a crash the background does.
pub(super) fn refresh_cooccurrence(stores: &Stores) -> Result<()> {
    let built = Cooccurrence::read(stores.catalog.read()?.view())?;
    if built.is_some_and(Cooccurrence::is_outdated) { cooccurrence::rebuild(stores) } else { Ok(()) }
}
