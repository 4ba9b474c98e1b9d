//! Rebuilds all signals from the stored events: to verify the counts, and to count by another configuration of actions.

use std::collections::HashMap;

use crate::api::config::Config;
use crate::base::error::Result;
use crate::base::id::{ItemKey, UserKey};
use crate::base::watch;
use crate::catalog::rows::events::StoredEvent;
use crate::catalog::rows::key_parts::Relation;
use crate::catalog::rows::keys;
use crate::catalog::rows::lmdb_error::storage;
use crate::catalog::rows::popularity::Window;
use crate::catalog::rows::signals::ItemSignals;
use crate::catalog::rows::user_items::UserItem;

use super::transaction::CatalogWrite;

/// Counts of impressions. They are kept as they are, because impressions are deleted after a while.
struct Shown {
    items: HashMap<ItemKey, ItemSignals>,
    pairs: HashMap<(UserKey, ItemKey), UserItem>,
}

impl CatalogWrite<'_> {
    /// Rebuilds all signals. Returns the digests before and after: equal digests mean that every count was right.
    /// IMPORTANT: after the journal is applied.
    pub(crate) fn verify_signals(&mut self, config: &Config) -> Result<(u64, u64)> {
        // Entries that were applied in this transaction are counted already.
        self.flush()?;
        let before = self.view().signals_digest()?;
        self.rebuild_signals(config)?;
        Ok((before, self.view().signals_digest()?))
    }

    /// Rebuilds all signals in order of time, from what is stored of removed events and from the stored events.
    pub(crate) fn rebuild_signals(&mut self, config: &Config) -> Result<()> {
        self.flush()?;
        let mut events = Vec::new();
        for row in self.view().events_by_user()? {
            let (user, event) = row?;
            // A log is long: only what counts is kept in memory.
            events.push((user, StoredEvent { query: None, rank_id: None, ..event }));
        }
        events.sort_unstable_by_key(|(_, event)| (event.time, event.order));
        let shown = self.clear_signals()?;
        for (user, item, removed) in self.view().removed()? {
            *self.pair(user, item)? = removed;
        }
        for (done, (user, event)) in events.iter().enumerate() {
            watch::step("count", done, events.len())?;
            self.count_stored(config, *user, event)?;
        }
        self.restore_shown(shown)?;
        self.flush()
    }

    fn restore_shown(&mut self, shown: Shown) -> Result<()> {
        for (item, was) in shown.items {
            let signals = self.signals_of(item)?;
            (signals.shown, signals.chosen) = (was.shown, was.chosen);
        }
        for ((user, item), was) in shown.pairs {
            watch::check()?;
            let pair = self.pair(user, item)?;
            (pair.shown, pair.last_shown) = (was.shown, was.last_shown);
        }
        Ok(())
    }

    fn clear_signals(&mut self) -> Result<Shown> {
        let items = self.view().all_signals()?.collect::<Result<_>>()?;
        let mut shown = Shown { items, pairs: HashMap::new() };
        for row in self.view().user_items()? {
            let (user, item, pair) = row?;
            shown.pairs.insert((user, item), pair);
        }
        for (user, item) in shown.pairs.keys() {
            watch::check()?;
            self.tables.people.delete(&mut self.txn, &keys::user_item(*user, *item)).map_err(storage)?;
        }
        self.tables.signals.clear(&mut self.txn).map_err(storage)?;
        shown.items.keys().for_each(|item| self.touch(*item));
        self.tables.popular.clear(&mut self.txn).map_err(storage)?;
        self.counters.popular_floor = [f64::NEG_INFINITY; Window::ALL.len()];
        for relation in Relation::COUNTED {
            self.clear_neighbours(relation)?;
        }
        self.clear_segments()?;
        self.set_latest_counted(None)?;
        Ok(shown)
    }
}
