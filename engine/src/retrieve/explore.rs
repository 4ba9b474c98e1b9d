//! New items that were shown least: what exploration draws from.

use super::found::Found;
use super::lists::few_allowed;
use crate::base::error::Result;
use crate::base::id::ItemKey;
use crate::base::random::{race, unit_hash};
use crate::understand::RequestCx;

/// Newest items that are looked at.
const NEWEST: usize = 500;
/// Items that are looked at besides, drawn from all: one that is old and was never shown is in no list.
const DRAWN: u64 = 128;

/// New items that the request admits, with how often they were shown, negative. They are drawn again for each request, the
/// likelier the less they were shown.
pub(super) fn unseen(cx: RequestCx, k: usize) -> Result<Vec<Found>> {
    let moment = cx.understood.now.millis() as u64;
    let mut keys = looked_at(cx, moment)?;
    keys.sort_unstable();
    keys.dedup();
    let mut found = Vec::new();
    for key in keys {
        let available = cx.snapshot.catalog.head(key)?.is_some_and(|head| head.available <= cx.understood.now);
        if available
            && cx.admits(key)
            && let Some(shown) = cx.understood.shown_if_new(cx.snapshot, key)?
        {
            found.push((key, shown, race(unit_hash([moment, key.0, 0]), 1.0 / (1.0 + shown))));
        }
    }
    found.sort_unstable_by(|a, b| a.2.total_cmp(&b.2));
    Ok(vec![found.into_iter().take(k).map(|(key, shown, _)| (key, -shown as f32)).collect()])
}

fn looked_at(cx: RequestCx, moment: u64) -> Result<Vec<ItemKey>> {
    if let Some(keys) = few_allowed(cx.understood) {
        return Ok(keys.collect());
    }
    let view = cx.snapshot.catalog.view();
    let newest = view.fresh(cx.understood.now)?.take(NEWEST);
    let mut keys = newest.map(|row| row.map(|(key, _)| key)).collect::<Result<Vec<_>>>()?;
    let all = cx.snapshot.catalog.counters().next_item as f64;
    keys.extend((0..DRAWN).map(|n| ItemKey((unit_hash([moment, n, 1]) * all) as u64)));
    Ok(keys)
}
