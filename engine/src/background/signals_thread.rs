//! What the supervising thread looks at from time to time: it puts right what a clock ahead has counted, applies the retention policy and rebuilds what is derived from the whole log.

use std::time::{Duration, Instant};

use super::state::{attempt, unless_closed};
use super::{clock, cooccurrence, fit_space, retention};
use crate::base::error::Result;
use crate::base::id::Seq;
use crate::catalog::CatalogRead;
use crate::store::Stores;
use crate::store::cooccurrence::Cooccurrence;

/// Co-occurrence is rebuilt from this many events on, and again when the log has grown by this factor.
const REBUILD_EVENTS: u64 = 1_000;
const REBUILD_GROWTH: f64 = 1.2;
/// Retention is applied when the log has grown by this factor since the last time, and once a day, because events expire.
const RETENTION_GROWTH: f64 = 1.1;
const RETENTION_INTERVAL: Duration = Duration::from_secs(86_400);

/// What was looked at last, so that a store in which nothing happens is left alone.
#[derive(Default)]
pub(super) struct Looked {
    when: Option<Instant>,
    seen: (Seq, Seq, u64),
    retention: Option<(Instant, u64)>,
}

/// Whether there may be work: something was written since, something failed, or a day is over.
pub(super) fn may_be_due(stores: &Stores, looked: &Looked) -> Result<bool> {
    let Some(when) = looked.when else { return Ok(true) };
    let catalog = stores.catalog.read()?;
    let old_space = || catalog.view().has_space(stores.item_space()?.other_number());
    let changed = seen(&catalog) != looked.seen || stores.background_error.load().is_some();
    Ok(changed || when.elapsed() >= RETENTION_INTERVAL || clock::is_due(stores)? || old_space()?)
}

fn seen(catalog: &CatalogRead) -> (Seq, Seq, u64) {
    let counters = catalog.counters();
    (counters.seq, counters.applied, counters.events)
}

/// Puts times right, applies retention, rebuilds co-occurrence and fits the vector space, whatever of it is due.
pub(super) fn look(stores: &Stores, looked: &mut Looked) {
    if stores.poisoned.load().is_some() {
        return;
    }
    if let Ok(catalog) = stores.catalog.read() {
        (looked.when, looked.seen) = (Some(Instant::now()), seen(&catalog));
    }
    attempt(stores, || clock::repair(stores).map(|_| ()));
    attempt(stores, || apply_retention_if_due(stores, &mut looked.retention));
    attempt(stores, || match rebuild_is_due(stores)? {
        true => unless_closed(cooccurrence::rebuild(stores)),
        false => Ok(()),
    });
    attempt(stores, || unless_closed(follow_space(stores)));
}

/// The pending work on the vector space of items.
fn follow_space(stores: &Stores) -> Result<()> {
    fit_space::fill_sids(stores)?;
    fit_space::fit_if_due(stores)?;
    fit_space::remove_old(stores)
}

/// Applies retention when it is due. `last`: when that was done last, and how many events had been logged by then.
fn apply_retention_if_due(stores: &Stores, last: &mut Option<(Instant, u64)>) -> Result<()> {
    let catalog = stores.catalog.read()?;
    let (counters, view) = (catalog.counters(), catalog.view());
    let due = match *last {
        None => true,
        Some((when, logged)) => {
            when.elapsed() >= RETENTION_INTERVAL
                || counters.events > 0 && view.has_grown(&counters, logged, RETENTION_GROWTH)?
        }
    };
    if !due || !stores.config.retention.is_on() {
        return Ok(());
    }
    let logged = view.events_logged(&counters)?;
    drop(catalog);
    retention::apply(stores, || Ok(()))?;
    *last = Some((Instant::now(), logged));
    Ok(())
}

fn rebuild_is_due(stores: &Stores) -> Result<bool> {
    if stores.catalog.is_scratch() {
        // A replay rebuilds at the same places of the log every time.
        return Ok(false);
    }
    let catalog = stores.catalog.read()?;
    let counters = catalog.counters();
    let built = Cooccurrence::read(catalog.view())?;
    if built.is_some_and(Cooccurrence::is_outdated) {
        return Ok(true);
    }
    let built = built.map_or(0, |built| built.events);
    Ok(counters.events >= REBUILD_EVENTS && catalog.view().has_grown(&counters, built, REBUILD_GROWTH)?)
}
