//! Sources that speak of behaviour: what people had next, together, or in one basket.

use crate::base::error::Result;
use crate::base::id::ItemKey;
use crate::base::score::top_k;
use crate::store::snapshot::Snapshot;
use crate::understand::Intent;
use crate::understand::covisits::Scores;

/// The best related items that are in the catalog and that the request admits.
pub(super) fn related(snapshot: &Snapshot, intent: &Intent, scores: &Scores, k: usize) -> Result<Vec<(ItemKey, f32)>> {
    let mut found = Vec::with_capacity(k);
    // Nearly always the best few times as many hold enough that are admitted; sorting them all costs more.
    for most in [k.saturating_mul(3), usize::MAX] {
        found.clear();
        for (item, score) in top_k(scores.iter().collect(), most) {
            // Lists name items by what was logged: an item may be gone, or never have been put.
            if intent.admits(snapshot, item) && snapshot.catalog.head(item)?.is_some() {
                found.push((item, score));
            }
            if found.len() == k {
                return Ok(found);
            }
        }
        if scores.len() <= most {
            break;
        }
    }
    Ok(found)
}
