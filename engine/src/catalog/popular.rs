//! The popular lists: for each window, items in order of falling decayed count.

use crate::base::error::{Error, Result};
use crate::base::id::ItemKey;

use super::keys;
use super::popularity::{self, Window};
use super::read::View;
use super::signals::ItemSignals;
use super::store::storage;
use super::write::CatalogWrite;

/// Items that each popular list keeps when it is pruned.
const KEPT: usize = 4096;

impl CatalogWrite<'_> {
    /// Moves an item in the popular lists. A place is a step of mass, not the mass itself: most events leave their item
    /// where it is, and write nothing here.
    pub(super) fn relist(&mut self, item: ItemKey, old: Option<&ItemSignals>, new: Option<&ItemSignals>) -> Result<()> {
        for window in Window::ALL {
            let floor = self.counters.popular_floor[window.place()];
            let place = |signals: Option<&ItemSignals>| {
                let step = signals.map(|signals| popularity::step(signals.mass(window)));
                step.filter(|step| *step >= floor && *step > f64::NEG_INFINITY)
            };
            let (from, to) = (place(old), place(new));
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

    /// Keeps the lists short: an item far down will never be asked for, and masses only grow, so what falls under the
    /// floor once is looked at again only when events lift it over.
    pub(super) fn prune_popular(&mut self) -> Result<()> {
        let listed = self.tables.popular.len(&self.txn).map_err(storage)?;
        if listed <= 2 * Window::ALL.len() as u64 * KEPT as u64 {
            return Ok(());
        }
        for window in Window::ALL {
            let Some(floor) = self.view().popular(window)?.nth(KEPT).transpose()?.map(|(_, mass)| mass) else {
                continue;
            };
            // Steps below the floor's go; the floor's own stays whole, so that the floor says who is listed.
            let first = keys::popular(window, floor.next_down(), ItemKey(0));
            let last = keys::popular(window, f64::NEG_INFINITY, ItemKey(u64::MAX));
            self.tables.popular.delete_range(&mut self.txn, &keys::between(&first, &last)).map_err(storage)?;
            self.counters.popular_floor[window.place()] = floor;
        }
        Ok(())
    }
}

impl CatalogWrite<'_> {
    /// Lists every item anew when a list that was cut has run short, because what is counted became less: what is under
    /// a floor is in no list, and would not come back.
    pub(super) fn refill_popular(&mut self) -> Result<()> {
        let mut short = false;
        for window in Window::ALL {
            let cut = self.counters.popular_floor[window.place()] > f64::NEG_INFINITY;
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

impl View<'_> {
    /// The most popular items in order of falling popularity, with the step of their log mass.
    pub(crate) fn popular(&self, window: Window) -> Result<impl Iterator<Item = Result<(ItemKey, f64)>> + use<'_>> {
        let prefix = [window.number()];
        let rows = self.tables.popular.prefix_iter(self.txn, &prefix).map_err(storage)?;
        Ok(rows.map(|row| {
            let (key, _) = row.map_err(storage)?;
            let parts = keys::last_item(key).zip(keys::popular_mass(key));
            parts.ok_or_else(|| Error::damaged("popular list", "a short key"))
        }))
    }
}
