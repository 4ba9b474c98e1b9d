//! Sources that speak of behaviour: what people had next, together, or in one basket.

use crate::error::Result;
use crate::id::ItemKey;
use crate::intent::Intent;
use crate::relations::Scores;
use crate::score::top_k;
use crate::snapshot::Snapshot;

/// The best related items that are in the catalog and that the request admits.
pub(super) fn related(snapshot: &Snapshot, intent: &Intent, scores: &Scores, k: usize) -> Result<Vec<(ItemKey, f32)>> {
    let mut found = Vec::with_capacity(k);
    for (item, score) in top_k(scores.iter().collect(), usize::MAX) {
        // Lists name items by what was logged: an item may be gone, or never have been put.
        if intent.admits(snapshot, item) && snapshot.catalog.view().head(item)?.is_some() {
            found.push((item, score));
        }
        if found.len() == k {
            break;
        }
    }
    Ok(found)
}
