//! `stats()`: the state of an engine, in numbers.

use crate::api::stats::{DiskStats, ProcessStats, Stats, VectorStats};
use crate::background::compact::bytes_on_disk;
use crate::background::{backup, compact};
use crate::base::error::Result;
use crate::base::id::Seq;
use crate::store::Stores;
use crate::store::item_space;

/// Collects the numbers. `text_durable` is `None` while the engine closes.
pub(crate) fn stats(stores: &Stores, text_durable: Option<Seq>, queued: usize, process: ProcessStats) -> Result<Stats> {
    let catalog = stores.catalog.read()?;
    let counters = catalog.counters();
    let spaces = stores.spaces.load();
    let vectors = spaces.0.iter().filter_map(|row| stores.vectors.space(&row.name)).map(|space| {
        let lag = stores.progress.committed().0.saturating_sub(space.applied().0);
        VectorStats { lag, ..space.stats() }
    });
    Ok(Stats {
        items: counters.items,
        users: counters.users,
        events: counters.events,
        events_removed: catalog.view().events_removed()?,
        seq: counters.seq.0,
        oplog: catalog.view().oplog_len()?,
        disk_bytes: bytes_on_disk(&stores.path),
        disk: disk(stores)?,
        queue: queued as u64,
        journal: stores.events.waiting() as u64,
        readers: stores.catalog.readers(),
        last_backup: catalog.view().meta(backup::LAST)?,
        last_compact: catalog.view().meta(compact::LAST)?,
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
        process,
    })
}

fn disk(stores: &Stores) -> Result<DiskStats> {
    let of = |name: &str| bytes_on_disk(&stores.path.join(name));
    let (catalog, in_use) = stores.catalog.sizes()?;
    Ok(DiskStats {
        catalog,
        catalog_free: catalog.saturating_sub(in_use),
        text: of("text"),
        vector: of("vector"),
        models: of("models") + of("adapters"),
        scratch: of("scratch"),
        quarantine: of("quarantine"),
    })
}
