//! The popular lists: for each window, the items in order of falling popularity.

use crate::base::error::Result;
use crate::base::id::ItemKey;
use crate::catalog::rows::keys;
use crate::catalog::rows::lmdb_error::storage;
use crate::catalog::rows::popularity::{self, Window};
use crate::catalog::rows::signals::ItemSignals;

use super::transaction::CatalogWrite;

/// Items that are left in each popular list when it is pruned.
const KEPT: usize = 4096;

impl CatalogWrite<'_> {
    /// Moves an item in the popular lists. Lists are sorted by steps of log mass, so that most events do not move their
    /// item and write nothing here.
    pub(in crate::catalog) fn relist(
        &mut self,
        item: ItemKey,
        old: Option<&ItemSignals>,
        new: Option<&ItemSignals>,
    ) -> Result<()> {
        for window in Window::ALL {
            let floor = self.counters.popular_floor[window.position()];
            let listed = |signals: Option<&ItemSignals>| {
                let step = signals.map(|signals| popularity::step(signals.mass(window)));
                step.filter(|step| *step >= floor && *step > f64::NEG_INFINITY)
            };
            let (from, to) = (listed(old), listed(new));
            if from == to {
                continue;
            }
            if let Some(from) = from {
                self.tables.popular.delete(&mut self.txn, &keys::popular(window, from, item)).map_err(storage)?;
            }
            if let Some(to) = to {
                self.tables.popular.put(&mut self.txn, &keys::popular(window, to, item), &[]).map_err(storage)?;
            }
        }
        Ok(())
    }

    /// Cuts lists that are too long: nothing reads the far end. Masses only grow, so an item below the floor comes back
    /// when events lift it over the floor.
    pub(super) fn prune_popular(&mut self) -> Result<()> {
        let listed = self.tables.popular.len(&self.txn).map_err(storage)?;
        if listed <= 2 * Window::ALL.len() as u64 * KEPT as u64 {
            return Ok(());
        }
        for window in Window::ALL {
            let Some(floor) = self.view().popular(window)?.nth(KEPT).transpose()?.map(|(_, mass)| mass) else {
                continue;
            };
            // The step of the floor stays whole, so that the floor alone decides which items are listed.
            let first = keys::popular(window, floor.next_down(), ItemKey(0));
            let last = keys::popular(window, f64::NEG_INFINITY, ItemKey(u64::MAX));
            self.tables.popular.delete_range(&mut self.txn, &keys::between(&first, &last)).map_err(storage)?;
            self.counters.popular_floor[window.position()] = floor;
        }
        Ok(())
    }

    /// Rebuilds the lists when one that was cut has become short, because counts were reduced: items below the floor
    /// would not come back.
    pub(in crate::catalog) fn refill_popular(&mut self) -> Result<()> {
        let mut short = false;
        for window in Window::ALL {
            let cut = self.counters.popular_floor[window.position()] > f64::NEG_INFINITY;
            short |= cut && self.view().popular(window)?.take(KEPT / 2).count() < KEPT / 2;
        }
        if !short {
            return Ok(());
        }
        self.tables.popular.clear(&mut self.txn).map_err(storage)?;
        self.counters.popular_floor = [f64::NEG_INFINITY; Window::ALL.len()];
        let all = self.view().all_signals()?.collect::<Result<Vec<_>>>()?;
        for (item, signals) in all {
            if self.view().head(item)?.is_some() {
                self.relist(item, None, Some(&signals))?;
            }
        }
        self.prune_popular()
    }
}
