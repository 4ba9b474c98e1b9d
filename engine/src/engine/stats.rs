//! `stats()`: the state of an engine, in numbers.

use std::fs;
use std::path::Path;

use crate::api::stats::{ProcessStats, Stats};
use crate::base::error::Result;
use crate::base::id::Seq;
use crate::store::Stores;
use crate::store::item_space;

/// Deepest folder that is counted; the engine makes none deeper.
const DEPTH: usize = 4;

/// Collects the numbers. `text_durable` is `None` while the engine closes.
pub(crate) fn stats(stores: &Stores, text_durable: Option<Seq>, process: ProcessStats) -> Result<Stats> {
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
        disk_bytes: bytes_on_disk(&stores.path, DEPTH),
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

/// Allocated bytes of all files below a folder; files that vanish meanwhile count as nothing.
fn bytes_on_disk(dir: &Path, depth: usize) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_dir() && depth > 0 => bytes_on_disk(&entry.path(), depth - 1),
        // `st_blocks` counts units of 512 bytes, whatever the file system's block size.
        Ok(meta) if meta.is_file() => meta.blocks() * 512,
        _ => 0,
    };
    entries.flatten().map(size).sum()
}
