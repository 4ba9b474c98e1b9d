//! `stats()`: the state of an engine, in numbers.

use crate::api::stats::Stats;
use crate::background::compact::bytes_on_disk;
use crate::base::error::Result;
use crate::base::id::Seq;
use crate::store::Stores;
use crate::store::item_space;

/// Collects the numbers. `text_durable` is `None` while the engine closes.
pub(crate) fn stats(stores: &Stores, text_durable: Option<Seq>) -> Result<Stats> {
    let catalog = stores.catalog.read()?;
    let counters = catalog.counters();
    let spaces = stores.spaces.load();
    let vectors = spaces.0.iter().filter_map(|row| stores.vectors.space(&row.name)).map(|space| space.stats());
    Ok(Stats {
        items: counters.items,
        users: counters.users,
        events: counters.events,
        events_removed: catalog.view().events_removed()?,
        seq: counters.seq.0,
        oplog: catalog.view().oplog_len()?,
        disk_bytes: bytes_on_disk(&stores.path),
        text_seq: text_durable.unwrap_or_default().0,
        text_tail: stores.text.view().tail_len() as u64,
        vectors: vectors.collect(),
        model: stores.model().stats(),
        space: item_space::stats(&*stores.item_space()?, catalog.view())?,
        impressions: stores.impressions.stats(counters.impressions),
        poisoned: stores.poisoned.load_full().map(|reason| reason.to_string()),
        background_error: stores.background_error.load_full().map(|reason| reason.to_string()),
        weights_version: if stores.config.weights.is_empty() { stores.weights().version } else { 0 },
        tuning_error: stores.tuning_error.load_full().map(|reason| reason.to_string()),
    })
}
