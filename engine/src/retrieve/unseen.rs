//! New items that were shown least: what exploration draws from.

use crate::base::error::Result;
use crate::base::id::ItemKey;
use crate::base::random::{race, unit_hash};
use crate::store::snapshot::Snapshot;
use crate::understand::Intent;

use super::lists::few_allowed;

/// Newest items that are looked at.
const NEWEST: usize = 500;
/// Items that are looked at besides, drawn from all: one that is old and was never shown is in no list.
const DRAWN: u64 = 128;

/// New items that the request admits, with how often they were shown, negative. They are drawn for each request anew, the
/// likelier the less they were shown.
pub(super) fn unseen(snapshot: &Snapshot, intent: &Intent, k: usize) -> Result<Vec<(ItemKey, f32)>> {
    let moment = intent.now.millis() as u64;
    let mut keys = looked_at(snapshot, intent, moment)?;
    keys.sort_unstable();
    keys.dedup();
    let mut found = Vec::new();
    for key in keys {
        let available = snapshot.catalog.head(key)?.is_some_and(|head| head.available <= intent.now);
        if available
            && intent.admits(snapshot, key)
            && let Some(shown) = intent.shown_if_new(snapshot, key)?
        {
            found.push((key, shown, race(unit_hash([moment, key.0, 0]), 1.0 / (1.0 + shown))));
        }
    }
    found.sort_unstable_by(|a, b| a.2.total_cmp(&b.2));
    Ok(found.into_iter().take(k).map(|(key, shown, _)| (key, -shown as f32)).collect())
}

fn looked_at(snapshot: &Snapshot, intent: &Intent, moment: u64) -> Result<Vec<ItemKey>> {
    if let Some(keys) = few_allowed(intent) {
        return Ok(keys.collect());
    }
    let view = snapshot.catalog.view();
    let newest = view.fresh(intent.now)?.take(NEWEST);
    let mut keys = newest.map(|row| row.map(|(key, _)| key)).collect::<Result<Vec<_>>>()?;
    let all = snapshot.catalog.counters().next_item as f64;
    keys.extend((0..DRAWN).map(|n| ItemKey((unit_hash([moment, n, 1]) * all) as u64)));
    Ok(keys)
}
