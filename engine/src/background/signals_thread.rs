//! The thread that applies the retention policy and rebuilds what is derived from the whole log.

use std::time::{Duration, Instant};

use super::state::{State, attempt, unless_closed};
use super::{clock, cooccurrence, fit_space, retention};
use crate::base::error::Result;
use crate::store::Stores;
use crate::store::cooccurrence::Cooccurrence;

/// Co-occurrence is rebuilt from this many events on, and again when the log has grown by this factor.
const REBUILD_EVENTS: u64 = 1_000;
const REBUILD_GROWTH: f64 = 1.2;
/// How often the thread checks whether there is work: events do not wake it.
const LOOK: Duration = Duration::from_secs(5);
/// Retention is applied when the log has grown by this factor since the last time, and once a day, because events expire.
const RETENTION_GROWTH: f64 = 1.1;
const RETENTION_INTERVAL: Duration = Duration::from_secs(86_400);

/// Applies retention, rebuilds co-occurrence and fits the vector space whenever that is due, until the engine closes.
pub(super) fn signals_thread(stores: &Stores, _: &State) {
    let mut last_retention = None;
    attempt(stores, || clock::repair(stores).map(|_| ()));
    while !stores.progress.is_closing() {
        stores.progress.wait(LOOK, || false);
        if stores.progress.is_closing() || stores.poisoned.load().is_some() {
            continue;
        }
        attempt(stores, || clock::repair(stores).map(|_| ()));
        attempt(stores, || apply_retention_if_due(stores, &mut last_retention));
        attempt(stores, || match rebuild_is_due(stores)? {
            true => unless_closed(cooccurrence::rebuild(stores)),
            false => Ok(()),
        });
        attempt(stores, || unless_closed(follow_space(stores)));
    }
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
