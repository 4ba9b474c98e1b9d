//! Counting every signal anew from the stored events: the check of what is kept event by event, and the way to another
//! configuration of actions.

use std::collections::HashMap;

use xxhash_rust::xxh3::Xxh3;

use crate::api::config::Config;
use crate::base::error::Result;
use crate::base::id::{ItemKey, UserKey};

use super::covisits::Relation;
use super::events::{StoredEvent, UserItem};
use super::popularity::Window;
use super::read::View;
use super::signals::ItemSignals;
use super::store::storage;
use super::write::CatalogWrite;
use super::{codec, keys};

/// What impressions left, which are not kept for ever: taken over as it is.
struct Shown {
    items: HashMap<ItemKey, ItemSignals>,
    pairs: HashMap<(UserKey, ItemKey), UserItem>,
}

impl CatalogWrite<'_> {
    /// Counts all signals anew, in the order of logging. Answers the digests of the signals before and after: equal
    /// digests mean that every count was right. IMPORTANT: the journal is applied before.
    pub(crate) fn recount(&mut self, config: &Config) -> Result<(u64, u64)> {
        // What was applied in this transaction is counted already.
        self.settle()?;
        let before = self.view().signals_digest()?;
        self.count_anew(config)?;
        Ok((before, self.view().signals_digest()?))
    }

    /// Counts all signals anew, from what users had of items by removed events, and from the events that there are.
    pub(crate) fn count_anew(&mut self, config: &Config) -> Result<()> {
        self.settle()?;
        let mut events = Vec::new();
        for row in self.view().events_by_user()? {
            let (user, event) = row?;
            // A log is long: nothing is held that is not counted by.
            events.push((user, StoredEvent { query: None, rank_id: None, ..event }));
        }
        events.sort_unstable_by_key(|(_, event)| event.order);
        let shown = self.clear_signals()?;
        for (user, item, had) in self.view().removed()? {
            *self.pair(user, item)? = had;
        }
        for (user, event) in &events {
            self.count_event(config, *user, event)?;
        }
        for (item, was) in shown.items {
            let signals = self.signals_of(item)?;
            (signals.shown, signals.chosen) = (was.shown, was.chosen);
        }
        for ((user, item), was) in shown.pairs {
            let pair = self.pair(user, item)?;
            (pair.shown, pair.last_shown) = (was.shown, was.last_shown);
        }
        self.settle()
    }

    fn clear_signals(&mut self) -> Result<Shown> {
        let items = self.view().all_signals()?.collect::<Result<_>>()?;
        let mut shown = Shown { items, pairs: HashMap::new() };
        for row in self.view().user_items()? {
            let (user, item, pair) = row?;
            shown.pairs.insert((user, item), pair);
        }
        for (user, item) in shown.pairs.keys() {
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
        Ok(shown)
    }
}

impl<'t> View<'t> {
    /// What every user did with every item, in order of key.
    fn user_items(&self) -> Result<impl Iterator<Item = Result<(UserKey, ItemKey, UserItem)>> + use<'t>> {
        let rows = self.tables.people.iter(self.txn).map_err(storage)?;
        Ok(rows.filter_map(|row| match row.map_err(storage) {
            Ok((key, value)) => {
                let (user, item) = keys::user_item_parts(key)?;
                Some(codec::decode("user and item", value).map(|pair| (user, item, pair)))
            }
            Err(error) => Some(Err(error)),
        }))
    }

    /// A hash of all signals: of items, of pairs of user and item, of co-visits and of segments. Two stores with the same events,
    /// logged in the same order, have the same.
    pub(crate) fn signals_digest(&self) -> Result<u64> {
        let mut hash = Xxh3::new();
        for row in self.tables.signals.iter(self.txn).map_err(storage)? {
            let (key, value) = row.map_err(storage)?;
            hash.update(key);
            hash.update(value);
        }
        for relation in Relation::COUNTED {
            let first = keys::neighbours(relation, ItemKey(0));
            let last = keys::neighbours(relation, ItemKey(u64::MAX));
            for row in self.tables.neighbours.range(self.txn, &keys::between(&first, &last)).map_err(storage)? {
                let (key, value) = row.map_err(storage)?;
                hash.update(key);
                hash.update(value);
            }
        }
        self.digest_segments(&mut hash)?;
        for row in self.user_items()? {
            let (user, item, pair) = row?;
            hash.update(&keys::user_item(user, item));
            hash.update(&codec::encode(&pair)?);
        }
        Ok(hash.digest())
    }
}
